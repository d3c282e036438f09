// A walk along a key, for every engine: where the next step ends. What is done in a step is the engine's.
import type { Key, KeyColumn } from './engine.js';
import { type KeyRange, type Position, rangeCondition, rangesBetween } from './key-ranges.js';
import { all, type Binding, countRows, type Query, type Sql, whereClause } from './sql.js';

/** The ranges of a step, and the last row in it. */
export interface KeyStep {
  readonly ranges: readonly KeyRange[];
  /** Absent where the step goes to the end of the lap. */
  readonly last: Position | undefined;
  /** Of a walk that starts in the middle: the second goes from the beginning to there. */
  readonly lap: 'first' | 'second';
}

export interface KeyWay {
  readonly key: Key;
  /** The table, with what keeps the engine on the key's index. */
  readonly from: string;
  /** Only such rows are counted; undefined for all of them. */
  readonly walkedOver: Sql | undefined;
  /** Where the walk starts, to end there after a second lap; undefined for the beginning of the key. */
  readonly start: Position | undefined;
}

/** The step of about `rows` rows that follows `previous`; undefined after the last. */
export async function nextKeyStep(
  query: Query,
  way: KeyWay,
  previous: KeyStep | undefined,
  rows: number,
): Promise<KeyStep | undefined> {
  const { start } = way;
  const isLapOver = previous !== undefined && previous.last === undefined;
  if (isLapOver && (start === undefined || previous.lap === 'second')) return undefined;
  const lap = isLapOver ? 'second' : (previous?.lap ?? 'first');
  const after = isLapOver ? undefined : (previous?.last ?? start);
  const until = lap === 'second' ? start : undefined;
  const next = await rowAfter(query, way, { after, until }, rows);
  return { ranges: rangesBetween(after, next?.found ?? until, next?.shared ?? 0), last: next?.found, lap };
}

/** What there is where nothing can be walked along: one step, all of the table. */
export function onlyStep(previous: KeyStep | undefined): KeyStep | undefined {
  return previous === undefined ? { ranges: [{ equal: [] }], last: undefined, lap: 'first' } : undefined;
}

/** What is equal in the whole range is left out: MariaDB would sort by it where it is a text. */
export function orderAfter({ columns }: Key, range: KeyRange): string {
  const rest = columns.slice(range.equal.length);
  return rest.map(({ sql, descends }) => `${sql}${descends ? ' DESC' : ''}`).join(', ');
}

/** What a column's value can be bound as. */
export function toBinding({ isWholeNumber }: KeyColumn, value: unknown): Binding {
  // The driver gives whole numbers beyond 2^53 as text, and MySQL compares a number with a text as doubles.
  return isWholeNumber ? BigInt(value as string | number) : (value as Binding);
}

/** The columns of a key, under names that no column has: ORDER BY would sort by what is read. */
export function selectKey({ columns }: Key): string {
  return columns.map(({ sql, read = sql }, at) => `${read} AS ${found(at)}`).join(', ');
}

/** Where the row is that was read by `selectKey`. */
export function positionOf({ columns }: Key, row: Readonly<Record<string, unknown>>): Position {
  return columns.map((column, at) => {
    const value = row[found(at)];
    return column.isLiteral ? { literal: String(value) } : toBinding(column, value);
  });
}

export function found(at: number): string {
  return `session_cleanup_${at}`;
}

/** The `rows`-th row after `after`, and how many columns it shares with that; undefined where fewer follow. */
async function rowAfter(
  query: Query,
  { key, from, walkedOver }: KeyWay,
  { after, until }: { readonly after: Position | undefined; readonly until: Position | undefined },
  rows: number,
): Promise<{ found: Position; shared: number } | undefined> {
  const outside = key.outside === undefined ? '' : `, ${key.outside} AS session_cleanup_outside`;
  let left = rows;
  const ranges = rangesBetween(after, until, 0);
  for (const range of ranges) {
    const condition = all(rangeCondition(range, key), walkedOver);
    const [row] = await query(
      `SELECT ${selectKey(key)}${outside} FROM ${from}${whereClause(condition)} ORDER BY ${orderAfter(key, range)} LIMIT 1 OFFSET ?`,
      [...condition.bindings, left - 1],
    );
    if (row !== undefined) return { found: positionOf(key, row), shared: range.equal.length };
    if (range !== ranges.at(-1)) left = Math.max(1, left - (await countRows(query, from, condition)));
  }
  return undefined;
}
