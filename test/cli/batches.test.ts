// --batch-size: what is committed stays, whatever ends the run, and the line counts exactly that.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Ended, runCommand } from '../support/command.js';
import { type Database, engines } from '../support/databases.js';
import { inTime, isOutOfTime } from '../support/in-time.js';
import { assertGoneAfterSignal, assertGoneAfterTimeout, failureLine, successLine } from '../support/lines.js';
import {
  createSessions,
  EXPIRED,
  endConnectionsAtWork,
  FOREVER_MS,
  ids,
  LIVE,
  quickDeletes,
  remaining,
  slowDeletes,
  start,
  statementsAtWork,
  until,
  untilDeleting,
} from '../support/sessions.js';

const inBatches = ({ url }: Database, size: number, ...more: string[]): string[] => [
  ...['run', '--db-url', url, '--batch-size', String(size), ...more],
];

for (const engine of engines) {
  describe(`batches, ${engine.name}`, { concurrency: 3 }, () => {
    test('are committed one by one, and counted', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(12), live: ['z'], indexed: true });
      const line = successLine(await runCommand(inBatches(database, 1)));
      const { outcome, deleted_count, batch_size, batches } = line;
      assert.deepEqual(
        { outcome, deleted_count, batch_size, batches },
        { outcome: 'deleted', deleted_count: 12, batch_size: 1, batches: 12 },
      );
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('end with the last row, and are none where nothing is expired', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(12), live: ['z'] });
      const first = successLine(await runCommand(inBatches(database, 1_000)));
      assert.deepEqual([first.deleted_count, first.batch_size, first.batches], [12, 1_000, 1]);
      const second = successLine(await runCommand(inBatches(database, 1_000)));
      assert.deepEqual([second.outcome, second.deleted_count, second.batches], ['nothing_expired', 0, 0]);
      assert.deepEqual(await remaining(database), ['z']);
    });

    for (const indexed of [true, false]) {
      test(`hold no more rows than was said, ${indexed ? 'with' : 'without'} an index`, async (t) => {
        const expired = Array.from({ length: 7_000 }, (_, at) => `r${String(at).padStart(5, '0')}`);
        const database = await createSessions(t, engine, { expired, live: ids(40), indexed });
        const line = successLine(await runCommand(inBatches(database, 5_000)));
        assert.equal(line.deleted_count, 7_000);
        assert.ok(Number(line.batches) >= 2, `${line.batches} batches`);
        assert.deepEqual(await remaining(database), ids(40));
      });
    }

    test('do not wait to be full where few rows are expired', async (t) => {
      const all = Array.from({ length: 180 }, (_, at) => `r${String(at).padStart(3, '0')}`);
      const expired = all.filter((_, at) => at % 30 === 0);
      const live = all.filter((id) => !expired.includes(id));
      const database = await createSessions(t, engine);
      // In this order they lie in the table, too.
      const rows = all.map((id) => ({ id, expires_at: expired.includes(id) ? EXPIRED : LIVE }));
      await database.knex.batchInsert('sessions', rows, 200);
      const line = successLine(await runCommand(inBatches(database, 4)));
      assert.equal(line.deleted_count, 6);
      // Of three rows each, they would be two.
      assert.ok(Number(line.batches) >= 3, `${line.batches} batches`);
      assert.deepEqual(await remaining(database), live);
    });

    test('are seen by others as they are committed, with the pauses between them', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(5), live: ['z'] });
      const startedAt = performance.now();
      const run = start(t, inBatches(database, 1, '--pause', '1s', '--timeout', '0'));
      const seen = [{ rows: 6, askedAt: startedAt }];
      await until(async () => {
        const askedAt = performance.now();
        const rows = (await remaining(database)).length;
        const last = seen.at(-1);
        // One at once, and another for each pause that has gone by since: a machine that stands still sees several.
        const most = 1 + Math.floor((performance.now() - Number(last?.askedAt)) / 1_000);
        const fewer = Number(last?.rows) - rows;
        assert.ok(fewer >= 0 && fewer <= most, `${fewer} fewer, of ${most} at most`);
        if (fewer > 0) seen.push({ rows, askedAt });
        else seen.splice(-1, 1, { rows, askedAt });
        return rows === 1;
      });
      const line = successLine(await run.ended);
      assert.deepEqual([line.deleted_count, line.batches], [5, 5]);
      assert.ok(performance.now() - startedAt > 4 * 1_000, 'no pauses');
      assert.ok(seen.length > 2, JSON.stringify(seen));
    });

    test('that are committed when the time is used up stay, and the line counts them', async (t) => {
      const run = async (timeoutMs: number): Promise<{ readonly ended: Ended; readonly gone: number }> => {
        const database = await createSessions(t, engine, { expired: ids(200), live: ['z'] });
        await slowDeletes(database, timeoutMs / 40);
        const startedAt = performance.now();
        const ended = await runCommand(inBatches(database, 1, '--timeout', `${timeoutMs}ms`));
        assertGoneAfterTimeout(startedAt, timeoutMs);
        return { ended, gone: 201 - (await remaining(database)).length };
      };
      const { ended, gone } = await inTime(
        4_000,
        run,
        (done) => !/"incomplete"/.test(done.ended.stderr) && isOutOfTime(done.ended),
      );
      const line = failureLine(ended, 124, 'incomplete');
      assert.ok(gone > 0 && gone < 200, `${gone} gone`);
      assert.deepEqual([line.deleted_count, line.batches, line.error_code], [gone, gone, 'OUT_OF_TIME']);
      assert.match(String(line.error), /committed, and more may remain$/);
      const hint =
        /: (session-cleanup .*), with the other settings as they are \(this run deleted (\d+) rows in (.+) s\)/;
      const [, command = '', rows, seconds] = hint.exec(String(line.hint)) ?? [];
      assert.deepEqual([command, rows], ['session-cleanup run --timeout 0 --batch-size 5000', String(gone)]);
      assert.ok(Number(seconds) > 0 && Number(seconds) <= Number(line.duration_ms) / 1000, String(line.hint));
    });

    test('are over where the next pause would be longer than the time', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      const startedAt = performance.now();
      const line = failureLine(await runCommand(inBatches(database, 1, '--pause', '1h')), 124, 'incomplete');
      assert.ok(performance.now() - startedAt < 25_000);
      assert.deepEqual([line.deleted_count, line.batches], [1, 1]);
      assert.deepEqual(await remaining(database), ['r0001', 'r0002']);
    });

    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      test(`that are committed before a ${signal} between them stay, and the line counts them`, async (t) => {
        const database = await createSessions(t, engine, { expired: ids(9), live: ['z'] });
        const run = start(t, inBatches(database, 1, '--pause', '1h', '--timeout', '0'));
        await until(async () => (await remaining(database)).length < 10);
        const signalledAt = performance.now();
        run.child.kill(signal);
        const line = failureLine(await run.ended, status, 'interrupted');
        assertGoneAfterSignal(signalledAt);
        assert.deepEqual([line.deleted_count, line.batches, line.error_code], [1, 1, signal]);
        assert.deepEqual(await remaining(database), [...ids(9).slice(1), 'z']);
      });
    }

    test('that are committed before a signal in the middle of one stay, and the line counts them', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(9), live: ['z'] });
      await slowDeletes(database, FOREVER_MS, 'r0005');
      const run = start(t, inBatches(database, 1, '--timeout', '0'));
      await until(async () => (await remaining(database)).length === 5);
      await untilDeleting(database, run);
      run.child.kill('SIGINT');
      const line = failureLine(await run.ended, 130, 'interrupted');
      assert.deepEqual([line.deleted_count, line.batches], [5, 5]);
      assert.deepEqual(await remaining(database), [...ids(9).slice(5), 'z']);
    });

    test('of many slow rows: a signal leaves what the line counts', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(300), live: ['z'] });
      await slowDeletes(database, 30);
      const run = start(t, inBatches(database, 10, '--timeout', '0'));
      await until(async () => (await remaining(database)).length <= 285);
      run.child.kill('SIGTERM');
      const line = failureLine(await run.ended, 143, 'interrupted');
      const gone = 301 - (await remaining(database)).length;
      assert.ok(gone >= 16 && gone < 300, `${gone} gone`);
      assert.equal(line.deleted_count, gone);
    });

    test('are whole where the process is killed, and the next run does the rest', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(9), live: ['z'] });
      await slowDeletes(database, FOREVER_MS, 'r0005');
      const run = start(t, inBatches(database, 2, '--timeout', '0'));
      await until(async () => (await remaining(database)).length === 6);
      await untilDeleting(database, run);
      run.child.kill('SIGKILL');
      const { status, stdout, stderr } = await run.ended;
      assert.deepEqual([status, stdout, stderr], [null, '', '']);
      if (engine.family !== 'sqlite') {
        // The server goes on until it looks at the connection again, which PostgreSQL was told to do from version 14 on.
        if (!(await looksAtConnections(database))) await endConnectionsAtWork(database);
        await until(async () => (await statementsAtWork(database)).length === 0);
      }
      assert.deepEqual(await remaining(database), [...ids(9).slice(4), 'z']);
      await quickDeletes(database);
      const line = successLine(await runCommand(inBatches(database, 2)));
      assert.deepEqual([line.deleted_count, line.batches], [5, 3]);
      assert.deepEqual(await remaining(database), ['z']);
    });
  });
}

async function looksAtConnections({ engine, query }: Database): Promise<boolean> {
  if (engine !== 'postgresql') return false;
  const [row] = await query("SELECT current_setting('server_version_num')::int AS version");
  return Number(row?.version) >= 140_000;
}

describe('a setting that works between batches', () => {
  for (const [flag, value] of [
    ['--pause', '1s'],
    ['--max-lag', '1s'],
  ] as const) {
    test(`such as ${flag} is a usage error without --batch-size`, async () => {
      const line = failureLine(await runCommand(['run', '--db-url', 'mysql://app@db/app', flag, value]), 2, 'failed');
      assert.equal(line.error, `${flag} works between batches: give --batch-size too`);
    });
  }

  test('is one with --batch-size of none', async () => {
    for (const size of ['0', '-1', '1.5', 'all', '']) {
      const ended = await runCommand(['run', '--db-url', 'sqlite:nowhere.db', `--batch-size=${size}`]);
      assert.match(String(failureLine(ended, 2, 'failed').error), /^--batch-size must /);
    }
  });
});
