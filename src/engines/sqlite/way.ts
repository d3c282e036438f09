// Along what to walk on SQLite: an index on the expiry, or the table itself.
import type { Key, Predicate, Table } from '../engine.js';
import type { KeyWay } from '../key-walk.js';
import { LARGE_TABLE_ROWS, randomStart } from '../random-start.js';
import { all, type Binding, type Query, type Sql, whereClause } from '../sql.js';
import { quote } from './catalogue.js';

export interface Way {
  /** The index by which SQLite would run the DELETE of itself; undefined for a scan. */
  readonly usedIndex: string | undefined;
  /** The table, with what keeps SQLite on the way. */
  readonly from: string;
  /** Undefined where there is nothing to walk by. */
  readonly walk: KeyWay | undefined;
}

export async function chooseWay(query: Query, table: Table, { range, guard }: Predicate): Promise<Way> {
  const usedIndex = await deleteIndex(query, table, all(range, guard));
  const key = table.expiresIndexes.find(({ index }) => index === usedIndex)?.key;
  if (key !== undefined && !(await isScattered(query, table, key, range))) {
    const from = `${table.sql} INDEXED BY ${quote(key.index)}`;
    // Only what can be expired is walked over.
    return { usedIndex, from, walk: { key, from, walkedOver: range, start: undefined } };
  }
  const { rowKey } = table;
  if (rowKey === undefined) return { usedIndex, from: table.sql, walk: undefined };
  const from = `${table.sql} NOT INDEXED`;
  if (rowKey.columns[0]?.name === table.expiresColumn) {
    return { usedIndex, from, walk: { key: rowKey, from, walkedOver: range, start: undefined } };
  }
  const isLarge = (await countUpTo(query, table.sql, LARGE_TABLE_ROWS)) >= LARGE_TABLE_ROWS;
  const start = isLarge ? await randomStart(query, rowKey, from) : undefined;
  return { usedIndex, from, walk: { key: rowKey, from, walkedOver: undefined, start } };
}

async function deleteIndex(query: Query, table: Table, { sql, bindings }: Sql): Promise<string | undefined> {
  const plan = await query(`EXPLAIN QUERY PLAN DELETE FROM ${table.sql} WHERE ${sql}`, bindings);
  const used = plan.map(({ detail }) => / USING (?:COVERING )?INDEX (.+?) \(/.exec(String(detail))?.[1]);
  return used.find((index) => index !== undefined);
}

// So many expired rows at each end of the index are looked at, and so few are never too many to go after one by one.
const SAMPLE_ROWS = 250;
const FEW_ROWS = 10_000;
/** Rows that lie as close to each other are on the same page of the file, or on the next. */
const NEAR = 100;
/** A row on a page of its own takes as long as so many rows that are walked over. */
const WALKED_PER_ROW = 16;

/** Whether the index leads to and fro through a table of which much has expired: then it is better read as it is stored. */
async function isScattered(query: Query, table: Table, key: Key, range: Sql): Promise<boolean> {
  const { rowKey, sql, expires } = table;
  if (rowKey === undefined) return false;
  const from = `${sql} INDEXED BY ${quote(key.index)}${whereClause(range)}`;
  const [row] = rowKey.columns;
  if (rowKey.columns.length === 1 && row !== undefined) {
    const ends = [`${expires}, ${row.sql}`, `${expires} DESC, ${row.sql} DESC`];
    const looks = ends.map(
      (order) =>
        `SELECT abs(row - lag(row) OVER ()) < ${NEAR} AS near FROM (SELECT ${row.sql} AS row FROM ${from} ORDER BY ${order} LIMIT ${SAMPLE_ROWS})`,
    );
    const [found] = await query(`SELECT avg(near) AS near FROM (${looks.join(' UNION ALL ')})`, [
      ...range.bindings,
      ...range.bindings,
    ]);
    // Half of those that follow each other in the index are neighbours in the table.
    if (Number(found?.near ?? 1) >= 0.5) return false;
  }
  const expired = await countUpTo(query, from, MOST_COUNTED, range.bindings);
  const most = expired * WALKED_PER_ROW;
  return expired > FEW_ROWS && (await countUpTo(query, sql, most)) < most;
}

/** Index entries that are read in a fraction of a second. */
const MOST_COUNTED = 1_000_000;

async function countUpTo(
  query: Query,
  from: string,
  limit: number,
  bindings: readonly Binding[] = [],
): Promise<number> {
  const [row] = await query(`SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${from} LIMIT ${limit})`, bindings);
  return Number(row?.count);
}
