// The way along an index on the expiry. The expiry alone says how far it is, so that the index alone is read; rows that
// have the same, and are too many for a step, are told apart by their place.
import type { Key, Table } from '../engine.js';
import { type Position, rangeCondition, rangesBetween } from '../key-ranges.js';
import type { KeyStep } from '../key-walk.js';
import { all, type Query, type Sql } from '../sql.js';
import { ROW_PLACE } from './blocks.js';

export interface ExpiryWay {
  /** The expiry, and the place of a row. */
  readonly key: Key;
  readonly from: string;
  readonly range: Sql;
}

const BEFORE_ALL_PLACES = '(0,0)';

/** Undefined where the server would not delete by an index that can be walked along. */
export function expiryWay(table: Table, usedIndex: string | undefined, range: Sql): ExpiryWay | undefined {
  const key = table.expiresIndexes.find(({ index }) => index === usedIndex)?.key;
  return key && { key: { ...key, columns: [...key.columns, ROW_PLACE] }, from: table.sql, range };
}

/** The step of at most `rows` rows that follows `previous`; undefined after the last. */
export async function nextExpiryStep(
  query: Query,
  way: ExpiryWay,
  previous: KeyStep | undefined,
  rows: number,
): Promise<KeyStep | undefined> {
  if (previous !== undefined && previous.last === undefined) return undefined;
  const after = previous?.last;
  if (after !== undefined && after.length > 1) return stepAmongEquals(query, way, after, rows);
  const [end, next] = await expiriesAt(query, way, after, rows);
  if (end === undefined) return { ranges: rangesBetween(after, undefined, 0), last: undefined, lap: 'first' };
  if (end !== next) return { ranges: rangesBetween(after, [end], 0), last: [end], lap: 'first' };
  const ranges = [{ equal: [], after: after?.[0], end: { value: end, inclusive: false } }];
  return { ranges, last: [end, BEFORE_ALL_PLACES], lap: 'first' };
}

/** The expiry of the `rows`-th row after the position, and that of the one which follows it. */
async function expiriesAt(
  query: Query,
  { key, from, range }: ExpiryWay,
  after: Position | undefined,
  rows: number,
): Promise<readonly string[]> {
  const [expires] = key.columns;
  const rest = all(rangeCondition({ equal: [], after: after?.[0] }, key), range);
  // Under a name of its own, which no ORDER BY could mean instead of the column.
  const found = await query(
    `SELECT ${expires?.sql} AS session_cleanup_value FROM ${from} WHERE ${rest.sql} ORDER BY ${expires?.sql} LIMIT 2 OFFSET ?`,
    [...rest.bindings, rows - 1],
  );
  return found.map((row) => String(row.session_cleanup_value));
}

async function stepAmongEquals(
  query: Query,
  { key, from }: ExpiryWay,
  [value = '', place]: Position,
  rows: number,
): Promise<KeyStep> {
  const range = { equal: [value], after: place };
  const rest = all(rangeCondition(range, key));
  const [row] = await query(`SELECT ctid FROM ${from} WHERE ${rest.sql} ORDER BY ctid LIMIT 1 OFFSET ?`, [
    ...rest.bindings,
    rows - 1,
  ]);
  if (row === undefined) return { ranges: [range], last: [value], lap: 'first' };
  const end = String(row.ctid);
  return { ranges: [{ ...range, end: { value: end, inclusive: true } }], last: [value, end], lap: 'first' };
}
