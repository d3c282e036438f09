// Where the database's URL is read: from --db-url, a file, a pipe or standard input, or a variable of either.
import { stoppedError } from '../cleanup/deadline.js';
import { type DatabaseTarget, databaseUrl } from '../engines/index.js';
import { readText, readTextFile } from '../text-file.js';
import { orAborted } from '../waiting.js';
import { findGiven, type Given, type Inputs } from './given.js';
import { SETTINGS } from './settings.js';

export interface UrlSource {
  readonly target: DatabaseTarget;
  /** Something to fix that is no reason to fail. */
  readonly warning: string | undefined;
}

const LONGEST_URL_BYTES = 65_536;

/** Undefined where there are problems. @throws CleanupError where it is stopped meanwhile */
export async function readUrl(inputs: Inputs, stop: AbortSignal, problems: string[]): Promise<UrlSource | undefined> {
  const source = await orAborted(readTarget(inputs, stop, problems), stop);
  if (!stop.aborted) return source;
  throw stoppedError(stop, 'reading the URL', true, 'Whatever writes to the --db-url-file pipe must close it.');
}

async function readTarget(inputs: Inputs, stop: AbortSignal, problems: string[]): Promise<UrlSource | undefined> {
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
    fromFile === undefined
      ? url && { ...url, warning: undefined }
      : await readUrlFile(fromFile, inputs, stop, problems);
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
  stop: AbortSignal,
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
        ? { text: await readText(stdin(), stop, LONGEST_URL_BYTES), mode: 0 }
        : await readTextFile(path, stop, LONGEST_URL_BYTES);
    const warning =
      (mode & 0o004) === 0 ? undefined : `every user may read the file of ${source}: chmod o-r takes that away`;
    const raw = text.trim();
    if (raw !== '' && !/[\r\n]/.test(raw)) return { raw, source: `the URL in ${file}`, warning };
    problems.push(raw === '' ? `${file} is empty` : `${file} must hold one line, the URL`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EFBIG' ? 'too large' : code;
    problems.push(`${source} names a file that cannot be read (${why}): check the path and its permissions`);
  }
  return undefined;
}
