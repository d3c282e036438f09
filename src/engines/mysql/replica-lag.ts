// How far the replicas are behind, and whether a Galera cluster holds its writers back. Reads only.

import { CleanupError } from '../../errors.js';
import type { LagOptions, LagWatch } from '../engine.js';
import type { Query } from '../sql.js';
import type { MysqlTarget } from './target.js';

interface Replica {
  readonly shown: string;
  close(): Promise<void>;
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
const NOTHING = 'give --replica, or connect to a Galera node';
const CHANNELS = ['SHOW ALL SLAVES STATUS', 'SHOW REPLICA STATUS', 'SHOW SLAVE STATUS'];

export async function openLagWatch(options: LagOptions<MysqlTarget>): Promise<LagWatch> {
  const { maxLagMs, primary } = options;
  const replicas = await openReplicas(options);
  const ours = await readNode(primary);
  let pausedNs = ours?.pausedNs ?? 0;
  return {
    watchesNothing: replicas.length === 0 && ours === undefined ? NOTHING : undefined,
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
    close: () => closeAll(replicas),
  };
}

async function openReplicas({
  replicas: targets,
  primary,
  openReplica,
}: LagOptions<MysqlTarget>): Promise<readonly Replica[]> {
  const replicas: Replica[] = [];
  try {
    for (const target of targets) {
      const { query, close } = await openReplica(target);
      const lag = lagReader(query, primary, target.shown);
      replicas.push({ shown: target.shown, lag, close });
      await lag();
    }
  } catch (error) {
    await closeAll(replicas);
    throw error;
  }
  return replicas;
}

async function closeAll(replicas: readonly Replica[]): Promise<void> {
  await Promise.all(replicas.map(({ close }) => close()));
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
