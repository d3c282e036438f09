// The transaction in hand, as the server numbers it: what became of one whose COMMIT was not answered.
import type { Knex } from 'knex';
import type { Query } from '../sql.js';
import { ignoreAnswered } from './faults.js';

export interface Transaction {
  /** Which server this is, by what a new connection is known to be to the same one. */
  noteServer(query: Query): Promise<void>;
  begin(): void;
  /** What COMMIT is about to end. */
  noteNumber(query: Query): Promise<void>;
  wasCommitted(openSide: () => Promise<Knex>): Promise<boolean | undefined>;
}

// A replica that took over has the same numbers for other transactions from there on: its timeline is another. So has a
// server that crashed before the number was on its disk: what it counts begins anew then.
const SERVER =
  `SELECT system_identifier || ' ' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS server, ` +
  `(SELECT stats_reset FROM pg_stat_bgwriter) AS up_since FROM pg_control_system()`;

/** Of a server that gives this number out only later. */
const IN_THE_FUTURE = '22023';

export function createTransaction(): Transaction {
  let server: unknown;
  let upSince: unknown;
  let number: unknown;
  return {
    async noteServer(query) {
      // Some services keep these functions to themselves.
      const [row] = (await query(SERVER).catch(ignoreAnswered)) ?? [];
      server = row?.server;
      upSince = row?.up_since;
    },
    begin() {
      number = undefined;
    },
    async noteNumber(query) {
      // A deferred constraint may wait for a lock as long as any other statement.
      const [row] = await query(
        `SELECT txid_current_if_assigned() AS number, set_config('lock_timeout', '1000', true)`,
      );
      number = row?.number;
    },
    async wasCommitted(openSide) {
      // Nothing was written.
      if (number == null) return false;
      if (server == null) return undefined;
      const side = await openSide();
      try {
        const [row] = (await side.raw(SERVER)).rows;
        if (row?.server !== server) return undefined;
        const hasCrashed = row.up_since !== upSince;
        const status = await readStatus(side, String(number));
        if (status === 'aborted' || status === 'never given') return false;
        // After a crash it may be that of another transaction: then it is none that has committed before.
        if (status === 'in progress' && hasCrashed) return false;
        if (status === 'in progress') throw new Error('it is still in progress');
        return status === 'committed' && !hasCrashed ? true : undefined;
      } finally {
        await side.destroy();
      }
    },
  };
}

/** Undefined where the server has forgotten it. */
async function readStatus(side: Knex, number: string): Promise<unknown> {
  try {
    const { rows } = await side.raw('SELECT txid_status(?::bigint) AS status', [number]);
    return rows[0]?.status ?? undefined;
  } catch (error) {
    if ((error as { code?: string }).code === IN_THE_FUTURE) return 'never given';
    throw error;
  }
}
