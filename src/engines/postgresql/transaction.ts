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

// A replica that took over has the same numbers for other transactions from there on: its timeline is another.
const SERVER = `SELECT system_identifier || ' ' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS server FROM pg_control_system()`;

export function createTransaction(): Transaction {
  let server: unknown;
  let number: unknown;
  return {
    async noteServer(query) {
      // Some services keep these functions to themselves.
      const [row] = (await query(SERVER).catch(ignoreAnswered)) ?? [];
      server = row?.server;
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
        const answer = await side.raw('SELECT txid_status(?::bigint) AS status', [String(number)]);
        const status = answer.rows[0]?.status;
        return status === 'committed' ? true : status === 'aborted' ? false : undefined;
      } finally {
        await side.destroy();
      }
    },
  };
}
