// The triggers that run when a row of the table is deleted.
import { shown } from '../findings.js';
import type { Query } from '../sql.js';

/** Their names. @param table quoted, with its schema */
export async function readDeleteTriggers(query: Query, table: string): Promise<readonly string[]> {
  // Of a trigger's type: 8 on DELETE.
  const rows = await query(
    `SELECT tgname AS name FROM pg_trigger WHERE tgrelid = ?::regclass AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 8 = 8 ORDER BY 1`,
    [shown(table)],
  );
  return rows.map(({ name }) => String(name));
}
