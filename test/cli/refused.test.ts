// Status 3: the table, the column or what is stored in it is not what it should be. Nothing is deleted.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { createSessions, ids, remaining } from '../support/sessions.js';

/** Runs on a table with rows that look expired, and sees that every row of it remains. */
async function assertRefused(
  database: Database,
  args: readonly string[],
  { code, error, table = 'sessions' }: { code: string; error: RegExp; table?: string },
): Promise<void> {
  const rows = async () => database.query(`SELECT * FROM ${table} ORDER BY id`);
  const before = await rows();
  assert.notEqual(before.length, 0);
  const line = failureLine(await runCommand(['run', '--db-url', database.url, ...args]), 3, 'refused');
  assert.deepEqual([line.deleted_count, line.error_code], [0, code]);
  assert.match(String(line.error), error);
  assert.equal(typeof line.hint, 'string');
  assert.deepEqual(await rows(), before);
}

/** A database whose table `sessions` has `values` in a column of the given type. */
async function createColumn(
  t: TestContext,
  engine: Engine,
  type: string,
  values: readonly (string | number | null)[],
): Promise<Database> {
  const database = await engine.create();
  t.after(() => database.drop());
  await database.run(`CREATE TABLE sessions (id INT NOT NULL PRIMARY KEY, expires_at ${type} NULL)`);
  for (const [id, value] of values.entries()) await database.run('INSERT INTO sessions VALUES (?, ?)', [id, value]);
  return database;
}

const ROWS = { expired: ids(3), live: ['z'] };

for (const engine of engines) {
  describe(`refused, ${engine.name}`, { concurrency: 2 }, () => {
    test('is a table that is missing', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await assertRefused(database, ['--table', 'logins'], { code: 'NO_TABLE', error: /no table .*logins/ });
    });

    test('is a column that is missing', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const args = ['--expires-column', 'ends'];
      await assertRefused(database, args, {
        code: 'NO_COLUMN',
        error: /sessions has no column ends: it has id, expires_at$/,
      });
    });

    test('is a view', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await database.run('CREATE VIEW logins AS SELECT * FROM sessions');
      await assertRefused(database, ['--table', 'logins'], {
        code: 'NOT_A_TABLE',
        error: /logins is not a table but a view/,
      });
    });

    test('is a column of seconds and milliseconds', async (t) => {
      const database = await createColumn(t, engine, 'BIGINT', [1_600_000_000, 1_600_000_000_001, 1_600_000_000, 0]);
      await assertRefused(database, [], { code: 'FORMAT_MIXED', error: /it holds 2 × unix, 1 × unix-ms$/ });
    });

    test('is a column of texts of two kinds', async (t) => {
      const database = await createColumn(t, engine, 'VARCHAR(40)', ['2020-01-01 00:00:00', '1600000000']);
      await assertRefused(database, [], {
        code: 'FORMAT_MIXED',
        error: /it holds 1 × datetime as text, 1 × unix as text$/,
      });
    });

    test('is a column of texts that are no times, whose words are not repeated', async (t) => {
      const database = await createColumn(t, engine, 'VARCHAR(40)', [
        'hunter2',
        'now',
        'Wed, 01 Jan 2020 00:00:00 GMT',
      ]);
      await assertRefused(database, [], { code: 'FORMAT_MIXED', error: /it holds 3 × unrecognised text$/ });
    });

    test('is a time that no format is, by its name and with what to do', async (t) => {
      const cases = [
        ['BIGINT', [20200101000000, 20200102000000], 'YYYYMMDDHHMMSS'],
        ['VARCHAR(40)', ['20200101000000', '20200102000000'], 'YYYYMMDDHHMMSS'],
        ['BIGINT', [1_577_836_800_000_000_000, 1_577_836_801_000_000_000], 'nanoseconds since 1970'],
        [
          'VARCHAR(60)',
          ['2020-01-01 00:00:00.1 +0000 UTC', '2020-01-02 00:00:00 +0000 UTC'],
          'time with the name of a zone',
        ],
        [
          'VARCHAR(60)',
          ['2020-01-01T00:00:00+0000', '2020-01-02 00:00:00+0000'],
          'time with an offset without a colon',
        ],
      ] as const;
      for (const [type, values, name] of cases) {
        const database = await createColumn(t, engine, type, values);
        const error = new RegExp(`^session-cleanup cannot read these times: the column holds 2 × ${name}$`);
        for (const format of ['auto', 'datetime', 'unix-ms']) {
          await assertRefused(database, ['--expires-format', format], { code: 'FORMAT_NOT_SERVED', error });
        }
      }
    });

    test('is a format that fits no value', async (t) => {
      const database = await createColumn(t, engine, 'BIGINT', [1_600_000_000, 1_600_000_001]);
      for (const format of ['unix-ms', 'datetime']) {
        const error = new RegExp(`no stored value looks like ${format}: the column holds 2 × unix$`);
        await assertRefused(database, ['--expires-format', format], { code: 'FORMAT_MISMATCH', error });
      }
    });

    test('is a number format for a column of dates', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      for (const format of ['unix', 'julian']) {
        await assertRefused(database, ['--expires-format', format], {
          code: 'FORMAT_MISMATCH',
          error: new RegExp(format),
        });
      }
    });

    test('is a dry run and a quiet run too', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const ended = await runCommand(['run', '--db-url', database.url, '--table', 'logins', '-n', '-q']);
      const line = failureLine(ended, 3, 'refused');
      assert.deepEqual([line.expired_count, line.dry_run], [null, true]);
    });

    test('is not a column that holds nothing but NULL, zeros and empty texts', async (t) => {
      const database = await createColumn(t, engine, 'VARCHAR(40)', [null, '', '0']);
      const line = successLine(await runCommand(['run', '--db-url', database.url]));
      assert.deepEqual([line.outcome, line.deleted_count], ['nothing_expired', 0]);
      assert.deepEqual(await remaining(database), [0, 1, 2]);
    });
  });
}

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  describe(`refused, ${engine.name} only`, { concurrency: 2 }, () => {
    for (const storage of ['MyISAM', 'MEMORY', 'Aria']) {
      test(`is a ${storage} table, which cannot roll back; a dry run and check count it, and name what converts it`, async (t) => {
        const database = await createSessions(t, engine, ROWS);
        if (storage === 'Aria' && database.engine !== 'mariadb') return t.skip('MySQL has no Aria');
        await database.run(`ALTER TABLE sessions ENGINE = ${storage}`);
        const problem = new RegExp(`\\.sessions is a ${storage} table, which cannot roll back$`, 'i');
        await assertRefused(database, [], { code: 'NO_TRANSACTIONS', error: problem });

        const dryRun = await runCommand(['run', '--db-url', database.url, '--dry-run']);
        const { outcome, expired_count, row_count, warning } = dryRun.line;
        assert.deepEqual(
          { status: dryRun.status, outcome, expired_count, row_count },
          { status: 0, outcome: 'counted', expired_count: 3, row_count: 4 },
        );
        assert.match(String(warning), /^a run would be refused: /);
        assert.match(String(warning), problem);

        const checked = await runCommand(['check', '--db-url', database.url]);
        const { error_code, hint } = checked.line;
        assert.deepEqual(
          [checked.status, error_code, checked.line.expired_count, checked.line.row_count],
          [3, 'NOT_READY', 3, 4],
        );
        assert.match(String(checked.line.error), problem);
        const [conversion] = /ALTER TABLE `\w+`\.`sessions` ENGINE=InnoDB/.exec(String(hint)) ?? [];
        await database.run(String(conversion));
        const line = successLine(await runCommand(['run', '--db-url', database.url]));
        assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 3]);
        assert.deepEqual(await remaining(database), ['z']);
      });
    }

    for (const type of ['FLOAT', 'TIME', 'BLOB']) {
      test(`is a column of type ${type}`, async (t) => {
        const database = await createColumn(t, engine, type, [1234]);
        await assertRefused(database, [], {
          code: 'FORMAT_MISMATCH',
          error: /of type \w+, which holds no exact time$/,
        });
      });
    }

    test('is a table of another schema that is missing', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const args = ['--table', 'no_such_schema.sessions'];
      await assertRefused(database, args, { code: 'NO_TABLE', error: /no table no_such_schema\.sessions/ });
    });
  });
}

describe('refused, sqlite only', { concurrency: 2 }, () => {
  const [sqlite] = engines;
  assert.ok(sqlite);

  test('is a virtual table', async (t) => {
    const database = await sqlite.create();
    t.after(() => database.drop());
    await database.run('CREATE VIRTUAL TABLE sessions USING fts5(id, expires_at)');
    await database.run("INSERT INTO sessions VALUES ('a', '2020-01-01 00:00:00')");
    await assertRefused(database, [], { code: 'NOT_A_TABLE', error: /sessions is not a table but a virtual/ });
  });

  test('is a column of binary values', async (t) => {
    const database = await createColumn(t, sqlite, 'BLOB', []);
    await database.run("INSERT INTO sessions VALUES (1, x'323032302d30312d30312030303a30303a3030')");
    await assertRefused(database, [], {
      code: 'FORMAT_MIXED',
      error: /it holds 1 × unrecognised binary$/,
    });
  });

  test('is an empty file: a database without a table', async (t) => {
    const database = await sqlite.create();
    t.after(() => database.drop());
    await database.run('VACUUM');
    const line = failureLine(await runCommand(['run', '--db-url', database.url]), 3, 'refused');
    assert.equal(line.error_code, 'NO_TABLE');
  });
});
