// Real databases to test against: a SQLite file, and a database on each server that the runner has named.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knexModule, { type Knex } from 'knex';
import { connectionTo } from './postgres-servers.js';
import { urlsNamedBy } from './servers.js';

export interface Database {
  readonly engine: 'sqlite' | 'mariadb' | 'mysql';
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
  readonly family: 'sqlite' | 'mysql';
  /** A new, empty database. */
  create(): Promise<Database>;
}

/** As the others, which it joins once the command serves PostgreSQL. */
export interface PostgresqlDatabase extends Omit<Database, 'engine'> {
  readonly engine: 'postgresql';
}

export interface PostgresqlEngine extends Omit<Engine, 'family' | 'create'> {
  readonly family: 'postgresql';
  create(): Promise<PostgresqlDatabase>;
}

const SERVER = 'a server: run the tests with npm test';

/** Every engine test loops over these. */
export const engines: readonly Engine[] = [
  { name: 'sqlite', family: 'sqlite', create: createSqlite },
  ...urlsIn('SESSION_CLEANUP_TEST_MYSQL_URLS', 1, SERVER).map(engineAt),
];

export function postgresqlEngines(): readonly PostgresqlEngine[] {
  return urlsIn('SESSION_CLEANUP_TEST_POSTGRES_URLS', 1, SERVER).map(postgresqlEngineAt);
}

/** A server that is none of those, such as a node of a cluster. */
export function engineAt(url: string): Engine {
  const { host } = new URL(url);
  return { name: `server ${host}`, family: 'mysql', create: () => createOnMysql(url) };
}

/** A PostgreSQL server, such as one of the test's own. */
export function postgresqlEngineAt(url: string): PostgresqlEngine {
  const { host } = new URL(url);
  return { name: `server ${host}`, family: 'postgresql', create: () => createOnPostgresql(url) };
}

/** The URLs in a variable that the suite cannot do without; `what` they are of completes the error. */
export function urlsIn(variable: string, count: number, what: string): readonly string[] {
  const urls = urlsNamedBy(variable);
  if (urls.length < count) throw new Error(`${variable} has to name ${what}`);
  return urls;
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

async function createOnPostgresql(serverUrl: string): Promise<PostgresqlDatabase> {
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
