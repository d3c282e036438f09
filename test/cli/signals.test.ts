// SIGINT, SIGTERM and SIGHUP: the work in hand is undone, the line says so, and the process is soon gone.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from '../support/command.js';
import { engines, servers } from '../support/databases.js';
import { assertGoneAfterSignal, failureLine, successLine } from '../support/lines.js';
import { namedPipe } from '../support/pipes.js';
import { COMMITTING, QUIT, startProxy } from '../support/proxy.js';
import {
  createSessions,
  FOREVER_MS,
  ids,
  lockTable,
  remaining,
  slowDeletes,
  start,
  statementsAtWork,
  until,
  untilDeleting,
  untilWaitingForTable,
} from '../support/sessions.js';

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

for (const engine of engines) {
  describe(`signals, ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    for (const [signal, status] of SIGNALS) {
      test(`${signal} in the middle of deleting: cancelled, the transaction in hand rolled back, status ${status}`, async (t) => {
        const expired = ids(600);
        const database = await createSessions(t, engine, { expired, live: ['z'] });
        await slowDeletes(database, FOREVER_MS, 'r0599');
        const running = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
        await untilDeleting(database, running);
        const signalledAt = performance.now();
        running.child.kill(signal);
        const line = failureLine(await running.ended, status, 'interrupted');
        assertGoneAfterSignal(signalledAt);
        // Between two steps it counts what it has left, and reads how far the next one goes.
        assert.match(
          String(line.error),
          new RegExp(
            `^stopped by ${signal} while (deleting|counting|reading the key|reading the rows|looking at the rows|beginning the transaction|inspecting the table)`,
          ),
        );
        if (engine.family !== 'sqlite') await until(async () => (await statementsAtWork(database)).length === 0);
        // A slow machine has committed the first step by then.
        const committed = Number(line.deleted_count);
        assert.deepEqual([committed < expired.length, line.error_code], [true, signal]);
        assert.deepEqual((await remaining(database)).length, expired.length - committed + 1);
        assert.deepEqual((await remaining(database)).slice(-2), ['r0599', 'z']);
      });
    }

    test('a signal while the run waits for a lock: interrupted, not busy', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const unlock = await lockTable(database);
      const running = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
      await untilWaitingForTable(database, running);
      running.child.kill('SIGTERM');
      const ended = await running.ended;
      await unlock();
      failureLine(ended, 143, 'interrupted');
      assert.deepEqual(await remaining(database), ['a', 'z']);
    });

    test('a second signal changes nothing', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      await slowDeletes(database, FOREVER_MS);
      const running = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
      await untilDeleting(database, running);
      running.child.kill('SIGTERM');
      running.child.kill('SIGINT');
      running.child.kill('SIGTERM');
      const { status } = await running.ended;
      assert.ok(status === 143 || status === 130, `${status}`);
      assert.deepEqual(await remaining(database), ['a', 'z']);
    });
  });
}

describe('early signals', { concurrency: 3, timeout: 180_000 }, () => {
  for (const [signal, status] of SIGNALS) {
    for (const from of ['a pipe', 'standard input']) {
      test(`${signal} while the URL is read from ${from}: a line, and status ${status}`, async (t) => {
        const path = from === 'a pipe' ? namedPipe(t) : '-';
        const running = start(t, ['run', '--db-url-file', path, '--timeout', '0'], { stdin: undefined });
        await untilListening(running);
        const signalledAt = performance.now();
        running.child.kill(signal);
        const ended = await running.ended;
        assertGoneAfterSignal(signalledAt);
        assert.deepEqual([ended.status, ended.stdout], [status, '']);
        const { outcome, exit_status, error, error_code } = ended.line;
        assert.deepEqual(
          [outcome, exit_status, error, error_code],
          ['interrupted', status, `stopped by ${signal} while reading the URL`, signal],
        );
      });
    }
  }
});

/** Resolves once the process takes signals: before its first instruction nobody can. */
async function untilListening({ child }: Running): Promise<void> {
  const path = `/proc/${child.pid}/status`;
  if (!existsSync(path)) return sleep(2_000);
  const bit = 1n << BigInt(constants.signals.SIGHUP - 1);
  await until(() => {
    const caught = /^SigCgt:\s*([\da-f]+)$/m.exec(readFileSync(path, 'utf8'))?.[1];
    return caught !== undefined && (BigInt(`0x${caught}`) & bit) !== 0n;
  });
}

for (const engine of servers) {
  describe(`late signals, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    test('a signal while the COMMIT is under way: its answer decides', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const proxy = await startProxy(database.url);
      t.after(() => proxy.close());
      const committing = proxy.when(COMMITTING, 'after', proxy.freeze);
      const running = start(t, ['run', '--db-url', proxy.url]);
      await committing;
      running.child.kill('SIGTERM');
      // Long enough for the signal to have come first.
      await new Promise((resolve) => setTimeout(resolve, 500));
      proxy.thaw();
      assert.equal(successLine(await running.ended).deleted_count, 1);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('a signal after the COMMIT was confirmed changes nothing', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const proxy = await startProxy(database.url);
      t.after(() => proxy.close());
      const committed = proxy.when(QUIT, 'before', proxy.freeze);
      const running = start(t, ['run', '--db-url', proxy.url]);
      await committed;
      running.child.kill('SIGTERM');
      assert.equal(successLine(await running.ended).deleted_count, 1);
      assert.deepEqual(await remaining(database), ['z']);
    });
  });
}
