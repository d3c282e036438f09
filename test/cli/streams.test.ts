// Readers that go away, or read nothing any more: the status still says what happened, in time, and nobody sees a stack
// trace.
import assert from 'node:assert/strict';
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BIN } from '../support/command.js';
import { engines } from '../support/databases.js';
import { inTime, isOutOfTime } from '../support/in-time.js';
import { assertGoneAfterSignal, assertGoneAfterTimeout } from '../support/lines.js';
import { measureTimeout } from '../support/pace.js';
import { fullPipe } from '../support/pipes.js';
import {
  createSessions,
  FOREVER_MS,
  ids,
  isDeleting,
  remaining,
  slowDeletes,
  start,
  until,
} from '../support/sessions.js';
import { runAtTerminal } from '../support/terminal.js';

const TIMEOUT_MS = await measureTimeout();
const CTRL_S = '\u0013';

for (const engine of engines) {
  describe(`a reader that is gone before the line, ${engine.name}`, { concurrency: 2 }, () => {
    for (const args of engine.family === 'mysql' ? [[]] : [[], ['--log-format', 'text'], ['--log-level', 'debug']]) {
      test(`of stdout does not matter to the status or the rows${args.map((arg) => ` ${arg}`).join('')}`, async (t) => {
        const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
        const running = start(t, ['run', '--db-url', database.url, ...args]);
        running.child.stdout.destroy();
        const { status, stderr } = await running.ended;
        assert.equal(status, 0, stderr);
        assert.doesNotMatch(stderr, /EPIPE|Error|node:/);
        assert.deepEqual(await remaining(database), ['z']);
      });
    }

    test('of stderr does not matter to a success', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const running = start(t, ['run', '--db-url', database.url, '--log-level', 'debug']);
      running.child.stderr.destroy();
      const { status, stdout } = await running.ended;
      assert.equal(status, 0);
      assert.equal(JSON.parse(stdout).deleted_count, 1);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('of stderr does not matter to the status of a failure', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const running = start(t, ['run', '--db-url', database.url, '--table', 'none']);
      running.child.stderr.destroy();
      const { status, stdout } = await running.ended;
      assert.deepEqual([status, stdout], [3, '']);
    });
  });
}

/** The command with outputs of the test's own. */
function spawnWith(t: TestContext, args: readonly string[], stdio: StdioOptions): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [BIN, ...args], { env: { PATH, HOME }, stdio });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function textOf(stream: Readable | null): Promise<string> {
  return (await stream?.setEncoding('utf8').toArray())?.join('') ?? '';
}

for (const engine of engines) {
  describe(`a reader that reads nothing, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    test('of stderr costs only what was to be told there', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const run = async (timeoutMs: number): Promise<{ readonly status: number; readonly stdout: string }> => {
        const startedAt = performance.now();
        const args = ['run', '--db-url', database.url, '--log-level', 'debug', '--timeout', `${timeoutMs}ms`];
        const child = spawnWith(t, args, ['ignore', 'pipe', fullPipe(t).fd]);
        const [stdout, [status]] = await Promise.all([textOf(child.stdout), once(child, 'exit')]);
        assertGoneAfterTimeout(startedAt, timeoutMs);
        return { status, stdout };
      };
      const { status, stdout } = await inTime(TIMEOUT_MS, run, isOutOfTime);
      assert.deepEqual([status, JSON.parse(stdout).deleted_count], [0, 1]);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('of stdout, and then does: a signal meanwhile changes nothing in what was committed', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const stdout = fullPipe(t);
      const child = spawnWith(t, ['run', '--db-url', database.url, '--timeout', '0'], ['ignore', stdout.fd, 'pipe']);
      const [stderr, ended] = [textOf(child.stderr), once(child, 'exit')];
      await until(async () => (await remaining(database)).length === 1);
      // Long enough for the line to be all that is left to do.
      await sleep(500);
      child.kill('SIGTERM');
      await sleep(200);
      let line = stdout.drain();
      const [status] = await ended;
      line += stdout.drain();
      assert.deepEqual([status, JSON.parse(line).deleted_count, await stderr], [0, 1, '']);
    });

    test('of stdout: gone soon after a signal, with the status of what was committed', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const child = spawnWith(
        t,
        ['run', '--db-url', database.url, '--timeout', '0'],
        ['ignore', fullPipe(t).fd, 'pipe'],
      );
      const [stderr, ended] = [textOf(child.stderr), once(child, 'exit')];
      await until(async () => (await remaining(database)).length === 1);
      const signalledAt = performance.now();
      child.kill('SIGTERM');
      const [status] = await ended;
      assertGoneAfterSignal(signalledAt);
      assert.deepEqual([status, await stderr], [0, '']);
    });

    test('for a while, and then does: every line of more than a pipe holds', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(400), live: ['z'] });
      const stderr = fullPipe(t);
      const args = ['run', '--db-url', database.url, '--log-level', 'debug', '--batch-size', '1', '--timeout', '0'];
      const child = spawnWith(t, args, ['ignore', 'pipe', stderr.fd]);
      const ended = once(child, 'exit');
      const stdout = await Promise.race([textOf(child.stdout), sleep(3_000).then(() => undefined)]);
      let told = '';
      while (child.exitCode === null && child.signalCode === null) {
        told += stderr.drain();
        await sleep(50);
      }
      told += stderr.drain();
      assert.equal(stdout, undefined);
      assert.deepEqual(await ended, [0, null]);
      const batches = told.split('\n').filter((line) => line.includes('session_cleanup_batch'));
      assert.deepEqual(
        batches.map((line) => JSON.parse(line).deleted_count),
        Array.from({ length: 400 }, (_, at) => at + 1),
      );
    });
  });

  describe(`a terminal that takes nothing, ${engine.name}`, { timeout: 180_000 }, () => {
    test('holds nothing up: cancelled in time, and with the right status', async (t) => {
      const expired = ids(3);
      const database = await createSessions(t, engine, { expired, live: ['z'] });
      await slowDeletes(database, FOREVER_MS, 'r0001');
      const run = async (timeoutMs: number): Promise<{ readonly status: number | null; readonly isLate: boolean }> => {
        let isLate = true;
        let hasEnded = false;
        const pressed = until(async () => hasEnded || (await isDeleting(database))).then(() => {
          isLate = hasEnded;
        });
        const startedAt = performance.now();
        const args = ['run', '--db-url', database.url, '--timeout', `${timeoutMs}ms`];
        const { status } = await runAtTerminal(t, args, { pressed, key: CTRL_S });
        hasEnded = true;
        assertGoneAfterTimeout(startedAt, timeoutMs);
        await pressed;
        return { status, isLate };
      };
      const { status } = await inTime(TIMEOUT_MS, run, ({ isLate }) => isLate);
      assert.equal(status, 124);
      assert.deepEqual(await remaining(database), [...expired, 'z']);
    });
  });
}

describe('a reader that is gone', () => {
  test('of stderr does not matter to the status of a usage error', async (t) => {
    const running = start(t, ['run', '--timeout', 'soon']);
    running.child.stderr.destroy();
    const { status, stdout } = await running.ended;
    assert.deepEqual([status, stdout], [2, '']);
  });

  test('of stdout does not matter to the help', async (t) => {
    const running = start(t, ['--help']);
    running.child.stdout.destroy();
    const { status, stderr } = await running.ended;
    assert.deepEqual([status, stderr], [0, '']);
  });
});
