// A primary and its replica: what reaches the replica, what the primary refuses, and servers that are read only.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { createAccount } from '../support/accounts.js';
import { runCommand } from '../support/command.js';
import { type Database, engineAt, urlsIn } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { startProxy } from '../support/proxy.js';
import { createSessions, ids, remaining, type SessionsOptions, start, until } from '../support/sessions.js';

const ACCOUNT = 'an account with all privileges, such as mysql://root@127.0.0.1:3306';
const [primaryUrl = ''] = urlsIn('SESSION_CLEANUP_TEST_PRIMARY_URL', 1, `a server that is there for tests: ${ACCOUNT}`);
const [replicaUrl = ''] = urlsIn('SESSION_CLEANUP_TEST_REPLICA_URL', 1, `its replica, by GTID: ${ACCOUNT}`);
const COMMITTING = /COMMIT$/;

interface Pair {
  readonly database: Database;
  readonly replica: Connection;
  /** The database on the replica, for `--db-url`. */
  readonly replicaDatabaseUrl: string;
}

/** The table `sessions` on both servers. */
async function createOnBoth(t: TestContext, options: SessionsOptions): Promise<Pair> {
  const database = await createSessions(t, engineAt(primaryUrl), options);
  const replicaDatabaseUrl = new URL(new URL(database.url).pathname, replicaUrl).href;
  const replica = await createConnection(replicaUrl);
  t.after(() => replica.end());
  const pair = { database, replica, replicaDatabaseUrl };
  await untilBothHave(pair, [...(options.expired ?? []), ...(options.live ?? [])]);
  return pair;
}

async function untilBothHave({ database, replica }: Pair, expected: readonly string[]): Promise<void> {
  assert.deepEqual(await remaining(database), expected);
  const schema = new URL(database.url).pathname.slice(1);
  await until(async () => {
    const [rows] = await replica
      .query<RowDataPacket[]>('SELECT id FROM ??.sessions ORDER BY id', [schema])
      .catch(() => [[]] as const);
    return rows.map(({ id }) => id).join() === expected.join();
  });
}

/** What comes of `work` while global variables of the server have other values. New connections begin with them. */
async function withGlobals<T>(
  url: string,
  values: Readonly<Record<string, unknown>>,
  work: () => Promise<T>,
): Promise<T> {
  const connection = await createConnection(url);
  const before: [string, unknown][] = [];
  try {
    for (const [name, value] of Object.entries(values)) {
      const [[row] = []] = await connection.query<RowDataPacket[]>(`SELECT @@GLOBAL.${name} AS was`);
      await connection.query(`SET GLOBAL ${name} = ?`, [value]);
      before.unshift([name, row?.was]);
    }
    return await work();
  } finally {
    for (const [name, was] of before) await connection.query(`SET GLOBAL ${name} = ?`, [was]);
    await connection.end();
  }
}

const run = ({ url }: Pick<Database, 'url'>, ...more: string[]): string[] => ['run', '--db-url', url, ...more];

describe('a primary and its replica', { timeout: 300_000 }, () => {
  for (const format of ['ROW', 'MIXED']) {
    test(`written to as ${format}: the replica deletes the same rows`, async (t) => {
      const pair = await createOnBoth(t, { expired: ids(600), live: ['y', 'z'] });
      await withGlobals(primaryUrl, { binlog_format: format }, async () => {
        for (const [more, deleted] of [
          [['--batch-size', '200', '--older-than', '36500d'], 0],
          [['--batch-size', '200'], 600],
        ] as const) {
          assert.equal(successLine(await runCommand(run(pair.database, ...more))).deleted_count, deleted);
        }
      });
      await untilBothHave(pair, ['y', 'z']);
    });
  }

  test('a limit on all SELECTs of the server hides no part of a key, and no live session goes', async (t) => {
    const database = await engineAt(primaryUrl).create();
    const other = await createConnection(database.url);
    t.after(async () => {
      await other.query('SET GLOBAL sql_select_limit = DEFAULT');
      await other.end();
      await database.drop();
    });
    await database.run(
      'CREATE TABLE sessions (user_id INT NOT NULL, device INT NOT NULL, expires_at DATETIME NOT NULL, ' +
        'PRIMARY KEY (user_id, device), KEY by_device (device), KEY by_user (user_id))',
    );
    for (const [device, expiresAt] of Object.entries({ 1: '2020-01-01', 2: '2099-01-01' })) {
      const rows = Array.from({ length: 100 }, (_, user) => ({ user_id: user, device, expires_at: expiresAt }));
      await database.knex('sessions').insert(rows);
    }
    await other.query('START TRANSACTION');
    await other.query('SELECT * FROM sessions WHERE user_id = 50 AND device = 1 FOR UPDATE');
    await other.query('SET GLOBAL sql_select_limit = 3');
    const { deleted_count, locked_count } = successLine(await runCommand(run(database)));
    assert.deepEqual([deleted_count, locked_count], [99, 1]);
    await other.query('ROLLBACK');
    const left = await database.query('SELECT device, COUNT(*) AS count FROM sessions GROUP BY device ORDER BY device');
    assert.deepEqual(
      left.map(({ device, count }) => [Number(device), Number(count)]),
      [
        [1, 1],
        [2, 100],
      ],
    );
  });

  test('written to as STATEMENT: nothing is deleted, the hint is the format, and check knows before', async (t) => {
    const pair = await createOnBoth(t, { expired: ids(3), live: ['z'] });
    await withGlobals(primaryUrl, { binlog_format: 'STATEMENT' }, async () => {
      const line = failureLine(await runCommand(run(pair.database)), 1, 'failed');
      assert.deepEqual([line.deleted_count, line.error_code], [0, 'ER_BINLOG_STMT_MODE_AND_ROW_ENGINE']);
      assert.match(String(line.hint), /set binlog_format to ROW or MIXED/);
      const checked = await runCommand(['check', '--db-url', pair.database.url]);
      assert.equal(checked.status, 3, checked.stdout);
      assert.match(String(checked.line.error), /^the binary log is written as statements/);
    });
    await untilBothHave(pair, [...ids(3), 'z']);
  });

  test('a transaction beyond max_binlog_cache_size fails, the hint is --batch-size, and with that it works', async (t) => {
    const pair = await createOnBoth(t, { expired: ids(900), live: ['z'] });
    await withGlobals(primaryUrl, { max_binlog_cache_size: 4_096, binlog_cache_size: 4_096 }, async () => {
      const line = failureLine(await runCommand(run(pair.database)), 1, 'failed');
      assert.equal(line.deleted_count, 0);
      assert.match(String(line.hint), /--batch-size/);
      await untilBothHave(pair, [...ids(900), 'z']);
      assert.equal(successLine(await runCommand(run(pair.database, '--batch-size', '20'))).deleted_count, 900);
    });
    await untilBothHave(pair, ['z']);
  });

  test('a read-only server is named as such, and nothing is deleted', async (t) => {
    const pair = await createOnBoth(t, { expired: ids(3), live: ['z'] });
    const account = await createAccount(t, pair.database, { password: 'of-the-account', grants: ['SELECT', 'DELETE'] });
    const url = new URL(account.url);
    url.host = new URL(replicaUrl).host;
    await until(
      async () =>
        (await createConnection(url.href).then(
          (login) => login.end(),
          () => 'not yet',
        )) === undefined,
    );
    const attempts: { readonly globals: Readonly<Record<string, number>>; readonly url: string }[] = [
      { globals: { read_only: 1 }, url: url.href },
      // Only MySQL has a kind that stops every account.
      ...(pair.database.engine === 'mysql' ? [{ globals: { super_read_only: 1 }, url: pair.replicaDatabaseUrl }] : []),
    ];
    for (const attempt of attempts) {
      await withGlobals(replicaUrl, attempt.globals, async () => {
        const line = failureLine(await runCommand(run(attempt)), 1, 'failed');
        assert.deepEqual([line.deleted_count, line.error_code], [0, 'ER_OPTION_PREVENTS_STATEMENT']);
        assert.equal(line.hint, 'The server is read only: connect to the primary.');
      });
    }
    await untilBothHave(pair, [...ids(3), 'z']);
  });

  test('a primary that becomes read only before the COMMIT has deleted nothing, and the line says so', async (t) => {
    const pair = await createOnBoth(t, { expired: ids(3), live: ['z'] });
    const account = await createAccount(t, pair.database, { password: 'of-the-account', grants: ['SELECT', 'DELETE'] });
    const proxy = await startProxy(account.url);
    t.after(() => proxy.close());
    const reached = proxy.when(COMMITTING, 'before', proxy.freeze);
    const running = start(t, run(proxy, '--timeout', '2m'));
    await reached;
    await withGlobals(primaryUrl, { read_only: 1 }, async () => {
      proxy.thaw();
      const line = failureLine(await running.ended, 1, 'failed');
      assert.deepEqual([line.deleted_count, line.error_code], [0, 'ER_OPTION_PREVENTS_STATEMENT']);
    });
    await untilBothHave(pair, [...ids(3), 'z']);
  });

  test("a backup's read lock at the COMMIT undoes it: the run tries again, and is busy where that takes too long", async (t) => {
    const pair = await createOnBoth(t, { expired: ids(3), live: ['z'] });
    const backup = await createConnection(primaryUrl);
    t.after(() => backup.end());
    const proxy = await startProxy(pair.database.url);
    t.after(() => proxy.close());
    for (const [timeout, isBusy] of [
      ['6s', true],
      ['2m', false],
    ] as const) {
      const reached = proxy.when(COMMITTING, 'before', proxy.freeze);
      const running = start(t, run(proxy, '--timeout', timeout));
      await reached;
      await backup.query('FLUSH TABLES WITH READ LOCK');
      try {
        proxy.thaw();
        if (isBusy) failureLine(await running.ended, 75, 'busy');
        else await sleep(3_000);
        assert.equal((await remaining(pair.database)).length, 4);
      } finally {
        await backup.query('UNLOCK TABLES');
      }
      if (isBusy) continue;
      const line = successLine(await running.ended);
      const left = await remaining(pair.database);
      assert.equal(line.deleted_count, 4 - left.length);
      assert.ok(Number(line.attempts) > 1, `${line.attempts} attempts`);
      assert.equal(Number(line.locked_count ?? 0), left.length - 1);
      await untilBothHave(pair, left.map(String));
    }
  });

  test('a replica that is stopped is waited for, and one that goes on is not', async (t) => {
    const pair = await createOnBoth(t, { expired: ids(5), live: ['z'] });
    const watching = ['--batch-size', '1', '--max-lag', '5s', '--replica', replicaUrl];
    await pair.replica.query('STOP REPLICA SQL_THREAD');
    const { status, line } = await runCommand(run(pair.database, ...watching, '--timeout', '5s'));
    await pair.replica.query('START REPLICA');
    const { outcome, deleted_count, waited_for } = line;
    const reason = `replica mysql://${new URL(replicaUrl).host} does not replicate`;
    assert.deepEqual(
      { status, outcome, deleted_count, waited_for },
      { status: 124, outcome: 'incomplete', deleted_count: 1, waited_for: reason },
    );
    await untilBothHave(pair, [...ids(5).slice(1), 'z']);
    const after = await runCommand(run(pair.database, ...watching, '--timeout', '2m'));
    assert.deepEqual([after.status, after.line.deleted_count], [0, 4], after.stderr);
    await untilBothHave(pair, ['z']);
  });
});
