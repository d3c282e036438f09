// The triggers that run when a row of the table is deleted.
import type { Table } from '../engine.js';
import type { Query } from '../sql.js';

/** Their names, as far as the account may see them: that takes the right TRIGGER. */
export async function readDeleteTriggers(query: Query, { schema, name }: Table): Promise<readonly string[]> {
  const rows = await query(
    `SELECT trigger_name AS name FROM information_schema.triggers WHERE event_object_schema = ? AND event_object_table = ? AND event_manipulation = 'DELETE'`,
    [schema, name],
  );
  return rows.map((row) => String(row.name));
}
