// What may keep an expired row of the table from going: rows that refer to it, triggers, and what the account may not do.
import { CleanupError } from '../../errors.js';
import type { Table } from '../engine.js';
import { shown } from '../findings.js';
import type { Query, Sql } from '../sql.js';
import { quote } from './keys.js';

export interface Dependants {
  /** A trigger may keep a row without a word. */
  readonly mayKeepRows: boolean;
  /** SELECT … FOR UPDATE wants the right to update some column. */
  readonly canSkipLocked: boolean;
  /** A condition: no row that the account can see refers to this one by a constraint that would keep it. */
  readonly unreferenced: Sql | undefined;
}

/** @throws CleanupError `refused` where the account may not delete */
export async function readDependants(query: Query, { sql, schema, name }: Table): Promise<Dependants> {
  const oid = shown(sql);
  const [row = {}] = await query(
    `SELECT has_table_privilege(oid, 'DELETE') AS may_delete, has_any_column_privilege(oid, 'UPDATE') AS may_update, current_user AS account, ` +
      // Of a trigger's type: 1 for each row, 2 before, 8 on DELETE.
      `EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 11 = 11) AS has_trigger ` +
      `FROM pg_class WHERE oid = ?::regclass`,
    [oid],
  );
  if (row.may_delete !== 't') {
    throw new CleanupError('refused', `${row.account} may not delete from ${schema}.${name}`, {
      code: 'NO_RIGHT',
      hint: `As the owner of the table: GRANT DELETE ON ${oid} TO ${row.account}.`,
    });
  }
  return {
    mayKeepRows: row.has_trigger === 't',
    canSkipLocked: row.may_update === 't',
    unreferenced: await readUnreferenced(query, sql, oid),
  };
}

/** Foreign keys by which a row stays as long as another refers to it: RESTRICT and NO ACTION. */
async function readUnreferenced(query: Query, table: string, oid: string): Promise<Sql | undefined> {
  const rows = await query(
    `SELECT pg_constraint.oid, nspname AS schema, relname AS child, own.attname AS own, other.attname AS other FROM pg_constraint ` +
      `JOIN pg_class AS class ON class.oid = conrelid JOIN pg_namespace AS namespace ON namespace.oid = relnamespace ` +
      `CROSS JOIN unnest(conkey, confkey) AS part (own, other) ` +
      `JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = part.own ` +
      `JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attnum = part.other ` +
      `WHERE contype = 'f' AND confdeltype IN ('a', 'r') AND confrelid = ?::regclass AND has_table_privilege(conrelid, 'SELECT') ` +
      `AND has_schema_privilege(namespace.oid, 'USAGE') ORDER BY pg_constraint.oid`,
    [oid],
  );
  const constraints = new Map<unknown, { readonly child: string; readonly isSame: string[] }>();
  for (const row of rows) {
    const child = `${quote(String(row.schema))}.${quote(String(row.child))}`;
    const { isSame } = constraints.get(row.oid) ?? { isSame: [] as string[] };
    isSame.push(`session_cleanup_child.${quote(String(row.own))} = ${table}.${quote(String(row.other))}`);
    constraints.set(row.oid, { child, isSame });
  }
  if (constraints.size === 0) return undefined;
  const conditions = [...constraints.values()].map(
    ({ child, isSame }) => `NOT EXISTS (SELECT FROM ${child} AS session_cleanup_child WHERE ${isSame.join(' AND ')})`,
  );
  return { sql: conditions.join(' AND '), bindings: [] };
}
