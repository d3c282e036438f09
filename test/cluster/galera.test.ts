// A real Galera cluster: what other nodes write at the same time, its limits, and nodes that cannot work or keep up.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { runCommand } from '../support/command.js';
import { type Database, engineAt, urlsIn } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { startProxy } from '../support/proxy.js';
import {
  createSessions,
  ids,
  LIVE,
  type SessionsOptions,
  slowDeletes,
  start,
  until,
  untilDeleting,
} from '../support/sessions.js';

const [url1 = '', url2 = '', url3 = ''] = urlsIn(
  'SESSION_CLEANUP_TEST_GALERA_URLS',
  3,
  'the three nodes of a Galera cluster that is there for tests, separated by commas: accounts with all privileges, ' +
    'such as mysql://root@127.0.0.1:33101,mysql://root@127.0.0.1:33102,mysql://root@127.0.0.1:33103',
);
const COMMITTING = /COMMIT$/;

interface Cluster {
  /** The table `sessions` by way of the first node, which the runs clean. */
  readonly database: Database;
  /** A connection to it by each node. */
  readonly nodes: readonly [Connection, Connection, Connection];
}

async function createOnCluster(t: TestContext, options: SessionsOptions = {}): Promise<Cluster> {
  const database = await createSessions(t, engineAt(url1), options);
  const name = new URL(database.url).pathname;
  const connect = async (url: string): Promise<Connection> => {
    const connection = await createConnection(new URL(name, url).href);
    t.after(() => connection.end());
    return connection;
  };
  const nodes = [await connect(url1), await connect(url2), await connect(url3)] as const;
  for (const node of nodes) await caughtUp(node);
  return { database, nodes };
}

/** Resolves once the node has applied everything that was committed on any node before. */
async function caughtUp(node: Connection): Promise<void> {
  await node.query('SET SESSION wsrep_sync_wait = 1');
  await node.query('SELECT id FROM sessions LIMIT 1');
  await node.query('SET SESSION wsrep_sync_wait = 0');
}

/** The IDs that remain, sorted: the same on every node. */
async function remaining({ nodes }: Cluster): Promise<string[]> {
  const tables = [];
  for (const node of nodes) {
    await caughtUp(node);
    const [rows] = await node.query<RowDataPacket[]>('SELECT id, CAST(expires_at AS CHAR) AS expires FROM sessions');
    tables.push(rows.map(({ id, expires }) => `${id} ${expires}`).sort());
  }
  assert.deepEqual(tables[1], tables[0]);
  assert.deepEqual(tables[2], tables[0]);
  return (tables[0] ?? []).map((row) => row.split(' ')[0] ?? '');
}

/** What comes of `work` while a global variable of the node has another value. */
async function withGlobal<T>(
  node: Connection,
  name: string,
  value: string | number,
  work: () => Promise<T>,
): Promise<T> {
  const [[row] = []] = await node.query<RowDataPacket[]>(`SELECT @@GLOBAL.${name} AS was`);
  await node.query(`SET GLOBAL ${name} = ?`, [value]);
  try {
    return await work();
  } finally {
    await node.query(`SET GLOBAL ${name} = ?`, [row?.was]);
  }
}

async function status(node: Connection, name: string): Promise<string> {
  const [[row] = []] = await node.query<RowDataPacket[]>('SHOW GLOBAL STATUS LIKE ?', [name]);
  return String(row?.Value);
}

/** What comes of `work` while the node is cut off from the others. It notices after a few seconds. */
async function isolated<T>(node: Connection, work: () => Promise<T>): Promise<T> {
  await node.query("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'");
  try {
    return await work();
  } finally {
    await node.query("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'");
    await until(async () => (await status(node, 'wsrep_local_state_comment')) === 'Synced');
    await until(async () => (await status(node, 'wsrep_ready')) === 'ON');
  }
}

/** How often the node gave up a transaction of its own for one of another node. */
async function conflicts(node: Connection): Promise<number> {
  return Number(await status(node, 'wsrep_local_cert_failures')) + Number(await status(node, 'wsrep_local_bf_aborts'));
}

interface Written {
  /** Sessions that are live now. */
  readonly live: readonly string[];
  /** Expired sessions that were renewed, or logged out of, before the run deleted them. */
  readonly taken: number;
}

/** Logins, renewals and logouts on one node until the run is over. Nobody else changes these sessions but the run. */
async function writeSessions(
  node: Connection,
  name: string,
  expired: readonly string[],
  isOver: () => boolean,
): Promise<Written> {
  const change = async (sql: string, ...values: string[]): Promise<number> => {
    for (;;) {
      try {
        const [{ affectedRows }] = await node.query<ResultSetHeader>(sql, values);
        return affectedRows;
      } catch (error) {
        // The run was first.
        if ((error as { errno?: number }).errno !== 1213) throw error;
      }
    }
  };
  const live: string[] = [];
  let taken = 0;
  for (let at = 0; !isOver(); at++) {
    assert.equal(await change('INSERT INTO sessions VALUES (?, ?)', `${name}${at}`, LIVE), 1);
    live.push(`${name}${at}`);
    const renewed = expired[2 * at] ?? '';
    if ((await change('UPDATE sessions SET expires_at = ? WHERE id = ?', LIVE, renewed)) === 1) {
      live.push(renewed);
      taken++;
    }
    taken += await change('DELETE FROM sessions WHERE id = ?', expired[2 * at + 1] ?? '');
    const [first = ''] = live;
    assert.equal(await change('UPDATE sessions SET expires_at = ? WHERE id = ?', '2098-01-01 00:00:00', first), 1);
    if (at % 2 === 0) assert.equal(await change('DELETE FROM sessions WHERE id = ?', live.shift() ?? ''), 1);
    await sleep(100);
  }
  return { live, taken };
}

describe('a Galera cluster', { timeout: 300_000 }, () => {
  for (const batches of [[], ['--batch-size', '50']]) {
    describe(batches.length === 0 ? 'in one transaction' : 'in batches', () => {
      test('a session that another node renews while the COMMIT is on its way is kept: the run tries again', async (t) => {
        const cluster = await createOnCluster(t, { expired: ids(30), live: ['z'] });
        const { database, nodes } = cluster;
        const proxy = await startProxy(database.url);
        t.after(() => proxy.close());
        const before = await conflicts(nodes[0]);
        const running = start(t, ['run', '--db-url', proxy.url, '--timeout', '2m', ...batches]);
        const renew = async (id: string): Promise<void> => {
          const reached = proxy.when(COMMITTING, 'before', proxy.freeze);
          proxy.thaw();
          await Promise.race([reached, running.ended.then(({ stderr }) => assert.fail(`ended before: ${stderr}`))]);
          await nodes[1].query('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, id]);
          await caughtUp(nodes[0]);
        };
        await renew('r0003');
        await renew('r0007');
        proxy.thaw();
        const line = successLine(await running.ended);
        assert.deepEqual([line.deleted_count, line.attempts, 'locked_count' in line], [28, 3, false]);
        assert.equal((await conflicts(nodes[0])) - before, 2);
        assert.deepEqual(await remaining(cluster), ['r0003', 'r0007', 'z']);
      });

      test('every node logs in, renews and logs out meanwhile: no live session is lost, and all nodes agree', async (t) => {
        const expired = ids(1_500);
        const cluster = await createOnCluster(t, { expired, live: ['y', 'z'], indexed: true });
        const { database, nodes } = cluster;
        await slowDeletes(database, 2);
        const before = await conflicts(nodes[0]);
        const running = start(t, ['run', '--db-url', database.url, '--timeout', '4m', ...batches]);
        await untilDeleting(database, running);
        const isOver = (): boolean => running.child.exitCode !== null;
        const some = (from: number): string[] => expired.filter((_, at) => at % 60 === from);
        const written = await Promise.all([
          writeSessions(nodes[1], 'a', some(10), isOver),
          writeSessions(nodes[2], 'b', some(40), isOver),
        ]);
        const line = successLine(await running.ended);
        const live = [...written.flatMap((writer) => writer.live), 'y', 'z'].sort();
        const left = await remaining(cluster);
        assert.deepEqual(
          left.filter((id) => live.includes(id)),
          live,
        );
        const passedOver = left.length - live.length;
        assert.ok(passedOver <= Number(line.locked_count ?? 0), `${passedOver} left`);
        const taken = written.reduce((sum, writer) => sum + writer.taken, 0);
        assert.ok(taken > 0, 'nothing was written while it ran');
        assert.equal(line.deleted_count, 1_500 - taken - passedOver);
        assert.equal(line.attempts, 1 + (await conflicts(nodes[0])) - before);
      });

      test('two runs on two nodes at once delete every row once', async (t) => {
        const cluster = await createOnCluster(t, { expired: ids(600), live: ['z'] });
        const { database } = cluster;
        await slowDeletes(database, 2);
        const second = new URL(new URL(database.url).pathname, url2).href;
        const runs = [database.url, second].map((url) =>
          start(t, ['run', '--db-url', url, '--timeout', '2m', ...batches]),
        );
        const lines = await Promise.all(runs.map(async ({ ended }) => successLine(await ended)));
        const sum = (key: string): number => lines.reduce((total, line) => total + Number(line[key] ?? 0), 0);
        const left = await remaining(cluster);
        assert.equal(left.at(-1), 'z');
        assert.equal(sum('deleted_count'), 601 - left.length);
        assert.ok(left.length - 1 <= sum('locked_count'), `${left.length - 1} left`);
      });
    });
  }

  for (const [name, value] of [
    ['wsrep_max_ws_rows', 20],
    ['wsrep_max_ws_size', 2048],
  ] as const) {
    test(`a transaction beyond ${name} fails, the hint is --batch-size, and with that it works`, async (t) => {
      const cluster = await createOnCluster(t, { expired: ids(100), live: ['z'] });
      const { database, nodes } = cluster;
      await withGlobal(nodes[0], name, value, async () => {
        const line = failureLine(await runCommand(['run', '--db-url', database.url]), 1, 'failed');
        assert.deepEqual([line.deleted_count, line.attempts], [0, 1]);
        assert.match(String(line.hint), /--batch-size/);
        assert.deepEqual(await remaining(cluster), [...ids(100), 'z']);
        const inBatches = successLine(await runCommand(['run', '--db-url', database.url, '--batch-size', '5']));
        assert.equal(inBatches.deleted_count, 100);
      });
      assert.deepEqual(await remaining(cluster), ['z']);
    });
  }

  test('a node that has left the cluster is unavailable, and says nothing that is not so about a COMMIT in flight', async (t) => {
    const cluster = await createOnCluster(t, { expired: ids(30), live: ['z'] });
    const { database, nodes } = cluster;
    const proxy = await startProxy(database.url);
    t.after(() => proxy.close());
    const reached = proxy.when(COMMITTING, 'before', proxy.freeze);
    const running = start(t, ['run', '--db-url', proxy.url, '--timeout', '2m']);
    await reached;
    await isolated(nodes[0], async () => {
      // The node still waits for the others, and takes the COMMIT.
      proxy.thaw();
      const line = failureLine(await running.ended, 1, 'unknown');
      assert.deepEqual([line.deleted_count, line.error_code], [null, 'ER_ERROR_DURING_COMMIT']);
      await until(async () => (await status(nodes[0], 'wsrep_ready')) === 'OFF');
      const after = failureLine(await runCommand(['run', '--db-url', database.url]), 4, 'unavailable');
      assert.deepEqual([after.deleted_count, after.error_code], [0, 'ER_UNKNOWN_COM_ERROR']);
      assert.match(String(after.hint), /Galera/);
    });
    const left = await remaining(cluster);
    assert.ok(left.length === 31 || left.length === 1, `${left.length} left`);
    assert.equal(left.at(-1), 'z');
  });

  test('a node that leaves the cluster between batches is unavailable, and what was committed is counted', async (t) => {
    const cluster = await createOnCluster(t, { expired: ids(30), live: ['z'] });
    const { database, nodes } = cluster;
    const running = start(t, [
      'run',
      '--db-url',
      database.url,
      '--timeout',
      '2m',
      ...['--batch-size', '10', '--pause', '20s'],
    ]);
    await until(async () => {
      const [[row] = []] = await nodes[0].query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM sessions');
      return row?.n === 21;
    });
    await isolated(nodes[0], async () => {
      const line = failureLine(await running.ended, 4, 'unavailable');
      assert.deepEqual([line.deleted_count, line.batches, line.error_code], [10, 1, 'ER_UNKNOWN_COM_ERROR']);
    });
    assert.deepEqual(await remaining(cluster), [...ids(30).slice(10), 'z']);
  });

  test('another node that does not keep up is waited for as a replica', async (t) => {
    const cluster = await createOnCluster(t, { expired: ids(10), live: ['z'] });
    const { database, nodes } = cluster;
    const watching = ['--batch-size', '1', '--max-lag', '1s', '--replica', url3];
    await nodes[2].query('FLUSH TABLES WITH READ LOCK');
    const first = await runCommand([
      'run',
      '--db-url',
      database.url,
      ...watching,
      '--timeout',
      '6s',
      '--pause',
      '500ms',
    ]);
    const { outcome, deleted_count: deleted, waited_for: reason } = first.line;
    assert.deepEqual([first.status, outcome], [124, 'incomplete'], first.stderr);
    assert.match(String(reason), new RegExp(`^replica mysql://${new URL(url3).host} is [\\d.]+ s behind$`));
    assert.ok(Number(deleted) > 0 && Number(deleted) < 10, `${deleted} deleted`);
    const running = start(t, ['run', '--db-url', database.url, ...watching, '--timeout', '2m', '--pause', '300ms']);
    await sleep(4_000);
    assert.equal(running.child.exitCode, null, 'not waited');
    await nodes[2].query('UNLOCK TABLES');
    const { line } = await running.ended;
    assert.deepEqual([line.outcome, Number(line.deleted_count) + Number(deleted)], ['deleted', 10]);
    assert.ok(Number(line.waited_ms) >= 500, String(line.waited_ms));
    assert.deepEqual(await remaining(cluster), ['z']);
  });

  test('another node that keeps up is not waited for, and one that has left the cluster does not replicate', async (t) => {
    const cluster = await createOnCluster(t, { expired: ids(10), live: ['z'] });
    const { database, nodes } = cluster;
    const watching = ['--batch-size', '1', '--max-lag', '5s', '--replica', url2, '--replica', url3];
    assert.equal(successLine(await runCommand(['run', '--db-url', database.url, ...watching])).deleted_count, 10);
    assert.deepEqual(await remaining(cluster), ['z']);
    await database.run('UPDATE sessions SET expires_at = ?', ['2020-01-01 00:00:00']);
    await database.run('INSERT INTO sessions SELECT ?, expires_at FROM sessions', ['y']);
    await isolated(nodes[2], async () => {
      await until(async () => (await status(nodes[2], 'wsrep_ready')) === 'OFF');
      const { line } = await runCommand(['run', '--db-url', database.url, ...watching, '--timeout', '5s']);
      const { outcome, deleted_count, waited_for } = line;
      const reason = `replica mysql://${new URL(url3).host} does not replicate`;
      assert.deepEqual(
        { outcome, deleted_count, waited_for },
        { outcome: 'incomplete', deleted_count: 1, waited_for: reason },
      );
    });
    assert.deepEqual(await remaining(cluster), ['z']);
  });

  test('flow control is heeded: the run waits while a node that does not keep up holds back every writer', async (t) => {
    const cluster = await createOnCluster(t, { expired: ids(5), live: ['z'] });
    const { database, nodes } = cluster;
    // Without a key, each of its rows is looked for in the whole table wherever a change of another node is applied.
    await database.run('CREATE TABLE heavy (n INT, changed INT)');
    await database.run('INSERT INTO heavy SELECT seq, 0 FROM seq_1_to_2000');
    await caughtUp(nodes[1]);
    const [[options] = []] = await nodes[2].query<RowDataPacket[]>('SELECT @@wsrep_provider_options AS text');
    const [limit = ''] = /gcs.fc_limit = \d+/.exec(String(options?.text)) ?? [];
    await nodes[2].query("SET GLOBAL wsrep_provider_options = 'gcs.fc_limit=1'");
    try {
      const running = start(t, [
        'run',
        '--db-url',
        database.url,
        '--batch-size',
        '1',
        '--max-lag',
        '100ms',
        '--timeout',
        '4m',
      ]);
      const hasBegun = async (): Promise<boolean> => (await database.query('SELECT id FROM sessions')).length < 6;
      // Until the run has seen it, and for some seconds more.
      for (let more = 5; more > 0; more -= (await hasBegun()) ? 1 : 0) {
        await nodes[1].query('UPDATE heavy SET changed = changed + 1');
      }
      const { status, line } = await running.ended;
      assert.deepEqual([status, line.deleted_count, line.batches], [0, 5, 5]);
      assert.match(String(line.waited_for), /^Galera flow control held writers back for \d+ ms$/);
      assert.ok(Number(line.waited_ms) >= 500, String(line.waited_ms));
    } finally {
      await nodes[2].query(`SET GLOBAL wsrep_provider_options = ?`, [limit.replaceAll(' ', '')]);
    }
    assert.deepEqual(await remaining(cluster), ['z']);
  });
});
