// What looks like a mistake is refused, and what narrows a run down keeps every other row.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { createSessions, remaining } from '../support/sessions.js';

const SECOND = 1000;
const NOW_S = Math.floor(Date.now() / SECOND);
const HOUR_S = 3600;

/** A table of the name with its rows, each an ID and what stands in the other columns. */
async function createTable(
  t: TestContext,
  engine: Engine,
  name: string,
  columns: Readonly<Record<string, string>>,
  rows: readonly (readonly [string, ...(number | string | null)[]])[],
): Promise<Database> {
  const database = await engine.create();
  t.after(() => database.drop());
  const names = Object.keys(columns).map((column) => ({ column }));
  const { knex } = database;
  await knex.schema.createTable(name, (table) => {
    table.string('id', 40).primary();
    for (const [column, type] of Object.entries(columns)) table.specificType(column, type);
  });
  await knex(name).insert(
    rows.map(([id, ...values]) => ({ id, ...Object.fromEntries(names.map(({ column }, at) => [column, values[at]])) })),
  );
  return database;
}

for (const engine of engines) {
  describe(`a last activity taken for an end, ${engine.name}`, { concurrency: 2 }, () => {
    const rows = [
      ['live', NOW_S - 60],
      ['expired', NOW_S - 3 * HOUR_S],
    ] as const;
    const laravel = (t: TestContext) => createTable(t, engine, 'sessions', { last_activity: 'INTEGER' }, rows);

    for (const command of [['run'], ['run', '--dry-run'], ['check']]) {
      test(`is refused by ${command.join(' ')}, with the store that fits, and deletes nothing`, async (t) => {
        const database = await laravel(t);
        const ended = await runCommand([...command, '--db-url', database.url, '--expires-column', 'last_activity']);
        const line = failureLine(ended, 3, 'refused');
        assert.equal(line.error_code, 'LAST_ACTIVITY');
        assert.match(String(line.hint), /^Try --store laravel\b.*--older-than 2h/);
        assert.deepEqual(await remaining(database), ['expired', 'live']);
      });
    }

    test('is carried out as it is meant with a store, a lifetime, or an explicit --older-than 0', async (t) => {
      for (const [args, left] of [
        [['--store', 'laravel'], ['live']],
        [['--expires-column', 'last_activity', '--older-than', '2h'], ['live']],
        [['--expires-column', 'last_activity', '--older-than', '0'], []],
      ] as const) {
        const database = await laravel(t);
        successLine(await runCommand(['run', '--db-url', database.url, ...args]));
        assert.deepEqual(await remaining(database), left);
      }
    });

    test('is refused where it is named as an end, known by the other columns of the table', async (t) => {
      const database = await createTable(t, engine, 'piwigo_sessions', { data: 'TEXT', expiration: 'INTEGER' }, [
        ['live', '', NOW_S - 60],
      ]);
      const args = ['run', '--db-url', database.url, '--table', 'piwigo_sessions', '--expires-column', 'expiration'];
      assert.equal(failureLine(await runCommand(args), 3, 'refused').error_code, 'LAST_ACTIVITY');
      assert.deepEqual(await database.query('SELECT id FROM piwigo_sessions'), [{ id: 'live' }]);
    });
  });

  describe(`--where, ${engine.name}`, { concurrency: 2 }, () => {
    const tokens = (t: TestContext) =>
      createTable(t, engine, 'sessions', { expires_at: 'BIGINT', kind: 'VARCHAR(40)' }, [
        ['expired', 1_700_000_000, 'web'],
        ["expired, it's?", 1_700_000_000, "it's?"],
        ['kept', 1_700_000_000, 'app'],
        ['kept, unknown', 1_700_000_000, null],
        ['live', 4_000_000_000, 'web'],
      ]);

    test('only lets those rows go that meet it too, in a run, a dry run and a check', async (t) => {
      const database = await tokens(t);
      const where = "kind = 'web' OR kind = 'it''s?'";
      const args = ['--db-url', database.url, '--where', where];
      const counted = successLine(await runCommand(['run', '--dry-run', ...args]));
      assert.deepEqual([counted.expired_count, counted.row_count, counted.where], [2, 5, where]);
      const checked = await runCommand(['check', ...args]);
      assert.deepEqual([checked.status, checked.line.expired_count], [0, 2]);
      const ran = successLine(await runCommand(['run', ...args]));
      assert.deepEqual([ran.deleted_count, ran.where], [2, where]);
      assert.deepEqual(await remaining(database), ['kept', 'kept, unknown', 'live']);
    });

    test('cannot let a row go that has not expired', async (t) => {
      const database = await tokens(t);
      successLine(await runCommand(['run', '--db-url', database.url, '--where', "1 = 1 OR kind = 'web'"]));
      assert.deepEqual(await remaining(database), ['live']);
    });

    test('is a usage error where the database does not take it, and deletes nothing', async (t) => {
      const database = await tokens(t);
      for (const where of ['kind =', 'nowhere = 1', 'kind = 1 LIMIT 1', 'kind = 1 ORDER BY kind']) {
        const line = failureLine(await runCommand(['run', '--db-url', database.url, '--where', where]), 2, 'failed');
        assert.match(String(line.error), /^--where is refused by the database: /);
        assert.equal((await remaining(database)).length, 5);
      }
    });

    test('is a usage error where it would leave its parentheses, and deletes nothing', async (t) => {
      const database = await tokens(t);
      for (const where of ['1 = 1) OR (1 = 1', "kind = 'a", '1 = 1 --', '1 = 1; DELETE FROM sessions', 'kind = ?']) {
        const line = failureLine(await runCommand(['run', '--db-url', database.url, '--where', where]), 2, 'failed');
        assert.match(String(line.error), /^--where must (not )?c/);
        assert.equal((await remaining(database)).length, 5);
      }
    });
  });

  describe(`--lifetime-column, ${engine.name}`, { concurrency: 2 }, () => {
    test('ends each session after its own lifetime; without one it never ends', async (t) => {
      for (const [unit, type] of [
        [1, 'INTEGER'],
        [SECOND, 'BIGINT'],
      ] as const) {
        const database = await createTable(t, engine, 'sessions', { modified: type, lifetime: 'INTEGER' }, [
          ['expired', (NOW_S - HOUR_S) * unit, 1440],
          ['expired, long', (NOW_S - 30 * 24 * HOUR_S) * unit, 14 * 24 * HOUR_S],
          ['live', (NOW_S - 600) * unit, 1440],
          ['live, long', (NOW_S - HOUR_S) * unit, 14 * 24 * HOUR_S],
          ['never: 0', (NOW_S - HOUR_S) * unit, 0],
          ['never: negative', (NOW_S - HOUR_S) * unit, -1],
          ['never: none', (NOW_S - HOUR_S) * unit, null],
        ]);
        const args = ['--db-url', database.url, '--expires-column', 'modified', '--lifetime-column', 'lifetime'];
        const counted = successLine(await runCommand(['run', '--dry-run', ...args]));
        assert.deepEqual([counted.expired_count, counted.lifetime_column], [2, 'lifetime']);
        const patient = successLine(await runCommand(['run', ...args, '--older-than', '1h']));
        assert.equal(patient.deleted_count, 1);
        assert.equal(successLine(await runCommand(['run', ...args])).deleted_count, 1);
        assert.deepEqual(await remaining(database), [
          'live',
          'live, long',
          'never: 0',
          'never: negative',
          'never: none',
        ]);
      }
    });
  });

  describe(`--max-delete, ${engine.name}`, { concurrency: 2 }, () => {
    const some = { expired: ['a', 'b', 'c'], live: ['z'] };

    for (const limit of ['2', '0', '74.9%', '0%']) {
      test(`${limit} is less than 3 of 4 rows: nothing is deleted`, async (t) => {
        const database = await createSessions(t, engine, some);
        const ended = await runCommand(['run', '--db-url', database.url, '--max-delete', limit]);
        const line = failureLine(ended, 3, 'refused');
        assert.deepEqual([line.error_code, line.deleted_count], ['MAX_DELETE', 0]);
        assert.equal(line.error, `3 rows have expired, more than --max-delete ${limit} allows`);
        assert.deepEqual(await remaining(database), ['a', 'b', 'c', 'z']);
      });
    }

    test('that a run would exceed is a problem of a check, and a warning of a dry run', async (t) => {
      const database = await createSessions(t, engine, some);
      const args = ['--db-url', database.url, '--max-delete', '50%'];
      const { status, line: checked } = await runCommand(['check', ...args]);
      const problem = '3 rows have expired, more than --max-delete 50% allows';
      assert.deepEqual([status, checked.error_code, checked.error], [3, 'NOT_READY', problem]);
      const counted = successLine(await runCommand(['run', '--dry-run', ...args]));
      assert.deepEqual([counted.expired_count, counted.warning], [3, `a run would be refused: ${problem}`]);
    });

    test('of exactly the share that has expired allows it, to the row', async (t) => {
      const ids = Array.from({ length: 100 }, (_, at) => `r${at}`);
      const database = await createSessions(t, engine, { expired: ids.slice(0, 29), live: ids.slice(29) });
      failureLine(await runCommand(['run', '--db-url', database.url, '--max-delete', '28.9%']), 3, 'refused');
      const ended = await runCommand(['run', '--db-url', database.url, '--max-delete', '29%']);
      assert.equal(successLine(ended).deleted_count, 29);
    });

    for (const limit of ['3', '75%', '100%', '1000000']) {
      test(`${limit} allows 3 of 4 rows`, async (t) => {
        const database = await createSessions(t, engine, some);
        const ended = await runCommand(['run', '--db-url', database.url, '--max-delete', limit]);
        assert.equal(successLine(ended).deleted_count, 3);
        assert.deepEqual(await remaining(database), ['z']);
      });
    }
  });
}
