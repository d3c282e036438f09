// Steps along a key as plain ranges: every engine uses an index for "these equal, and the next one between".
import type { Key, KeyColumn } from './engine.js';
import { all, type Binding, type Sql } from './sql.js';

/** A value as the engine spelled it, free of question marks. */
export interface Literal {
  readonly literal: string;
}

export type KeyValue = Binding | Literal;

/** The values of the key's columns in one row. */
export type Position = readonly KeyValue[];

/** Columns before equal `equal`; the next one is after `after`, and before (or not after) `end`. Absent: unbounded. */
export interface KeyRange {
  readonly equal: readonly KeyValue[];
  readonly after?: KeyValue | undefined;
  readonly end?: { readonly value: KeyValue; readonly inclusive: boolean } | undefined;
}

/**
 * What lies after `after` and up to and including `upTo`, in key order, as ranges that do not overlap.
 * `(a, p)` to `(b, q)` is: the rest of a, what lies between a and b, and the beginning of b. `shared` is how many
 * columns, from the first on, are equal in both: only the engine knows, for a collation may hold a and A for the same.
 */
export function rangesBetween(
  after: Position | undefined,
  upTo: Position | undefined,
  shared: number,
  equal: Position = [],
): KeyRange[] {
  const [a, ...afterRest] = after ?? [];
  const [b, ...upToRest] = upTo ?? [];
  if (a !== undefined && shared > 0) return rangesBetween(afterRest, upToRest, shared - 1, [...equal, a]);
  const end = b === undefined ? undefined : { value: b, inclusive: upToRest.length === 0 };
  return [
    ...(a !== undefined && afterRest.length > 0 ? rangesBetween(afterRest, undefined, 0, [...equal, a]) : []),
    { equal, after: a, end },
    ...(b !== undefined && upToRest.length > 0 ? rangesBetween(undefined, upToRest, 0, [...equal, b]) : []),
  ];
}

/** The range as a condition; undefined where it is the whole key. */
export function rangeCondition(range: KeyRange, { columns }: Key): Sql | undefined {
  const terms = range.equal.map((value, at) => compared(columns[at], '=', value));
  const next = columns[range.equal.length];
  const [after, upTo] = next?.descends ? ['<', '>'] : ['>', '<'];
  if (range.after !== undefined) terms.push(compared(next, after, range.after));
  if (range.end !== undefined) {
    terms.push(compared(next, `${upTo}${range.end.inclusive ? '=' : ''}`, range.end.value));
  }
  return terms.length === 0 ? undefined : all(...terms);
}

function compared(column: KeyColumn | undefined, operator: string, value: KeyValue): Sql {
  return isLiteral(value)
    ? { sql: `${column?.sql} ${operator} ${value.literal}`, bindings: [] }
    : { sql: `${column?.sql} ${operator} ${column?.bound ?? '?'}`, bindings: [value] };
}

function isLiteral(value: KeyValue): value is Literal {
  return typeof value === 'object' && 'literal' in value;
}
