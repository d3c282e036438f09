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
        const renew = async (id: string): Promise<void> => {
          await proxy.when(COMMITTING, 'before', proxy.freeze);
          await nodes[1].query('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, id]);
          await caughtUp(nodes[0]);
        };
        const before = await conflicts(nodes[0]);
        const running = start(t, ['run', '--db-url', proxy.url, '--timeout', '2m', ...batches]);
        await renew('r0003');
        const again = renew('r0007');
        proxy.thaw();
        await again;
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
    ['wsrep_max_ws_size', 1024],
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
});
