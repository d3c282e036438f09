// A server that stops answering, or whose connection breaks, at every phase of a run: the line says what is known, and
// the process ends on time.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Ended, runCommand } from '../support/command.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { assertGone, failureLine, successLine } from '../support/lines.js';
import { type Proxy, startProxy } from '../support/proxy.js';
import { createSessions, ids, remaining, start, until } from '../support/sessions.js';

const EXPIRED = ids(3);
const ALL = [...EXPIRED, 'z'];
const TIMEOUT_MS = 3_000;

// The statements in which the phases can be told apart.
const LOGIN = /session_cleanup_test/;
const READING = /information_schema\.columns/i;
const DELETING = /correlation_id=/;
const COMMITTING = /COMMIT/;
const FAREWELL = /RELEASE_LOCK/;

interface Behind {
  readonly database: Database;
  readonly proxy: Proxy;
}

/** A database with expired rows behind a proxy. */
async function createBehindProxy(t: TestContext, engine: Engine): Promise<Behind> {
  const database = await createSessions(t, engine, { expired: EXPIRED, live: ['z'] });
  const proxy = await startProxy(database.url);
  t.after(() => proxy.close());
  return { database, proxy };
}

/** Runs through the proxy to the end, which comes on time. */
async function runInTime({ proxy }: Behind): Promise<Ended> {
  const startedAt = performance.now();
  const ended = await runCommand(['run', '--db-url', proxy.url, '--timeout', `${TIMEOUT_MS}ms`]);
  assertGone(startedAt, TIMEOUT_MS);
  return ended;
}

/** The rows, read when no transaction has any of them in hand any more. */
async function settled({ database }: Behind): Promise<unknown[]> {
  return (await database.query('SELECT id FROM sessions ORDER BY id FOR UPDATE')).map(({ id }) => id);
}

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  describe(`a frozen server, ${engine.name}`, { concurrency: 3 }, () => {
    test('that accepts connections and says nothing is unavailable', async (t) => {
      const behind = await createBehindProxy(t, engine);
      behind.proxy.freeze();
      const line = failureLine(await runInTime(behind), 4, 'unavailable');
      assert.equal(line.error_code, 'ETIMEDOUT');
      assert.deepEqual(await settled(behind), ALL);
    });

    test('that says nothing to the login is unavailable', async (t) => {
      const behind = await createBehindProxy(t, engine);
      void behind.proxy.when(LOGIN, 'before', behind.proxy.freeze);
      failureLine(await runInTime(behind), 4, 'unavailable');
    });

    test('while the table is read: timed out, nothing deleted', async (t) => {
      const behind = await createBehindProxy(t, engine);
      const frozen = behind.proxy.when(READING, 'before', behind.proxy.freeze);
      const line = failureLine(await runInTime(behind), 124, 'timed_out');
      await frozen;
      assert.equal(line.deleted_count, 0);
    });

    for (const moment of ['before', 'after'] as const) {
      test(`just ${moment} it gets the DELETE: timed out, nothing deleted, and nothing stays locked`, async (t) => {
        const behind = await createBehindProxy(t, engine);
        const frozen = behind.proxy.when(DELETING, moment, behind.proxy.freeze);
        const line = failureLine(await runInTime(behind), 124, 'timed_out');
        await frozen;
        assert.equal(line.deleted_count, 0);
        assert.match(String(line.error), /did not answer, the connection was dropped/);
        behind.proxy.cut();
        assert.deepEqual(await settled(behind), ALL);
      });

      test(`just ${moment} it gets the COMMIT: the line says that it is not known`, async (t) => {
        const behind = await createBehindProxy(t, engine);
        const frozen = behind.proxy.when(COMMITTING, moment, behind.proxy.freeze);
        const line = failureLine(await runInTime(behind), 1, 'unknown');
        await frozen;
        assert.deepEqual([line.deleted_count, line.error_code], [null, 'COMMIT_UNCONFIRMED']);
        behind.proxy.cut();
        assert.deepEqual(await settled(behind), moment === 'before' ? ALL : ['z']);
      });
    }

    test('just after it confirmed the COMMIT: deleted, status 0', async (t) => {
      const behind = await createBehindProxy(t, engine);
      const frozen = behind.proxy.when(FAREWELL, 'before', behind.proxy.freeze);
      const line = successLine(await runInTime(behind));
      await frozen;
      assert.equal(line.deleted_count, 3);
      assert.deepEqual(await settled(behind), ['z']);
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
      const frozen = behind.proxy.when(DELETING, 'after', behind.proxy.freeze);
      const running = start(t, ['run', '--db-url', behind.proxy.url, '--timeout', '0']);
      await frozen;
      const signalledAt = performance.now();
      running.child.kill('SIGTERM');
      failureLine(await running.ended, 143, 'interrupted');
      assertGone(signalledAt, 0);
      behind.proxy.cut();
      assert.deepEqual(await settled(behind), ALL);
    });
  });

  describe(`a connection that breaks, ${engine.name}`, { concurrency: 3 }, () => {
    test('at the login is unavailable', async (t) => {
      const behind = await createBehindProxy(t, engine);
      void behind.proxy.when(LOGIN, 'before', behind.proxy.cut);
      failureLine(await runInTime(behind), 4, 'unavailable');
    });

    for (const moment of ['before', 'after'] as const) {
      test(`just ${moment} the server gets the DELETE: failed, nothing deleted`, async (t) => {
        const behind = await createBehindProxy(t, engine);
        const cut = behind.proxy.when(DELETING, moment, behind.proxy.cut);
        const line = failureLine(await runInTime(behind), 1, 'failed');
        await cut;
        assert.equal(line.deleted_count, 0);
        assert.deepEqual(await settled(behind), ALL);
      });

      test(`just ${moment} the server gets the COMMIT: the line says that it is not known`, async (t) => {
        const behind = await createBehindProxy(t, engine);
        const cut = behind.proxy.when(COMMITTING, moment, behind.proxy.cut);
        const line = failureLine(await runInTime(behind), 1, 'unknown');
        await cut;
        assert.equal(line.deleted_count, null);
        if (moment === 'before') assert.deepEqual(await settled(behind), ALL);
        else await until(async () => (await settled(behind)).length === 1);
      });
    }

    test('just after the COMMIT was confirmed: deleted, status 0', async (t) => {
      const behind = await createBehindProxy(t, engine);
      const cut = behind.proxy.when(FAREWELL, 'before', behind.proxy.cut);
      const line = successLine(await runInTime(behind));
      await cut;
      assert.equal(line.deleted_count, 3);
      assert.deepEqual(await settled(behind), ['z']);
    });
  });

  describe(`a server that kills the connection, ${engine.name}`, () => {
    test('in the middle of the DELETE: failed, nothing deleted', async (t) => {
      const { database, proxy } = await createBehindProxy(t, engine);
      const frozen = proxy.when(DELETING, 'before', proxy.freeze);
      const running = start(t, ['run', '--db-url', proxy.url]);
      await frozen;
      const [row] = await database.query(
        "SELECT id AS id FROM information_schema.processlist WHERE db = DATABASE() AND command = 'Sleep' AND id NOT IN (CONNECTION_ID())",
      );
      await database.run('KILL ?', [row?.id]);
      proxy.thaw();
      const line = failureLine(await running.ended, 1, 'failed');
      assert.equal(line.deleted_count, 0);
      assert.deepEqual(await remaining(database), ALL);
    });
  });
}
