// A small file or pipe that is named by the user. It may have no writer, no end, or a disk that does not answer: what
// waits here can be left behind. Imports nothing of ours.
import { constants, createReadStream, fstatSync, open } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { promisify } from 'node:util';

const { O_RDONLY, O_NONBLOCK } = constants;
const MOST_BYTES = 1_048_576;

/** Rejects with Node's error, or with code `EFBIG`; with an AbortError when `stop` aborts, unless a disk stalls. */
export async function readTextFile(
  path: string,
  stop: AbortSignal,
  mostBytes = MOST_BYTES,
): Promise<{ readonly text: string; readonly mode: number }> {
  // In a thread, which waits for no writer: one that does would keep the process from its exit.
  const fd = await promisify(open)(path, O_RDONLY | O_NONBLOCK);
  const stats = fstatSync(fd);
  const stream = stats.isFIFO() ? await readPipe(fd) : createReadStream('', { fd, end: mostBytes });
  return { text: await readText(stream, stop, mostBytes), mode: stats.mode };
}

/** All of it. Rejects as `readTextFile` does. */
export async function readText(stream: Readable, stop: AbortSignal, mostBytes = MOST_BYTES): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of addAbortSignal(stop, stream)) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > mostBytes) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readPipe(fd: number): Promise<Readable> {
  const { Socket } = await import('node:net');
  return new Socket({ fd, writable: false });
}
