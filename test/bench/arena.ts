// The data: a table of sessions in a known shape, on one engine, put back before every contender's turn.
import { copyFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import knexModule, { type Knex } from 'knex';
import type { Database, Engine } from '../support/databases.js';

export interface Shape {
  readonly rows: number;
  /** Of the rows, from 0 to 1. */
  readonly expiredShare: number;
  /** `correlated`: those inserted first expire first, as in life. `shuffled`: in no order. */
  readonly order: 'correlated' | 'shuffled';
  /** Whether the expiry has an index. */
  readonly indexed: boolean;
}

/** A table as some application has it. */
export interface Layout {
  readonly name: string;
  readonly table: string;
  readonly key: string;
  readonly payload: string;
  readonly expiry: string;
  /** What comes between `CREATE TABLE … (` and `)`. */
  readonly columns: { readonly sqlite: string; readonly mysql: string };
}

export const PLAIN: Layout = {
  name: 'plain',
  table: 'sessions',
  key: 'sid',
  payload: 'data',
  expiry: 'expires_at',
  columns: {
    sqlite: 'id INTEGER PRIMARY KEY, sid TEXT NOT NULL UNIQUE, data TEXT NOT NULL, expires_at TEXT NOT NULL',
    mysql:
      'id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, sid CHAR(32) CHARACTER SET ascii NOT NULL UNIQUE, data TEXT NOT NULL, expires_at DATETIME NOT NULL',
  },
};

export const DJANGO: Layout = {
  name: 'Django',
  table: 'django_session',
  key: 'session_key',
  payload: 'session_data',
  expiry: 'expire_date',
  columns: {
    sqlite: 'session_key varchar(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, expire_date datetime NOT NULL',
    mysql:
      'session_key varchar(40) NOT NULL PRIMARY KEY, session_data longtext NOT NULL, expire_date datetime(6) NOT NULL',
  },
};

export const KNEX_STORE: Layout = {
  name: 'connect-session-knex',
  table: 'sessions',
  key: 'sid',
  payload: 'sess',
  expiry: 'expired',
  columns: {
    sqlite: 'sid varchar(255) NOT NULL PRIMARY KEY, sess json NOT NULL, expired datetime NOT NULL',
    mysql: 'sid varchar(255) NOT NULL PRIMARY KEY, sess json NOT NULL, expired timestamp NOT NULL',
  },
};

export interface Arena {
  readonly engine: Database['engine'];
  readonly url: string;
  readonly layout: Layout;
  readonly shape: Shape;
  /** How many rows are to be left. */
  readonly live: number;
  /** Makes the table again as it was at first. */
  reset(): Promise<void>;
  countRows(): Promise<number>;
  run(sql: string, bindings?: readonly unknown[]): Promise<void>;
  drop(): Promise<void>;
}

const CHUNK = 100_000;
const DATA = '{"cookie":{"originalMaxAge":1209600000,"httpOnly":true,"path":"/"},"user":42,"csrf":"kPq3v8Zt0YxW"}';

/** The session ID of a row, spread over the whole range, as random ones are. */
export function sessionId(row: number): string {
  return `${(Math.imul(row, 2_654_435_761) >>> 0).toString(16).padStart(8, '0')}${'0'.repeat(24)}`;
}

/** The number of the first live row of a correlated shape; those after it are live too. */
export function firstLiveRow({ rows, expiredShare }: Shape): number {
  return Math.floor(rows * expiredShare) + 1;
}

export async function createArena(engine: Engine, layout: Layout, shape: Shape, wal = false): Promise<Arena> {
  const database = await engine.create();
  await fill(database, layout, shape);
  const now = new Date().toISOString().slice(0, 19).replace('T', ' ');
  const [row] = await database.query(`SELECT COUNT(*) AS n FROM ${layout.table} WHERE ${layout.expiry} > ?`, [now]);
  const live = Number(row?.n);
  if (database.engine === 'sqlite') return sqliteArena(database, layout, shape, live, wal);
  await database.run(`RENAME TABLE ${layout.table} TO template`);
  return {
    engine: database.engine,
    url: database.url,
    layout,
    shape,
    live,
    async reset() {
      await database.run(`DROP TABLE IF EXISTS ${layout.table}`);
      await database.run(`CREATE TABLE ${layout.table} LIKE template`);
      await database.run(`INSERT INTO ${layout.table} SELECT * FROM template`);
      await database.run(`ANALYZE TABLE ${layout.table}`);
    },
    countRows: async () => Number((await database.query(`SELECT COUNT(*) AS n FROM ${layout.table}`))[0]?.n),
    run: database.run,
    drop: database.drop,
  };
}

async function sqliteArena(
  database: Database,
  layout: Layout,
  shape: Shape,
  live: number,
  wal: boolean,
): Promise<Arena> {
  await database.knex.destroy();
  const template = database.url.slice('sqlite:'.length);
  const path = `${template}.sessions`;
  /** A connection of a moment: none is open while the file is replaced. */
  const withFile = async <T>(use: (knex: Knex) => Promise<T>): Promise<T> => {
    const knex = knexModule.default({ client: 'sqlite3', useNullAsDefault: true, connection: { filename: path } });
    return use(knex).finally(() => knex.destroy());
  };
  return {
    engine: 'sqlite',
    url: `sqlite:${path}`,
    layout,
    shape,
    live,
    async reset() {
      for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
      copyFileSync(template, path);
      // Or the first sync of whoever comes next would write all of it.
      const file = await open(path, 'r+');
      await file.sync().finally(() => file.close());
      if (wal) await withFile(async (knex) => knex.raw('PRAGMA journal_mode = WAL'));
    },
    countRows: () => withFile(async (knex) => (await knex.raw(`SELECT COUNT(*) AS n FROM ${layout.table}`))[0].n),
    run: (sql, bindings = []) => withFile(async (knex) => void (await knex.raw(sql, bindings as Knex.RawBinding[]))),
    drop: database.drop,
  };
}

async function fill(database: Database, layout: Layout, { rows, expiredShare, order, indexed }: Shape): Promise<void> {
  const family = database.engine === 'sqlite' ? 'sqlite' : 'mysql';
  const { table, key, payload, expiry } = layout;
  const charset = family === 'sqlite' ? '' : ' DEFAULT CHARSET=utf8mb4';
  await database.run(`CREATE TABLE ${table} (${layout.columns[family]})${charset}`);
  await database.run('CREATE TABLE numbers (n INTEGER NOT NULL PRIMARY KEY)');
  const numbers = Array.from({ length: 1_000 }, (_, n) => ({ n }));
  await database.knex.batchInsert('numbers', numbers, 500);
  const expired = rows * expiredShare;
  const spreadOver = (multiplier: number) => `((i * ${multiplier}) & 4294967295)`;
  const hex =
    family === 'sqlite'
      ? `printf('%08x', ${spreadOver(2_654_435_761)})`
      : `LOWER(LPAD(HEX(${spreadOver(2_654_435_761)}), 8, '0'))`;
  const concat = (...parts: string[]) => (family === 'sqlite' ? parts.join(' || ') : `CONCAT(${parts.join(', ')})`);
  const place = order === 'correlated' ? 'i' : `(${spreadOver(2_246_822_519)} * ${rows / 2 ** 32})`;
  // A month of expired sessions, and two weeks of live ones, the first of which ends in two hours.
  const seconds = `CASE WHEN ${place} <= ${expired} THEN -60 - (${expired} - ${place}) * ${2_592_000 / Math.max(1, expired)} ELSE 7200 + (${place} - ${expired}) * ${1_209_600 / Math.max(1, rows - expired)} END`;
  const now = Math.floor(Date.now() / 1000);
  const time =
    family === 'sqlite'
      ? `datetime(${now} + CAST(${seconds} AS INTEGER), 'unixepoch')`
      : `TIMESTAMPADD(SECOND, ${seconds}, '${new Date(now * 1000).toISOString().slice(0, 19).replace('T', ' ')}')`;
  for (let base = 0; base < rows; base += CHUNK) {
    await database.run(
      `INSERT INTO ${table} (${key}, ${payload}, ${expiry}) SELECT ${concat(hex, `'${'0'.repeat(24)}'`)}, '${DATA}', ${time} ` +
        `FROM (SELECT ${base} + 1000 * a.n + b.n + 1 AS i FROM numbers a CROSS JOIN numbers b WHERE a.n < ${CHUNK / 1000} ORDER BY a.n, b.n) counted WHERE i <= ${rows}`,
    );
  }
  await database.run('DROP TABLE numbers');
  if (indexed) await database.run(`CREATE INDEX by_expiry ON ${table} (${expiry})`);
  if (family === 'sqlite') await database.run('ANALYZE');
}
