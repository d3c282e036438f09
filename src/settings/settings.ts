// The one table of settings: flag, variable, parser, default, help. Everything that lists settings reads it.
import { databaseUrl, serverUrls } from '../engines/database-url.js';
import { storeNames } from '../stores.js';
import { choice, correlationId, count, duration, flag, identifier, type Parser, path, timeZone } from './values.js';

export interface Setting<T> {
  /** As commander wants it, such as `-n, --dry-run` or `--timeout <duration>`. */
  readonly flags: string;
  /** Environment variables, the first that is set counts. */
  readonly variables: readonly string[];
  readonly parse: Parser<T>;
  /** As the user would write it; absent where there is none. */
  readonly default?: string;
  readonly help: string;
  /** All values it takes, where they can be counted. */
  readonly choices?: readonly string[];
  /** Makes no sense where nothing is deleted. */
  readonly runOnly?: boolean;
}

function setting<T>(
  flags: string,
  parse: Parser<T>,
  rest: Omit<Setting<T>, 'flags' | 'parse' | 'variables'> & { readonly variables?: readonly string[] },
): Setting<T> {
  const name = flagName(flags).slice(2).toUpperCase().replaceAll('-', '_');
  return { flags, parse, ...rest, variables: [`SESSION_CLEANUP_${name}`, ...(rest.variables ?? [])] };
}

function choiceOf<V extends string>(
  flags: string,
  choices: readonly V[],
  rest: { readonly default?: NoInfer<V>; readonly help: string },
): Setting<V> {
  return setting(flags, choice(...choices), { ...rest, choices });
}

/** `--dry-run` of `-n, --dry-run`. */
export function flagName(flags: string): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}

const DAY_MS = 86_400_000;
// The longest that a Node timer takes is 2^31 - 1 ms.
const LONGEST_TIMEOUT_MS = 24 * DAY_MS;

export const SETTINGS = {
  dbUrl: setting('--db-url <url>', databaseUrl, {
    variables: ['DATABASE_URL'],
    help: 'database: sqlite:path, mysql://user@host/database, mariadb://…',
  }),
  dbUrlFile: setting('--db-url-file <path>', path, {
    variables: ['DATABASE_URL_FILE'],
    help: 'file that holds the URL; - is standard input',
  }),
  timeout: setting('--timeout <duration>', duration({ max: LONGEST_TIMEOUT_MS }), {
    default: '30s',
    help: 'budget for the whole run, such as 30, 30s or 5m; 0 is none',
  }),
  correlationId: setting('--correlation-id <id>', correlationId, {
    help: 'ID in every line and in the SQL; a new UUID v4 unless given',
  }),
  store: choiceOf('--store <name>', storeNames, {
    help: `preset of table, column, format and lifetime of a session store: ${storeNames.join(', ')}`,
  }),
  table: setting('--table <name>', identifier, {
    default: 'sessions',
    help: 'table of the sessions; schema.table on MySQL',
  }),
  expiresColumn: setting('--expires-column <name>', identifier, {
    default: 'expires_at',
    help: 'column that holds the expiry',
  }),
  expiresFormat: choiceOf('--expires-format <format>', ['auto', 'datetime', 'unix', 'unix-ms', 'julian'], {
    default: 'auto',
    help: 'auto, datetime, unix (seconds), unix-ms or julian',
  }),
  timeZone: setting('--time-zone <zone>', timeZone, {
    default: 'UTC',
    help: 'zone in which a DATETIME or zone-less text was written',
  }),
  olderThan: setting('--older-than <duration>', duration({}), {
    default: '0',
    help: 'cutoff is now minus this: a grace period, or the lifetime of a last activity',
  }),
  dryRun: setting('-n, --dry-run', flag, { help: 'count with the same condition, delete nothing', runOnly: true }),
  batchSize: setting('--batch-size <rows>', count({ min: 1 }), {
    help: 'commit after at most so many rows instead of once at the end',
    runOnly: true,
  }),
  pause: setting('--pause <duration>', duration({ max: LONGEST_TIMEOUT_MS }), {
    default: '0',
    help: 'wait between batches',
    runOnly: true,
  }),
  maxLag: setting('--max-lag <duration>', duration(), {
    help: 'between batches, wait while a --replica is further behind, or on a Galera node while writers are held back',
    runOnly: true,
  }),
  replica: setting('--replica <url>', serverUrls, {
    help: 'replica to watch; may be given more than once',
    runOnly: true,
  }),
  metricsFile: setting('--metrics-file <path>', path, {
    help: 'write the result for Prometheus (textfile collector)',
    runOnly: true,
  }),
  logFormat: choiceOf('--log-format <format>', ['auto', 'json', 'text'], {
    default: 'auto',
    help: 'auto (text at a terminal, JSON otherwise), json or text',
  }),
  logLevel: choiceOf('--log-level <level>', ['error', 'warn', 'info', 'debug'], {
    default: 'info',
    help: 'error, warn, info or debug',
  }),
  quiet: setting('-q, --quiet', flag, { help: 'print nothing on success' }),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** The parsed value of each setting. */
export type Settings = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T | undefined : never;
};
