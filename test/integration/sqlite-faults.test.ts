// What SQLite has of its own that a run could trip over: exactly which rows remain, and what the line says.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createDeadline } from '../../src/cleanup/deadline.js';
import { type Database, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import { openTableAt, selectExpired } from '../support/opened.js';

const [sqlite] = engines;
assert.ok(sqlite?.family === 'sqlite');
const engine = sqlite;

const EXPIRED = 1_700_000_000;
const LIVE = 4_000_000_000;

/** A table `sessions` of its own making, in a new database. */
async function create(t: TestContext, ...statements: readonly string[]): Promise<Database> {
  const database = await engine.create();
  t.after(() => database.drop());
  for (const statement of statements) await database.run(statement);
  return database;
}

async function idsOf(database: Database, table = 'sessions'): Promise<unknown[]> {
  return (await database.query(`SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => id);
}

const run = (database: Database, ...flags: readonly string[]) => runHere(['run', '--db-url', database.url, ...flags]);

describe('in a database of UTF-16, exactly the expired rows go', { concurrency: 4 }, () => {
  const columns: Readonly<Record<string, readonly [type: string, expired: string | number, live: string | number]>> = {
    'digits of seconds': ['TEXT', String(EXPIRED), String(LIVE)],
    'digits of milliseconds': ['TEXT', `${EXPIRED}000`, `${LIVE}000`],
    'dates and times': ['TEXT', '2020-01-01 00:00:00', '2099-01-01 00:00:00'],
    'dates and times of ISO 8601': ['TEXT', '2020-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z'],
    numbers: ['INTEGER', EXPIRED, LIVE],
  };
  for (const encoding of ['UTF-16le', 'UTF-16be']) {
    for (const [name, [type, expired, live]] of Object.entries(columns)) {
      test(`${name}, ${encoding}, with keys that are texts`, async (t) => {
        const database = await create(
          t,
          `PRAGMA encoding = '${encoding}'`,
          `CREATE TABLE sessions (id TEXT PRIMARY KEY, expires_at ${type}) WITHOUT ROWID`,
        );
        const ids = Array.from({ length: 60 }, (_, at) => `ключ ${String(at).padStart(2, '0')} 🦊`);
        for (const [at, id] of ids.entries()) {
          await database.run('INSERT INTO sessions VALUES (?, ?)', [id, at % 4 === 1 ? live : expired]);
        }
        // What is no such time, in as many bytes or characters.
        for (const value of type === 'INTEGER' ? [] : ['1700000000x', ' 1700000000', '17000', '2020-01-01', '\0']) {
          await database.run('INSERT INTO sessions VALUES (?, ?)', [`z${value}`, value]);
        }
        const garbage = (await database.query("SELECT id FROM sessions WHERE id GLOB 'z*' ORDER BY id")).map(
          ({ id }) => id,
        );
        const line = await run(database, '--batch-size', '7');
        assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 45], JSON.stringify(line));
        assert.deepEqual(
          (await idsOf(database)).toSorted(),
          [...ids.filter((_, at) => at % 4 === 1), ...garbage].toSorted(),
        );
      });
    }
  }
});

describe('a key that the driver could not bring back', { concurrency: 4 }, () => {
  const kinds: Readonly<Record<string, readonly [columns: string, key: (n: number) => string]>> = {
    'whole numbers beyond 2^53': ['id INTEGER PRIMARY KEY, expires_at INTEGER)', (n) => `${2n ** 62n + BigInt(n)}`],
    'whole numbers below -2^53': ['id INTEGER PRIMARY KEY, expires_at INTEGER)', (n) => `${-(2n ** 63n) + BigInt(n)}`],
    'whole numbers without a type, without rowid': [
      'id, expires_at INTEGER, PRIMARY KEY (id)) WITHOUT ROWID',
      (n) => `${2n ** 60n + BigInt(n)}`,
    ],
    'one number and many texts, without rowid': [
      'user INTEGER DEFAULT 1234567890123456799, id TEXT, expires_at INTEGER, PRIMARY KEY (user, id)) WITHOUT ROWID',
      (n) => `'t${n}'`,
    ],
    'texts that are no UTF-8, without rowid': [
      'id TEXT, expires_at INTEGER, PRIMARY KEY (id)) WITHOUT ROWID',
      (n) => `CAST(x'ff${n.toString(16).padStart(4, '0')}' AS TEXT)`,
    ],
    'texts with a NUL, without rowid': [
      'id TEXT, expires_at INTEGER, PRIMARY KEY (id)) WITHOUT ROWID',
      (n) => `CAST(x'6100${n.toString(16).padStart(4, '0')}' AS TEXT)`,
    ],
    'BLOBs and infinities, without rowid': [
      'id, expires_at INTEGER, PRIMARY KEY (id)) WITHOUT ROWID',
      (n) => (n < 2 ? ['9e999', '-9e999'][n] : undefined) ?? `x'00${n.toString(16).padStart(4, '0')}'`,
    ],
    'reals that differ in the last bit, without rowid': [
      'id REAL, expires_at INTEGER, PRIMARY KEY (id)) WITHOUT ROWID',
      (n) => `${1 + n * Number.EPSILON}`,
    ],
    'numbers as text and as numbers, without rowid': [
      'id BLOB, expires_at INTEGER, PRIMARY KEY (id)) WITHOUT ROWID',
      (n) => (n % 2 === 0 ? `${n}` : `'${n}'`),
    ],
  };
  for (const [name, [columns, key]] of Object.entries(kinds)) {
    test(`${name}: exactly the expired rows go, whatever the size of a batch`, async (t) => {
      const database = await create(t, `CREATE TABLE sessions (n INTEGER, ${columns}`);
      const rows = Array.from({ length: 300 }, (_, n) => n);
      const isExpired = (n: number): boolean => n % 10 !== 3;
      const values = rows.map((n) => `(${n}, ${key(n)}, ${isExpired(n) ? EXPIRED + n : LIVE})`);
      await database.run(`INSERT INTO sessions (n, id, expires_at) VALUES ${values.join(', ')}`);
      if (name.includes('texts')) await database.run('CREATE INDEX by_expiry ON sessions (expires_at)');
      const line = await run(database, '--batch-size', '7', '--timeout', '60s');
      assert.deepEqual([line.outcome, line.complete, line.deleted_count], ['deleted', true, 270], JSON.stringify(line));
      assert.deepEqual(
        (await database.query('SELECT n FROM sessions ORDER BY n')).map(({ n }) => n),
        rows.filter((n) => !isExpired(n)),
      );
    });
  }
});

describe('expired rows that stay are counted, and the others go', { concurrency: 4 }, () => {
  const SESSIONS = 'CREATE TABLE sessions (id INTEGER PRIMARY KEY, kept INTEGER DEFAULT 0, expires_at INTEGER)';
  const numbers = Array.from({ length: 100 }, (_, at) => at + 1);
  const live = numbers.filter((n) => n % 7 === 0);
  const expired = numbers.filter((n) => n % 7 !== 0);

  async function fill(database: Database): Promise<void> {
    const rows = numbers.map((n) => `(${n}, ${Number(n % 5 === 0)}, ${n % 7 === 0 ? LIVE : EXPIRED})`);
    await database.run(`INSERT INTO sessions VALUES ${rows.join(', ')}`);
  }

  /** Runs it; exactly the rows of `left` are left besides the live ones. */
  async function assertLeft(database: Database, left: readonly number[], ...flags: readonly string[]): Promise<void> {
    const line = await run(database, ...flags);
    assert.deepEqual(
      [line.outcome, line.exit_status, line.deleted_count, line.locked_count],
      ['deleted', 0, expired.length - left.length, left.length === 0 ? undefined : left.length],
      JSON.stringify(line),
    );
    assert.deepEqual(
      await idsOf(database),
      [...live, ...left].sort((a, b) => a - b),
    );
  }

  for (const [name, flags] of Object.entries({ 'in one go': [], 'in batches': ['--batch-size', '10'] })) {
    test(`those that a trigger ignores, ${name}`, async (t) => {
      const database = await create(t, SESSIONS);
      await fill(database);
      await database.run('CREATE TRIGGER keep BEFORE DELETE ON sessions WHEN OLD.kept BEGIN SELECT RAISE(IGNORE); END');
      await assertLeft(
        database,
        expired.filter((n) => n % 5 === 0),
        ...flags,
      );
    });

    for (const rule of ['ON DELETE RESTRICT', 'ON DELETE NO ACTION', '', 'DEFERRABLE INITIALLY DEFERRED']) {
      test(`those that rows of another table refer to, ${rule || 'without a rule'}, ${name}`, async (t) => {
        const database = await create(
          t,
          SESSIONS,
          `CREATE TABLE orders (id INTEGER PRIMARY KEY, session INTEGER REFERENCES sessions ${rule})`,
        );
        await fill(database);
        await database.run('INSERT INTO orders (session) VALUES (3), (3), (7), (50), (NULL)');
        await assertLeft(database, [3, 50], ...flags);
        await database.run('DELETE FROM orders WHERE session = 50');
        const next = await run(database, ...flags);
        assert.deepEqual([next.deleted_count, next.locked_count], [1, 1], JSON.stringify(next));
        assert.deepEqual((await database.query('SELECT count(*) AS n FROM orders'))[0], { n: 4 });
      });
    }

    test(`those that rows refer to which would go with them, ${name}`, async (t) => {
      const database = await create(
        t,
        SESSIONS,
        'CREATE TABLE carts (id INTEGER PRIMARY KEY, session INTEGER REFERENCES sessions ON DELETE CASCADE)',
        'CREATE TABLE orders (id INTEGER PRIMARY KEY, cart INTEGER REFERENCES carts)',
      );
      await fill(database);
      await database.run('INSERT INTO carts VALUES (1, 3), (2, 4), (3, 7), (4, 8)');
      await database.run('INSERT INTO orders VALUES (1, 1), (2, 3), (3, NULL)');
      await assertLeft(database, [3], ...flags);
      assert.deepEqual(await idsOf(database, 'carts'), [1, 3]);
      assert.deepEqual(await idsOf(database, 'orders'), [1, 2, 3]);
    });

    test(`those whose children must not lose them, ${name}`, async (t) => {
      const database = await create(
        t,
        SESSIONS,
        'CREATE TABLE carts (id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions ON DELETE SET NULL)',
      );
      await fill(database);
      await database.run('INSERT INTO carts VALUES (1, 3), (2, 50)');
      await assertLeft(database, [3, 50], ...flags);
      assert.deepEqual(await database.query('SELECT session FROM carts ORDER BY id'), [
        { session: 3 },
        { session: 50 },
      ]);
    });

    test(`those that a live row of the table refers to, ${name}`, async (t) => {
      const database = await create(
        t,
        'CREATE TABLE sessions (id INTEGER PRIMARY KEY, kept INTEGER, expires_at INTEGER, previous INTEGER REFERENCES sessions)',
      );
      const rows = numbers.map((n) => `(${n}, 0, ${n % 7 === 0 ? LIVE : EXPIRED}, ${n === 1 ? 'NULL' : n - 1})`);
      await database.run(`INSERT INTO sessions VALUES ${rows.slice(0, 50).join(', ')}`);
      await database.run(`INSERT INTO sessions SELECT id + 50, 0, ${EXPIRED}, NULL FROM sessions`);
      // 49 is the last that is live, and all before it are referred to in turn.
      const line = await run(database, ...flags);
      assert.deepEqual([line.deleted_count, line.locked_count], [51, 42], JSON.stringify(line));
      assert.deepEqual(await idsOf(database), numbers.slice(0, 49));
    });
  }

  test('none is, where no row refers to another any more', async (t) => {
    const database = await create(t, SESSIONS, 'CREATE TABLE orders (session INTEGER REFERENCES sessions)');
    await fill(database);
    await assertLeft(database, []);
  });
});

describe('ON DELETE CASCADE that comes back to the table is refused, by run, dry run and check', () => {
  const schemas: Readonly<Record<string, readonly string[]>> = {
    'of its own': [
      'CREATE TABLE sessions (id TEXT PRIMARY KEY, expires_at INTEGER, other TEXT REFERENCES sessions (id) ON DELETE CASCADE)',
    ],
    'by another spelling of its name': [
      'CREATE TABLE sessions (id TEXT PRIMARY KEY, expires_at INTEGER, other TEXT REFERENCES "SESSIONS" ON DELETE CASCADE)',
    ],
    'over another table': [
      'CREATE TABLE logins (id TEXT PRIMARY KEY, session TEXT REFERENCES sessions ON DELETE CASCADE)',
      'CREATE TABLE sessions (id TEXT PRIMARY KEY, expires_at INTEGER, other TEXT REFERENCES logins ON DELETE CASCADE)',
    ],
  };
  for (const [name, statements] of Object.entries(schemas)) {
    test(name, async (t) => {
      const database = await create(t, ...statements);
      const rows = `('old', ${EXPIRED}, NULL), ('live', ${LIVE}, NULL)`;
      await database.run(`INSERT INTO sessions VALUES ${rows}`);
      for (const command of [['run'], ['run', '--dry-run'], ['check']]) {
        const line = await runHere([...command, '--db-url', database.url, '--log-format', 'json']);
        assert.deepEqual([line.outcome, line.exit_status, line.error_code], ['refused', 3, 'CASCADE_BACK']);
        assert.match(String(line.error), /FOREIGN KEY \((other|session)\) of /);
        assert.match(String(line.hint), /ON DELETE SET NULL/);
      }
      assert.deepEqual(await idsOf(database), ['live', 'old']);
    });
  }

  test('SET NULL is none, nor is a cascade that ends', async (t) => {
    const database = await create(
      t,
      'CREATE TABLE sessions (id TEXT PRIMARY KEY, expires_at INTEGER, other TEXT REFERENCES sessions ON DELETE SET NULL)',
      'CREATE TABLE carts (id TEXT PRIMARY KEY, session TEXT REFERENCES sessions ON DELETE CASCADE)',
      'CREATE TABLE items (id TEXT PRIMARY KEY, cart TEXT REFERENCES carts ON DELETE CASCADE)',
      `INSERT INTO sessions VALUES ('old', ${EXPIRED}, NULL), ('live', ${LIVE}, 'old')`,
      "INSERT INTO carts VALUES ('a', 'old'), ('b', 'live'), ('c', NULL)",
      "INSERT INTO items VALUES ('1', 'a'), ('2', 'b'), ('3', NULL)",
    );
    const line = await run(database);
    assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 1], JSON.stringify(line));
    assert.deepEqual(await database.query('SELECT id, other FROM sessions'), [{ id: 'live', other: null }]);
    assert.deepEqual(
      [await idsOf(database, 'carts'), await idsOf(database, 'items')],
      [
        ['b', 'c'],
        ['2', '3'],
      ],
    );
  });
});

describe('exactly the expired rows go from a table', { concurrency: 4 }, () => {
  const tables: Readonly<Record<string, readonly [table: string, columns: string, ...more: string[]]>> = {
    'with the name of a temporary table of the run': ['session_cleanup_found', 'id INTEGER, expires_at INTEGER'],
    'with a column that cannot be computed': [
      'sessions',
      "id INTEGER, expires_at INTEGER, data TEXT DEFAULT '{'",
      "ALTER TABLE sessions ADD COLUMN user INTEGER AS (json_extract(data, '$.user'))",
    ],
    'with rows of 100 kB': ['sessions', 'id INTEGER, expires_at INTEGER, data BLOB DEFAULT (zeroblob(100000))'],
  };
  for (const [name, [table, columns, ...more]] of Object.entries(tables)) {
    for (const index of [[], [`CREATE INDEX by_expiry ON ${table} (expires_at)`]]) {
      test(`${name}, ${index.length === 0 ? 'without an index' : 'with one'} on the expiry`, async (t) => {
        const database = await create(
          t,
          `CREATE TABLE ${table} (${columns})`,
          ...index,
          `INSERT INTO ${table} (id, expires_at) VALUES (1, ${EXPIRED}), (2, ${LIVE}), (3, ${EXPIRED}), (4, '1700000000x')`,
          ...more,
        );
        const line = await run(database, '--table', table, '--expires-format', 'unix');
        assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 2], JSON.stringify(line));
        assert.deepEqual(await idsOf(database, table), [2, 4]);
      });
    }
  }
});

test('a step takes fewer rows where rows are large', async (t) => {
  const mostRows = async (bytes: number): Promise<number | undefined> => {
    const database = await create(t, 'CREATE TABLE sessions (id INTEGER PRIMARY KEY, expires_at INTEGER, data BLOB)');
    await database.run(`INSERT INTO sessions VALUES (1, ${EXPIRED}, zeroblob(${bytes}))`);
    const deadline = createDeadline({ timeoutMs: 60_000, startedAt: performance.now(), onSignal: () => {} });
    const table = await openTableAt(database.url, 'sessions', deadline);
    return (await selectExpired(table).finally(() => table.close())).mostStepRows;
  };
  const [of10, of1000 = 0, of100000] = [await mostRows(10), await mostRows(1_000), await mostRows(100_000)];
  assert.ok(of1000 * 1_000 < 7_000_000 && of1000 * 1_000 > 6_000_000, String(of1000));
  assert.deepEqual([of10, of100000], [40_000, 500]);
});

describe('an error of SQLite is told in its own words, whole', () => {
  test('with a dash in it, of a trigger', async (t) => {
    const database = await create(
      t,
      'CREATE TABLE sessions (id TEXT, expires_at INTEGER)',
      `INSERT INTO sessions VALUES ('old', ${EXPIRED})`,
      "CREATE TRIGGER fail BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'not yet - 10 rows - FOREIGN KEY'); END",
    );
    const line = await run(database);
    assert.equal(line.error, 'failed while deleting: SQLITE_CONSTRAINT: not yet - 10 rows - FOREIGN KEY');
    assert.deepEqual(
      [line.exit_status, line.deleted_count, line.hint],
      [1, 0, 'The trigger fail runs at each DELETE: see whether it failed.'],
    );
    assert.deepEqual(await idsOf(database), ['old']);
  });

  test('of a foreign key that refers to no key', async (t) => {
    const database = await create(
      t,
      'CREATE TABLE sessions (id TEXT, expires_at INTEGER)',
      `INSERT INTO sessions VALUES ('old', ${EXPIRED})`,
      'CREATE TABLE carts (session TEXT REFERENCES sessions (id) ON DELETE CASCADE)',
    );
    const line = await run(database);
    assert.match(String(line.error), /: SQLITE_ERROR: foreign key mismatch - "carts" referencing "sessions"$/);
    assert.match(String(line.hint), /UNIQUE/);
    assert.deepEqual(await idsOf(database), ['old']);
  });
});
