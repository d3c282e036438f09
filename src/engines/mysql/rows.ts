// Rows that are told apart by the key they are stored by: as a condition, as columns, and as what they are known again by.
import type { Key } from '../engine.js';
import type { Position } from '../key-ranges.js';
import type { Binding, Sql } from '../sql.js';

/**
 * One row alone, MySQL would read before anything else, and hold its key against the column once more: in vain where that
 * is a date that it stores, such as 2021-02-31, but does not take for one. A second one, which is none, keeps it from that.
 */
export function amongRows({ columns }: Key, rows: readonly Position[]): Sql {
  const [only, ...others] = columns;
  const bindings = rows.flat() as Binding[];
  // Of anything but literals, MySQL makes no ranges where they are in a list.
  const isLiteral = !only?.bound?.includes('(');
  if (only !== undefined && others.length === 0 && isLiteral) {
    const values = [...rows.map(() => only.bound ?? '?'), ...(rows.length === 1 ? ['NULL'] : [])];
    return { sql: `${only.sql} IN (${values.join(', ')})`, bindings };
  }
  const row = columns.map(({ sql, bound = '?' }) => `${sql} = ${bound}`).join(' AND ');
  const none = columns.map(({ sql }) => `${sql} = NULL`).join(' AND ');
  const among = [...rows.map(() => row), ...(rows.length === 1 ? [none] : [])];
  return { sql: `(${among.map((one) => `(${one})`).join(' OR ')})`, bindings };
}

/** By which a row is known again. */
export function textOf(key: Position): string {
  return key.map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value))).join(' ');
}

// A statement of so many rows takes some ten milliseconds. MariaDB makes a subquery of a list of 1,000 values.
const ROWS_A_STATEMENT = 500;
/** With what stands around a value in a statement. */
const AROUND_VALUE_BYTES = 80;

/** What one statement can name. */
export function piecesOf(rows: readonly Position[], packetBytes: number): readonly (readonly Position[])[] {
  const longest = rows.reduce((most, row) => Math.max(most, sizeOf(row)), 1);
  return split(rows, Math.max(1, Math.min(ROWS_A_STATEMENT, Math.floor(packetBytes / 2 / longest))));
}

/** In hex, a text is twice as long. */
function sizeOf(row: Position): number {
  return row.reduce((sum: number, value) => sum + AROUND_VALUE_BYTES + 2 * Buffer.byteLength(String(value)), 0);
}

export function split<T>(rows: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) => rows.slice(at * size, (at + 1) * size));
}
