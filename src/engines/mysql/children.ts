// Which rows have children that somebody holds locked: on MySQL, a DELETE that comes by one waits for a second at least.
import { CleanupError } from '../../errors.js';
import type { Key, Table } from '../engine.js';
import type { Position } from '../key-ranges.js';
import { positionOf, selectKey } from '../key-walk.js';
import type { Query, Sql } from '../sql.js';
import { indexed, quote } from './keys.js';
import { amongRows, textOf } from './rows.js';

/** The rows without those that have a locked child, as far as the account may see the children. */
export async function withFreeChildren(
  query: Query,
  table: Table,
  key: Key,
  rows: readonly Position[],
): Promise<readonly Position[]> {
  const held = new Set<string>();
  for (const reference of await readReferences(query, table)) {
    const { sql, bindings } = selectChildren(table, key, reference, rows);
    const count = async (locking: string): Promise<ReadonlyMap<string, number>> =>
      countBy((await query(sql + locking, bindings)).map((row) => textOf(positionOf(key, row))));
    try {
      const all = await count('');
      // FOR SHARE would lock the entries of the index alone, and find them free.
      const free = await count(` FOR UPDATE OF ${CHILD} SKIP LOCKED`);
      for (const [row, children] of all) if (free.get(row) !== children) held.add(row);
    } catch (error) {
      if (!isDenied(error)) throw error;
    }
  }
  return rows.filter((row) => !held.has(textOf(row)));
}

/** The columns of another table that refer to this one, each with the column that it refers to. */
interface Reference {
  /** Quoted. */
  readonly child: string;
  readonly columns: readonly (readonly [child: string, parent: string])[];
}

async function readReferences(query: Query, { schema, name }: Table): Promise<readonly Reference[]> {
  const rows = await query(
    'SELECT constraint_name AS name, table_schema AS child_schema, table_name AS child, column_name AS child_column, referenced_column_name AS parent_column ' +
      'FROM information_schema.key_column_usage WHERE referenced_table_schema = ? AND referenced_table_name = ? ORDER BY ordinal_position',
    [schema, name],
  );
  const nameOf = (row: (typeof rows)[number]): string => JSON.stringify([row.child_schema, row.child, row.name]);
  const constraints = new Set(rows.map(nameOf));
  return [...constraints].map((name) => {
    const own = rows.filter((row) => nameOf(row) === name);
    return {
      child: `${quote(String(own[0]?.child_schema))}.${quote(String(own[0]?.child))}`,
      columns: own.map((row) => [quote(String(row.child_column)), quote(String(row.parent_column))] as const),
    };
  });
}

const CHILD = 'session_cleanup_child';

/** A row for each child. */
function selectChildren(table: Table, key: Key, { child, columns }: Reference, rows: readonly Position[]): Sql {
  const { sql, bindings } = amongRows(key, rows);
  const referred = columns.map(([, parent], at) => `${parent} AS session_cleanup_parent_${at}`).join(', ');
  const isChild = columns.map(([own], at) => `${CHILD}.${own} = session_cleanup_found.session_cleanup_parent_${at}`);
  return {
    sql:
      `SELECT session_cleanup_found.* FROM (SELECT ${selectKey(key)}, ${referred} FROM ${indexed(table, key)} WHERE ${sql}) ` +
      `AS session_cleanup_found STRAIGHT_JOIN ${child} AS ${CHILD} ON ${isChild.join(' AND ')}`,
    bindings,
  };
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function isDenied(error: unknown): boolean {
  return error instanceof CleanupError && error.kind === 'refused';
}
