// The data: a table of sessions as some application has it, on one engine, put back before every contender's turn.
import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import knexModule from 'knex';
import type { Database, Engine } from '../support/databases.js';

/** Named in the version that was found, such as `MariaDB 10.11`. */
export type Contestant = Pick<Engine, 'name' | 'family' | 'create'>;

type Family = Engine['family'];

/** A table as some application has it. */
export interface Layout {
  readonly table: string;
  readonly key: string;
  readonly payload: string;
  readonly expiry: string;
  /** Whether the expiry is a number of milliseconds. */
  readonly numeric: boolean;
  /** The types of the key, the payload and the expiry. */
  readonly types: Readonly<Record<Family, readonly [key: string, payload: string, expiry: string]>>;
}

const DJANGO: Layout = {
  table: 'django_session',
  key: 'session_key',
  payload: 'session_data',
  expiry: 'expire_date',
  numeric: false,
  types: {
    sqlite: ['varchar(40)', 'text', 'datetime'],
    mysql: ['varchar(40)', 'longtext', 'datetime(6)'],
    postgresql: ['varchar(40)', 'text', 'timestamp with time zone'],
  },
};

const KNEX_STORE: Layout = {
  table: 'sessions',
  key: 'sid',
  payload: 'sess',
  expiry: 'expired',
  numeric: false,
  types: {
    sqlite: ['varchar(255)', 'json', 'datetime'],
    mysql: ['varchar(255)', 'json', 'timestamp'],
    postgresql: ['varchar(255)', 'json', 'timestamp with time zone'],
  },
};

/** That of connect-sqlite3. */
const NUMBERS: Layout = {
  ...KNEX_STORE,
  numeric: true,
  types: { sqlite: ['', '', ''], mysql: ['varchar(255)', 'json', 'bigint'], postgresql: ['text', 'json', 'bigint'] },
};

interface Data {
  readonly layout: Layout;
  /** Of the rows, from 0 to 1. */
  readonly expiredShare: number;
  /** Whether the expiry has an index. */
  readonly indexed: boolean;
}

/** What is in the table, by the name that the results have for it. */
export const DATA = {
  'half expired': { layout: DJANGO, expiredShare: 0.5, indexed: true },
  'half expired, no index': { layout: DJANGO, expiredShare: 0.5, indexed: false },
  '5 % expired': { layout: DJANGO, expiredShare: 0.05, indexed: true },
  'nothing expired': { layout: DJANGO, expiredShare: 0, indexed: true },
  'half expired, by numbers': { layout: NUMBERS, expiredShare: 0.5, indexed: true },
  'half expired, by numbers, no index': { layout: NUMBERS, expiredShare: 0.5, indexed: false },
  'half expired, of connect-session-knex': { layout: KNEX_STORE, expiredShare: 0.5, indexed: true },
} as const satisfies Readonly<Record<string, Data>>;

export type DataName = keyof typeof DATA;

export const DATA_NAMES = Object.keys(DATA) as DataName[];

export interface Arena {
  readonly engine: string;
  readonly family: Family;
  readonly url: string;
  readonly data: DataName;
  readonly layout: Layout;
  readonly rows: number;
  /** How many rows are to be left. */
  readonly live: number;
  /** Keys of so many rows at most, picked at random. */
  keys(kind: 'live' | 'expired', limit: number): Promise<readonly string[]>;
  /** Makes the table as it was at first; the last time without a copy. */
  reset(last?: boolean): Promise<void>;
  countRows(): Promise<number>;
  drop(): Promise<void>;
}

const CHUNK = 100_000;
const PAYLOAD = '{"cookie":{"originalMaxAge":1209600000,"httpOnly":true,"path":"/"},"user":42,"csrf":"kPq3v8Zt0YxW"}';

/** As SQL writes it, in UTC. */
export function sqlTime(at: Date): string {
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

/** The value in the layout's expiry, as SQL writes it. */
export function literal({ numeric }: Layout, at: Date): string {
  return numeric ? String(at.getTime()) : `'${sqlTime(at)}'`;
}

export async function createArena(
  { name, family, create }: Contestant,
  data: DataName,
  rows: number,
  wal = false,
): Promise<Arena> {
  const database = await create();
  const { layout, indexed } = DATA[data];
  const { table } = layout;
  // Ten million random keys are then inserted in memory.
  if (family === 'sqlite') await database.run('PRAGMA cache_size = -1000000');
  await fill(database.run, family, DATA[data], rows);
  const now = literal(layout, new Date());
  const keys: Arena['keys'] = async (kind, limit) => {
    const where = `${layout.expiry} ${kind === 'live' ? '>' : '<='} ${now}`;
    const atRandom = `ORDER BY ${family === 'mysql' ? 'RAND' : 'RANDOM'}() LIMIT ${limit}`;
    const found = await database.query(`SELECT ${layout.key} AS k FROM template WHERE ${where} ${atRandom}`);
    return found.map(({ k }) => String(k));
  };
  const count = async (what: string): Promise<number> =>
    Number((await database.query(`SELECT COUNT(*) AS n FROM ${what}`))[0]?.n);
  const live = await count(`template WHERE ${layout.expiry} > ${now}`);
  const common = { engine: name, family, data, layout, rows, live, keys, drop: database.drop };
  const index = (of: string) => (indexed ? [`CREATE INDEX by_expiry ON ${of} (${layout.expiry})`] : []);
  if (family === 'sqlite') {
    for (const sql of [...index('template'), 'ANALYZE']) await database.run(sql);
    return { ...common, ...copiesOf(database.url.slice('sqlite:'.length), table, wal) };
  }
  const { like, settle } = {
    mysql: { like: 'LIKE template', settle: [`ANALYZE TABLE ${table}`] },
    postgresql: { like: '(LIKE template INCLUDING ALL)', settle: [`VACUUM ANALYZE ${table}`, 'CHECKPOINT'] },
  }[family];
  const copy = [`CREATE TABLE ${table} ${like}`, `INSERT INTO ${table} SELECT * FROM template`];
  return {
    ...common,
    url: database.url,
    async reset(last = false) {
      const make = last ? [`ALTER TABLE template RENAME TO ${table}`] : copy;
      // An index that is made last is made fast.
      const statements = [`DROP TABLE IF EXISTS ${table}`, ...make, ...index(table), ...settle];
      for (const sql of statements) await database.run(sql);
    },
    countRows: () => count(table),
  };
}

/** Of a SQLite file, whose table `template` the copies have under its own name. */
function copiesOf(template: string, table: string, wal: boolean): Pick<Arena, 'url' | 'reset' | 'countRows'> {
  const path = `${template}.sessions`;
  /** A connection of a moment: none is open while the file is replaced. */
  const query = async (sql: string) => {
    const knex = knexModule.default({ client: 'sqlite3', useNullAsDefault: true, connection: { filename: path } });
    return knex.raw(sql).finally(() => knex.destroy());
  };
  return {
    url: `sqlite:${path}`,
    async reset(last = false) {
      for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
      if (last) renameSync(template, path);
      else copyFileSync(template, path);
      await query(`ALTER TABLE template RENAME TO ${table}`);
      // Or the first sync of whoever comes next would write all of it.
      const file = await open(path, 'r+');
      await file.sync().finally(() => file.close());
      if (wal) await query('PRAGMA journal_mode = WAL');
    },
    countRows: async () => Number((await query(`SELECT COUNT(*) AS n FROM ${table}`))[0].n),
  };
}

/** Row i expires before row i + 1, and the keys are random, as in life. */
async function fill(run: Database['run'], family: Family, { layout, expiredShare }: Data, rows: number) {
  const [keyType, payloadType, expiryType] = layout.types[family];
  const { key, payload, expiry, numeric } = layout;
  await run(
    `CREATE TABLE template (${key} ${keyType} NOT NULL PRIMARY KEY, ${payload} ${payloadType} NOT NULL, ${expiry} ${expiryType} NOT NULL)`,
  );
  await run('CREATE TABLE numbers (n INTEGER NOT NULL PRIMARY KEY)');
  await run(`INSERT INTO numbers VALUES ${Array.from({ length: 1_000 }, (_, n) => `(${n})`).join()}`);
  const spread = '((i * 2654435761) & 4294967295)';
  // InnoDB keeps rows in the order of their keys: inserted in that order, ten million are there in minutes, not in hours.
  const [number, place] =
    family === 'mysql' ? [`(i * ${Math.floor(2 ** 32 / rows) - 1})`, `(${spread} * ${rows / 2 ** 32})`] : [spread, 'i'];
  const hex = {
    sqlite: `printf('%08x', ${number})`,
    mysql: `LOWER(LPAD(HEX(${number}), 8, '0'))`,
    postgresql: `LPAD(TO_HEX(${number}), 8, '0')`,
  }[family];
  const zeros = `'${'0'.repeat(24)}'`;
  const id = family === 'mysql' ? `CONCAT(${hex}, ${zeros})` : `${hex} || ${zeros}`;
  const expired = rows * expiredShare;
  // A month of expired sessions, and two weeks of live ones, the first of which ends in two hours.
  const seconds = `CASE WHEN ${place} <= ${expired} THEN -60 - (${expired} - ${place}) * ${2_592_000 / Math.max(1, expired)} ELSE 7200 + (${place} - ${expired}) * ${1_209_600 / Math.max(1, rows - expired)} END`;
  const now = new Date();
  const time = {
    sqlite: `datetime(${Math.floor(now.getTime() / 1000)} + CAST(${seconds} AS INTEGER), 'unixepoch')`,
    mysql: `TIMESTAMPADD(SECOND, ${seconds}, '${sqlTime(now)}')`,
    postgresql: `TIMESTAMP WITH TIME ZONE '${sqlTime(now)}+00' + ${seconds} * INTERVAL '1 second'`,
  }[family];
  const value = numeric ? `${now.getTime()} + 1000 * CAST(${seconds} AS INTEGER)` : time;
  for (let base = 0; base < rows; base += CHUNK) {
    await run(
      `INSERT INTO template SELECT ${id}, '${PAYLOAD}', ${value} FROM (SELECT ${base} + 1000 * a.n + b.n + 1 AS i ` +
        `FROM numbers a CROSS JOIN numbers b WHERE a.n < ${CHUNK / 1000} ORDER BY a.n, b.n) counted WHERE i <= ${rows}`,
    );
  }
  await run('DROP TABLE numbers');
}
