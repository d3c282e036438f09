// What every proof against a real store needs: databases, the command with the store's preset, and the rows that are left.
// Nothing about a single store belongs here.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { presetOf } from '../../dist/src/stores.js';

const BIN = fileURLToPath(new URL('../../bin/session-cleanup.js', import.meta.url));

function urlsIn(variable) {
  const urls = (process.env[variable] ?? '').split(/[\s,]+/).filter((url) => url !== '');
  if (urls.length === 0) throw new Error(`${variable} names no server: run npm run test:stores`);
  return urls;
}

function enginesAt(urls, family, createOn) {
  return urls.map((url) => ({ name: `server ${new URL(url).host}`, family, create: () => createOn(url) }));
}

/** SQLite and every server. `create` makes a new, empty database. */
export const engines = [
  { name: 'sqlite', family: 'sqlite', create: createSqlite },
  ...enginesAt(urlsIn('SESSION_CLEANUP_TEST_MYSQL_URLS'), 'mysql', createOnMysql),
  ...enginesAt(urlsIn('SESSION_CLEANUP_TEST_POSTGRES_URLS'), 'postgresql', createOnPostgresql),
];

/** Those that the store runs on. */
export function enginesOf(store) {
  return engines.filter(({ family }) => presetOf(store, family) !== undefined);
}

function createSqlite() {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-stores-'));
  return sqliteDatabase(folder, join(folder, 'app.db'));
}

function sqliteDatabase(folder, path) {
  const connection = new BetterSqlite3(path, { timeout: 10_000 });
  return {
    family: 'sqlite',
    url: `sqlite:${path}`,
    path,
    connection,
    query: async (sql, values = []) => connection.prepare(sql).all(...values),
    run: async (sql) => void connection.exec(sql),
    async copy() {
      const copied = `${path}.copy`;
      await connection.backup(copied);
      return sqliteDatabase(folder, copied);
    },
    async drop() {
      connection.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let created = 0;

async function createOnMysql(serverUrl) {
  const { hostname, port, username, password } = new URL(serverUrl);
  const name = `session_cleanup_stores_${process.pid}_${created++}`;
  const options = {
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
  const connection = await mysql.createConnection({ ...options, dateStrings: true, multipleStatements: true });
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.query(`USE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    family: 'mysql',
    url: url.href,
    name,
    /** For a client of the store's own. */
    options: { ...options, database: name },
    connection,
    query: async (sql, values = []) => (await connection.query(sql, values))[0],
    run: async (sql) => void (await connection.query(sql)),
    async copy() {
      const other = await createOnMysql(serverUrl);
      const [tables] = await connection.query('SHOW TABLES');
      for (const table of tables.flatMap((row) => Object.values(row))) {
        await other.run(`CREATE TABLE \`${table}\` LIKE ${name}.\`${table}\``);
        await other.run(`INSERT INTO \`${table}\` SELECT * FROM ${name}.\`${table}\``);
      }
      return other;
    },
    async drop() {
      await connection.query(`DROP DATABASE ${name}`);
      await connection.end();
    },
  };
}

// Not UTC, so that a store that writes the clock of the server is told from one that writes UTC.
export const POSTGRESQL_ZONE = 'America/New_York';

async function createOnPostgresql(serverUrl) {
  const url = new URL(serverUrl);
  const name = `session_cleanup_stores_${process.pid}_${created++}`;
  const server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`);
  await server.query(`ALTER DATABASE ${name} SET timezone = '${POSTGRESQL_ZONE}'`);
  url.pathname = `/${name}`;
  const options = {
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: name,
  };
  const connection = new pg.Client(options);
  await connection.connect();
  const query = async (sql, values = []) => (await connection.query(sql, values)).rows;
  return {
    family: 'postgresql',
    url: url.href,
    name,
    /** For a client of the store's own. */
    options,
    connection,
    query,
    run: async (sql) => void (await connection.query(sql)),
    async copy() {
      const other = await createOnPostgresql(serverUrl);
      for (const { table, columns } of await query(TABLES)) {
        await other.run(`CREATE TABLE "${table}" (${columns})`);
        const [{ rows }] = await query(`SELECT coalesce(json_agg(t), '[]') AS rows FROM "${table}" t`);
        const insert = `INSERT INTO "${table}" SELECT * FROM json_populate_recordset(NULL::"${table}", $1)`;
        await other.query(insert, [JSON.stringify(rows)]);
      }
      return other;
    },
    async drop() {
      await connection.end();
      // DROP DATABASE has a FORCE of its own only since version 13.
      await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
      await server.query(`DROP DATABASE ${name}`);
      await server.end();
    },
  };
}

/** Each table and its columns, as CREATE TABLE has them; without keys, which a copy does not need. */
const TABLES = `
  SELECT c.relname AS table,
    string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname`;

/** Runs the command with the preset, and resolves to the one line it wrote. */
export async function cleanUp(store, database, ...moreFlags) {
  const args = ['run', '--db-url', database.url, '--store', store, ...moreFlags];
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [BIN, ...args], { env: { PATH, HOME } });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  const [status] = await once(child, 'close');
  assert.deepEqual({ status, stderr: output.stderr }, { status: 0, stderr: '' });
  return JSON.parse(output.stdout);
}

/** The sorted values of the column that names the session. */
export async function idsIn(store, database, idColumn) {
  const { table } = presetOf(store, database.family);
  const quote = database.family === 'mysql' ? '`' : '"';
  const quoted = (name) => quote + name + quote;
  const rows = await database.query(`SELECT ${quoted(idColumn)} AS id FROM ${quoted(table)}`);
  return rows.map(({ id }) => id).sort();
}

/**
 * The proof: of `live` and `expired`, ids that the store itself has made, the command leaves exactly the live ones,
 * the store finds (`isFound`) those and no other, and its own clean-up, on a copy, would have left the same.
 */
export async function prove(store, database, { idColumn, live, expired, isFound, cleanCopy, flags = [] }) {
  const sorted = (ids) => [...ids].sort();
  assert.deepEqual(await idsIn(store, database, idColumn), sorted([...live, ...expired]), 'what the store wrote');
  const copy = await database.copy();
  try {
    const line = await cleanUp(store, database, ...flags);
    assert.equal(line.deleted_count, expired.length);
    assert.deepEqual(await idsIn(store, database, idColumn), sorted(live), 'what is left');
    for (const id of live) assert.equal(await isFound(id), true, `live: ${id}`);
    for (const id of expired) assert.equal(await isFound(id), false, `expired: ${id}`);
    if (cleanCopy === undefined) return;
    await cleanCopy(copy);
    assert.deepEqual(await idsIn(store, copy, idColumn), sorted(live), 'what the store itself would have left');
  } finally {
    await copy.drop();
  }
}
