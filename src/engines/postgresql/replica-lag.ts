// How far the replicas are behind: those of --replica, or else those that the primary sees. Reads only.
import { CleanupError } from '../../errors.js';
import type { LagOptions, LagWatch } from '../engine.js';
import type { Query } from '../sql.js';
import { ignoreAnswered } from './faults.js';
import type { PostgresqlTarget } from './target.js';

/** How far a replica has come in the log of the primary, in bytes; null where it does not follow it. */
interface Reached {
  readonly shown: string;
  readonly bytes: number | null;
}

const NOTHING =
  'give --replica, or let the account see the replicas of the server that it may have (GRANT pg_monitor TO it)';

export async function openLagWatch({
  replicas,
  maxLagMs,
  primary,
  openReplica,
}: LagOptions<PostgresqlTarget>): Promise<LagWatch> {
  const opened: { readonly read: () => Promise<Reached>; close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => void (await Promise.all(opened.map((replica) => replica.close())));
  try {
    for (const target of replicas) {
      const { query, close } = await openReplica(target);
      opened.push({ read: () => readReplica(query, target.shown), close });
      await refuseOther(query, primary, target.shown);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const readAll = (): Promise<readonly Reached[]> =>
    opened.length === 0 ? readSeen(primary) : Promise.all(opened.map(({ read }) => read()));
  const behindMs = createMeter();
  return {
    watchesNothing: (await readAll()).length === 0 ? NOTHING : undefined,
    async reasonToWait() {
      const written = await readWritten(primary);
      for (const { shown, bytes } of await readAll()) {
        if (bytes === null) return `replica ${shown} does not replicate`;
        const seconds = Math.round(behindMs(shown, bytes, written) / 100) / 10;
        if (seconds * 1000 > maxLagMs) return `replica ${shown} is ${seconds} s behind`;
      }
      return undefined;
    },
    close,
  };
}

/**
 * A replica is behind since it was last known to have all that the primary had written. Its own clock tells less: it also
 * counts while nothing is written, and not what has not arrived yet.
 */
function createMeter(): (shown: string, reached: number, written: number) => number {
  const marks = new Map<string, { readonly bytes: number; readonly at: number }>();
  return (shown, reached, written) => {
    const now = performance.now();
    const mark = marks.get(shown) ?? { bytes: written, at: now };
    const kept = reached >= mark.bytes ? { bytes: written, at: now } : mark;
    marks.set(shown, kept);
    return now - kept.at;
  };
}

async function readWritten(query: Query): Promise<number> {
  const [row] = await query(`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes`);
  return Number(row?.bytes);
}

async function readReplica(query: Query, shown: string): Promise<Reached> {
  const [row] = await query(
    `SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') AS bytes, EXISTS (SELECT FROM pg_stat_wal_receiver) AS is_fed`,
  );
  return { shown, bytes: row?.is_fed === 't' && row.bytes !== null ? Number(row.bytes) : null };
}

/** Those whose position the account may not read are not seen. */
async function readSeen(primary: Query): Promise<readonly Reached[]> {
  const rows = await primary(
    `SELECT application_name || coalesce(' at ' || host(client_addr), '') || ' (' || pid || ')' AS shown, pg_wal_lsn_diff(replay_lsn, '0/0') AS bytes ` +
      `FROM pg_stat_replication WHERE state IN ('streaming', 'catchup') AND replay_lsn IS NOT NULL`,
  );
  return rows.map(({ shown, bytes }) => ({ shown: String(shown), bytes: Number(bytes) }));
}

/** @throws CleanupError `refused` */
async function refuseOther(query: Query, primary: Query, shown: string): Promise<void> {
  const refused = (problem: string): CleanupError =>
    new CleanupError('refused', `${shown} ${problem}`, { code: 'NO_REPLICA', hint: 'Check --replica.' });
  const [row] = await query('SELECT pg_is_in_recovery() AS is_replica');
  if (row?.is_replica !== 't') throw refused('is not a replica');
  const [ours, its] = [await readIdentity(primary), await readIdentity(query)];
  if (ours !== undefined && its !== undefined && ours !== its) throw refused('is a replica of another server');
}

/** Undefined where the account may not read it. */
async function readIdentity(query: Query): Promise<string | undefined> {
  const [row] = (await query('SELECT system_identifier AS id FROM pg_control_system()').catch(ignoreAnswered)) ?? [];
  return row === undefined ? undefined : String(row.id);
}
