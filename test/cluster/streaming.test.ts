// A PostgreSQL primary and its streaming replica, both of the test's own: who is watched, and what a commit waits for.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { createAccount } from '../support/accounts.js';
import { runCommand } from '../support/command.js';
import { type Database, engineAt } from '../support/databases.js';
import { isNotForWaiting, isOutOfTime, runInTime } from '../support/in-time.js';
import { failureLine, successLine } from '../support/lines.js';
import { createReplicated, pauseReplay, untilReplicated } from '../support/postgres-pair.js';
import { connectionTo, type PostgresqlPair, startPostgresqlPair } from '../support/postgres-servers.js';
import { createSessions, ids, remaining, until } from '../support/sessions.js';

const watching = ({ url }: Pick<Database, 'url'>, ...more: string[]): string[] => [
  ...['run', '--db-url', url, '--batch-size', '1', '--max-lag', '1s', '--pause', '300ms', ...more],
];

describe('a primary and its streaming replica', { timeout: 600_000 }, () => {
  let pair: PostgresqlPair;
  before(async () => {
    pair = await startPostgresqlPair();
  });
  after(() => pair.remove());

  /** Rows of a statement, on the primary or the replica. */
  const ask = async (url: string, sql: string): Promise<Record<string, unknown>[]> => {
    const client = new Client(connectionTo(url));
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  /** What comes of `work` while a setting of the server has another value. */
  const withSetting = async (url: string, name: string, value: string, work: () => Promise<void>): Promise<void> => {
    const set = async (to: unknown): Promise<void> => {
      await ask(url, `ALTER SYSTEM SET ${name} = '${to}'`);
      await ask(url, 'SELECT pg_reload_conf()');
    };
    const [was] = await ask(url, `SELECT current_setting('${name}') AS value`);
    await set(value);
    try {
      await work();
    } finally {
      await set(was?.value);
    }
  };
  const untilStreaming = (): Promise<void> =>
    until(async () => (await ask(pair.primary.url, 'SELECT FROM pg_stat_replication')).length === 1);

  test('an account without pg_monitor sees no replica: nothing is waited for, with a warning that names the right', async (t) => {
    const replicated = await createReplicated(t, pair);
    const { database } = replicated;
    const account = await createAccount(t, database, { password: 'of-the-account', grants: ['SELECT', 'DELETE'] });
    const line = successLine(await runCommand(watching({ url: account.url })));
    assert.equal(line.deleted_count, 10);
    assert.match(String(line.warning), /^--max-lag has nothing to watch: give --replica, .*GRANT pg_monitor TO it\)$/);
    await untilReplicated(replicated, ['z']);
  });

  test('with it, and for --replica without it, the account is told how far the replica is', async (t) => {
    for (const isSeen of [true, false]) {
      const replicated = await createReplicated(t, pair);
      const { database, replicaUrl } = replicated;
      const { url, name } = await createAccount(t, database, {
        password: 'of-the-account',
        grants: ['SELECT', 'DELETE'],
      });
      if (isSeen) await database.run(`GRANT pg_monitor TO ${name}`);
      await until(async () => (await ask(replicaUrl, `SELECT FROM pg_roles WHERE rolname = '${name}'`)).length === 1);
      const ofAccount = new URL(url);
      ofAccount.host = new URL(replicaUrl).host;
      const named = isSeen ? [] : ['--replica', ofAccount.href];
      const resume = await pauseReplay(t, replicated);
      const { ended } = await runInTime(6_000, watching({ url }, ...named), isNotForWaiting);
      await resume();
      const { status, line } = ended;
      assert.deepEqual([status, line.outcome, line.warning], [124, 'incomplete', undefined]);
      assert.match(String(line.waited_for), /^replica .* is up to \S+ s behind$/);
    }
  });

  test('a replica that was behind before the run began is waited for after the first batch', async (t) => {
    const replicated = await createReplicated(t, pair);
    const { database, replicaUrl } = replicated;
    const resume = await pauseReplay(t, replicated);
    await database.run("INSERT INTO sessions VALUES ('more', '2020-01-01')");
    const args = watching(database, '--max-lag', '1h', '--replica', replicaUrl);
    const { ended } = await runInTime(6_000, args, isNotForWaiting);
    await resume();
    const { status, line } = ended;
    assert.deepEqual([status, line.deleted_count], [124, 1]);
    assert.match(String(line.waited_for), /^replica \S+ still lacks what was written before the run$/);
  });

  test('a replica that applies everything later, on purpose, keeps a run waiting unless another is named', async (t) => {
    const replicated = await createReplicated(t, pair);
    const { database } = replicated;
    await withSetting(pair.standby.url, 'recovery_min_apply_delay', '2s', async () => {
      const { status, line } = (await runInTime(8_000, watching(database), isNotForWaiting)).ended;
      assert.deepEqual([status, line.outcome], [124, 'incomplete']);
      assert.match(String(line.waited_for), /^replica standby at 127\.0\.0\.1 \(\d+\) (is up to|still lacks)/);
      const left = (await remaining(database)).length - 1;
      const allowed = successLine(await runCommand(watching(database, '--max-lag', '1h')));
      assert.equal(allowed.deleted_count, left);
    });
    await untilReplicated(replicated, ['z']);
  });

  test('a replica that receives nothing any more is named as such', async (t) => {
    const { database, replicaUrl } = await createReplicated(t, pair);
    await withSetting(pair.standby.url, 'primary_conninfo', '', async () => {
      await until(async () => (await ask(replicaUrl, 'SELECT FROM pg_stat_wal_receiver')).length === 0);
      const args = watching(database, '--replica', replicaUrl);
      const { status, line } = (await runInTime(6_000, args, isNotForWaiting)).ended;
      assert.deepEqual([status, line.outcome], [124, 'incomplete']);
      assert.match(String(line.waited_for), /^replica \S+ is behind and receives nothing$/);
      assert.ok(Number(line.deleted_count) < 10);
    });
    await untilStreaming();
  });

  test('a replica of another server is refused', async (t) => {
    const other = await startPostgresqlPair();
    t.after(() => other.remove());
    const { database } = await createReplicated(t, pair);
    const line = failureLine(await runCommand(watching(database, '--replica', other.standby.url)), 3, 'refused');
    assert.deepEqual([line.error_code, line.deleted_count], ['NO_REPLICA', 0]);
    assert.match(String(line.error), /is a replica of another server$/);
  });

  test('a subscriber of a publication is watched like a replica', async (t) => {
    const database = await createSessions(t, engineAt(pair.primary.url), { expired: ids(10), live: ['z'] });
    const subscriber = await engineAt(pair.primary.url).create();
    const name = new URL(database.url).pathname.slice(1);
    await database.run('CREATE PUBLICATION sessions FOR TABLE sessions');
    await subscriber.run('CREATE TABLE sessions (id VARCHAR(40) PRIMARY KEY, expires_at TIMESTAMP)');
    await database.query(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
    const { hostname, port, username, password } = new URL(pair.primary.url);
    await subscriber.run(
      `CREATE SUBSCRIPTION ${name} CONNECTION 'host=${hostname} port=${port} user=${username} password=${password} dbname=${name}' ` +
        `PUBLICATION sessions WITH (create_slot = false, slot_name = '${name}')`,
    );
    await until(async () => (await remaining(subscriber)).length === 11);
    const line = successLine(await runCommand(watching(database)));
    assert.deepEqual([line.deleted_count, line.warning], [10, undefined]);
    await until(async () => (await remaining(subscriber)).length === 1);
    // Whoever applies what is written waits for this lock.
    await database.run("INSERT INTO sessions SELECT 'a' || n, '2020-01-01' FROM generate_series(1, 10) AS n");
    await until(async () => (await remaining(subscriber)).length === 11);
    const lock = await subscriber.knex.transaction();
    await lock.raw('LOCK TABLE sessions IN EXCLUSIVE MODE');
    const { ended: stopped } = await runInTime(6_000, watching(database), isNotForWaiting);
    await lock.rollback();
    assert.deepEqual([stopped.status, stopped.line.outcome], [124, 'incomplete']);
    assert.match(
      String(stopped.line.waited_for),
      new RegExp(`^replica ${name} at 127\\.0\\.0\\.1 \\(\\d+\\) is up to`),
    );
  });

  test('a COMMIT that waits for a synchronous replica that is gone is unknown, and committed once the replica is back', async (t) => {
    const replicated = await createReplicated(t, pair);
    const { database } = replicated;
    await pair.standby.kill();
    let isDown = true;
    const bringBack = async (): Promise<void> => {
      if (isDown) await pair.standby.restart();
      isDown = false;
    };
    t.after(bringBack);
    await withSetting(pair.primary.url, 'synchronous_standby_names', 'standby', async () => {
      const args = ['run', '--db-url', database.url];
      const line = failureLine((await runInTime(4_000, args, isOutOfTime)).ended, 1, 'unknown');
      assert.deepEqual([line.error_code, line.deleted_count], ['COMMIT_UNCONFIRMED', null]);
      // Nobody else sees them gone before the replica has them, and the next run finds the first one still at it.
      assert.equal((await remaining(database)).length, 11);
      failureLine((await runInTime(3_000, args, isOutOfTime)).ended, 75, 'busy');
      await bringBack();
      await until(async () => (await remaining(database)).length === 1);
    });
    assert.deepEqual(await remaining(database), ['z']);
  });

  test('a replica that is down is unavailable where it is named, and not waited for where it was only seen', async (t) => {
    const { database, replicaUrl, replica } = await createReplicated(t, pair);
    await replica.end();
    await pair.standby.kill();
    t.after(() => pair.standby.restart());
    const line = failureLine(await runCommand(watching(database, '--replica', replicaUrl)), 4, 'unavailable');
    assert.deepEqual([line.error_code, line.deleted_count], ['ECONNREFUSED', 0]);
    const unseen = successLine(await runCommand(watching(database)));
    assert.equal(unseen.deleted_count, 10);
    assert.match(String(unseen.warning), /^--max-lag has nothing to watch/);
  });
});
