// Other people's locks: what nothing can pass is waited for and then status 75; a row that somebody holds stops nobody.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { isOutOfTime, runInTime } from '../support/in-time.js';
import { failureLine, successLine } from '../support/lines.js';
import { measureTimeout } from '../support/pace.js';
import { startProxy } from '../support/proxy.js';
import {
  beginTransaction,
  createSessions,
  FOREVER_MS,
  holdDelete,
  ids,
  LIVE,
  lockTable,
  remaining,
  slowDeletes,
  start,
  untilDeleting,
  untilWaitingForTable,
} from '../support/sessions.js';

// A server's lock wait ends after a second, and the next may take another.
const TIMEOUT_MS = 2_000 + (await measureTimeout());
const TABLE_LOCKED = { sqlite: 'SQLITE_BUSY', mysql: 'ER_LOCK_WAIT_TIMEOUT', postgresql: '55P03' } as const;

const ROWS = { expired: ids(3), live: ['z'] };
const ALL = [...ids(3), 'z'];

for (const engine of engines) {
  describe(`locks, ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    test('a second run on the table at once is busy, and the first goes on', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await slowDeletes(database, FOREVER_MS, 'r0001');
      const first = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
      await untilDeleting(database, first);
      const { ended } = await runInTime(TIMEOUT_MS, ['run', '--db-url', database.url], isOutOfTime);
      const line = failureLine(ended, 75, 'busy');
      assert.deepEqual([line.deleted_count, typeof line.hint], [0, 'string']);
      assert.equal(line.error_code, engine.family === 'sqlite' ? 'SQLITE_BUSY' : 'LOCK_HELD');
      assert.equal(first.child.exitCode, null);
    });

    test('a dry run is not held up by a run', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await slowDeletes(database, FOREVER_MS, 'r0001');
      const first = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
      await untilDeleting(database, first);
      const line = successLine(await runCommand(['run', '--db-url', database.url, '--dry-run']));
      assert.equal(line.expired_count, 3);
    });

    test('a table that stays locked for longer than the timeout is busy', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const unlock = await lockTable(database);
      const { ended } = await runInTime(TIMEOUT_MS, ['run', '--db-url', database.url], isOutOfTime);
      await unlock();
      const line = failureLine(ended, 75, 'busy');
      assert.equal(line.deleted_count, 0);
      assert.equal(line.error_code, TABLE_LOCKED[engine.family]);
      assert.deepEqual(await remaining(database), ALL);
    });

    test('a table that is locked for less than the timeout is waited for', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const unlock = await lockTable(database);
      const running = start(t, ['run', '--db-url', database.url, '--timeout', '2m']);
      await untilWaitingForTable(database, running);
      assert.equal(running.child.exitCode, null);
      await unlock();
      assert.equal(successLine(await running.ended).deleted_count, 3);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('a session that is renewed while the run waits for its lock is kept', async (t) => {
      // Without a key, no server but PostgreSQL can pass over the row instead.
      if (engine.family === 'postgresql') return;
      const database = await createSessions(t, engine, { ...ROWS, indexed: true, keyed: false });
      const renewal = await beginTransaction(database);
      await renewal.raw('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, 'r0001']);
      const running = start(t, ['run', '--db-url', database.url, '--timeout', '2m']);
      if (engine.family === 'sqlite') await untilWaitingForTable(database, running);
      else await untilDeleting(database, running);
      assert.equal(running.child.exitCode, null);
      await renewal.commit();
      successLine(await running.ended);
      assert.deepEqual(await remaining(database), ['r0001', 'z']);
    });
  });
}

for (const engine of engines.filter(({ family }) => family !== 'sqlite')) {
  for (const indexed of [false, true]) {
    describe(`locked rows, ${engine.name}, ${indexed ? 'with' : 'without'} an index`, {
      concurrency: 3,
      timeout: 180_000,
    }, () => {
      test('an expired row that somebody holds is passed over and counted, and the rest is deleted', async (t) => {
        const database = await createSessions(t, engine, { expired: ids(900), live: ['z'], indexed });
        const other = await beginTransaction(database);
        await other.raw('SELECT * FROM sessions WHERE id = ? FOR UPDATE', ['r0700']);
        const ended = await runCommand(['run', '--db-url', database.url]);
        await other.rollback();
        const line = successLine(ended);
        assert.deepEqual([line.outcome, line.deleted_count, line.locked_count], ['deleted', 899, 1]);
        assert.deepEqual(await remaining(database), ['r0700', 'z']);
        const after = successLine(await runCommand(['run', '--db-url', database.url]));
        assert.deepEqual([after.deleted_count, 'locked_count' in after], [1, false]);
      });

      test('where nothing but a held row is expired, the line says so', async (t) => {
        const database = await createSessions(t, engine, { expired: ['a'], live: ['z'], indexed });
        const other = await beginTransaction(database);
        await other.raw('UPDATE sessions SET expires_at = expires_at WHERE id = ?', ['a']);
        await other.raw('SELECT * FROM sessions WHERE id = ? FOR UPDATE', ['a']);
        const ended = await runCommand(['run', '--db-url', database.url]);
        await other.rollback();
        const line = successLine(ended);
        assert.deepEqual([line.deleted_count, line.locked_count], [0, 1]);
        assert.deepEqual(await remaining(database), ['a', 'z']);
      });

      test('a live row that somebody holds stops nobody and is not counted', async (t) => {
        const live = ['m', 'z'];
        const database = await createSessions(t, engine, { expired: [...ids(600), 'n', 'o'], live, indexed });
        const other = await beginTransaction(database);
        await other.raw('SELECT * FROM sessions WHERE id = ? FOR UPDATE', ['m']);
        const ended = await runCommand(['run', '--db-url', database.url]);
        await other.rollback();
        const line = successLine(ended);
        assert.deepEqual([line.deleted_count, 'locked_count' in line], [602, false]);
        assert.deepEqual(await remaining(database), live);
      });

      test('a renewal that is not committed yet is passed over, and the session is kept when it is', async (t) => {
        const database = await createSessions(t, engine, { ...ROWS, indexed });
        const renewal = await beginTransaction(database);
        await renewal.raw('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, 'r0001']);
        const line = successLine(await runCommand(['run', '--db-url', database.url]));
        await renewal.commit();
        assert.equal(line.deleted_count, 2);
        assert.deepEqual(await remaining(database), ['r0001', 'z']);
      });

      test('of locked children are left, the others go, and the line counts both', async (t) => {
        const database = await createSessions(t, engine, { expired: ids(600), live: ['z'], indexed });
        await database.run(
          'CREATE TABLE children (id VARCHAR(40) PRIMARY KEY, FOREIGN KEY (id) REFERENCES sessions (id) ON DELETE CASCADE)',
        );

        const held = ids(600).filter((_, at) => at % 50 === 0);
        await database.knex('children').insert(held.map((id) => ({ id })));
        const other = await beginTransaction(database);
        await other.raw('SELECT * FROM children FOR UPDATE');
        const line = successLine(await runCommand(['run', '--db-url', database.url]));
        await other.rollback();
        const left = await remaining(database);
        const { outcome, deleted_count, locked_count } = line;
        assert.deepEqual([outcome, deleted_count, locked_count], ['deleted', 600 - held.length, held.length]);
        assert.deepEqual(left, [...held, 'z']);
      });

      test('logins, renewals and logouts are not held up by a run in the middle of its work', async (t) => {
        const database = await createSessions(t, engine, { expired: ids(600), live: ['x', 'y', 'z'], indexed });
        await slowDeletes(database, FOREVER_MS, 'r0550');
        const running = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
        await untilDeleting(database, running);
        await database.run('INSERT INTO sessions VALUES (?, ?)', ['login', LIVE]);
        await database.run('UPDATE sessions SET expires_at = ? WHERE id = ?', ['2098-01-01 00:00:00', 'y']);
        await database.run('DELETE FROM sessions WHERE id = ?', ['x']);
        assert.equal(running.child.exitCode, null);
        running.child.kill('SIGTERM');
        // A slow machine has committed the first step by then.
        const { deleted_count: deleted } = failureLine(await running.ended, 143, 'interrupted');
        assert.ok(Number(deleted) <= 550, `${deleted}`);
        assert.deepEqual(await remaining(database), ['login', ...ids(600).slice(Number(deleted)), 'y', 'z']);
      });
    });
  }

  if (engine.family === 'mysql')
    describe(`the advisory lock, ${engine.name}`, () => {
      test('is done without where the server refuses it', async (t) => {
        const database = await createSessions(t, engine, ROWS);
        const proxy = await startProxy(database.url);
        t.after(() => proxy.close());
        proxy.replace('GET_LOCK(', 'GOT_LOCK(');
        const taken = proxy.when(/GOT_LOCK/, 'before', () => {});
        const line = successLine(await runCommand(['run', '--db-url', proxy.url]));
        await taken;
        assert.equal(line.deleted_count, 3);
        assert.deepEqual(await remaining(database), ['z']);
      });
    });

  describe(`renewals, ${engine.name}`, () => {
    test('a session that is renewed ahead of the walk is kept', async (t) => {
      const database = await createSessions(t, engine, { expired: [...ids(600), 'y'], live: ['z'] });
      const goOn = await holdDelete(database, 'r0000');
      const running = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
      await untilDeleting(database, running);
      await database.run('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, 'y']);
      assert.equal(running.child.exitCode, null);
      await goOn();
      assert.equal(successLine(await running.ended).deleted_count, 600);
      assert.deepEqual(await remaining(database), ['y', 'z']);
    });
  });
}

describe('locks, sqlite only', { concurrency: 3, timeout: 180_000 }, () => {
  const [sqlite] = engines;
  assert.ok(sqlite);

  test('a database that cannot even be read for longer than the timeout is busy', async (t) => {
    const database = await createSessions(t, sqlite, ROWS);
    await database.run('BEGIN EXCLUSIVE');
    const { ended } = await runInTime(TIMEOUT_MS, ['run', '--db-url', database.url], isOutOfTime);
    await database.run('ROLLBACK');
    assert.equal(failureLine(ended, 75, 'busy').error_code, 'SQLITE_BUSY');
    assert.deepEqual(await remaining(database), ALL);
  });

  test('a reader that stays for longer than the timeout keeps the run from committing: busy, and all is kept', async (t) => {
    const database = await createSessions(t, sqlite, ROWS);
    await database.run('BEGIN');
    await remaining(database);
    const { ended } = await runInTime(TIMEOUT_MS, ['run', '--db-url', database.url], isOutOfTime);
    await database.run('ROLLBACK');
    assert.equal(failureLine(ended, 75, 'busy').deleted_count, 0);
    assert.deepEqual(await remaining(database), ALL);
  });

  test('a reader that stays for less than the timeout is waited for', async (t) => {
    const database = await createSessions(t, sqlite, ROWS);
    await database.run('BEGIN');
    await remaining(database);
    const running = start(t, ['run', '--db-url', database.url, '--timeout', '2m']);
    await untilWaitingForTable(database, running);
    assert.equal(running.child.exitCode, null);
    await database.run('ROLLBACK');
    assert.equal(successLine(await running.ended).deleted_count, 3);
    assert.deepEqual(await remaining(database), ['z']);
  });
});
