// PgBouncer in front of PostgreSQL: what a run does, whom it stops, and what it leaves to whoever comes next.
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { runCommand } from '../support/command.js';
import { type Database, engineAt } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { type Pooler, startPooler } from '../support/pooler.js';
import { connectionTo, startPrivatePostgresql } from '../support/postgres-servers.js';
import { occurrence, startProxy } from '../support/proxy.js';
import type { PrivateServer } from '../support/server-process.js';
import {
  createSessions,
  FOREVER_MS,
  holdDelete,
  ids,
  remaining,
  slowDeletes,
  start,
  untilDeleting,
} from '../support/sessions.js';

describe('behind PgBouncer', { timeout: 300_000 }, () => {
  let server: PrivateServer;
  const poolers: Pooler[] = [];
  before(async () => {
    server = await startPrivatePostgresql();
  });
  after(() => {
    for (const pooler of poolers) pooler.stop();
    server.remove();
  });

  const pool = async (mode: Parameters<typeof startPooler>[1]): Promise<Pooler> => {
    const pooler = await startPooler(server.url, mode);
    poolers.push(pooler);
    return pooler;
  };
  const through = (pooler: Pooler, { url }: Database): string => new URL(new URL(url).pathname, pooler.url).href;
  /** Another client of the pooler. */
  const connect = async (t: TestContext, url: string): Promise<Client> => {
    const client = new Client({ ...connectionTo(url), options: undefined });
    // The database is dropped under it.
    client.on('error', () => {});
    await client.connect();
    t.after(() => client.end());
    return client;
  };
  const createUsual = async (t: TestContext): Promise<Database> => {
    const database = await createSessions(t, engineAt(server.url), { expired: ids(600), live: ['z'] });
    const name = new URL(database.url).pathname.slice(1);
    // What the connections of the pooler begin with.
    await database.run(`ALTER DATABASE ${name} SET DateStyle = 'German'`);
    await database.run(`ALTER DATABASE ${name} SET TimeZone = 'Asia/Tokyo'`);
    return database;
  };

  for (const mode of ['transaction', 'session'] as const) {
    describe(`that pools by ${mode}`, () => {
      let pooler: Pooler;
      before(async () => {
        pooler = await pool(mode);
      });

      test('a run deletes, in one transaction and in batches, and leaves no setting and no lock to the next client', async (t) => {
        const database = await createUsual(t);
        const url = through(pooler, database);
        const batched = successLine(
          await runCommand(['run', '--db-url', url, '--where', "id < 'r0100'", '--batch-size', '30']),
        );
        const rest = successLine(await runCommand(['run', '--db-url', url]));
        assert.deepEqual([batched.deleted_count, batched.batches, rest.deleted_count], [100, 4, 500]);
        assert.deepEqual(await remaining(database), ['z']);
        const clients = await Promise.all([connect(t, url), connect(t, url)]);
        for (const client of clients) {
          const { rows } = await client.query(
            `SELECT current_setting('TimeZone') AS zone, current_setting('DateStyle') AS style, current_setting('lock_timeout') AS lock, ` +
              `current_setting('statement_timeout') AS statement, current_setting('enable_seqscan') AS seqscan`,
          );
          assert.deepEqual(rows, [
            { zone: 'Asia/Tokyo', style: 'German, DMY', lock: '0', statement: '0', seqscan: 'on' },
          ]);
        }
        assert.deepEqual(await database.query("SELECT FROM pg_locks WHERE locktype = 'advisory'"), []);
      });

      test('check says what is in between, and reads times whatever way the server prints them', async (t) => {
        const database = await createUsual(t);
        const { status, line } = await runCommand(['check', '--db-url', through(pooler, database)]);
        assert.equal(status, 0);
        assert.match(String(line.server), /^PostgreSQL \S+, behind a pooler$/);
        assert.deepEqual([line.smallest, line.tls], ['2020-01-01 00:00:00', undefined]);
      });

      test("a run that is stopped cancels its own statement, and nobody else's", async (t) => {
        const database = await createUsual(t);
        await slowDeletes(database, FOREVER_MS);
        const url = through(pooler, database);
        const other = await connect(t, url);
        const run = start(t, ['run', '--db-url', url, '--timeout', '0']);
        await untilDeleting(database, run);
        const answer = other.query('SELECT pg_sleep(4) IS NOT NULL AS slept');
        run.child.kill('SIGTERM');
        const line = failureLine(await run.ended, 143, 'interrupted');
        assert.equal(line.deleted_count, 0);
        assert.deepEqual((await answer).rows, [{ slept: 't' }]);
        assert.equal((await remaining(database)).length, 601);
      });

      test('of two runs at once the second is busy', async (t) => {
        const database = await createUsual(t);
        const goOn = await holdDelete(database, 'r0050');
        const url = through(pooler, database);
        const where = ['--where', "id < 'r0100'", '--batch-size', '1000'];
        const first = start(t, ['run', '--db-url', url, ...where, '--timeout', '0']);
        await untilDeleting(database, first);
        const line = failureLine(await runCommand(['run', '--db-url', url]), 75, 'busy');
        assert.deepEqual([line.error_code, line.deleted_count], ['LOCK_HELD', 0]);
        await goOn();
        assert.equal(successLine(await first.ended).deleted_count, 100);
      });
    });
  }

  test('that pools by transaction, a run that finds another between its batches is busy, and what it has deleted is counted', async (t) => {
    const pooler = await pool('transaction');
    const database = await createUsual(t);
    const url = through(pooler, database);
    const proxy = await startProxy(url);
    t.after(() => proxy.close());
    const paused = proxy.when(occurrence(2, /BEGIN ISOLATION LEVEL/), 'before', proxy.freeze);
    const first = start(t, ['run', '--db-url', proxy.url, '--batch-size', '10', '--timeout', '0']);
    await paused;
    await slowDeletes(database, FOREVER_MS);
    const second = start(t, ['run', '--db-url', url, '--timeout', '0']);
    await untilDeleting(database, second);
    proxy.thaw();
    const line = failureLine(await first.ended, 75, 'busy');
    assert.equal(line.error_code, 'LOCK_HELD');
    assert.equal(Number(line.deleted_count), 601 - (await remaining(database)).length);
    second.child.kill('SIGTERM');
    await second.ended;
  });

  test('that pools by statement, nothing can be done: unavailable, also for check', async (t) => {
    const pooler = await pool('statement');
    const database = await createUsual(t);
    for (const command of ['run', 'check']) {
      const line = failureLine(await runCommand([command, '--db-url', through(pooler, database)]), 4, 'unavailable');
      assert.match(String(line.error), /statement pooling mode/);
      assert.match(String(line.hint), /^A pooler in between refuses this/);
    }
    assert.equal((await remaining(database)).length, 601);
  });
});
