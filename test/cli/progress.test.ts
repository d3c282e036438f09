// The line of progress: on a terminal while the run is at work, gone when it ends, and never in a pipe.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../support/command.js';
import { type Database, engines, shownUrl } from '../support/databases.js';
import { inTime, isOutOfTime } from '../support/in-time.js';
import { failureLine, type Line, successLine } from '../support/lines.js';
import {
  createSessions,
  FOREVER_MS,
  ids,
  isDeleting,
  lockTable,
  remaining,
  slowDeletes,
  start,
  until,
  untilDeleting,
} from '../support/sessions.js';
import { leftOn, runAtTerminal, type Shown, steady } from '../support/terminal.js';

const AT_STDERR = { stdoutToFile: true } as const;

const DELETED = /Deleting ([\d,]+) (?:rows|of about)/g;

const countsIn = (terminal: string): number[] =>
  [...terminal.matchAll(DELETED)].map(([, count = '']) => Number(count.replace(',', '')));

const atOnce = ({ url }: Database): string[] => ['run', '--db-url', url];

for (const engine of engines) {
  describe(`progress, ${engine.name}`, { concurrency: 2 }, () => {
    test('is shown at a terminal and taken away, in one transaction and in batches', async (t) => {
      // Longer than the shortest time between two drawings, so that each count is seen where the machine does not stand still.
      const run = async (ms: number, inBatches: boolean): Promise<Shown & { readonly counts: readonly number[] }> => {
        const database = await createSessions(t, engine, { expired: ids(6), live: ['z'] });
        await slowDeletes(database, ms);
        const batches = inBatches ? ['--batch-size', '2', '--pause', `${ms}ms`] : [];
        const shown = await runAtTerminal(t, [...atOnce(database), ...batches, '--timeout', '0'], AT_STDERR);
        assert.deepEqual([shown.status, JSON.parse(shown.stdout).deleted_count], [0, 6]);
        assert.equal(leftOn(shown.terminal), '');
        assert.deepEqual(await remaining(database), ['z']);
        return { ...shown, counts: countsIn(shown.terminal) };
      };
      for (const [inBatches, expected] of [
        [false, [0, 6]],
        [true, [0, 2, 4, 6]],
      ] as const) {
        const isLate = ({ counts }: { readonly counts: readonly number[] }): boolean =>
          expected.some((count) => !counts.includes(count));
        const { counts, terminal } = await inTime(150, (ms) => run(ms, inBatches), isLate);
        assert.deepEqual([counts.at(0), counts.at(-1)], [0, 6], terminal);
        assert.deepEqual(
          counts,
          counts.toSorted((a, b) => a - b),
        );
      }
    });

    test('says how many there are where an index tells, and why it pauses', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(6), live: ['z'], indexed: true });
      const batches = ['--batch-size', '4', '--pause', '2s', '--timeout', '0'];
      const { status, terminal } = await runAtTerminal(t, [...atOnce(database), ...batches], AT_STDERR);
      assert.equal(status, 0);
      assert.match(terminal, /Deleting 4 of about 6 \(67 %\), pausing [0-2] s/);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('says for how long it waits for a lock', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(2) });
      const give = await lockTable(database);
      const run = (ms: number): Promise<Shown> =>
        runAtTerminal(t, [...atOnce(database), '--timeout', `${ms}ms`], AT_STDERR);
      const { status, terminal } = await inTime(6_000, run, isOutOfTime);
      await give();
      assert.equal(status, 75);
      assert.match(terminal, /[Ww]aiting \d+ s for a lock/);
      assert.deepEqual(await remaining(database), ids(2));
    });

    test('is taken away before the sentence of a failure, also at Ctrl-C', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      await slowDeletes(database, FOREVER_MS, 'r0001');
      const pressed = until(() => isDeleting(database));
      const { status, terminal, stdout } = await runAtTerminal(t, atOnce(database), { ...AT_STDERR, pressed });
      assert.deepEqual([status, stdout], [130, ''], terminal);
      assert.deepEqual(countsIn(terminal).at(0), 0);
      assert.equal(
        steady(leftOn(terminal)),
        'Stopped by SIGINT: nothing was deleted.\n' +
          `  database  ${shownUrl(database)}\n` +
          '  status    130, SIGINT, ID <uuid>\n',
      );
      assert.deepEqual(await remaining(database), ids(3));
    });

    test('leaves nothing in a pipe', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(6), live: ['z'] });
      successLine(await runCommand([...atOnce(database), '--batch-size', '2', '--pause', '50ms']));
      await database.run('DROP TABLE sessions');
      failureLine(await runCommand(atOnce(database)), 3, 'refused');
    });

    test('is told in lines at debug where there is no terminal', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3), live: ['z'] });
      const { status, stderr } = await runCommand([...atOnce(database), '--batch-size', '1', '--log-level', 'debug']);
      assert.equal(status, 0);
      const events = stderr.split('\n').filter((line) => line.includes('"session_cleanup_batch"'));
      const counts = events.map((line) => JSON.parse(line)).map(({ level, deleted_count }) => [level, deleted_count]);
      assert.deepEqual([...new Set(counts.map(String))], ['debug,1', 'debug,2', 'debug,3']);
    });

    test('is told at debug of committed rows only: what is rolled back was never in it', async (t) => {
      // Whole steps come before the row that is stuck.
      const database = await createSessions(t, engine, { expired: ids(1_200) });
      await slowDeletes(database, FOREVER_MS, 'r1199');
      const running = start(t, [...atOnce(database), '--timeout', '0', '--log-level', 'debug']);
      await untilDeleting(database, running);
      await sleep(500);
      running.child.kill('SIGTERM');
      const { status, stderr } = await running.ended;
      assert.equal(status, 143);
      const told = stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
      const committed = told.filter(({ message }) => message === 'session_cleanup_batch').at(-1)?.deleted_count ?? 0;
      assert.equal(told.at(-1)?.deleted_count, committed);
      assert.equal((await remaining(database)).length, 1_200 - Number(committed));
    });

    for (const flag of ['--quiet', '--dry-run']) {
      test(`is not shown with ${flag}`, async (t) => {
        const database = await createSessions(t, engine, { expired: ids(3) });
        const { status, terminal } = await runAtTerminal(t, [...atOnce(database), flag], AT_STDERR);
        assert.deepEqual([status, terminal], [0, '']);
      });
    }
  });
}
