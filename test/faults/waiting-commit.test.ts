// A COMMIT that waits for a synchronous standby which is not there, as only PostgreSQL has it: it is never cancelled, for
// that would commit on the primary alone, and say so as a success.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, engineAt } from '../support/databases.js';
import { isOutOfTime, runInTime } from '../support/in-time.js';
import { failureLine, successLine } from '../support/lines.js';
import { measureTimeout } from '../support/pace.js';
import { startPrivatePostgresql } from '../support/postgres-servers.js';
import type { PrivateServer } from '../support/server-process.js';
import { createSessions, ids, remaining, start, until } from '../support/sessions.js';

const TIMEOUT_MS = await measureTimeout();

describe('a COMMIT that waits for a standby', { timeout: 180_000 }, () => {
  let server: PrivateServer;
  before(async () => {
    server = await startPrivatePostgresql();
  });
  after(() => server.remove());

  async function nameStandby(database: Database, name: string): Promise<void> {
    await database.run(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
    await database.run('SELECT pg_reload_conf()');
    await until(async () => {
      const [row] = await database.query('SHOW synchronous_standby_names');
      return row?.synchronous_standby_names === name;
    });
  }

  async function isWaiting(database: Database): Promise<boolean> {
    const rows = await database.query("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    return rows.length > 0;
  }

  test('longer than the timeout: gone in time, and the line says that it is not known', async (t) => {
    const database = await createSessions(t, engineAt(server.url), { expired: ids(3), live: ['z'] });
    await nameStandby(database, 'nobody');
    const { ended } = await runInTime(TIMEOUT_MS, ['run', '--db-url', database.url], isOutOfTime);
    const line = failureLine(ended, 1, 'unknown');
    assert.deepEqual([line.deleted_count, line.error_code], [null, 'COMMIT_UNCONFIRMED']);
    assert.equal(await isWaiting(database), true);
    // Nobody sees it yet.
    assert.deepEqual(await remaining(database), [...ids(3), 'z']);
    await nameStandby(database, '');
    await until(async () => (await remaining(database)).length === 1);
  });

  test('until it is there: deleted, also where a signal came meanwhile', async (t) => {
    const database = await createSessions(t, engineAt(server.url), { expired: ids(3), live: ['z'] });
    await nameStandby(database, 'nobody');
    const running = start(t, ['run', '--db-url', database.url]);
    await until(() => isWaiting(database));
    running.child.kill('SIGTERM');
    await nameStandby(database, '');
    assert.equal(successLine(await running.ended).deleted_count, 3);
    assert.deepEqual(await remaining(database), ['z']);
  });
});
