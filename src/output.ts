// An output of the process that never holds it up: what a reader does not take is queued, and can be left behind.
import { constants, fstatSync, openSync, write } from 'node:fs';
import { Writable } from 'node:stream';
import type { OutputStream } from './world.js';

const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
const TRY_AGAIN_MS = 20;

/** Standard output or standard error. */
export interface Descriptor {
  readonly fd: number;
  readonly isTTY: boolean;
  /** Node's own stream, which takes it milliseconds to make. */
  stream(): OutputStream;
}

/**
 * Node writes to a terminal synchronously: one that takes nothing any more (Ctrl-S, a stalled ssh) would stop its only
 * thread, timers and signals included. And O_NONBLOCK on an inherited terminal or pipe would be set for everybody who
 * shares it. So both are opened anew, for this process alone.
 */
export function openOutput({ fd, isTTY, stream: nodeStream }: Descriptor): OutputStream {
  const stats = fstatSync(fd);
  const own = isTTY || stats.isFIFO() ? openAnew(fd) : fd;
  // Of a socket, and of a pipe that belongs to another user, Node makes a stream that does not block either.
  if (stats.isSocket() || (own === undefined && stats.isFIFO())) return nodeStream();
  const stream = new Writable({
    highWaterMark: 1_024,
    write: (bytes: Buffer, _encoding, done) => writeAll(own ?? fd, bytes, done),
  });
  return Object.defineProperties(stream, {
    isTTY: { value: isTTY },
    columns: { get: () => (isTTY ? nodeStream().columns : undefined) },
  }) as OutputStream;
}

function openAnew(fd: number): number | undefined {
  try {
    return openSync(`/dev/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

/** In a thread: a file may be on a disk that stalls. */
function writeAll(fd: number, bytes: Buffer, done: (error?: Error | null) => void): void {
  write(fd, bytes, (error, written) => {
    if (error?.code === 'EAGAIN') setTimeout(writeAll, TRY_AGAIN_MS, fd, bytes, done);
    else if (error !== null || written === bytes.length) done(error);
    else writeAll(fd, bytes.subarray(written), done);
  });
}
