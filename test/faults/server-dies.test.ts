// A server that is killed and restarted, or stopped and goes on: the line is true, and the next run ends the work. SQLite
// has none.
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertEndsWork, assertTrue } from '../support/claims.js';
import { runCommand, startCommand } from '../support/command.js';
import { type Database, engineAt } from '../support/databases.js';
import { inTime } from '../support/in-time.js';
import { assertGoneAfterTimeout, failureLine, successLine } from '../support/lines.js';
import { startPrivateServer } from '../support/mysql-servers.js';
import { measureTimeout } from '../support/pace.js';
import { startPrivatePostgresql } from '../support/postgres-servers.js';
import { COMMITTING, DELETING, type Moment, QUIT, startProxy } from '../support/proxy.js';
import type { PrivateServer } from '../support/server-process.js';
import { createSessions, ids, quickDeletes, slowDeletes } from '../support/sessions.js';

const ROWS = { expired: ids(4), live: ['z'] };
const MANNERS = [
  { title: 'in one transaction', options: [], unit: ROWS.expired.length },
  { title: 'in batches', options: ['--batch-size', '2'], unit: 2 },
];
const TIMEOUT_MS = 2_000 + (await measureTimeout());

const LOGIN = /session_cleanup_test/;
/** The last that a run asks for before it commits: MySQL is asked what is left besides, PostgreSQL its own number. */
const LAST = { mariadb: DELETING, mysql: /select count/i, sqlite: DELETING, postgresql: /txid_current/ };
const STARTS = { 'MySQL or MariaDB': startPrivateServer, PostgreSQL: startPrivatePostgresql };

interface Harm {
  readonly when: string;
  readonly pattern: RegExp | typeof LAST;
  readonly moment: Moment;
  /** Status and outcome. */
  readonly killed: readonly [number, string];
  readonly frozen: readonly [number, string];
}

const HARMS: readonly Harm[] = [
  {
    when: 'while connecting',
    pattern: LOGIN,
    moment: 'before',
    killed: [4, 'unavailable'],
    frozen: [4, 'unavailable'],
  },
  { when: 'while deleting', pattern: DELETING, moment: 'after', killed: [1, 'failed'], frozen: [124, 'timed_out'] },
  { when: 'with a DELETE done', pattern: LAST, moment: 'answered', killed: [1, 'unknown'], frozen: [1, 'unknown'] },
  { when: 'while committing', pattern: COMMITTING, moment: 'before', killed: [1, 'unknown'], frozen: [1, 'unknown'] },
];

for (const [name, startServer] of Object.entries(STARTS)) {
  describe(`a server of the test, ${name}`, { timeout: 600_000 }, () => {
    let server: PrivateServer;
    before(async () => {
      server = await startServer();
    });
    after(() => server.remove());

    async function prepare(t: TestContext, options: readonly string[]) {
      const database = await createSessions(t, engineAt(server.url), ROWS);
      // The server has the DELETE in hand when it is harmed.
      await slowDeletes(database, 1_000, 'r0001');
      const proxy = await startProxy(database.url);
      t.after(() => proxy.close());
      return { database, proxy, args: ['run', '--db-url', proxy.url, ...options] };
    }

    for (const { title, options, unit } of MANNERS) {
      for (const { when, pattern, moment, killed, frozen } of HARMS) {
        test(`killed ${when}, ${title}: the line is true of what it holds when it is back`, async (t) => {
          const { database, proxy, args } = await prepare(t, options);
          let gone: Promise<void> | undefined;
          const reached = proxy.when(pattern instanceof RegExp ? pattern : pattern[database.engine], moment, () => {
            gone = server.kill();
          });
          const ended = await runCommand(args);
          await reached;
          await gone;
          await server.restart();
          const held = await assertTrue(failureLine(ended, ...killed), database, ROWS, unit);
          await assertEndsWork(database.url, database, ROWS, held);
        });

        test(`frozen ${when}, ${title}: the line is true of what it holds when it goes on`, async (t) => {
          const attempt = async (timeoutMs: number) => {
            const { database, proxy, args } = await prepare(t, options);
            const what = pattern instanceof RegExp ? pattern : pattern[database.engine];
            const reached = proxy.when(what, moment, server.freeze).then(() => true);
            const startedAt = performance.now();
            const ended = await runCommand([...args, '--timeout', `${timeoutMs}ms`]);
            assertGoneAfterTimeout(startedAt, timeoutMs);
            const isReached = await Promise.race([reached, sleep(1_000).then(() => false)]);
            server.thaw();
            return { database, ended, isReached };
          };
          const { database, ended } = await inTime(TIMEOUT_MS, attempt, ({ isReached }) => !isReached);
          const held = await assertTrue(failureLine(ended, ...frozen), database, ROWS, unit);
          await assertEndsWork(database.url, database, ROWS, held);
        });
      }

      if (startServer === startPrivatePostgresql) {
        /** Killed in the moment, and back before it can be asked what became of the COMMIT. */
        async function killAtCommit(t: TestContext, moment: Moment, meanwhile: (database: Database) => Promise<void>) {
          const { database, proxy, args } = await prepare(t, options);
          await quickDeletes(database);
          let back: Promise<void> | undefined;
          const reached = proxy.when(COMMITTING, moment, () => {
            proxy.cut();
            proxy.freeze();
            back = server
              .kill()
              .then(server.restart)
              .then(() => meanwhile(database))
              .then(proxy.thaw);
          });
          const ended = await runCommand(args);
          await reached;
          await back;
          return { database, ended };
        }

        test(`killed before the COMMIT and soon back, ${title}: tells that it did not commit`, async (t) => {
          const { database, ended } = await killAtCommit(t, 'before', async () => {});
          const held = await assertTrue(failureLine(ended, 1, 'failed'), database, ROWS, unit);
          await assertEndsWork(database.url, database, ROWS, held);
        });

        test(`killed before the COMMIT and busy again, ${title}: takes no other transaction for its own`, async (t) => {
          const { database, ended } = await killAtCommit(t, 'before', async ({ knex }) => {
            await knex.raw('CREATE TABLE other (id INT)');
            for (let id = 0; id < 50; id++) await knex.raw('INSERT INTO other VALUES (?)', [id]);
          });
          const outcome = String(ended.line.outcome);
          assert.ok(['failed', 'unknown'].includes(outcome), ended.stderr);
          const held = await assertTrue(failureLine(ended, 1, outcome), database, ROWS, unit);
          await assertEndsWork(database.url, database, ROWS, held);
        });

        test(`killed after the COMMIT and soon back, ${title}: does not know`, async (t) => {
          const { database, ended } = await killAtCommit(t, 'answered', async () => {});
          assert.equal(await assertTrue(failureLine(ended, 1, 'unknown'), database, ROWS, unit), unit);
          await assertEndsWork(database.url, database, ROWS, unit);
        });
      }

      test(`killed when it has confirmed the last COMMIT, ${title}: what is claimed outlives it`, async (t) => {
        const { database, proxy, args } = await prepare(t, options);
        let gone: Promise<void> | undefined;
        const reached = proxy.when(QUIT, 'before', () => {
          gone = server.kill();
        });
        const line = successLine(await runCommand(args));
        await reached;
        await gone;
        await server.restart();
        assert.equal(await assertTrue(line, database, ROWS, unit), ROWS.expired.length);
      });

      test(`frozen while deleting and back in time, ${title}: costs nothing`, async (t) => {
        const { database, proxy, args } = await prepare(t, options);
        const reached = proxy.when(DELETING, 'after', server.freeze);
        const { ended } = startCommand(args);
        await reached;
        server.thaw();
        assert.equal(await assertTrue(successLine(await ended), database, ROWS, unit), ROWS.expired.length);
      });
    }
  });
}
