// A primary and its streaming replica, for the tests of --max-lag: the table on both, and the replica's pace.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Client } from 'pg';
import { type Database, engineAt } from './databases.js';
import { connectionTo, type PostgresqlPair } from './postgres-servers.js';
import { createSessions, ids, remaining, until } from './sessions.js';

export interface Replicated {
  readonly database: Database;
  /** The same database on the replica, for `--replica`. */
  readonly replicaUrl: string;
  /** A superuser on the replica. */
  readonly replica: Client;
}

/** Ten expired sessions and a live one, on both servers. */
export async function createReplicated(t: TestContext, { primary, standby }: PostgresqlPair): Promise<Replicated> {
  const expired = ids(10);
  const database = await createSessions(t, engineAt(primary.url), { expired, live: ['z'] });
  const replicaUrl = new URL(new URL(database.url).pathname, standby.url).href;
  let replica: Client | undefined;
  await until(async () => {
    replica = await connect(replicaUrl).catch(() => undefined);
    return replica !== undefined;
  });
  assert.ok(replica);
  const opened = replica;
  // The database cannot be dropped on the replica while somebody is in it.
  t.after(() => opened.end());
  await untilReplicated({ database, replicaUrl, replica }, [...expired, 'z']);
  return { database, replicaUrl, replica };
}

async function connect(url: string): Promise<Client> {
  const client = new Client(connectionTo(url));
  client.on('error', () => {});
  await client.connect();
  return client;
}

export async function untilReplicated({ database, replica }: Replicated, expected: readonly string[]): Promise<void> {
  assert.deepEqual(await remaining(database), expected);
  await until(async () => {
    const { rows } = await replica
      .query('SELECT id FROM sessions ORDER BY id')
      .catch(() => ({ rows: [] as { id: string }[] }));
    return rows.map(({ id }) => id).join() === expected.join();
  });
}

/** The replica goes on receiving what is written, and applies none of it. */
export async function pauseReplay(t: TestContext, { replica }: Replicated): Promise<() => Promise<void>> {
  await replica.query('SELECT pg_wal_replay_pause()');
  await until(async () => (await replica.query('SELECT pg_is_wal_replay_paused() AS paused')).rows[0].paused === 't');
  let isPaused = true;
  const resume = async (): Promise<void> => {
    if (isPaused) await replica.query('SELECT pg_wal_replay_resume()');
    isPaused = false;
  };
  t.after(resume);
  return resume;
}
