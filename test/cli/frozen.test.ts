// A server that stops answering, or whose connection breaks, at every phase of a run: the line says what is known, and
// the process ends on time.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, runCommand } from '../support/command.js';
import { type Database, type Engine, servers } from '../support/databases.js';
import { inTime } from '../support/in-time.js';
import { assertGoneAfterSignal, assertGoneAfterTimeout, failureLine, successLine } from '../support/lines.js';
import { measureTimeout } from '../support/pace.js';
import { COMMITTING, DELETING, QUIT, type ServerProxy, startProxy } from '../support/proxy.js';
import {
  createSessions,
  FOREVER_MS,
  ids,
  remaining,
  settled,
  slowDeletes,
  start,
  statementsAtWork,
  until,
  untilDeleting,
} from '../support/sessions.js';

const EXPIRED = ids(3);
const ALL = [...EXPIRED, 'z'];
const TIMEOUT_MS = await measureTimeout();
/** For what ends without a timeout. */
const AMPLE_MS = 60_000;

// The statements in which the phases can be told apart.
const LOGIN = /session_cleanup_test/;
const READING = /information_schema\.columns|\bpg_attribute\b/i;

/** What ends a connection, and what ends only the statement in hand. */
const KILLS = {
  sqlite: [],
  mysql: ['KILL ?', 'KILL QUERY ?'],
  postgresql: ['SELECT pg_terminate_backend(?)', 'SELECT pg_cancel_backend(?)'],
} as const;

interface Behind {
  readonly database: Database;
  readonly proxy: ServerProxy;
}

/** A database with expired rows behind a proxy. */
async function createBehindProxy(t: TestContext, engine: Engine): Promise<Behind> {
  const database = await createSessions(t, engine, { expired: EXPIRED, live: ['z'] });
  const proxy = await startProxy(database.url);
  t.after(() => proxy.close());
  return { database, proxy };
}

interface Interfered extends Behind {
  readonly ended: Ended;
}

/** Runs through a proxy to the end, which comes on time, and after the moment at which the test interferes. */
function runInTime(
  t: TestContext,
  engine: Engine,
  interfere: (proxy: ServerProxy) => Promise<void>,
  firstMs = TIMEOUT_MS,
): Promise<Interfered> {
  const attempt = async (timeoutMs: number): Promise<Interfered & { readonly isReached: boolean }> => {
    const behind = await createBehindProxy(t, engine);
    const reached = interfere(behind.proxy).then(() => true);
    const startedAt = performance.now();
    const ended = await runCommand(['run', '--db-url', behind.proxy.url, '--timeout', `${timeoutMs}ms`]);
    assertGoneAfterTimeout(startedAt, timeoutMs);
    // What it sent last may come just after its end.
    return { ...behind, ended, isReached: await Promise.race([reached, sleep(1_000).then(() => false)]) };
  };
  return inTime(firstMs, attempt, ({ isReached }) => !isReached);
}

for (const engine of servers) {
  describe(`a frozen server, ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    test('that accepts connections and says nothing is unavailable', async (t) => {
      const { database, ended } = await runInTime(t, engine, async (proxy) => proxy.freeze());
      const line = failureLine(ended, 4, 'unavailable');
      assert.equal(line.error_code, 'ETIMEDOUT');
      assert.deepEqual(await settled(database), ALL);
    });

    test('that says nothing to the login is unavailable', async (t) => {
      const { ended } = await runInTime(t, engine, (proxy) => proxy.when(LOGIN, 'before', proxy.freeze));
      failureLine(ended, 4, 'unavailable');
    });

    test('while the table is read: timed out, nothing deleted', async (t) => {
      const { ended } = await runInTime(t, engine, (proxy) => proxy.when(READING, 'before', proxy.freeze));
      const line = failureLine(ended, 124, 'timed_out');
      assert.equal(line.deleted_count, 0);
    });

    test('while it deletes: timed out, nothing deleted, and nothing stays locked', async (t) => {
      const { database, proxy, ended } = await runInTime(t, engine, (to) => to.when(DELETING, 'after', to.freeze));
      const line = failureLine(ended, 124, 'timed_out');
      assert.equal(line.deleted_count, 0);
      assert.match(String(line.error), /did not answer, the connection was dropped/);
      proxy.cut();
      assert.deepEqual(await settled(database), ALL);
    });

    for (const moment of ['before', 'after'] as const) {
      test(`just ${moment} it gets the COMMIT: the line says that it is not known`, async (t) => {
        const { database, proxy, ended } = await runInTime(t, engine, (to) => to.when(COMMITTING, moment, to.freeze));
        const line = failureLine(ended, 1, 'unknown');
        assert.deepEqual([line.deleted_count, line.error_code], [null, 'COMMIT_UNCONFIRMED']);
        proxy.cut();
        assert.deepEqual(await settled(database), moment === 'before' ? ALL : ['z']);
      });
    }

    test('just after it confirmed the COMMIT: deleted, status 0', async (t) => {
      const { database, ended } = await runInTime(t, engine, (proxy) => proxy.when(QUIT, 'before', proxy.freeze));
      const line = successLine(ended);
      assert.equal(line.deleted_count, 3);
      assert.deepEqual(await settled(database), ['z']);
    });

    test('that comes back in time costs nothing', async (t) => {
      const { database, proxy } = await createBehindProxy(t, engine);
      const frozen = proxy.when(DELETING, 'after', proxy.freeze);
      const running = start(t, ['run', '--db-url', proxy.url]);
      await frozen;
      proxy.thaw();
      assert.equal(successLine(await running.ended).deleted_count, 3);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('and a signal: interrupted, and gone without the server', async (t) => {
      const behind = await createBehindProxy(t, engine);
      const reached = behind.proxy.when(DELETING, 'after', behind.proxy.freeze);
      const running = start(t, ['run', '--db-url', behind.proxy.url, '--timeout', '0']);
      await reached;
      const signalledAt = performance.now();
      running.child.kill('SIGTERM');
      failureLine(await running.ended, 143, 'interrupted');
      assertGoneAfterSignal(signalledAt);
      behind.proxy.cut();
      assert.deepEqual(await settled(behind.database), ALL);
    });
  });

  describe(`a connection that breaks, ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    test('at the login is unavailable', async (t) => {
      const { ended } = await runInTime(t, engine, (proxy) => proxy.when(LOGIN, 'before', proxy.cut), AMPLE_MS);
      failureLine(ended, 4, 'unavailable');
    });

    for (const moment of ['before', 'after'] as const) {
      test(`just ${moment} the server gets the DELETE: failed, nothing deleted`, async (t) => {
        const { database, ended } = await runInTime(
          t,
          engine,
          (proxy) => proxy.when(DELETING, moment, proxy.cut),
          AMPLE_MS,
        );
        const line = failureLine(ended, 1, 'failed');
        assert.equal(line.deleted_count, 0);
        assert.deepEqual(await settled(database), ALL);
      });

      if (engine.family === 'mysql') {
        test(`just ${moment} the server gets the COMMIT: the line says that it is not known`, async (t) => {
          const { database, ended } = await runInTime(
            t,
            engine,
            (proxy) => proxy.when(COMMITTING, moment, proxy.cut),
            AMPLE_MS,
          );
          const line = failureLine(ended, 1, 'unknown');
          assert.equal(line.deleted_count, null);
          if (moment === 'before') assert.deepEqual(await settled(database), ALL);
          else await until(async () => (await settled(database)).length === 1);
        });
      } else {
        test(`just ${moment} the server gets the COMMIT: it is asked what became of it`, async (t) => {
          const { database, ended } = await runInTime(
            t,
            engine,
            (proxy) => proxy.when(COMMITTING, moment, proxy.cut),
            AMPLE_MS,
          );
          // What is still on its way may be lost with the connection.
          const isDone = moment === 'after' && ended.status === 0;
          const line = isDone ? successLine(ended) : failureLine(ended, 1, 'failed');
          assert.equal(line.deleted_count, isDone ? 3 : 0);
          assert.deepEqual(await settled(database), isDone ? ['z'] : ALL);
        });
      }
    }

    test('just after the COMMIT was confirmed: deleted, status 0', async (t) => {
      const { database, ended } = await runInTime(
        t,
        engine,
        (proxy) => proxy.when(QUIT, 'before', proxy.cut),
        AMPLE_MS,
      );
      const line = successLine(ended);
      assert.equal(line.deleted_count, 3);
      assert.deepEqual(await settled(database), ['z']);
    });
  });

  describe(`an administrator of ${engine.name}`, { timeout: 180_000 }, () => {
    for (const kill of KILLS[engine.family]) {
      test(`who ends the DELETE with ${kill}: failed, nothing deleted`, async (t) => {
        const database = await createSessions(t, engine, { expired: EXPIRED, live: ['z'] });
        await slowDeletes(database, FOREVER_MS, 'r0001');
        const running = start(t, ['run', '--db-url', database.url]);
        await untilDeleting(database, running);
        for (const { id } of await statementsAtWork(database)) await database.query(`${kill}`, [id]);
        const line = failureLine(await running.ended, 1, 'failed');
        assert.equal(line.deleted_count, 0);
        assert.deepEqual(await remaining(database), ALL);
      });
    }
  });
}
