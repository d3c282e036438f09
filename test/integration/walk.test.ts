// Which rows remain after a walk in many steps: for every kind of key, on every engine, and while others are at work.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { createDeadline } from '../../src/cleanup/deadline.js';
import type { DeletedStep, ExpiredSessions } from '../../src/cleanup/port.js';
import type { Position } from '../../src/engines/key-ranges.js';
import type { KeyStep } from '../../src/engines/key-walk.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import { inTime } from '../support/in-time.js';
import type { Line } from '../support/lines.js';
import { openTableAt, selectExpired } from '../support/opened.js';
import { analyze, connectionOf, holdDelete, isInTrigger, until, untilWaitingForRow } from '../support/sessions.js';

const ROWS = 3_000;
const BATCH = 60;

/** A key, and the values that row number `n` has in it. A question mark in a name is escaped for Knex. */
interface Kind {
  readonly columns: string;
  /** Follows the columns: `PRIMARY KEY (id)`, other indexes. */
  readonly key?: string;
  readonly options?: string;
  readonly values: (n: number) => Readonly<Record<string, unknown>>;
  /** Of PostgreSQL: nothing of the table goes into the log. */
  readonly unlogged?: true;
  /** Nothing to walk by: one statement. */
  readonly oneStatement?: true;
  readonly only?: readonly Database['engine'][];
}

const id = (n: number) => ({ id: n });
const hash = (n: number): Buffer => createHash('sha256').update(String(n)).digest();
const sid = (n: number) => ({ sid: hash(n).toString('base64') });
/** Spellings that a collation without regard to case holds for the same, and characters that SQL has a use for. */
const NAMES = ['anna', 'ANNA', 'Anna', "b'er\\t", "B'ER\\T", 'Ünal', 'ünal', 'UNAL', 'zoë 🦊?', '', '%_`"'];
const user = (n: number) => ({ user: NAMES[n % NAMES.length], id: n });
const moment = (n: number, digits: number) =>
  new Date(Date.UTC(2021, 0, 1) + n * 977)
    .toISOString()
    .slice(0, 20 + digits)
    .replace('T', ' ')
    .replace(/\.$/, '');
const day = (n: number) => moment(n * 90_000, 0).slice(0, 10);

const manySpellings: Kind = {
  columns: '`user` VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL, id INT NOT NULL',
  key: 'PRIMARY KEY (`user`, id)',
  values: user,
};

const onServers: Readonly<Record<string, Kind>> = {
  'an INT': { columns: 'id INT NOT NULL', key: 'PRIMARY KEY (id)', values: id },
  'a SMALLINT, also below zero': {
    columns: 'id SMALLINT NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: n - ROWS / 2 }),
  },
  'an unpadded and a zero-filled number': {
    columns: 'id INT(10) ZEROFILL NOT NULL, sub TINYINT UNSIGNED NOT NULL',
    key: 'PRIMARY KEY (id, sub)',
    values: (n) => ({ id: n >> 4, sub: n & 15 }),
  },
  'a BIGINT beyond 2^53': {
    columns: 'id BIGINT NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: String(9_223_372_036_854_775_807n - BigInt(n)) }),
  },
  'a BIGINT UNSIGNED beyond 2^63': {
    columns: 'id BIGINT UNSIGNED NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: String(18_446_744_073_709_551_615n - BigInt(n)) }),
  },
  'a text in a collation without regard to case': {
    columns: 'sid VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: sid,
  },
  'a text in a binary collation': {
    columns: 'sid VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: sid,
  },
  'a text with emoji, quotes and question marks': {
    columns: 'sid VARCHAR(64) CHARACTER SET utf8mb4 NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: (n) => ({ sid: `${NAMES[n % NAMES.length]}${n}` }),
  },
  'a text in utf8mb4_0900_ai_ci': {
    columns: 'sid VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: (n) => ({ sid: `${NAMES[n % NAMES.length]}${n} ` }),
    only: ['mysql'],
  },
  'a CHAR in latin1': {
    columns: 'sid CHAR(40) CHARACTER SET latin1 NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: (n) => ({ sid: `${'éÿ€ ßa'[n % 6]}${hash(n).toString('hex').slice(0, 30)}` }),
  },
  'a text in three-byte UTF-8': {
    columns: 'sid VARCHAR(40) CHARACTER SET utf8 NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: (n) => ({ sid: `${'éλ漢ßa'[n % 5]}${hash(n).toString('hex').slice(0, 30)}` }),
  },
  'a BINARY(16)': {
    columns: 'sid BINARY(16) NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: (n) => ({ sid: hash(n).subarray(0, 16) }),
  },
  'a VARBINARY of different lengths': {
    columns: 'sid VARBINARY(40) NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: (n) => ({
      sid: Buffer.concat([hash(n >> 3).subarray(0, 8), Buffer.alloc(n & 7, [0, 39, 92, 255][n & 3])]),
    }),
  },
  'a UUID': {
    columns: 'sid UUID NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: (n) => ({
      sid: hash(n)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{3})(.{3})(.{12}).*/, '$1-$2-4$3-a$4-$5'),
    }),
    only: ['mariadb'],
  },
  'a number and a text': {
    columns: 'tenant INT NOT NULL, sid VARCHAR(64) NOT NULL',
    key: 'PRIMARY KEY (tenant, sid)',
    values: (n) => ({ tenant: n % 7, ...sid(n) }),
  },
  'a text of many spellings and a number': manySpellings,
  'three columns': {
    columns: 'a TINYINT NOT NULL, b BINARY(1) NOT NULL, c INT NOT NULL',
    key: 'PRIMARY KEY (a, b, c)',
    values: (n) => ({ a: n % 3, b: Buffer.from([n % 5]), c: n }),
  },
  'the expiry and a number': { columns: 'id INT NOT NULL', key: 'PRIMARY KEY (expires_at, id)', values: id },
  'a number and the expiry': { columns: 'id INT NOT NULL', key: 'PRIMARY KEY (id, expires_at)', values: id },
  'a DATETIME(6)': {
    columns: 'created DATETIME(6) NOT NULL',
    key: 'PRIMARY KEY (created)',
    values: (n) => ({ created: `${moment(n, 3)}${n % 1000}` }),
  },
  'a TIMESTAMP and a number': {
    columns: 'created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, id INT NOT NULL',
    key: 'PRIMARY KEY (created, id)',
    values: (n) => ({ created: moment(n >> 2, 0), id: n }),
  },
  'a DATE and a number': {
    columns: 'day DATE NOT NULL, id INT NOT NULL',
    key: 'PRIMARY KEY (day, id)',
    values: (n) => ({ day: day(n), id: n }),
  },
  'a unique key instead of a primary one': {
    columns: 'sid VARCHAR(64) NOT NULL',
    key: 'UNIQUE KEY by_sid (sid)',
    values: sid,
  },
  'two unique keys': {
    columns: 'a INT NOT NULL, z VARCHAR(64) NOT NULL',
    key: 'UNIQUE KEY b_first (z), UNIQUE KEY a_second (a)',
    values: (n) => ({ a: n, z: sid(n).sid }),
  },
  'a DECIMAL, and a unique key besides that the optimizer may not use': {
    columns: 'id DECIMAL(20, 2) NOT NULL, sid VARCHAR(64) NOT NULL',
    key: 'PRIMARY KEY (id), UNIQUE KEY by_sid (sid) INVISIBLE',
    values: (n) => ({ id: n / 4, ...sid(n) }),
    only: ['mysql'],
  },
  'a DECIMAL, and a unique key besides that the optimizer has to ignore': {
    columns: 'id DECIMAL(20, 2) NOT NULL, sid VARCHAR(64) NOT NULL',
    key: 'PRIMARY KEY (id), UNIQUE KEY by_sid (sid) IGNORED',
    values: (n) => ({ id: n / 4, ...sid(n) }),
    only: ['mariadb'],
  },
  'a DECIMAL, and a unique key besides': {
    columns: 'id DECIMAL(20, 2) NOT NULL, sid VARCHAR(64) NOT NULL',
    key: 'PRIMARY KEY (id), UNIQUE KEY by_sid (sid)',
    values: (n) => ({ id: n / 4, ...sid(n) }),
  },
  'a descending number': { columns: 'id INT NOT NULL', key: 'PRIMARY KEY (id DESC)', values: id },
  'an ascending and a descending number': {
    columns: 'a INT NOT NULL, b INT NOT NULL',
    key: 'PRIMARY KEY (a ASC, b DESC)',
    values: (n) => ({ a: n % 9, b: n }),
  },
  'names that have to be quoted': {
    columns: '`a\\?b``c d` INT NOT NULL, `sélect` INT NOT NULL',
    key: 'CONSTRAINT PRIMARY KEY (`a\\?b``c d`, `sélect`)',
    values: (n) => ({ 'a?b`c d': n % 50, sélect: n }),
  },
  'a generated number': {
    columns: 'id INT NOT NULL, twice INT GENERATED ALWAYS AS (id * 2) STORED NOT NULL',
    key: 'UNIQUE KEY by_twice (twice)',
    values: id,
    only: ['mysql'],
  },
  'an INT in partitions by hash': {
    columns: 'id INT NOT NULL',
    key: 'PRIMARY KEY (id)',
    options: 'PARTITION BY HASH (id) PARTITIONS 4',
    values: id,
  },
  'a number and the expiry, in partitions by the expiry': {
    columns: 'id INT NOT NULL',
    key: 'PRIMARY KEY (id, expires_at)',
    options: `PARTITION BY RANGE COLUMNS (expires_at) (PARTITION past VALUES LESS THAN ('2020-01-02'), PARTITION rest VALUES LESS THAN (MAXVALUE))`,
    values: id,
  },
  'nothing: no key at all': { columns: 'id INT NOT NULL', values: id, oneStatement: true },
  'nothing: a key that may be NULL': {
    columns: 'id INT NULL',
    key: 'UNIQUE KEY by_id (id)',
    values: (n) => ({ id: n % 2 === 0 ? n : null }),
    oneStatement: true,
  },
};

const onSqlite: Readonly<Record<string, Kind>> = {
  'nothing but the rowid': { columns: 'id INT', values: id },
  'an INTEGER PRIMARY KEY': { columns: 'id INTEGER PRIMARY KEY', values: id },
  'an INTEGER PRIMARY KEY, also below zero': {
    columns: 'id INTEGER PRIMARY KEY',
    values: (n) => ({ id: n - ROWS / 2 }),
  },
  'an INTEGER PRIMARY KEY beyond 2^53': {
    columns: 'id INTEGER PRIMARY KEY',
    values: (n) => ({ id: String(9_223_372_036_854_775_807n - BigInt(n) * 1_000n) }),
  },
  'a text': { columns: 'sid TEXT', key: 'PRIMARY KEY (sid)', values: sid },
  'a BLOB without rowid': {
    columns: 'sid BLOB',
    key: 'PRIMARY KEY (sid)',
    options: 'WITHOUT ROWID',
    values: (n) => ({ sid: hash(n).subarray(0, 16) }),
  },
  'a text without rowid': {
    columns: 'sid TEXT COLLATE NOCASE',
    key: 'PRIMARY KEY (sid)',
    options: 'WITHOUT ROWID',
    values: sid,
  },
  'a text with emoji and quotes, without rowid': {
    columns: 'sid TEXT',
    key: 'PRIMARY KEY (sid)',
    options: 'WITHOUT ROWID, STRICT',
    values: (n) => ({ sid: `${NAMES[n % NAMES.length]}${n}` }),
  },
  'a number and a text without rowid': {
    columns: 'tenant INT, sid TEXT',
    key: 'PRIMARY KEY (tenant, sid)',
    options: 'WITHOUT ROWID',
    values: (n) => ({ tenant: n % 7, ...sid(n) }),
  },
  'a text of many spellings and a number, without rowid': {
    columns: 'user TEXT COLLATE NOCASE, id INT',
    key: 'PRIMARY KEY (user, id)',
    options: 'WITHOUT ROWID',
    values: user,
  },
  'the expiry and a number, without rowid': {
    columns: 'id INT',
    key: 'PRIMARY KEY (expires_at, id)',
    options: 'WITHOUT ROWID',
    values: id,
  },
  'an ascending and a descending number, without rowid': {
    columns: 'a INT, b INT',
    key: 'PRIMARY KEY (a ASC, b DESC)',
    options: 'WITHOUT ROWID',
    values: (n) => ({ a: n % 9, b: n }),
  },
  'values of every storage class, without rowid': {
    columns: 'id',
    key: 'PRIMARY KEY (id)',
    options: 'WITHOUT ROWID',
    values: (n) => ({ id: [n, n + 0.5, `t${n}`, Buffer.from(`b${n}`)][n % 4] }),
  },
  'a REAL without rowid': {
    columns: 'id REAL',
    key: 'PRIMARY KEY (id)',
    options: 'WITHOUT ROWID',
    values: (n) => ({ id: n / 3 }),
  },
  'names that have to be quoted, without rowid': {
    columns: '"a\\?b""c d" INT, "sélect" INT',
    key: 'PRIMARY KEY ("a\\?b""c d", "sélect")',
    options: 'WITHOUT ROWID',
    values: (n) => ({ 'a?b"c d': n % 50, sélect: n }),
  },
  'a column named rowid': { columns: 'rowid TEXT', key: 'PRIMARY KEY (rowid)', values: (n) => ({ rowid: sid(n).sid }) },
  'columns named RowId and oid': {
    columns: '"RowId" TEXT, oid INT',
    values: (n) => ({ RowId: null, oid: n % 3 }),
  },
  'nothing: all names of the rowid are taken': {
    columns: 'rowid TEXT, _rowid_ TEXT, oid TEXT',
    values: (n) => ({ rowid: null, _rowid_: 'same', oid: String(n % 3) }),
    oneStatement: true,
  },
};

/** PostgreSQL walks along the expiry or the blocks of the table: a key is no help. */
const onPostgresql: Readonly<Record<string, Kind>> = {
  'an integer': { columns: 'id INTEGER NOT NULL', key: 'PRIMARY KEY (id)', values: id },
  'a random text': { columns: 'sid TEXT NOT NULL', key: 'PRIMARY KEY (sid)', values: sid },
  'a random text with rows of several pages': {
    columns: 'sid VARCHAR NOT NULL, data TEXT NOT NULL',
    key: 'PRIMARY KEY (sid)',
    values: (n) => ({ ...sid(n), data: 'x'.repeat((n * 37) % 1_900) }),
  },
  'the expiry and a number': { columns: 'id INTEGER NOT NULL', key: 'PRIMARY KEY (expires_at, id)', values: id },
  'names that have to be quoted': {
    columns: '"a\\?b""c d" INT NOT NULL, "sélect" INT NOT NULL',
    key: 'PRIMARY KEY ("a\\?b""c d", "sélect")',
    values: (n) => ({ 'a?b"c d': n % 50, sélect: n }),
  },
  'nothing: no key at all, and no log': { columns: 'id INTEGER NOT NULL', values: id, unlogged: true },
};

const engineOf = async (engine: Engine): Promise<Database['engine']> => {
  const database = await engine.create();
  await database.drop();
  return database.engine;
};

/** An expiry in the past, or one that is not. */
function expiry(database: Database, n: number, isExpired: boolean): string | number {
  const at = isExpired ? Date.UTC(2020, 0, 1) + ((n * 7919) % 4_001) * 60_000 : Date.UTC(2099, 0, 1) + n * 1_000;
  return database.engine === 'sqlite' ? at / 1000 : new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

const expiryType = (database: Database): string => (database.engine === 'sqlite' ? 'INTEGER' : 'DATETIME');

/** A table `sessions` whose column `n` numbers the rows; resolves to the numbers of those that have to remain. */
async function fill(
  database: Database,
  { columns, key, options = '', values, unlogged }: Kind,
  isExpired: (n: number) => boolean,
  rows = ROWS,
): Promise<number[]> {
  const definition = [columns, `expires_at ${expiryType(database)} NOT NULL, n INT NOT NULL`, key];
  await database.run(
    `CREATE ${unlogged ? 'UNLOGGED ' : ''}TABLE sessions (${definition.filter((part) => part !== undefined).join(', ')}) ${options}`,
  );
  const all = Array.from({ length: rows }, (_, at) => (at * 1_009) % rows);
  await insert(
    database,
    all.map((n) => ({ ...values(n), expires_at: expiry(database, n, isExpired(n)), n })),
  );
  return all.filter((n) => !isExpired(n)).sort((a, b) => a - b);
}

/** Knex's own insert takes a question mark in a name for a placeholder. */
async function insert(database: Database, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
  const quote = (name: string): string =>
    (['sqlite', 'postgresql'].includes(database.engine)
      ? `"${name.replaceAll('"', '""')}"`
      : `\`${name.replaceAll('`', '``')}\``
    ).replaceAll('?', '\\?');
  const names = Object.keys(rows[0] ?? {});
  for (let start = 0; start < rows.length; start += 1_000) {
    const some = rows.slice(start, start + 1_000);
    const row = `(${names.map(() => '?').join(', ')})`;
    await database.run(
      `INSERT INTO sessions (${names.map(quote).join(', ')}) VALUES ${some.map(() => row).join(', ')}`,
      some.flatMap((values) => names.map((name) => values[name])),
    );
  }
}

async function remaining(database: Database): Promise<number[]> {
  return (await database.query('SELECT n FROM sessions')).map(({ n }) => Number(n)).sort((a, b) => a - b);
}

/** What a test has opened, closed after it in reverse order: a database cannot be dropped under an open transaction. */
const opened = new WeakMap<TestContext, (() => Promise<unknown>)[]>();

function closeAfter(t: TestContext, close: () => Promise<unknown>): void {
  const all = opened.get(t) ?? [];
  if (all.length === 0) {
    opened.set(t, all);
    t.after(async () => {
      for (const one of all.reverse()) await one();
    });
  }
  all.push(close);
}

async function createDatabase(t: TestContext, engine: Engine): Promise<Database> {
  const database = await engine.create();
  closeAfter(t, () => database.drop());
  return database;
}

const KINDS = { sqlite: onSqlite, mysql: onServers, postgresql: onPostgresql };
const kindsOf = ({ family }: Engine) => Object.entries(KINDS[family]);

for (const engine of engines) {
  describe(`${engine.name}: exactly the expired rows go, in many steps, where the key is`, {
    concurrency: 4,
  }, async () => {
    const dialect = await engineOf(engine);
    for (const [name, kind] of kindsOf(engine)) {
      if (kind.only !== undefined && !kind.only.includes(dialect)) continue;

      test(`${name}; few are expired, and there is an index on the expiry`, async (t) => {
        const database = await createDatabase(t, engine);
        const live = await fill(database, kind, (n) => n % 8 === 3);
        await database.run('CREATE INDEX by_expiry ON sessions (expires_at)');
        await analyze(database);
        const line = await runHere(['run', '--db-url', database.url, '--batch-size', String(BATCH)]);
        assert.equal(line.outcome, 'deleted', JSON.stringify(line));
        assert.deepEqual(await remaining(database), live);
        // Where there is no other key, the index alone is walked by.
        assertSteps(line, ROWS - live.length, false);
      });

      test(`${name}; most are expired, and there is no index on the expiry`, async (t) => {
        const database = await createDatabase(t, engine);
        const live = await fill(database, kind, (n) => n % 8 !== 3);
        const line = await runHere(['run', '--db-url', database.url, '--batch-size', String(BATCH)]);
        assert.equal(line.outcome, 'deleted', JSON.stringify(line));
        assert.deepEqual(await remaining(database), live);
        assertSteps(line, ROWS - live.length, kind.oneStatement === true);
      });
    }
  });
}

function assertSteps(line: Readonly<Record<string, unknown>>, deleted: number, oneStatement: boolean): void {
  assert.equal(line.deleted_count, deleted);
  assert.equal(line.locked_count, undefined);
  const batches = Number(line.batches);
  if (oneStatement) assert.equal(batches, 1);
  else assert.ok(batches >= deleted / BATCH, `only ${batches} batches for ${deleted} rows`);
}

const byId: Kind = { columns: 'id INTEGER NOT NULL', key: 'PRIMARY KEY (id)', values: id };
const withoutKey: Kind = { columns: 'id INTEGER NOT NULL', key: 'KEY (id)', values: id };
const BY_EXPIRY = 'CREATE INDEX by_expiry ON sessions (expires_at)';

for (const engine of engines) {
  describe(`${engine.name}: in one transaction`, () => {
    for (const [name, isExpired] of Object.entries({
      'along the expiry, where few are expired': (n: number) => n % 8 === 3,
      'along the primary key, where most are': (n: number) => n % 8 !== 3,
    })) {
      test(`exactly the expired rows of many go, ${name}`, async (t) => {
        const database = await createDatabase(t, engine);
        const live = await fill(database, byId, isExpired, 20_000);
        await database.run(BY_EXPIRY);
        await analyze(database);
        const line = await runHere(['run', '--db-url', database.url]);
        assert.equal(line.deleted_count, 20_000 - live.length, JSON.stringify(line));
        assert.deepEqual(await remaining(database), live);
      });
    }

    test('ten thousand rows of the same expiry go, and none beside them', async (t) => {
      for (const type of engine.family === 'sqlite' ? ['INTEGER'] : ['DATETIME', 'DATE']) {
        const database = await createDatabase(t, engine);
        await database.run(
          `CREATE TABLE sessions (id INTEGER NOT NULL PRIMARY KEY, expires_at ${type}, n INT NOT NULL)`,
        );
        await database.run(BY_EXPIRY);
        const [past, future] =
          engine.family === 'sqlite' ? [1_577_836_800, 4_070_908_800] : ['2020-01-01', '2099-01-01'];
        await insert(
          database,
          Array.from({ length: 30_000 }, (_, n) => ({ id: n, expires_at: n % 3 === 1 ? past : future, n })),
        );
        await analyze(database);
        const line = await runHere(['run', '--db-url', database.url]);
        assert.equal(line.deleted_count, 10_000, JSON.stringify(line));
        const rest = await remaining(database);
        assert.equal(rest.length, 20_000);
        assert.ok(rest.every((n) => n % 3 !== 1));
      }
    });
  });

  describe(`${engine.name}: children of an expired session`, () => {
    async function createChildren(t: TestContext, onDelete: string): Promise<{ database: Database; live: number[] }> {
      const database = await createDatabase(t, engine);
      await database.run('PRAGMA foreign_keys = ON').catch(() => undefined);
      const live = await fill(database, byId, (n) => n % 8 !== 3, 1_200);
      const reference = `FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE ${onDelete}`;
      await database.run(
        `CREATE TABLE children (id INTEGER NOT NULL PRIMARY KEY, session_id INTEGER NULL, ${reference})`,
      );
      return { database, live };
    }
    const addChildren = (database: Database, sessions: readonly number[]): Promise<void> =>
      database.run(`INSERT INTO children VALUES ${sessions.map((n) => `(${n}, ${n})`).join(', ')}`);

    test('go with it where they are to cascade', async (t) => {
      const { database, live } = await createChildren(t, 'CASCADE');
      await addChildren(database, [1, 2, 3, 11, 500, 1_199]);
      const line = await runHere(['run', '--db-url', database.url]);
      assert.equal(line.deleted_count, 1_200 - live.length, JSON.stringify(line));
      assert.deepEqual(await remaining(database), live);
      assert.deepEqual(await children(database), ['3 of 3', '11 of 11']);
    });

    test('are set to NULL where they are to be', async (t) => {
      const { database, live } = await createChildren(t, 'SET NULL');
      await addChildren(database, [1, 3, 500]);
      const line = await runHere(['run', '--db-url', database.url]);
      assert.equal(line.deleted_count, 1_200 - live.length, JSON.stringify(line));
      assert.deepEqual(await remaining(database), live);
      assert.deepEqual(await children(database), ['1 of null', '3 of 3', '500 of null']);
    });

    if (engine.family === 'postgresql') {
      for (const onDelete of ['RESTRICT', 'NO ACTION', 'NO ACTION DEFERRABLE INITIALLY DEFERRED']) {
        test(`that forbid it keep their session, and the others go: ${onDelete}`, async (t) => {
          const { database, live } = await createChildren(t, onDelete);
          await addChildren(database, [3, 500, 1_100]);
          const line = await runHere(['run', '--db-url', database.url]);
          const kept = [...live, 500, 1_100].sort((a, b) => a - b);
          assert.deepEqual([line.outcome, line.deleted_count, line.locked_count], ['deleted', 1_200 - kept.length, 2]);
          assert.deepEqual(await remaining(database), kept);
          assert.deepEqual(await children(database), ['3 of 3', '500 of 500', '1100 of 1100']);
        });
      }
    }

    async function children(database: Database): Promise<string[]> {
      const rows = await database.query('SELECT id, session_id FROM children ORDER BY id');
      return rows.map((row) => `${row.id} of ${row.session_id}`);
    }
  });

  describe(`${engine.name}: a session that changes while the walk is on its way`, () => {
    const past = (n: number) => (engine.family === 'sqlite' ? 1_577_836_800 + n : '2020-01-01 00:00:00');
    const future = engine.family === 'sqlite' ? 4_070_908_800 : '2099-01-01 00:00:00';

    for (const index of [undefined, BY_EXPIRY]) {
      const along = index === undefined ? 'the primary key' : 'the expiry';

      test(`is kept when it was renewed after its step was chosen: along ${along}`, async (t) => {
        const database = await createDatabase(t, engine);
        const isExpired = index === undefined ? (n: number) => n % 8 !== 3 : (n: number) => n % 8 === 3;
        const live = await fill(database, byId, isExpired);
        if (index !== undefined) await database.run(index);
        await analyze(database);
        const sessions = await aimedSessions(t, database);
        let renewals = 0;
        const renew = async (n: number): Promise<void> => {
          const renewed = await database.knex('sessions').where({ id: n }).update({ expires_at: future });
          if (renewed === 1) live.push(n);
          renewals += renewed;
        };
        let step: KeyStep | undefined;
        let deleted = 0;
        let steps = 0;
        for (;;) {
          // SQLite's one writer is this transaction: there the step is chosen before it.
          if (engine.family !== 'sqlite') await sessions.begin();
          step = await sessions.nextStep(step, 100);
          if (step === undefined) break;
          // The last expired row of the step, and one that is far ahead or behind.
          let last = await lastOf(database, step);
          while (!isExpired(last)) last--;
          await renew(last);
          await renew(isExpired(ROWS / 2) ? ROWS / 2 : ROWS / 2 - 1);
          steps++;
          if (engine.family === 'sqlite') await sessions.begin();
          deleted += (await deleteExpired(sessions, step)).deleted;
          await sessions.commit();
        }
        const kept = [...new Set(live)].sort((a, b) => a - b);
        assert.deepEqual(await remaining(database), kept);
        assert.equal(deleted, ROWS - kept.length);
        assert.ok(renewals > steps && steps > 2, `${renewals} renewals in ${steps} steps`);
      });

      // Along the blocks of a table, a new row comes in ahead of the walk.
      const isBehind = engine.family !== 'postgresql' || index !== undefined;
      if (isBehind)
        test(`is left for the next run when it came in behind it: along ${along}`, async (t) => {
          const database = await createDatabase(t, engine);
          const live = await fill(database, byId, (n) => (index === undefined ? n % 8 !== 3 : n % 8 === 3));
          if (index !== undefined) await database.run(index);
          await analyze(database);
          const sessions = await aimedSessions(t, database);
          await sessions.begin();
          let step = await sessions.nextStep(undefined, 100);
          assert.ok(step?.last !== undefined);
          await deleteExpired(sessions, step);
          await sessions.commit();
          await database.run('INSERT INTO sessions (id, expires_at, n) VALUES (-1, ?, -1)', [past(-9_999)]);
          await sessions.begin();
          for (;;) {
            step = await sessions.nextStep(step, 1_000);
            if (step === undefined) break;
            await deleteExpired(sessions, step);
          }
          await sessions.commit();
          assert.deepEqual(await remaining(database), [-1, ...live]);
          const line = await runHere(['run', '--db-url', database.url]);
          assert.equal(line.deleted_count, 1);
          assert.deepEqual(await remaining(database), live);
        });
    }
  });

  if (engine.family === 'sqlite') {
    test('sqlite: numbers and texts of one format in one column all go, along the index', async (t) => {
      const database = await createDatabase(t, engine);
      await database.run('CREATE TABLE sessions (id INTEGER PRIMARY KEY, expires_at, n INT NOT NULL)');
      await database.run(BY_EXPIRY);
      const at = (n: number) => (n % 4 === 1 ? 1_577_836_800 + n : 4_070_908_800 + n);
      await insert(
        database,
        Array.from({ length: ROWS }, (_, n) => ({ id: n, expires_at: n % 3 === 0 ? String(at(n)) : at(n), n })),
      );
      const line = await runHere(['run', '--db-url', database.url, '--batch-size', String(BATCH)]);
      assert.equal(line.deleted_count, ROWS / 4, JSON.stringify(line));
      assert.ok((await remaining(database)).every((n) => n % 4 !== 1));
    });

    test('sqlite: the COMMIT waits for a reader, also in the time that the walk leaves over', async (t) => {
      const database = await createDatabase(t, engine);
      const live = await fill(database, byId, (n) => n % 8 === 3, 1_000);
      // It stops walking when nine tenths of its time are over; the reader goes a moment before the end.
      const attempt = async (timeoutMs: number): Promise<Line> => {
        const reader = await database.knex.transaction();
        await reader.raw('SELECT COUNT(*) FROM sessions');
        const running = runHere(['run', '--db-url', database.url, '--timeout', `${timeoutMs}ms`]);
        await sleep(timeoutMs * 0.95);
        await reader.commit();
        return running;
      };
      const line = await inTime(3_000, attempt, ({ outcome }) => outcome === 'busy');
      assert.equal(line.outcome, 'deleted', JSON.stringify(line));
      assert.deepEqual(await remaining(database), live);
    });
  } else {
    describe(`${engine.name}: rows that somebody else keeps locked`, () => {
      for (const [index, along] of [
        [undefined, 'the primary key'],
        [BY_EXPIRY, 'the expiry'],
      ] as const) {
        const isExpired = index === undefined ? (n: number) => n % 8 !== 3 : (n: number) => n % 8 === 3;

        test(`are passed over, live or expired, and the expired ones counted: along ${along}`, async (t) => {
          const database = await createDatabase(t, engine);
          const live = await fill(database, byId, isExpired);
          if (index !== undefined) await database.run(index);
          await analyze(database);
          const locked = [3, 4, 1_011, 1_012, 2_997, 2_998];
          const other = await database.knex.transaction();
          closeAfter(t, () => other.rollback());
          await other.raw(`SELECT n FROM sessions WHERE id IN (${locked.join(', ')}) FOR UPDATE`);
          const line = await runHere(['run', '--db-url', database.url]);
          const kept = locked.filter(isExpired);
          assert.deepEqual(
            [line.outcome, line.deleted_count, line.locked_count],
            ['deleted', ROWS - live.length - kept.length, kept.length],
            JSON.stringify(line),
          );
          assert.deepEqual(
            await remaining(database),
            [...live, ...kept].sort((a, b) => a - b),
          );
          await other.rollback();
          const next = await runHere(['run', '--db-url', database.url]);
          assert.deepEqual([next.deleted_count, next.locked_count], [kept.length, undefined]);
          assert.deepEqual(await remaining(database), live);
        });

        if (engine.family === 'mysql')
          test(`are counted once where the collation holds their keys for the same: along ${along}`, async (t) => {
            const database = await createDatabase(t, engine);
            const live = await fill(database, manySpellings, isExpired);
            if (index !== undefined) await database.run(index);
            await analyze(database);
            const other = await database.knex.transaction();
            closeAfter(t, () => other.rollback());
            const kept = [1_003, 1_007, 2_003, 2_007].filter(isExpired);
            for (const n of kept) await other('sessions').where(manySpellings.values(n)).forUpdate();
            const line = await runHere(['run', '--db-url', database.url]);
            await other.rollback();
            assert.deepEqual([line.outcome, line.locked_count], ['deleted', kept.length], JSON.stringify(line));
            assert.deepEqual(
              await remaining(database),
              [...live, ...kept].sort((a, b) => a - b),
            );
          });

        test(`are passed over where it is a child of theirs: along ${along}`, async (t) => {
          const database = await createDatabase(t, engine);
          const live = await fill(database, byId, isExpired);
          if (index !== undefined) await database.run(index);
          await analyze(database);
          await database.run(
            'CREATE TABLE children (id INT PRIMARY KEY, session_id INT, FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE)',
          );
          await database.run('INSERT INTO children SELECT id, id FROM sessions');
          const [kept = 0] = Array.from({ length: ROWS }, (_, n) => n).filter((n) => n > 1_000 && isExpired(n));
          const other = await database.knex.transaction();
          closeAfter(t, () => other.rollback());
          await other.raw('SELECT id FROM children WHERE id = ? FOR UPDATE', [kept]);
          const line = await runHere(['run', '--db-url', database.url]);
          await other.rollback();
          assert.deepEqual([line.outcome, line.locked_count], ['deleted', 1], JSON.stringify(line));
          assert.deepEqual(
            await remaining(database),
            [...live, kept].sort((a, b) => a - b),
          );
        });
      }
    });

    for (const index of [undefined, BY_EXPIRY]) {
      const along = index === undefined ? 'the primary key' : 'the expiry';
      test(`${engine.name}: a session that is written as the run comes by is not kept locked: along ${along}`, async (t) => {
        const database = await createDatabase(t, engine);
        // 1011 is live along the primary key, and expired but being renewed along the expiry.
        const isExpired = (n: number) => (n % 8 === 3) === (index !== undefined);
        const live = await fill(database, byId, isExpired);
        if (index !== undefined) await database.run(index);
        await analyze(database);
        const writer = await database.knex.transaction();
        closeAfter(t, () => writer.rollback());
        await writer.raw("UPDATE sessions SET expires_at = '2098-01-01' WHERE id = 1011");
        const sessions = await aimedSessions(t, database);
        await sessions.begin();
        const step = await sessions.nextStep(undefined, ROWS);
        assert.ok(step);
        const deleting = deleteExpired(sessions, step);
        // A DELETE that waits for the writer goes on when it has committed, and keeps what it has waited for.
        await Promise.race([deleting, sleep(500)]);
        await writer.commit();
        const kept = isExpired(1_011) ? [...live, 1_011].sort((a, b) => a - b) : live;
        assert.equal((await deleting).deleted, ROWS - kept.length);
        const other = await database.knex.transaction();
        closeAfter(t, () => other.rollback());
        await other.raw('SELECT n FROM sessions WHERE id = 1011 FOR UPDATE NOWAIT');
        await sessions.commit();
        assert.deepEqual(await remaining(database), kept);
      });
    }

    for (const index of [undefined, BY_EXPIRY]) {
      const along = index === undefined ? 'the primary key' : 'the expiry';
      test(`${engine.name}: who holds a row that was passed over can renew it at once: along ${along}`, async (t) => {
        const database = await createDatabase(t, engine);
        const live = await fill(database, byId, (n) => (n % 8 === 3) === (index !== undefined) || n === 1_011);
        if (index !== undefined) await database.run(index);
        await analyze(database);
        const request = await database.knex.transaction();
        closeAfter(t, () => request.rollback());
        const limit = engine.family === 'mysql' ? 'innodb_lock_wait_timeout = 1' : "lock_timeout = '1s'";
        await request.raw(`SET SESSION ${limit}`);
        await request.raw('SELECT n FROM sessions WHERE id = 1011 FOR UPDATE');
        const sessions = await aimedSessions(t, database);
        await sessions.begin();
        const step = await sessions.nextStep(undefined, ROWS);
        assert.ok(step);
        assert.deepEqual(await deleteExpired(sessions, step), { deleted: ROWS - live.length - 1, locked: 1 });
        await request.raw("UPDATE sessions SET expires_at = '2098-01-01' WHERE id = 1011");
        await request.commit();
        await sessions.commit();
        assert.deepEqual(
          await remaining(database),
          [...live, 1_011].sort((a, b) => a - b),
        );
      });
    }

    // With a key, and on PostgreSQL always, the run waits for nobody, and is in no deadlock.
    if (engine.family === 'mysql')
      describe(`${engine.name}: a deadlock, without a key`, () => {
        /** Locks a row that comes late along the expiry, starts the run, and then wants a row that the run has deleted. */
        async function provoke(t: TestContext, database: Database, other: Knex.Transaction) {
          closeAfter(t, () => other.rollback());
          // So few are expired that the run goes along the expiry, whatever pages the server's statistics are made from.
          const live = await fill(database, withoutKey, (n) => n === 1 || n === 2_000 || n % 40 === 3);
          await database.run(BY_EXPIRY);
          await analyze(database);
          // Until the other waits for the run: only then does the run wait for the other.
          const goOn = await holdDelete(database, '2000');
          closeAfter(t, goOn);
          await other.raw('SELECT n FROM sessions WHERE id = 1 FOR UPDATE');
          const running = runHere(['run', '--db-url', database.url, '--correlation-id', randomUUID()]);
          await until(() => isInTrigger(database));
          const connection = await connectionOf(database, other);
          const wanted = other.raw('SELECT n FROM sessions WHERE id = 2000 FOR UPDATE').then(
            () => 'got it',
            (error: { code?: string }) => error.code,
          );
          await untilWaitingForRow(database, connection);
          await goOn();
          return { live, expired: ROWS - live.length, wanted, line: await running };
        }

        /** The engine gives up the transaction that has changed less. */
        async function beginHeavy(database: Database): Promise<Knex.Transaction> {
          await database.run('CREATE TABLE ballast (n INT PRIMARY KEY)');
          const other = await database.knex.transaction();
          const rows = Array.from({ length: 5_000 }, (_, n) => `(${n})`).join(', ');
          await other.raw(`INSERT INTO ballast VALUES ${rows}`);
          return other;
        }

        test('that the other one loses costs the run nothing', async (t) => {
          const database = await createDatabase(t, engine);
          const { live, wanted, line } = await provoke(t, database, await database.knex.transaction());
          assert.equal(await wanted, 'ER_LOCK_DEADLOCK');
          assert.deepEqual([line.outcome, line.attempts, line.locked_count], ['deleted', 1, undefined]);
          assert.deepEqual(await remaining(database), live);
        });

        test('that the run loses is begun anew, and the step that is locked is left', async (t) => {
          const database = await createDatabase(t, engine);
          const other = await beginHeavy(database);
          const { live, expired, wanted, line } = await provoke(t, database, other);
          assert.equal(await wanted, 'got it');
          assert.deepEqual(
            [line.outcome, line.attempts, line.locked_count, line.deleted_count],
            ['deleted', 2, expired, 0],
            JSON.stringify(line),
          );
          await other.rollback();
          const again = await runHere(['run', '--db-url', database.url, '--correlation-id', randomUUID()]);
          assert.equal(again.deleted_count, expired);
          assert.deepEqual(await remaining(database), live);
        });
      });
  }
}

/** Of a walk whose key ends with it. */
function idOf(position: Position | undefined): number | undefined {
  const value = position?.at(-1);
  return value === undefined
    ? undefined
    : Number(typeof value === 'object' && 'literal' in value ? value.literal : value);
}

/** What comes of a step, all statements together. */
async function deleteExpired(sessions: ExpiredSessions<KeyStep>, step: KeyStep): Promise<DeletedStep> {
  const done = { deleted: 0, locked: 0 };
  for await (const { deleted, locked } of sessions.deleteExpired(step)) {
    done.deleted += deleted;
    done.locked += locked;
  }
  return done;
}

/** The number of the last row of a step. */
async function lastOf({ engine, query }: Database, { last }: KeyStep): Promise<number> {
  if (engine !== 'postgresql') return idOf(last) ?? ROWS - 1;
  // Of the row's place, or of its expiry.
  const [column, value] = String(last?.at(-1)).startsWith('(') ? ['ctid', last?.at(-1)] : ['expires_at', last?.[0]];
  const [row] = await query(`SELECT n FROM sessions WHERE ${column} <= ? ORDER BY ${column} DESC LIMIT 1`, [
    value ?? 'infinity',
  ]);
  return Number(row?.n ?? ROWS - 1);
}

/** The repository itself, ready to walk. */
async function aimedSessions(t: TestContext, database: Database): Promise<ExpiredSessions<KeyStep>> {
  const deadline = createDeadline({ timeoutMs: 60_000, startedAt: performance.now(), onSignal: () => {} });
  closeAfter(t, async () => deadline.close());
  const table = await openTableAt(database.url, 'sessions', deadline);
  closeAfter(t, () => table.close());
  return selectExpired(table);
}
