// How far the replicas are behind, and whether a Galera cluster holds its writers back. Reads only.

import type { Deadline } from '../../cleanup/deadline.js';
import { type Connection, type DriverLog, openConnection } from '../../database/connection.js';
import { CleanupError } from '../../errors.js';
import type { MysqlTarget } from '../database-url.js';
import type { Query } from '../engine.js';
import { createDialect } from '../index.js';

export interface LagWatch {
  /** There is neither a replica nor a Galera cluster: nobody is ever waited for. */
  readonly watchesNothing: boolean;
  /** Why to wait now, such as "replica mysql://db2:3306 is 12 s behind"; undefined where nobody is further behind. */
  reasonToWait(): Promise<string | undefined>;
  close(): Promise<void>;
}

interface Replica {
  readonly shown: string;
  readonly connection: Connection;
  /** Seconds behind, of the channel that is furthest; null where one is stopped. */
  readonly lag: () => Promise<number | null>;
}

/** A member of a Galera cluster, as it sees itself. */
interface Node {
  readonly cluster: string;
  readonly isReady: boolean;
  /** The number of the last write set that is committed here: the same on every node of the cluster. */
  readonly committed: number;
  /** Nanoseconds for which flow control has paused replication since the node started. */
  readonly pausedNs: number;
}

// The first is MariaDB's alone, and the only one there that shows channels with a name. MySQL has the second since
// 8.0.22 and not the third since 8.4.
const CHANNELS = ['SHOW ALL SLAVES STATUS', 'SHOW REPLICA STATUS', 'SHOW SLAVE STATUS'];

/**
 * @param primary sends a statement on the run's own connection
 * @throws CleanupError `unavailable` where a replica cannot be reached, `refused` where it is none
 */
export async function openLagWatch(
  targets: readonly MysqlTarget[],
  maxLagMs: number,
  primary: Query,
  deadline: Deadline,
  driverLog: DriverLog,
): Promise<LagWatch> {
  const replicas: Replica[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(replicas.map(({ connection }) => connection.close(async () => {})));
  };
  try {
    for (const target of targets) {
      const names = { schema: undefined, table: '', expiresColumn: '' };
      const { shown } = target;
      const connection = await openConnection(createDialect(target, names), deadline, driverLog).catch(
        (error: unknown) => {
          // The line names the primary as its database.
          if (!(error instanceof CleanupError && error.kind === 'unavailable')) throw error;
          const { message, code, hint } = error;
          throw new CleanupError(error.kind, `--replica ${shown}: ${message}`, { code, hint, cause: error });
        },
      );
      const lag = lagReader(connection.query('reading the lag of a replica'), primary, shown);
      replicas.push({ shown, connection, lag });
      await lag();
    }
  } catch (error) {
    await close();
    throw error;
  }
  const ours = await readNode(primary);
  let pausedNs = ours?.pausedNs ?? 0;
  return {
    watchesNothing: replicas.length === 0 && ours === undefined,
    async reasonToWait() {
      const before = pausedNs;
      pausedNs = (await readNode(primary))?.pausedNs ?? 0;
      const heldBackMs = (pausedNs - before) / 1e6;
      if (heldBackMs > maxLagMs) return `Galera flow control held writers back for ${Math.round(heldBackMs)} ms`;
      for (const { shown, lag } of replicas) {
        const seconds = await lag();
        if (seconds === null) return `replica ${shown} does not replicate`;
        if (seconds * 1000 > maxLagMs) return `replica ${shown} is ${seconds} s behind`;
      }
      return undefined;
    },
    close,
  };
}

function lagReader(query: Query, primary: Query, shown: string): Replica['lag'] {
  let spelling = 0;
  const readChannels = async (): Promise<readonly Record<string, unknown>[]> => {
    for (; ; spelling++) {
      try {
        return await query(CHANNELS[spelling] ?? '');
      } catch (error) {
        if (!(error instanceof CleanupError)) throw error;
        if (error.code === 'ER_PARSE_ERROR' && spelling < CHANNELS.length - 1) continue;
        if (error.code !== 'ER_SPECIFIC_ACCESS_DENIED_ERROR') throw error;
        const hint = 'Grant the account of --replica REPLICATION CLIENT, or on MariaDB REPLICA MONITOR.';
        throw new CleanupError(error.kind, error.message, { said: error.said, code: error.code, hint, cause: error });
      }
    }
  };
  const refused = (problem: string): CleanupError =>
    new CleanupError('refused', `${shown} ${problem}`, { code: 'NO_REPLICA', hint: 'Check --replica.' });
  // What a node has to have committed to be no further behind than since then.
  let mark = { committed: 0, at: 0 };
  return async () => {
    const rows = await readChannels();
    if (rows.length > 0) {
      const lags = rows.map((row) => row.Seconds_Behind_Source ?? row.Seconds_Behind_Master);
      return lags.some((lag) => lag == null) ? null : Math.max(...lags.map(Number));
    }
    const ours = await readNode(primary);
    const node = await readNode(query);
    if (ours === undefined || node === undefined) throw refused('is not a replica');
    if (!node.isReady) return null;
    if (node.cluster !== ours.cluster) throw refused('is a node of another cluster');
    const now = performance.now();
    if (node.committed >= mark.committed) mark = { committed: ours.committed, at: now };
    return Math.round((now - mark.at) / 100) / 10;
  };
}

/** Undefined outside a cluster. */
async function readNode(query: Query): Promise<Node | undefined> {
  const names = ['wsrep_cluster_state_uuid', 'wsrep_ready', 'wsrep_last_committed', 'wsrep_flow_control_paused_ns'];
  const rows = await query(
    `SHOW GLOBAL STATUS WHERE Variable_name IN (${names.map((name) => `'${name}'`).join(', ')})`,
  );
  const values = new Map(rows.map((row) => [row.Variable_name, String(row.Value)]));
  const [cluster, ready, committed, pausedNs] = names.map((name) => values.get(name));
  if (!cluster || committed === undefined) return undefined;
  return { cluster, isReady: ready === 'ON', committed: Number(committed), pausedNs: Number(pausedNs) };
}
