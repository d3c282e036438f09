// Without --batch-size: what does not fit into a second is committed in several transactions, so that nobody who comes
// by an expired row waits for the end of the run. And a table that is altered meanwhile ends it.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Running, runCommand } from '../support/command.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { inTime } from '../support/in-time.js';
import { failureLine, successLine } from '../support/lines.js';
import { createSessions, remaining, slowDeletes, start, until } from '../support/sessions.js';

const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `r${String(at).padStart(5, '0')}`);
const LIVE = ['z1', 'z2'];
/** More than the first step takes. */
const ROWS = 1_300;
/** For each row: the first step takes more than a second. */
const SLOW_MS = 3;

/** A run that has committed a part of so many rows. */
async function startLong(
  t: TestContext,
  engine: Engine,
  rows: number,
): Promise<{ readonly database: Database; readonly running: Running }> {
  const database = await createSessions(t, engine, { expired: numbered(rows), live: LIVE });
  await slowDeletes(database, SLOW_MS);
  const running = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
  await until(async () => (await remaining(database)).length < rows + LIVE.length);
  return { database, running };
}

for (const engine of engines) {
  describe(`a long run on ${engine.name}`, () => {
    test('is committed in several transactions, which the line counts', async (t) => {
      const database = await createSessions(t, engine, { expired: numbered(ROWS), live: LIVE });
      await slowDeletes(database, SLOW_MS);
      const line = successLine(await runCommand(['run', '--db-url', database.url, '--timeout', '0']));
      assert.deepEqual([line.outcome, line.deleted_count, line.batch_size], ['deleted', ROWS, undefined]);
      assert.ok(Number(line.batches) >= 2, `${line.batches} batches`);
      assert.deepEqual(await remaining(database), LIVE);
    });

    test('lets a visitor with an expired cookie renew the session before it ends', async (t) => {
      const renew = async (rows: number): Promise<boolean> => {
        const { database, running } = await startLong(t, engine, rows);
        // It is deleted in the first step, and comes back.
        await database.run(`INSERT INTO sessions VALUES ('r00000', '2999-01-01 00:00:00')`);
        const isLate = running.child.exitCode !== null;
        assert.equal(successLine(await running.ended).deleted_count, rows);
        assert.deepEqual(await remaining(database), ['r00000', ...LIVE]);
        return isLate;
      };
      await inTime(ROWS, renew, (isLate) => isLate);
    });

    test('that a signal stops keeps what was committed, undoes the rest, and counts it', async (t) => {
      const interrupt = async (rows: number) => {
        const { database, running } = await startLong(t, engine, rows);
        running.child.kill('SIGTERM');
        const ended = await running.ended;
        return { ended, rows: numbered(rows), left: await remaining(database) };
      };
      const { ended, rows, left } = await inTime(ROWS, interrupt, (done) => done.ended.status === 0);
      const line = failureLine(ended, 143, 'interrupted');
      const deleted = Number(line.deleted_count);
      assert.ok(deleted > 0 && deleted < rows.length, `${deleted}`);
      assert.deepEqual(left, [...rows.slice(deleted), ...LIVE]);
    });

    test('ends when the table is altered, and what is left stays', async (t) => {
      const database = await createSessions(t, engine, { expired: numbered(20), live: LIVE });
      // Altered in the first of the pauses, or on a slow machine in one of the next.
      const args = ['--batch-size', '2', '--pause', '2s', '--timeout', '0'];
      const running = start(t, ['run', '--db-url', database.url, ...args]);
      await until(async () => (await remaining(database)).length < 20 + LIVE.length);
      await database.run('ALTER TABLE sessions ADD COLUMN note VARCHAR(20)');
      const line = failureLine(await running.ended, 3, 'refused');
      assert.deepEqual(
        [line.error_code, line.error],
        ['TABLE_CHANGED', 'the table sessions was changed during the run'],
      );
      const left = await remaining(database);
      assert.ok(left.length > LIVE.length, 'the run had ended before');
      assert.deepEqual(left, [...numbered(20).slice(20 + LIVE.length - left.length), ...LIVE]);
      assert.equal(line.deleted_count, 20 + LIVE.length - left.length);
    });
  });
}
