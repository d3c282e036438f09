// Keys of every type and shape on MySQL and MariaDB: exactly the expired rows go, in many steps, and nobody is held up.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { type Database, type Engine, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';

const ROWS = 1_200;
const BATCH = 40;

interface Kind {
  readonly columns: string;
  readonly key: string;
  readonly values: (n: number) => Readonly<Record<string, unknown>>;
  readonly options?: string;
  readonly only?: Database['engine'];
  /** How many different keys there can be. */
  readonly rows?: number;
}

const hash = (n: number): string => createHash('sha256').update(String(n)).digest('hex');
const two = (n: number): string => String(n).padStart(2, '0');
const clock = (n: number): string => `${two(((n / 60 / 60) % 24) | 0)}:${two(((n / 60) % 60) | 0)}:${two(n % 60)}`;
const dateOf = (n: number): string =>
  `${2000 + ((n / 372) | 0)}-${two(((((n / 31) | 0) + 1) % 12) + 1)}-${two(((16 * n + 9) % 31) + 1)}`;
const HOSTILE = ["a'", 'a\\', 'a"', 'é', "a涓'", '🦊', 'a`', '%_?'];
const hostile = (n: number): string => `${HOSTILE[n % HOSTILE.length]}${n}`;
const members = (count: number): string =>
  Array.from({ length: count }, (_, at) => `'m${(at * 7) % count}'`).join(', ');

const KINDS: Readonly<Record<string, Kind>> = {
  'a DECIMAL': { columns: 'id DECIMAL(20, 2) NOT NULL', key: 'PRIMARY KEY (id)', values: (n) => ({ id: n / 4 - 100 }) },
  'a DECIMAL beyond 2^64': {
    columns: 'id DECIMAL(40, 0) UNSIGNED NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `12345678901234567890123456789${String(n).padStart(5, '0')}` }),
  },
  'a DOUBLE': { columns: 'id DOUBLE NOT NULL', key: 'PRIMARY KEY (id)', values: (n) => ({ id: n / 3 - 100 }) },
  'a large and a small DOUBLE': {
    columns: 'id DOUBLE NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: (n + 0.1) * 10 ** ((n % 40) - 20) * (n % 2 === 0 ? 1 : -1) }),
  },
  'a large and a small FLOAT': {
    columns: 'id FLOAT NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: (n + 0.1) * 10 ** ((n % 40) - 20) * (n % 2 === 0 ? 1 : -1) }),
  },
  'a FLOAT': { columns: 'id FLOAT NOT NULL', key: 'PRIMARY KEY (id)', values: (n) => ({ id: n / 3 }) },
  'an ENUM': {
    columns: `id ENUM(${members(600)}) NOT NULL`,
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `m${n}` }),
    rows: 600,
  },
  'an ENUM and a number': {
    columns: "kind ENUM('z', 'a', 'Z9', '') NOT NULL, id INT NOT NULL",
    key: 'PRIMARY KEY (kind, id)',
    values: (n) => ({ kind: ['z', 'a', 'Z9', ''][n % 4], id: n }),
  },
  'a SET': {
    columns: `id SET(${members(60)}) NOT NULL`,
    key: 'PRIMARY KEY (id)',
    values: (n) => ({
      id: Array.from({ length: 11 }, (_, bit) => ((n >> bit) & 1 ? `m${bit * 5}` : ''))
        .filter(Boolean)
        .join(),
    }),
  },
  'a BIT(64)': {
    columns: 'id BIT(64) NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: 2n ** 63n + BigInt(n) }),
  },
  'a YEAR': {
    columns: 'id YEAR NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: n === 0 ? 0 : 1900 + n }),
    rows: 256,
  },
  'a TIME, also below zero': {
    columns: 'id TIME NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `${n % 2 === 0 ? '-' : ''}${100 + (n % 700)}:${clock(n).slice(3)}` }),
  },
  'a TIME(6)': {
    columns: 'id TIME(6) NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `12:00:00.${hash(0).replaceAll(/\D/g, '').slice(0, 2)}${String(n).padStart(4, '0')}` }),
  },
  'a TIMESTAMP(3)': {
    columns: "id TIMESTAMP(3) NOT NULL DEFAULT '2020-01-01'",
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `2024-03-31 ${clock(n * 7)}.${String(n % 1000).padStart(3, '0')}` }),
  },
  'a DATETIME with days that are none': {
    columns: 'id DATETIME NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `2021-${two(n % 13)}-31 ${clock(n)}` }),
  },
  'a DATETIME(2) with days that are none': {
    columns: 'id DATETIME(2) NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `2021-${two(n % 13)}-31 ${clock(n)}.${two(n % 100)}` }),
  },
  'a DATE with zero and days that are none': {
    columns: 'id DATE NOT NULL',
    key: 'PRIMARY KEY (id)',
    // Number 3 is zero, 9 and 11 are the last days of February.
    values: (n) => ({ id: n === 3 ? '0000-00-00' : dateOf(n) }),
  },
  'a DATE with days that are none, and a number': {
    columns: 'day DATE NOT NULL, id INT NOT NULL',
    key: 'PRIMARY KEY (day, id)',
    values: (n) => ({ day: `2021-${two(n % 13)}-31`, id: n }),
  },
  'a DATETIME(2)': {
    columns: 'id DATETIME(2) NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `${1990 + (n % 50)}-12-31 ${clock(n)}.${two(n % 100)}` }),
  },
  'a DATE that may be zero, and a number': {
    columns: 'day DATE NOT NULL, id INT NOT NULL',
    key: 'PRIMARY KEY (day, id)',
    values: (n) => ({ day: n % 5 === 0 ? '0000-00-00' : `2021-${two(n % 13)}-30`.replace('02-30', '00-00'), id: n }),
  },
  'an INET6': {
    columns: 'id INET6 NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `2001:db8::${n.toString(16)}` }),
    only: 'mariadb',
  },
  'the beginning of a text': {
    columns: 'id VARCHAR(200) NOT NULL',
    key: 'PRIMARY KEY (id(12))',
    values: (n) => ({ id: `${hash(n)}${hash(n)}` }),
  },
  'the beginning of a TEXT, and hostile characters': {
    columns: 'id TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL',
    key: 'PRIMARY KEY (id(40))',
    values: (n) => ({ id: hostile(n) }),
  },
  'the beginning of a BLOB and a number': {
    columns: 'id BLOB NOT NULL, n2 INT NOT NULL',
    key: 'PRIMARY KEY (n2, id(3))',
    values: (n) => ({ id: Buffer.from(hash(n), 'hex'), n2: n % 3 === 0 ? n - 1 : n }),
  },
  'an ascending and a descending number': {
    columns: 'a INT NOT NULL, b INT NOT NULL',
    key: 'PRIMARY KEY (a ASC, b DESC)',
    values: (n) => ({ a: n % 9, b: n }),
  },
  'a descending and two ascending columns': {
    columns: 'a INT NOT NULL, b VARCHAR(20) NOT NULL, c INT NOT NULL',
    key: 'PRIMARY KEY (a DESC, b ASC, c ASC)',
    values: (n) => ({ a: n % 5, b: hostile(n % 7), c: n }),
  },
  'a text in gbk with hostile characters': {
    columns: 'id VARCHAR(40) CHARACTER SET gbk NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `${["a'", '漢\\', '中"'][n % 3]}${n}` }),
  },
  'a text in ucs2 with hostile characters': {
    columns: 'id VARCHAR(40) CHARACTER SET ucs2 NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: `${["a'", '漢\\', '中"'][n % 3]}${n}` }),
  },
  'a text in utf8mb4 with hostile characters': {
    columns: 'id VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: hostile(n) }),
  },
  'a number, and many rows of the same expiry': {
    columns: 'id INT NOT NULL',
    key: 'PRIMARY KEY (id)',
    values: (n) => ({ id: n }),
  },
  'the beginning of a text, in partitions': {
    columns: 'part INT NOT NULL, id VARCHAR(90) NOT NULL',
    key: 'PRIMARY KEY (part, id(30))',
    options: 'PARTITION BY HASH (part) PARTITIONS 3',
    values: (n) => ({ part: n % 7, id: hash(n) }),
  },
};

/** What is to be closed before the database is dropped. */
const open = new WeakMap<Database, () => Promise<unknown>>();

async function createDatabase(t: TestContext, engine: Engine): Promise<Database> {
  const database = await engine.create();
  t.after(async () => {
    await open.get(database)?.();
    await database.drop();
  });
  return database;
}

/** A table `sessions` whose column `n` numbers the rows; resolves to the numbers of those that have to remain. */
async function fill(
  database: Database,
  { columns, key, values, options = '', rows = ROWS }: Kind,
  { isExpired, more = '', ties = 1 }: { isExpired: (n: number) => boolean; more?: string; ties?: number },
): Promise<readonly number[]> {
  await database.run(
    `CREATE TABLE sessions (${columns}, expires_at DATETIME NOT NULL, n INT NOT NULL, ${key}${more}) ${options}`,
  );
  const numbers = Array.from({ length: rows }, (_, at) => at);
  const all = numbers.map((n) => {
    const minutes = Math.floor(((n * 7_919) % 4_001) / ties) * ties;
    const past = new Date(Date.UTC(2020, 0, 1) + minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
    return { ...values(n), expires_at: isExpired(n) ? past : '2099-01-01 00:00:00', n };
  });
  const names = Object.keys(all[0] ?? {});
  const row = `(${names.map(() => '?').join(', ')})`;
  await database.knex.transaction(async (transaction) => {
    await transaction.raw("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'");
    for (let start = 0; start < all.length; start += 300) {
      const some = all.slice(start, start + 300);
      const bindings = some.flatMap((one) => names.map((name) => (one as Readonly<Record<string, unknown>>)[name]));
      await transaction.raw(
        `INSERT INTO sessions (${names.join(', ')}) VALUES ${some.map(() => row).join(', ')}`,
        bindings as string[],
      );
    }
  });
  await database.query('ANALYZE TABLE sessions');
  return numbers.filter((n) => !isExpired(n));
}

async function remaining(database: Database): Promise<readonly number[]> {
  return (await database.query('SELECT n FROM sessions')).map(({ n }) => Number(n)).sort((a, b) => a - b);
}

const BY_EXPIRY = ', KEY by_expiry (expires_at)';

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  describe(`${engine.name}: exactly the expired rows go, in many batches, where the key is`, { concurrency: 2 }, () => {
    for (const [name, kind] of Object.entries(KINDS)) {
      const { rows = ROWS } = kind;
      for (const [more, along, isExpired, ties] of [
        ['', 'few are expired, without an index on the expiry', (n: number) => n % 8 === 3, 1],
        ['', 'most are expired, without an index on the expiry', (n: number) => n % 8 !== 3, 1],
        [BY_EXPIRY, 'few are expired, with an index on the expiry', (n: number) => n % 8 === 3, 1],
        [BY_EXPIRY, 'most are expired, many at the same time, with an index', (n: number) => n % 8 !== 3, 1_000],
      ] as const) {
        test(`${name}: ${along}`, async (t) => {
          const database = await createDatabase(t, engine);
          if (kind.only !== undefined && kind.only !== database.engine) return t.skip(`only on ${kind.only}`);
          const live = await fill(database, kind, { isExpired, more, ties });
          const size = Math.min(BATCH, Math.ceil(rows / 30));
          const line = await runHere(['run', '--db-url', database.url, '--batch-size', String(size)]);
          assert.deepEqual([line.outcome, line.deleted_count], ['deleted', rows - live.length], JSON.stringify(line));
          assert.equal(line.locked_count, undefined);
          assert.deepEqual(await remaining(database), live);
          const batches = Number(line.batches);
          assert.ok(batches >= (rows - live.length) / size, `only ${batches} batches`);
          assert.deepEqual((await runHere(['run', '--db-url', database.url])).outcome, 'nothing_expired');
          const alone = live.find((n) => n === 9 || n === 11);
          await database.run(`UPDATE sessions SET expires_at = '2020-01-01' WHERE n = ${alone}`);
          const other = await database.knex.transaction({ isolationLevel: 'read committed' });
          open.set(database, () => other.rollback());
          await other.raw(`SELECT n FROM sessions WHERE n <> ${alone} FOR UPDATE`);
          const { outcome, deleted_count, locked_count } = await runHere(['run', '--db-url', database.url]);
          assert.deepEqual([outcome, deleted_count, locked_count], ['deleted', 1, undefined]);
          assert.deepEqual(
            await remaining(database),
            live.filter((n) => n !== alone),
          );
        });
      }

      test(`${name}: whoever holds a row that is passed over can renew it at once, and give it a new key`, async (t) => {
        const database = await createDatabase(t, engine);
        if (kind.only !== undefined && kind.only !== database.engine) return t.skip(`only on ${kind.only}`);
        const live = await fill(database, kind, { isExpired: (n) => n % 8 !== 3, more: ', KEY by_n (n)' });
        const other = await database.knex.transaction();
        open.set(database, () => other.rollback());
        await other.raw('SET SESSION innodb_lock_wait_timeout = 1');
        const held = [3, 4, 11, 12];
        await other.raw(`SELECT n FROM sessions WHERE n IN (${held.join(', ')}) FOR UPDATE`);
        const line = await runHere(['run', '--db-url', database.url]);
        assert.deepEqual(
          [line.outcome, line.deleted_count, line.locked_count],
          ['deleted', rows - live.length - 2, 2],
          JSON.stringify(line),
        );
        await other.raw("UPDATE sessions SET expires_at = '2098-01-01' WHERE n IN (3, 4)");
        await other.raw('DELETE FROM sessions WHERE n IN (11, 12)');
        await other.commit();
        const kept = [...live, 4].filter((n) => n !== 11).sort((a, b) => a - b);
        assert.deepEqual(await remaining(database), kept);
      });
    }
  });
}
