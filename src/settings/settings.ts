// The one table of settings: flag, variable, parser, default, help. Everything that lists settings reads it.
import { databaseUrl, replicaUrls } from '../engines/index.js';
import { FORMATS } from '../expiry/format.js';
import type { Parser } from '../parsing.js';
import { storeNames } from '../stores.js';
import {
  choice,
  condition,
  correlationId,
  count,
  duration,
  flag,
  identifier,
  knownName,
  path,
  rowLimit,
  timeZone,
} from './values.js';

/** The parts of the help, in its order. */
export const GROUPS = ['Database', 'Which rows', 'How it runs', 'What it says'] as const;

export interface Setting<T> {
  /** As commander wants it, such as `-n, --dry-run` or `--timeout <duration>`. */
  readonly flags: string;
  readonly group: (typeof GROUPS)[number];
  /** Environment variables, the first that is set counts. */
  readonly variables: readonly string[];
  readonly parse: Parser<T>;
  /** As the user would write it; absent where there is none. */
  readonly default?: string;
  readonly help: string;
  /** For the documentation, in Markdown: what the help has no room for. */
  readonly detail?: string;
  /** All values it takes, where they can be counted. */
  readonly choices?: readonly string[];
  /** Makes no sense where nothing is deleted. */
  readonly runOnly?: boolean;
}

type Rest<T> = Omit<Setting<T>, 'flags' | 'parse' | 'variables'> & { readonly variables?: readonly string[] };

function setting<T, R extends Rest<T>>(
  flags: string,
  parse: Parser<T>,
  rest: R,
): Setting<T> & Pick<R, 'default' & keyof R> {
  const name = flagName(flags).slice(2).toUpperCase().replaceAll('-', '_');
  return { flags, parse, ...rest, variables: [`SESSION_CLEANUP_${name}`, ...(rest.variables ?? [])] };
}

function choiceOf<V extends string, R extends Omit<Rest<V>, 'choices'>>(
  flags: string,
  choices: readonly V[],
  rest: R & { readonly default?: V },
): Setting<V> & Pick<R, 'default' & keyof R> {
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
    group: 'Database',
    variables: ['DATABASE_URL'],
    help: 'the database, such as sqlite:path, mysql://user@host/database or postgresql://…',
    detail: '`ps` shows it to every user of the host: put a password into a file or a variable',
  }),
  dbUrlFile: setting('--db-url-file <path>', path, {
    group: 'Database',
    variables: ['DATABASE_URL_FILE'],
    help: 'file or pipe that holds the URL; - reads standard input',
    detail: 'not together with `--db-url`',
  }),
  store: setting('--store <name>', knownName('store', storeNames, 'session-cleanup stores lists them all'), {
    choices: storeNames,
    group: 'Which rows',
    help: 'preset for a known session store: table, column, format and lifetime; session-cleanup stores lists them',
    detail: 'a flag or variable beats each of them',
  }),
  table: setting('--table <name>', identifier, {
    group: 'Which rows',
    default: 'sessions',
    help: 'table to clean; schema.table where the database has schemas',
    detail: 'written as the database has it, capitals included, and without quotes: they are added for you',
  }),
  expiresColumn: setting('--expires-column <name>', identifier, {
    group: 'Which rows',
    default: 'expires_at',
    help: 'column that holds the expiry, or the last activity',
  }),
  expiresFormat: choiceOf('--expires-format <format>', ['auto', ...FORMATS], {
    group: 'Which rows',
    default: 'auto',
    help: 'how the column stores a time: auto, datetime, unix (seconds), unix-ms or julian',
  }),
  timeZone: setting('--time-zone <zone>', timeZone, {
    group: 'Which rows',
    default: 'UTC',
    help: 'time zone in which a time without a zone was written',
    detail: '`UTC`, a name such as `Europe/Berlin`, or an offset such as `+02:00`',
  }),
  olderThan: setting('--older-than <duration>', duration({}), {
    group: 'Which rows',
    default: '0',
    help: 'grace period after the expiry; with a last activity: how long a session lives',
    detail:
      'the cutoff is now minus this. An explicit `0` says that a column with the name of a last activity does hold the end',
  }),
  lifetimeColumn: setting('--lifetime-column <name>', identifier, {
    group: 'Which rows',
    help: 'second column, which holds the lifetime of each session in seconds',
    detail:
      'it is added to `--expires-column` row by row; NULL, 0 and negative mean never. `--older-than` is then a grace period',
  }),
  where: setting('--where <condition>', condition, {
    group: 'Which rows',
    help: 'SQL condition that a row must also meet to be deleted, such as "type = 0"',
    detail:
      'it can only keep more rows. A semicolon, comment, placeholder, variable or parenthesis without its partner is a usage error',
  }),
  maxDelete: setting('--max-delete <rows or %>', rowLimit, {
    group: 'Which rows',
    help: 'refuse to delete more rows than this, or a greater share of the table, such as 5000 or 10%',
    detail:
      'a run is refused with status 3, before anything is deleted; `check` counts it as a problem, a dry run warns of it',
  }),
  dryRun: setting('-n, --dry-run', flag, {
    group: 'How it runs',
    help: 'count what a run would delete, and delete nothing',
    detail: 'with the very same condition',
    runOnly: true,
  }),
  timeout: setting('--timeout <duration>', duration({ max: LONGEST_TIMEOUT_MS }), {
    group: 'How it runs',
    default: '30s',
    help: 'time for the whole run, such as 30, 30s or 5m; 0 is no limit',
    detail: 'connecting is included. The longest is 24 days',
  }),
  batchSize: setting('--batch-size <rows>', count({ min: 1 }), {
    group: 'How it runs',
    help: 'commit after at most this many rows, instead of after a tenth of a second (SQLite: a second)',
    detail: 'or after looking at ten times as many',
    runOnly: true,
  }),
  pause: setting('--pause <duration>', duration({ max: LONGEST_TIMEOUT_MS }), {
    group: 'How it runs',
    default: '0',
    help: 'wait between batches',
    detail: 'only with `--batch-size`',
    runOnly: true,
  }),
  maxLag: setting('--max-lag <duration>', duration(), {
    group: 'How it runs',
    help: 'wait between batches while a replica is further behind: those of --replica, or those that a PostgreSQL primary sees',
    detail:
      'or while a Galera node holds writers back. Only with `--batch-size`; where there is nothing to watch, the line has a `warning`',
    runOnly: true,
  }),
  replica: setting('--replica <url>', replicaUrls, {
    group: 'How it runs',
    help: 'replica to watch; may be given more than once',
    detail: 'in the variable: several with spaces between',
    runOnly: true,
  }),
  logFormat: choiceOf('--log-format <format>', ['auto', 'json', 'text'], {
    group: 'What it says',
    default: 'auto',
    help: 'auto (text at a terminal, JSON otherwise), json or text',
  }),
  json: setting('--json', flag, { group: 'What it says', help: 'the same as --log-format json' }),
  logLevel: choiceOf('--log-level <level>', ['error', 'warn', 'info', 'debug'], {
    group: 'What it says',
    default: 'info',
    help: 'show this level and above: error, warn, info or debug',
    detail: '`debug` adds what the driver says and a line for each commit, on stderr',
  }),
  quiet: setting('-q, --quiet', flag, { group: 'What it says', help: 'print nothing on success' }),
  correlationId: setting('--correlation-id <id>', correlationId, {
    group: 'What it says',
    help: 'ID in every line and in the SQL; a new UUID v4 unless given',
    detail: '1 to 128 of `A-Z a-z 0-9 . _ : -`',
  }),
  metricsFile: setting('--metrics-file <path>', path, {
    group: 'What it says',
    help: 'file to write the result to for Prometheus (textfile collector)',
    runOnly: true,
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES = Object.freeze(Object.keys(SETTINGS) as SettingName[]);

/** The parsed value of each setting; only one without a default may be undefined. */
export type Settings = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T>
    ? (typeof SETTINGS)[Name] extends { readonly default: string }
      ? T
      : T | undefined
    : never;
};

export const DEFAULTS = Object.freeze(
  Object.fromEntries(
    SETTING_NAMES.map((name) => {
      const setting: Setting<unknown> = SETTINGS[name];
      const parsed = setting.default === undefined ? undefined : setting.parse(setting.default);
      return [name, parsed !== undefined && 'value' in parsed ? parsed.value : undefined];
    }),
  ) as Settings,
);
