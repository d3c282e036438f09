// How far the replicas are behind, and whether a Galera cluster holds its writers back. Reads only.
import { type Connection, type DriverLog, openConnection } from './connection.js';
import type { MysqlTarget } from './database-url.js';
import type { Deadline } from './deadline.js';
import type { Query } from './dialects/dialect.js';
import { createDialect } from './dialects/index.js';
import { CleanupError } from './errors.js';

export interface LagWatch {
  /** Why to wait now, such as "replica mysql://db2:3306 is 12 s behind"; undefined where nobody is further behind. */
  reasonToWait(): Promise<string | undefined>;
  close(): Promise<void>;
}

interface Replica {
  readonly shown: string;
  readonly connection: Connection;
}

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
      const connection = await openConnection(createDialect(target, names), deadline, driverLog);
      replicas.push({ shown: target.shown, connection });
      await readLag(connection, target.shown);
    }
  } catch (error) {
    await close();
    throw error;
  }
  let pausedNs = await readFlowControl(primary);
  return {
    async reasonToWait() {
      const before = pausedNs;
      pausedNs = await readFlowControl(primary);
      const heldBackMs = (pausedNs - before) / 1e6;
      if (heldBackMs > maxLagMs) return `Galera flow control held writers back for ${Math.round(heldBackMs)} ms`;
      for (const { shown, connection } of replicas) {
        const seconds = await readLag(connection, shown);
        if (seconds === null) return `replica ${shown} does not replicate`;
        if (seconds * 1000 > maxLagMs) return `replica ${shown} is ${seconds} s behind`;
      }
      return undefined;
    },
    close,
  };
}

/** Seconds behind, of the channel that is furthest; null where one is stopped. */
async function readLag(connection: Connection, shown: string): Promise<number | null> {
  const query = connection.query('reading the lag of a replica');
  // The newer spelling is the only one of MySQL 8.4, the older one the only one before MySQL 8.0.22 and MariaDB 10.5.
  const rows = await query('SHOW REPLICA STATUS').catch((error: unknown) => {
    if (error instanceof CleanupError && error.code === 'ER_PARSE_ERROR') return query('SHOW SLAVE STATUS');
    throw error;
  });
  if (rows.length === 0) {
    throw new CleanupError('refused', `${shown} is not a replica`, { code: 'NO_REPLICA', hint: 'Check --replica.' });
  }
  const lags = rows.map((row) => row.Seconds_Behind_Source ?? row.Seconds_Behind_Master);
  return lags.some((lag) => lag == null) ? null : Math.max(...lags.map(Number));
}

/** Nanoseconds for which flow control has paused replication since the node started; 0 outside a cluster. */
async function readFlowControl(query: Query): Promise<number> {
  const [row] = await query(`SHOW GLOBAL STATUS LIKE 'wsrep_flow_control_paused_ns'`);
  return Number(row?.Value ?? 0);
}
