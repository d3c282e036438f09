// MySQL group replication with two primaries: what the other one writes at the same time, and the limit of a transaction.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { runCommand } from '../support/command.js';
import { type Database, engineAt, urlsIn } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { startProxy } from '../support/proxy.js';
import { createSessions, ids, LIVE, remaining, start, until } from '../support/sessions.js';

const [url = '', otherUrl = ''] = urlsIn(
  'SESSION_CLEANUP_TEST_GROUP_URLS',
  2,
  'two primaries of a MySQL group that is there for tests, separated by commas: accounts with all privileges',
);

interface Group {
  readonly database: Database;
  /** The same database by way of the other primary. */
  readonly other: Connection;
}

async function createOnGroup(t: TestContext, count: number): Promise<Group> {
  const database = await createSessions(t, engineAt(url), { expired: ids(count), live: ['z'] });
  const other = await createConnection(otherUrl);
  t.after(() => other.end());
  const name = new URL(database.url).pathname.slice(1);
  // What the group has agreed on before is applied first.
  await other.query("SET SESSION group_replication_consistency = 'BEFORE'");
  await other.query('USE ??', [name]);
  return { database, other };
}

async function assertRemaining({ database, other }: Group, expected: readonly string[]): Promise<void> {
  const [rows] = await other.query<RowDataPacket[]>('SELECT id FROM sessions ORDER BY id');
  assert.deepEqual(
    rows.map(({ id }) => id),
    expected,
  );
  await until(async () => (await remaining(database)).length === expected.length);
  assert.deepEqual(await remaining(database), expected);
}

describe('a group of MySQL servers', { timeout: 180_000 }, () => {
  test('a session that the other primary renews before the COMMIT is kept: the run tries again', async (t) => {
    const group = await createOnGroup(t, 30);
    const proxy = await startProxy(group.database.url);
    t.after(() => proxy.close());
    const reached = proxy.when(/COMMIT$/, 'before', proxy.freeze);
    const running = start(t, ['run', '--db-url', proxy.url, '--timeout', '2m']);
    await reached;
    await group.other.query('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, 'r0003']);
    proxy.thaw();
    const line = successLine(await running.ended);
    assert.ok(Number(line.attempts) > 1, `${line.attempts} attempts`);
    assert.equal(line.deleted_count, 29);
    await assertRemaining(group, ['r0003', 'z']);
  });

  test('a transaction beyond the limit of the group fails, the hint is --batch-size, and with that it works', async (t) => {
    const group = await createOnGroup(t, 200);
    await group.database.run('SET GLOBAL group_replication_transaction_size_limit = 3000');
    try {
      const line = failureLine(await runCommand(['run', '--db-url', group.database.url]), 1, 'failed');
      assert.equal(line.deleted_count, 0);
      assert.match(String(line.hint), /--batch-size/, JSON.stringify(line));
      await assertRemaining(group, [...ids(200), 'z']);
      const inBatches = await runCommand(['run', '--db-url', group.database.url, '--batch-size', '20']);
      assert.equal(successLine(inBatches).deleted_count, 200);
    } finally {
      await group.database.run('SET GLOBAL group_replication_transaction_size_limit = DEFAULT');
    }
    await assertRemaining(group, ['z']);
  });
});
