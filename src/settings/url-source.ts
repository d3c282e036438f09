// Where the database's URL is read: from --db-url, a file, a pipe or standard input, or a variable of either.
import fs from 'node:fs';
import { type DatabaseTarget, databaseUrl } from '../engines/index.js';
import { CleanupError } from '../errors.js';
import { within } from '../waiting.js';
import { findGiven, type Given, type Inputs } from './given.js';
import { SETTINGS } from './settings.js';

type Stream = ReturnType<Inputs['stdin']>;

export interface UrlSource {
  readonly target: DatabaseTarget;
  /** Something to fix that is no reason to fail. */
  readonly warning: string | undefined;
}

const LONGEST_URL_BYTES = 65_536;

/** Undefined where there are problems. @throws CleanupError `timed_out` */
export async function readUrl(inputs: Inputs, timeoutMs: number, problems: string[]): Promise<UrlSource | undefined> {
  const reading = readTarget(inputs, problems).then((source) => ({ source }));
  // A pipe may never end.
  const read = timeoutMs ? await within(reading, timeoutMs, new AbortController().signal) : await reading;
  if (read !== undefined) return read.source;
  throw new CleanupError('timed_out', `timed out after ${timeoutMs / 1000} s while reading the URL`, {
    code: 'TIMEOUT',
    hint: 'Whatever writes to the --db-url-file pipe must close it.',
  });
}

async function readTarget(inputs: Inputs, problems: string[]): Promise<UrlSource | undefined> {
  const url = findGiven(inputs, 'dbUrl');
  const file = findGiven(inputs, 'dbUrlFile');
  if (url === undefined && file === undefined) {
    problems.push('--db-url is missing: give the flag, --db-url-file, or set SESSION_CLEANUP_DB_URL or DATABASE_URL');
    return undefined;
  }
  if (url !== undefined && file !== undefined && url.rank === file.rank) {
    problems.push(`${url.source} and ${file.source} are both given: keep one of them`);
    return undefined;
  }
  const fromFile = file !== undefined && (url === undefined || file.rank < url.rank) ? file : undefined;
  const given: Contents | undefined =
    fromFile === undefined ? url && { ...url, warning: undefined } : await readUrlFile(fromFile, inputs, problems);
  if (given === undefined) return undefined;
  const parsed = databaseUrl(given.raw);
  if ('problem' in parsed) {
    problems.push(`${given.source} ${parsed.problem}`);
    return undefined;
  }
  return { target: parsed.value, warning: given.warning };
}

/** A URL, and what to call it in messages. */
interface Contents extends Pick<Given, 'raw' | 'source'> {
  readonly warning: string | undefined;
}

async function readUrlFile(
  { raw: path, source }: Given,
  { stdin }: Inputs,
  problems: string[],
): Promise<Contents | undefined> {
  const parsed = SETTINGS.dbUrlFile.parse(path);
  if ('problem' in parsed) {
    problems.push(`${source} ${parsed.problem}`);
    return undefined;
  }
  const read = async (stream: Stream, file: string, warning?: string): Promise<Contents | undefined> => {
    const raw = (await readText(stream)).trim();
    if (raw !== '' && !/[\r\n]/.test(raw)) return { raw, source: `the URL in ${file}`, warning };
    problems.push(raw === '' ? `${file} is empty` : `${file} must hold one line, the URL`);
    return undefined;
  };
  try {
    if (path === '-') return await read(stdin(), 'standard input');
    const stats = await fs.promises.stat(path);
    const stream = stats.isFIFO() ? await openPipe(path) : fs.createReadStream(path);
    const warning =
      (stats.mode & 0o004) === 0 ? undefined : `every user may read the file of ${source}: chmod o-r takes that away`;
    return await read(stream, `the file of ${source}`, warning);
  } catch (error) {
    const { code = 'too large' } = error as NodeJS.ErrnoException;
    problems.push(`${source} names a file that cannot be read (${code}): check the path and its permissions`);
    return undefined;
  }
}

/** Node reads a file in a thread: while that waits for a writer, the process cannot even exit. */
async function openPipe(path: string): Promise<Stream> {
  const { Socket } = await import('node:net');
  const { O_RDONLY, O_NONBLOCK } = fs.constants;
  return new Socket({ fd: fs.openSync(path, O_RDONLY | O_NONBLOCK), writable: false });
}

async function readText(stream: Stream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > LONGEST_URL_BYTES) throw new Error('too large');
  }
  return Buffer.concat(chunks).toString('utf8');
}
