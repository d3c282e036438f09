// How the expired rows of a part of the table go where nothing depends on them: found by one SELECT with the whole
// condition, and deleted by their rowids in the order of an index. The transaction has the write lock, so that what was
// found cannot change before.
import type { Table } from '../engine.js';
import type { Query, Sql, Statements } from '../sql.js';
import { quote } from './catalogue.js';
import type { Way } from './way.js';

/** Deletes the rows that meet the condition. */
export type DeleteFound = (condition: Sql) => Promise<void>;

const FOUND = 'temp.session_cleanup_found';
/** In this order fewer pages are needed at one time, and to sort takes the rest of the memory. */
const CACHE_KIB = 10_240;

/**
 * By a trigger, since no DELETE of SQLite's takes an order. In that of an index, each of its pages is changed at one time.
 * And the DELETE needs no condition: for the sake of a function call in it, SQLite would first copy each page that an
 * earlier DELETE of the transaction has changed. Undefined where the rows have no rowid.
 */
export async function openFound(statements: Statements, table: Table, way: Way): Promise<DeleteFound | undefined> {
  const [row, ...others] = table.rowKey?.columns ?? [];
  if (row === undefined || others.length > 0 || table.columns.includes(row.name)) return undefined;
  const prepare = statements.query('preparing to delete');
  await prepare(`DROP TABLE IF EXISTS ${FOUND}`);
  await prepare(`CREATE TABLE ${FOUND} (step INTEGER NOT NULL, id INTEGER NOT NULL)`);
  await prepare(
    `CREATE TEMP TRIGGER session_cleanup_found_deleted AFTER DELETE ON ${FOUND} ` +
      `BEGIN DELETE FROM ${table.sql} WHERE ${row.sql} = OLD.id; END`,
  );
  await prepare(`PRAGMA cache_size = -${CACHE_KIB}`);
  const order = await readOrder(prepare, table);
  const [look, send] = [statements.query('looking for expired rows'), statements.query('deleting')];
  // What a step has found and not deleted is never deleted by another: it may be renewed by then.
  let step = 0;
  return async ({ sql, bindings }) => {
    step += 1;
    await look(`INSERT INTO ${FOUND} SELECT ?, ${row.sql} FROM ${way.from} WHERE ${sql}${order}`, [step, ...bindings]);
    await send(`DELETE FROM ${FOUND} WHERE step = ?`, [step]);
  };
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
