// Rows that are told apart by the key they are stored by: as a condition, as columns, and as what they are known again by.
import type { Key, KeyColumn } from '../engine.js';
import type { Position } from '../key-ranges.js';
import type { Binding, Sql } from '../sql.js';

export function amongRows({ columns }: Key, rows: readonly Position[]): Sql {
  const [only, ...others] = columns;
  // Of anything but literals, MySQL makes no ranges where they are in a list.
  const canBeListed = only !== undefined && !only.isFoundByRange && !only.bound?.includes('(');
  if (canBeListed && others.length === 0) {
    return {
      sql: `${only.sql} IN (${rows.map(() => only.bound ?? '?').join(', ')})`,
      bindings: rows.flat() as Binding[],
    };
  }
  const row = columns.map(equals).join(' AND ');
  const bindings = rows.flatMap((values) =>
    values.flatMap((value, at) => (columns[at]?.isFoundByRange ? [value, value] : value)),
  );
  return { sql: `(${rows.map(() => `(${row})`).join(' OR ')})`, bindings: bindings as Binding[] };
}

function equals({ sql, bound = '?', isFoundByRange }: KeyColumn): string {
  return isFoundByRange ? `${sql} >= ${bound} AND ${sql} <= ${bound}` : `${sql} = ${bound}`;
}

/** By which a row is known again. */
export function textOf(key: Position): string {
  return key.map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value))).join(' ');
}

// A statement of so many rows takes some ten milliseconds. MariaDB makes a subquery of a list of 1,000 values.
const ROWS_A_STATEMENT = 500;
/** With what stands around a value in a statement. */
const AROUND_VALUE_BYTES = 160;

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
