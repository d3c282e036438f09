// How far the replicas are behind: those of --replica, or else those that the primary sees. Reads only.
import { CleanupError } from '../../errors.js';
import type { LagOptions, LagWatch } from '../engine.js';
import type { Query } from '../sql.js';
import { ignoreAnswered } from './faults.js';
import type { PostgresqlTarget } from './target.js';

/** How far a replica has come in the log of the primary, in bytes; null where it is a replica no longer. */
interface Reached {
  readonly shown: string;
  readonly bytes: number | null;
  /** Whether it receives the log as it is written. */
  readonly isFed: boolean;
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
    const readAll = (): Promise<readonly Reached[]> =>
      opened.length === 0 ? readSeen(primary) : Promise.all(opened.map(({ read }) => read()));
    const log = createLog();
    log.note(await readWritten(primary));
    return {
      watchesNothing: (await readAll()).length === 0 ? NOTHING : undefined,
      async reasonToWait() {
        log.note(await readWritten(primary));
        const reasons = (await readAll()).map((reached) => reasonOf(reached, log, maxLagMs));
        return reasons.find((reason) => reason !== undefined);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

// The log is looked at twice a second while somebody is waited for: less than that cannot be told.
const LEAST_LAG_MS = 1_000;

function reasonOf({ shown, bytes, isFed }: Reached, log: WrittenLog, maxLagMs: number): string | undefined {
  if (bytes === null) return `replica ${shown} does not replicate`;
  const behindMs = log.mostBehindMs(bytes);
  if (behindMs <= Math.max(maxLagMs, LEAST_LAG_MS)) return undefined;
  if (!isFed) return `replica ${shown} is behind and receives nothing`;
  return behindMs === Infinity
    ? `replica ${shown} still lacks what was written before the run`
    : `replica ${shown} is up to ${Math.round(behindMs / 100) / 10} s behind`;
}

/** What the primary had written, and when. */
interface WrittenLog {
  note(bytes: number): void;
  /** How long ago, at most, the primary was where a replica is now; Infinity where that was before it was first noted. */
  mostBehindMs(reached: number): number;
}

/**
 * A replica has all that was written when its own place was noted. Its clock tells less: it also counts while nothing is
 * written, and not what has not arrived yet.
 */
function createLog(): WrittenLog {
  const marks: { readonly bytes: number; readonly at: number }[] = [];
  return {
    note: (bytes) => void marks.push({ bytes, at: performance.now() }),
    mostBehindMs(reached) {
      const last = marks.at(-1);
      const latest = marks.findLast(({ bytes }) => bytes <= reached);
      if (last === undefined || latest === undefined) return Infinity;
      return latest === last ? 0 : last.at - latest.at;
    },
  };
}

async function readWritten(query: Query): Promise<number> {
  const [row] = await query(`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes`);
  return Number(row?.bytes);
}

async function readReplica(query: Query, shown: string): Promise<Reached> {
  const [row] = await query(
    `SELECT CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') END AS bytes, ` +
      `EXISTS (SELECT FROM pg_stat_wal_receiver) AS is_fed`,
  );
  return { shown, bytes: row?.bytes == null ? null : Number(row.bytes), isFed: row?.is_fed === 't' };
}

/** Those whose position the account may not read are not seen. */
async function readSeen(primary: Query): Promise<readonly Reached[]> {
  const rows = await primary(
    `SELECT application_name || coalesce(' at ' || host(client_addr), '') || ' (' || pid || ')' AS shown, pg_wal_lsn_diff(replay_lsn, '0/0') AS bytes ` +
      `FROM pg_stat_replication WHERE state IN ('streaming', 'catchup') AND replay_lsn IS NOT NULL`,
  );
  return rows.map(({ shown, bytes }) => ({ shown: String(shown), bytes: Number(bytes), isFed: true }));
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
