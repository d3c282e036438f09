// Who takes part: this command, and what people use today. A peer that is not installed is left out.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BIN } from '../support/command.js';
import { type Arena, literal } from './arena.js';
import type { Command } from './measure.js';

const DJANGO_SCRIPT = fileURLToPath(new URL('../../../test/bench/clearsessions.py', import.meta.url));
const KNEX_STORE_SCRIPT = fileURLToPath(new URL('../../../test/bench/connect-session-knex.mjs', import.meta.url));
const CLIENTS = { sqlite: ['sqlite3'], mysql: ['mariadb', 'mysql'], postgresql: ['psql'] } as const;
/** Debian's own Python is where its python3-django is. */
const PYTHON = '/usr/bin/python3';
const DRIVERS = { sqlite: 'sqlite3', mysql: 'MySQLdb', postgresql: 'psycopg2' } as const;

/** As the results and the page name them; undefined where an engine has none. */
export const CONTENDERS = {
  'nobody at work': () => ({ file: 'sleep', args: ['3'] }),
  'node -e 0': () => node('-e', '0'),
  'session-cleanup --help': () => node(BIN, '--help'),
  run: (arena) => run(arena),
  // More rows than there are in a batch: all of them in one.
  'run, one transaction': (arena) => run(arena, '--batch-size', '1000000000'),
  // What the documentation advises for a backlog, but for its pauses.
  'run --batch-size 5000': (arena) => run(arena, '--batch-size', '5000'),
  'run --batch-size 1000': (arena) => run(arena, '--batch-size', '1000'),
  // What it advises where others use the SQLite file meanwhile.
  'run --batch-size 500 --pause 50ms': (arena) =>
    arena.family === 'sqlite' ? run(arena, '--batch-size', '500', '--pause', '50ms') : undefined,
  'one DELETE': (arena) => client(arena, [`DELETE FROM ${arena.layout.table} WHERE ${expired(arena)}`]),
  'DELETEs of 5000': (arena) => client(arena, deletesOf(arena, 5_000)),
  'pt-archiver --limit 5000': (arena) => ptArchiver(arena, 5_000),
  'pt-archiver --limit 1000': (arena) => ptArchiver(arena, 1_000),
  'Django clearsessions': ({ family, url }) =>
    djangoVersion(family) === undefined ? undefined : { file: PYTHON, args: [DJANGO_SCRIPT, url] },
  // One round of the clean-up that the store makes on a timer.
  'connect-session-knex': ({ url }) => node(KNEX_STORE_SCRIPT, url),
} as const satisfies Readonly<Record<string, (arena: Arena) => Command | undefined>>;

export type Contender = keyof typeof CONTENDERS;

/** The peers of an engine in the versions that were found. */
export function peersOn(family: Arena['family']): string {
  const [client] = CLIENTS[family];
  const peers = [
    [client, versionOf(client, '--version')],
    ['Django', djangoVersion(family)],
    ...(family === 'mysql' ? [['pt-archiver', versionOf('pt-archiver', '--version')]] : []),
  ];
  return peers.map(([name, version = 'is missing']) => `${name} ${version}`).join(', ');
}

function node(...args: readonly string[]): Command {
  return { file: process.execPath, args };
}

function run({ layout: { table, expiry }, url }: Arena, ...flags: readonly string[]): Command {
  return node(
    ...[BIN, 'run', '--db-url', url, '--timeout', '0', '--table', table, '--expires-column', expiry, ...flags],
  );
}

function expired({ layout }: Arena): string {
  return `${layout.expiry} <= ${literal(layout, new Date())}`;
}

/** As people write them: so many rows each, as often as it takes. */
function deletesOf(arena: Arena, rows: number): readonly string[] {
  const { table } = arena.layout;
  const row = { sqlite: 'rowid', postgresql: 'ctid', mysql: undefined }[arena.family];
  const some = `${expired(arena)} LIMIT ${rows}`;
  const where = row === undefined ? some : `${row} IN (SELECT ${row} FROM ${table} WHERE ${some})`;
  const times = Math.ceil((arena.rows - arena.live) / rows) + 1;
  return Array<string>(times).fill(`DELETE FROM ${table} WHERE ${where}`);
}

/** The engine's own; each statement is a transaction. */
function client({ family, url }: Arena, statements: readonly string[]): Command | undefined {
  const file = CLIENTS[family].find((each) => versionOf(each, '--version') !== undefined);
  if (file === undefined) return undefined;
  const sql = statements.join(';');
  if (family === 'sqlite') return { file, args: ['-cmd', '.timeout 60000', url.slice('sqlite:'.length), sql] };
  if (family === 'postgresql') {
    const commands = statements.map((each) => `--command=${each}`);
    return { file, args: ['--no-psqlrc', '--quiet', ...commands, url], env: { PGTZ: 'UTC' } };
  }
  const { host, port, user, password, database } = loginOf(url);
  const args = [`--host=${host}`, `--port=${port}`, `--user=${user}`, `--execute=${sql}`, database];
  return { file, args, env: { MYSQL_PWD: password } };
}

/** It commits after every so many rows. */
function ptArchiver(arena: Arena, rows: number): Command | undefined {
  if (arena.family !== 'mysql' || versionOf('pt-archiver', '--version') === undefined) return undefined;
  const { host, port, user, password, database } = loginOf(arena.url);
  const login = `h=${host},P=${port},u=${user}${password === '' ? '' : `,p=${password}`}`;
  const source = ['--source', `${login},D=${database},t=${arena.layout.table}`, '--where', expired(arena)];
  const how = ['--purge', '--bulk-delete', '--limit', String(rows), '--commit-each', '--no-check-charset'];
  return { file: 'pt-archiver', args: [...source, ...how] };
}

function loginOf(url: string) {
  const { hostname: host, port, username, password, pathname } = new URL(url);
  return {
    host,
    port: port || '3306',
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
  };
}

function djangoVersion(family: Arena['family']): string | undefined {
  return versionOf(PYTHON, '-c', `import django, ${DRIVERS[family]}; print(django.__version__)`);
}

const versions = new Map<string, string | undefined>();

/** The first that it prints; undefined where it is not installed. */
function versionOf(file: string, ...args: readonly string[]): string | undefined {
  const key = [file, ...args].join(' ');
  if (!versions.has(key)) {
    const { status, stdout } = spawnSync(file, args, { encoding: 'utf8' });
    versions.set(key, status === 0 ? (/\d+\.\d+\.\d+/.exec(stdout) ?? /\d+\.\d+/.exec(stdout))?.[0] : undefined);
  }
  return versions.get(key);
}
