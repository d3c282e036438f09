// The triggers that run when a row of the table is deleted.
import type { Query } from '../sql.js';

/** Their names. */
export async function readDeleteTriggers(query: Query, table: string): Promise<readonly string[]> {
  const rows = await query(
    `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE AND sql LIKE '%DELETE%ON%'`,
    [table],
  );
  return rows.map(({ name }) => String(name));
}
