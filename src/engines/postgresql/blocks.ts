// The way through a table without an index: block after block, as it lies on the disk.
import type { Key, KeyColumn, Table } from '../engine.js';
import { shown } from '../findings.js';
import { type KeyRange, rangeCondition } from '../key-ranges.js';
import type { KeyStep } from '../key-walk.js';
import { LARGE_TABLE_ROWS } from '../random-start.js';
import { all, type Query, type Sql } from '../sql.js';
import type { Server } from './server.js';

/** Where a row lies: its block, and its number in that. An update moves it. */
export const ROW_PLACE: KeyColumn = { name: 'ctid', sql: 'ctid', isWholeNumber: false };

export interface Blocks {
  readonly key: Key;
  readonly from: string;
  /** How many there are. */
  readonly count: number;
  /** Where the walk begins, to end there after a second lap. */
  readonly start: number;
  /** On average, when somebody last counted. */
  readonly rowsPerBlock: number;
  /** More rows than a block can hold there are never. */
  readonly mostRows: number;
  /** A scan of a range of blocks: without it, each step would read the whole table. */
  readonly hasRangeScan: boolean;
}

export async function readBlocks(query: Query, { sql }: Table, { major }: Server): Promise<Blocks> {
  const [row] = await query(
    `SELECT pg_relation_size(oid) / current_setting('block_size')::int AS count, current_setting('block_size')::int AS bytes, ` +
      `reltuples / greatest(relpages, 1) AS density FROM pg_class WHERE oid = ?::regclass`,
    [shown(sql)],
  );
  const count = Number(row?.count);
  const rowsPerBlock = Math.max(1, Number(row?.density));
  return {
    key: { index: '', columns: [ROW_PLACE] },
    from: sql,
    count,
    start: count * rowsPerBlock < LARGE_TABLE_ROWS ? 0 : Math.floor(Math.random() * count),
    rowsPerBlock,
    // A row takes 24 bytes at least, and its place 4.
    mostRows: Math.floor(Number(row?.bytes) / 28),
    hasRangeScan: major >= 14,
  };
}

/** Of so many rows the end is looked up; of more, it would take as long as a good part of deleting them. */
const MOST_COUNTED_ROWS = 8_000;

/** The step of at most `rows` rows, be they expired or not, that follows `previous`; undefined after the last block. */
export async function nextBlockStep(
  query: Query,
  blocks: Blocks,
  previous: KeyStep | undefined,
  rows: number,
): Promise<KeyStep | undefined> {
  const { start, count } = blocks;
  const before = previous === undefined ? { after: blockStart(start), lap: 'first' as const } : placeAfter(previous);
  const isLapOver = before.lap === 'first' && blockOf(before.after) >= count;
  const { after, lap } = isLapOver ? { after: blockStart(0), lap: 'second' as const } : before;
  const end = lap === 'first' ? count : start;
  if (blockOf(after) >= end) return undefined;
  const isCounted = rows <= MOST_COUNTED_ROWS;
  const length = isCounted ? Math.ceil(rows / blocks.rowsPerBlock) + 1 : Math.floor(rows / blocks.mostRows);
  const whole = rangeUpTo(after, blockStart(Math.min(blockOf(after) + length, end)));
  const last = (isCounted ? await placeOfRow(query, blocks, whole, rows) : undefined) ?? whole.end.value;
  return { ranges: [rangeUpTo(after, last)], last: [last], lap };
}

function placeAfter({ last, lap }: KeyStep) {
  return { after: String(last?.[0]), lap };
}

/** Places in a block begin with 1. */
function blockStart(block: number): string {
  return `(${block},0)`;
}

/** Undefined where there are fewer rows. */
async function placeOfRow(query: Query, blocks: Blocks, within: KeyRange, number: number): Promise<string | undefined> {
  const { sql, bindings } = blockCondition(blocks, within);
  const place = `SELECT ctid FROM ${blocks.from} WHERE ${sql} LIMIT 1 OFFSET ?`;
  const [row] = await query(place, [...bindings, number - 1]);
  return row && String(row.ctid);
}

function rangeUpTo(after: string, value: string) {
  return { equal: [], after, end: { value, inclusive: true } } satisfies KeyRange;
}

export function blockCondition({ key, hasRangeScan, mostRows }: Blocks, range: KeyRange): Sql {
  const condition = rangeCondition(range, key);
  if (hasRangeScan) return all(condition);
  const places: Sql = {
    sql: `ctid = ANY(ARRAY(SELECT format('(%s,%s)', block, place)::tid FROM generate_series(?::int, ?::int) AS block, generate_series(1, ${mostRows}) AS place))`,
    bindings: [blockOf(String(range.after)), blockOf(String(range.end?.value))],
  };
  return all(places, condition);
}

function blockOf(ctid: string): number {
  return Number(ctid.slice(1).split(',', 1)[0]);
}
