// Flags, environment and defaults become one frozen Config, or every problem of them at once.
import fs from 'node:fs';
import { type DatabaseTarget, databaseUrl, type MysqlTarget } from '../engines/database-url.js';
import { CleanupError } from '../errors.js';
import { type Preset, presetOf } from '../stores.js';
import { within } from '../waiting.js';
import { flagName, SETTINGS, type Setting, type SettingName, type Settings } from './settings.js';

type Required<Name extends SettingName> = NonNullable<Settings[Name]>;

export interface Config {
  readonly target: DatabaseTarget;
  /** Budget in milliseconds; 0 is none. */
  readonly timeoutMs: number;
  /** MySQL only. */
  readonly schema: string | undefined;
  readonly table: string;
  readonly expiresColumn: string;
  readonly expiresFormat: Required<'expiresFormat'>;
  readonly timeZone: string;
  readonly olderThanMs: number;
  /** The store writes its times as texts without a zone, whatever the zone of its connection is. */
  readonly writesLiterals: boolean;
  readonly dryRun: boolean;
  /** Undefined: one transaction. */
  readonly batchSize: number | undefined;
  readonly pauseMs: number;
  /** Undefined: replicas are not waited for. */
  readonly maxLagMs: number | undefined;
  readonly replicas: readonly MysqlTarget[];
  readonly metricsFile: string | undefined;
  /** Something to mend that is no reason to fail. */
  readonly warning: string | undefined;
}

/** What the line needs, whatever else is wrong. */
export interface Logging {
  /** Undefined unless given and valid. */
  readonly correlationId: string | undefined;
  readonly format: Required<'logFormat'>;
  readonly level: Required<'logLevel'>;
  readonly quiet: boolean;
}

type Stream = AsyncIterable<string | Uint8Array>;

export interface Inputs {
  /** Whose help a usage error recommends. */
  readonly command: string | undefined;
  /** What commander read: texts, or true for a flag without a value. */
  readonly flags: Readonly<Partial<Record<SettingName, string | boolean>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asked for where it is read: opening it takes Node milliseconds. */
  stdin(): Stream;
}

interface Given {
  readonly raw: string;
  /** The flag or the variable it came from, for messages. */
  readonly source: string;
  /** 0 is the flag, 1 the tool's own variable, 2 a variable shared with others. Lower beats higher. */
  readonly rank: number;
}

const LONGEST_URL_BYTES = 65_536;

/** Resolves to `config`, or to the usage error that names every problem. Never echoes a value. */
export async function resolveConfig(inputs: Inputs): Promise<{ logging: Logging; config: Config | CleanupError }> {
  const problems: string[] = [];
  const given = parseGiven(inputs, problems);
  const timeoutMs = given.timeout ?? DEFAULTS.timeout;
  const reading = readTarget(inputs, problems).then((url) => ({ url }));
  // A pipe may never end.
  const read = timeoutMs ? await within(reading, timeoutMs, new AbortController().signal) : await reading;
  const url = read?.url;
  const preset = url && readPreset(url.target, given, problems);
  const settings = { ...DEFAULTS, ...(preset && presetValues(preset)), ...given };
  const logging = Object.freeze({
    correlationId: settings.correlationId,
    format: settings.logFormat ?? 'auto',
    level: settings.logLevel ?? 'info',
    quiet: settings.quiet ?? false,
  });
  if (read === undefined) return { logging, config: unreadError(Number(timeoutMs)) };
  checkBatches(settings, url?.target.dialect, problems);
  const names = url && readNames(url.target, settings, problems);
  const {
    timeout,
    expiresColumn,
    expiresFormat,
    timeZone,
    olderThan,
    dryRun = false,
    batchSize,
    pause = 0,
    maxLag,
    replica = [],
    metricsFile,
  } = settings;
  if (
    problems.length > 0 ||
    url === undefined ||
    names === undefined ||
    timeout === undefined ||
    expiresColumn === undefined ||
    expiresFormat === undefined ||
    timeZone === undefined ||
    olderThan === undefined
  ) {
    return { logging, config: usageError(problems, inputs.command) };
  }
  const config = {
    ...url,
    ...names,
    timeoutMs: timeout,
    expiresColumn,
    expiresFormat,
    timeZone,
    olderThanMs: olderThan,
    writesLiterals: preset?.writes === 'literal',
    dryRun,
    batchSize,
    pauseMs: pause,
    maxLagMs: maxLag,
    replicas: replica,
    metricsFile,
  };
  return { logging, config: Object.freeze(config) };
}

/** @param command undefined where none was given, or none that there is */
export function usageError(problems: readonly string[], command: string | undefined): CleanupError {
  const hint = `Try: ${['session-cleanup', command, '--help'].filter(Boolean).join(' ')}`;
  return new CleanupError('usage', problems.join('; '), { code: 'USAGE', hint });
}

function unreadError(timeoutMs: number): CleanupError {
  return new CleanupError('timed_out', `the timeout of ${timeoutMs / 1000} s was used up while reading the URL`, {
    code: 'TIMEOUT',
    hint: 'Check that what --db-url-file names comes to an end.',
  });
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

const DEFAULTS = Object.fromEntries(
  NAMES.flatMap((name) => {
    const setting: Setting<unknown> = SETTINGS[name];
    const parsed = setting.default === undefined ? undefined : setting.parse(setting.default);
    return parsed !== undefined && 'value' in parsed ? [[name, parsed.value]] : [];
  }),
) as Partial<Settings>;

/** Every setting that is given but the two of the database, which `readTarget` weighs against each other. */
function parseGiven(inputs: Inputs, problems: string[]): Partial<Settings> {
  const entries = NAMES.flatMap((name) => {
    const given = name === 'dbUrl' || name === 'dbUrlFile' ? undefined : findGiven(inputs, name);
    if (given === undefined) return [];
    const parsed = SETTINGS[name].parse(given.raw);
    if ('value' in parsed) return [[name, parsed.value]];
    problems.push(`${given.source} ${parsed.problem}`);
    return [];
  });
  return Object.fromEntries(entries) as Partial<Settings>;
}

/** What `--store` stands for. */
function readPreset(target: DatabaseTarget, given: Partial<Settings>, problems: string[]): Preset | undefined {
  const { store, olderThan, timeZone } = given;
  if (store === undefined) return undefined;
  const preset = presetOf(store, target.dialect);
  if (preset === undefined) {
    problems.push(
      `--store ${store} does not run on ${target.dialect === 'mysql' ? 'MySQL' : 'SQLite'}: check --db-url`,
    );
  }
  if (preset?.lifetimeMs === 'required' && olderThan === undefined) {
    problems.push(`--store ${store} keeps the last activity: say with --older-than how long a session lives`);
  }
  if (preset?.writes === 'local' && timeZone === undefined) {
    problems.push(`--store ${store} writes in the time zone of the application: name it with --time-zone`);
  }
  return preset;
}

function presetValues({ table, expiresColumn, expiresFormat, lifetimeMs }: Preset): Partial<Settings> {
  return { table, expiresColumn, expiresFormat, ...(typeof lifetimeMs === 'number' ? { olderThan: lifetimeMs } : {}) };
}

function checkBatches(
  { batchSize, pause, maxLag, replica }: Partial<Settings>,
  dialect: DatabaseTarget['dialect'] | undefined,
  problems: string[],
): void {
  if (batchSize === undefined && pause) problems.push('--pause works between batches: give --batch-size too');
  if (dialect === 'sqlite' && (maxLag !== undefined || replica !== undefined)) {
    problems.push('--max-lag and --replica are for MySQL and MariaDB: SQLite has no replicas');
    return;
  }
  if (batchSize === undefined && maxLag !== undefined) {
    problems.push('--max-lag works between batches: give --batch-size too');
  }
  if (replica !== undefined && maxLag === undefined)
    problems.push('--replica is watched only with --max-lag: give it too');
}

function findGiven({ flags, env }: Inputs, name: SettingName): Given | undefined {
  const setting = SETTINGS[name];
  const flag = flags[name];
  if (flag !== undefined) return { raw: String(flag), source: flagName(setting.flags), rank: 0 };
  const at = setting.variables.findIndex((variable) => env[variable] !== undefined && env[variable] !== '');
  const source = setting.variables[at];
  return source === undefined ? undefined : { raw: env[source] ?? '', source, rank: at + 1 };
}

async function readTarget(
  inputs: Inputs,
  problems: string[],
): Promise<{ target: DatabaseTarget; warning: string | undefined } | undefined> {
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

function readNames(
  target: DatabaseTarget,
  { table }: Partial<Settings>,
  problems: string[],
): Pick<Config, 'schema' | 'table'> | undefined {
  if (table === undefined) return undefined;
  if (target.dialect === 'sqlite') return { schema: undefined, table };
  const [first = '', ...rest] = table.split('.');
  if (rest.length > 1 || first === '' || rest[0] === '') {
    problems.push('--table must be a table, or schema.table');
    return undefined;
  }
  if (rest[0] === undefined && target.database === undefined) {
    problems.push('--db-url names no database: end it with /database, or give --table as schema.table');
    return undefined;
  }
  return rest[0] === undefined ? { schema: undefined, table: first } : { schema: first, table: rest[0] };
}
