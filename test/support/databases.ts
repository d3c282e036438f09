// Real databases to test against: a SQLite file, and a database on each server that the runner has named.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knexModule, { type Knex } from 'knex';
import { connectionTo } from './postgres-servers.js';
import { urlsNamedBy } from './servers.js';

export interface Database {
  readonly engine: 'sqlite' | 'mariadb' | 'mysql' | 'postgresql';
  /** For `--db-url`. */
  readonly url: string;
  /** Another connection to it, for the test's own statements; up to 10 at once on a server. */
  readonly knex: Knex;
  /** Rows of a query. */
  query(sql: string, bindings?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** Sends a statement that returns no rows. */
  run(sql: string, bindings?: readonly unknown[]): Promise<void>;
  /** Closes the connections and removes the database. */
  drop(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  readonly family: 'sqlite' | 'mysql' | 'postgresql';
  /** A new, empty database. */
  create(): Promise<Database>;
}

const SERVER = 'a server: run the tests with npm test';

/** Every engine test loops over these. */
export const engines: readonly Engine[] = [
  { name: 'sqlite', family: 'sqlite', create: createSqlite },
  ...urlsIn('SESSION_CLEANUP_TEST_MYSQL_URLS', 1, SERVER).map(engineAt),
  ...urlsIn('SESSION_CLEANUP_TEST_POSTGRES_URLS', 1, SERVER).map(engineAt),
];

/** Those that are reached over a connection: of a file, nothing can be cut, frozen or logged into. */
export const servers: readonly Engine[] = engines.filter(({ family }) => family !== 'sqlite');

/** A server that is none of those, such as a node of a cluster. */
export function engineAt(url: string): Engine {
  const { host, protocol } = new URL(url);
  return protocol.startsWith('postgres')
    ? { name: `server ${host}`, family: 'postgresql', create: () => createOnPostgresql(url) }
    : { name: `server ${host}`, family: 'mysql', create: () => createOnMysql(url) };
}

/** The URLs in a variable that the suite cannot do without; `what` they are of completes the error. */
export function urlsIn(variable: string, count: number, what: string): readonly string[] {
  const urls = urlsNamedBy(variable);
  if (urls.length < count) throw new Error(`${variable} has to name ${what}`);
  return urls;
}

/** As the line shows it: without its credentials, and by the longer name of PostgreSQL. */
export function shownUrl({ url }: Pick<Database, 'url'>): string {
  return url.replace(/\/\/.*@/, '//').replace(/^postgres:/, 'postgresql:');
}

let created = 0;

function newName(): string {
  return `session_cleanup_test_${process.pid}_${created++}`;
}

async function createSqlite(): Promise<Database> {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  const database = await openSqlite(join(folder, 'test.db'));
  const drop = async (): Promise<void> => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...database, drop };
}

/** Its file, which is created where it is missing, stays after `drop`. */
export async function openSqlite(path: string): Promise<Database> {
  const knex = knexModule.default({
    client: 'sqlite3',
    useNullAsDefault: true,
    connection: { filename: path },
    pool: { min: 0, max: 1 },
  });
  await knex.raw('PRAGMA busy_timeout = 10000');
  const rows = async (sql: string, bindings: readonly unknown[] = []) => knex.raw(sql, bindings as Knex.RawBinding[]);
  return {
    engine: 'sqlite',
    url: `sqlite:${path}`,
    knex,
    query: rows,
    run: async (...of) => void (await rows(...of)),
    drop: () => knex.destroy(),
  };
}

async function createOnMysql(serverUrl: string): Promise<Database> {
  const { hostname, port, username, password } = new URL(serverUrl);
  const name = newName();
  const connection = {
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    dateStrings: true,
    timezone: 'Z',
  };
  const server = knexModule.default({ client: 'mysql2', connection, pool: { min: 0, max: 1 } });
  await server.raw('CREATE DATABASE ??', [name]);
  const knex = knexModule.default({
    client: 'mysql2',
    connection: { ...connection, database: name },
    pool: { min: 0, max: 10 },
  });
  const query: Database['query'] = async (sql, bindings = []) => {
    const [rows] = await knex.raw(sql, bindings as Knex.RawBinding[]);
    return rows;
  };
  const [row] = await query('SELECT VERSION() AS version');
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    engine: /mariadb/i.test(String(row?.version)) ? 'mariadb' : 'mysql',
    url: url.href,
    knex,
    query,
    run: async (sql, bindings) => void (await query(sql, bindings)),
    async drop() {
      await knex.destroy();
      await server.raw('DROP DATABASE ??', [name]);
      await server.destroy();
    },
  };
}

async function createOnPostgresql(serverUrl: string): Promise<Database> {
  const connection = connectionTo(serverUrl);
  const name = newName();
  const server = knexModule.default({ client: 'pg', connection, pool: { min: 0, max: 1 } });
  await server.raw('CREATE DATABASE ??', [name]);
  const knex = knexModule.default({
    client: 'pg',
    connection: { ...connection, database: name },
    pool: { min: 0, max: 10 },
  });
  const query: Database['query'] = async (sql, bindings = []) => {
    const { rows } = await knex.raw(sql, bindings as Knex.RawBinding[]);
    return rows;
  };
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  // What the tests call a time without a zone; a column of a domain is one of its type.
  await knex.raw('CREATE DOMAIN datetime AS timestamp');
  return {
    engine: 'postgresql',
    url: url.href,
    knex,
    query,
    run: async (sql, bindings) => void (await query(sql, bindings)),
    async drop() {
      await knex.destroy();
      // Else they keep it; DROP DATABASE waits for them to be gone. Its own FORCE is there since version 13.
      await server.raw('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ?', [name]);
      await server.raw('DROP DATABASE ??', [name]);
      await server.destroy();
    },
  };
}
