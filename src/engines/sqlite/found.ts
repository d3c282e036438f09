// How the expired rows of a part of the table go where nothing depends on them: found by one SELECT with the whole
// condition, and deleted by their rowids in the order of an index. The transaction has the write lock, so that what was
// found cannot change before.
import type { Table } from '../engine.js';
import type { Query, Sql, Statements } from '../sql.js';
import { quote } from './catalogue.js';
import type { Way } from './way.js';

export interface Found {
  /** So many rows of the table fit into the cache, beside the pages of the index. */
  readonly mostStepRows: number;
  /** Deletes the rows that meet the condition. */
  deleteWhere(condition: Sql): Promise<void>;
}

// In the order of an index few of its pages are needed at one time, and those of the table are the step's. What a sort
// has taken stays with the thread of the driver that ran it, and there are four: more than this is more than 100 MB in all.
const CACHE_KIB = 10_240;
const STEP_BYTES = 7_000_000;
const MOST_STEP_ROWS = 40_000;
const LEAST_STEP_ROWS = 500;
/** Of a row, beside its values. */
const ROW_OVERHEAD_BYTES = 10;

/**
 * By a trigger, since no DELETE of SQLite's takes an order. In that of an index, each of its pages is changed at one time.
 * And the DELETE needs no condition: for the sake of a function call in it, SQLite would first copy each page that an
 * earlier DELETE of the transaction has changed. Undefined where the rows have no rowid.
 */
export async function openFound(statements: Statements, table: Table, way: Way): Promise<Found | undefined> {
  const [row, ...others] = table.rowKey?.columns ?? [];
  if (row === undefined || others.length > 0 || table.columns.includes(row.name)) return undefined;
  const prepare = statements.query('preparing to delete');
  // A temporary table hides one of the same name, and a trigger cannot say which of them it means.
  const found = `temp.${quote(`session_cleanup_found_in_${table.name}`)}`;
  await prepare(`DROP TABLE IF EXISTS ${found}`);
  await prepare(`CREATE TABLE ${found} (step INTEGER NOT NULL, id INTEGER NOT NULL)`);
  await prepare(
    `CREATE TEMP TRIGGER session_cleanup_found_deleted AFTER DELETE ON ${found} ` +
      `BEGIN DELETE FROM ${table.sql} WHERE ${row.sql} = OLD.id; END`,
  );
  await prepare(`PRAGMA cache_size = -${CACHE_KIB}`);
  const order = await readOrder(prepare, table);
  const [look, send] = [statements.query('looking for expired rows'), statements.query('deleting')];
  // What a step has found and not deleted is never deleted by another: it may be renewed by then.
  let step = 0;
  return {
    mostStepRows: await readStepRows(prepare, table, row.sql),
    async deleteWhere({ sql, bindings }) {
      step += 1;
      await look(`INSERT INTO ${found} SELECT ?, ${row.sql} FROM ${way.from} WHERE ${sql}${order}`, [
        step,
        ...bindings,
      ]);
      await send(`DELETE FROM ${found} WHERE step = ?`, [step]);
    },
  };
}

/** By the size of the latest rows. Columns that are computed are not stored, and may not be computable. */
async function readStepRows(query: Query, { name, sql }: Table, row: string): Promise<number> {
  const stored = await query('SELECT name FROM pragma_table_info(?) LIMIT 100', [name]);
  const bytes = stored.map((column) => `coalesce(octet_length(${quote(String(column.name))}), 0)`).join(' + ');
  const latest = `SELECT ${bytes} AS bytes FROM ${sql} ORDER BY ${row} DESC LIMIT 250`;
  const [found] = await query(`SELECT avg(bytes) AS bytes FROM (${latest})`);
  const rows = STEP_BYTES / (Number(found?.bytes ?? 0) + ROW_OVERHEAD_BYTES);
  return Math.floor(Math.min(MOST_STEP_ROWS, Math.max(LEAST_STEP_ROWS, rows)));
}

/** Of the index whose pages would be changed to and fro otherwise, a unique one first: that of the session IDs. */
async function readOrder(query: Query, { name, expiresColumn, expiresIndexes }: Table): Promise<string> {
  const [found] = await query(
    'SELECT info.name AS name FROM pragma_index_list(?) AS list, pragma_index_xinfo(list.name) AS info ' +
      'WHERE list.partial = 0 AND info.seqno = 0 AND info.name <> ? ORDER BY list."unique" DESC, list.seq DESC LIMIT 1',
    [name, expiresColumn],
  );
  if (found !== undefined) return ` ORDER BY ${quote(String(found.name))}`;
  return expiresIndexes.length === 0 ? '' : ` ORDER BY ${quote(expiresColumn)}`;
}
