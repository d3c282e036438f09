// Where the database's URL is read: from --db-url, a file, a pipe or standard input, or a variable of either.
import { resolve } from 'node:path';
import { stoppedError } from '../cleanup/deadline.js';
import { type DatabaseTarget, databaseUrl } from '../engines/index.js';
import { readText, readTextFile } from '../text-file.js';
import { orAborted } from '../waiting.js';
import { findGiven, type Given, type Inputs } from './given.js';
import { SETTINGS } from './settings.js';
import { CONTROLS } from './values.js';

export interface UrlSource {
  readonly target: DatabaseTarget;
  /** Something to fix that is no reason to fail. */
  readonly warning: string | undefined;
}

const LONGEST_URL_BYTES = 65_536;

/** Undefined where there are problems. @throws CleanupError where it is stopped meanwhile */
export async function readUrl(inputs: Inputs, problems: string[]): Promise<UrlSource | undefined> {
  const { stop } = inputs;
  const source = await orAborted(readTarget(inputs, problems), stop);
  if (!stop.aborted) return source;
  throw stoppedError(stop, 'reading the URL', true, 'Whatever writes to the --db-url-file pipe must close it.');
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
  inputs: Inputs,
  problems: string[],
): Promise<Contents | undefined> {
  const parsed = SETTINGS.dbUrlFile.parse(path);
  if ('problem' in parsed) {
    problems.push(`${source} ${parsed.problem}`);
    return undefined;
  }
  const file = path === '-' ? 'standard input' : `the file of ${source}`;
  try {
    const { text, mode } =
      path === '-'
        ? { text: await readStdin(inputs), mode: 0 }
        : await readTextFile(path, inputs.stop, LONGEST_URL_BYTES);
    const warning =
      (mode & 0o004) === 0 ? undefined : `every user may read the file of ${source}: chmod o-r takes that away`;
    const raw = text.trim();
    if (raw !== '' && !/[\r\n]/.test(raw)) return { raw, source: `the URL in ${file}`, warning };
    problems.push(raw === '' ? `${file} is empty` : `${file} must hold one line, the URL`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    problems.push(`${source} names ${fullPath(path, inputs)}, which cannot be read: ${REASONS[code] ?? code}`);
  }
  return undefined;
}

function readStdin({ stdin, prompt, stop }: Inputs): Promise<string> {
  const stream = stdin();
  if (stream.isTTY === true) prompt('Reading the database URL from standard input. Type it, and end with Ctrl-D.');
  return readText(stream, stop, LONGEST_URL_BYTES);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
  EFBIG: 'it is too large for a URL',
};

/** For the message about a file; not shown where it looks like a URL, which may hold a password. */
function fullPath(path: string, { cwd }: Inputs): string {
  if (path.includes('://') || path.includes('@') || CONTROLS.test(path)) return 'a file';
  try {
    return resolve(cwd(), path);
  } catch {
    // The working directory is gone.
    return path;
  }
}
