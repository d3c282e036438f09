// What hangs on the rows of a table on SQLite: rows of other tables by their foreign keys, and triggers.
import { cascadeBack } from '../cascades.js';
import { cascadingBack } from '../refusals.js';
import type { Query, Sql } from '../sql.js';
import { quote } from './catalogue.js';
import { readDeleteTriggers } from './triggers.js';

export interface Dependants {
  /** A condition: no row of another table keeps this one. Undefined where none can. */
  readonly unreferenced: Sql | undefined;
  /** Whether a DELETE may leave rows without a word: a trigger can ignore them. */
  readonly mayKeepRows: boolean;
}

/** Of one table to another, with all of its columns. Names of tables are folded. */
interface Reference {
  readonly child: string;
  readonly parent: string;
  readonly onDelete: string;
  readonly columns: readonly { readonly from: string; readonly to: string }[];
  readonly isDeferred: boolean;
}

export async function readDependants(query: Query, table: string): Promise<Dependants> {
  const references = await readReferences(query);
  const triggers = await readDeleteTriggers(query, table);
  const conditions = keeping(references, fold(table), quote(table), [fold(table)]);
  return {
    unreferenced: conditions.length === 0 ? undefined : { sql: `NOT (${conditions.join(' OR ')})`, bindings: [] },
    mayKeepRows: triggers.length > 0,
  };
}

/** @throws CleanupError `refused` where deleting from the table could delete other rows of it */
export async function refuseCascadeBack(query: Query, table: string): Promise<void> {
  const foreignKeys = (await readReferences(query)).map(({ columns, ...reference }) => ({
    ...reference,
    // The catalogue does not tell its name.
    constraint: `FOREIGN KEY (${columns.map(({ from }) => from).join(', ')})`,
  }));
  const back = cascadeBack(fold(table), foreignKeys);
  if (back !== undefined) throw cascadingBack(table, back);
}

async function readReferences(query: Query): Promise<readonly Reference[]> {
  const rows = await query(
    `SELECT child.name AS child, child.sql AS sql, key.id AS id, key."table" AS parent, key."from" AS "from", ` +
      // Without columns of its own it means the primary key.
      `coalesce(key."to", (SELECT name FROM pragma_table_info(key."table") WHERE pk = key.seq + 1)) AS "to", key.on_delete AS on_delete ` +
      `FROM sqlite_schema AS child, pragma_foreign_key_list(child.name) AS key WHERE child.type = 'table' ORDER BY child.name, key.id, key.seq`,
  );
  const references = new Map<string, Reference>();
  for (const row of rows) {
    const [child, parent] = [fold(String(row.child)), fold(String(row.parent))];
    const id = JSON.stringify([child, row.id]);
    const columns = [...(references.get(id)?.columns ?? []), { from: String(row.from), to: String(row.to) }];
    // Which of the table's keys it is cannot be told.
    const isDeferred = /\bINITIALLY\s+DEFERRED\b/i.test(String(row.sql));
    references.set(id, { child, parent, onDelete: String(row.on_delete), columns, isDeferred });
  }
  return [...references.values()];
}

/**
 * For each way by which rows keep one of `parent`, a condition that it is kept: they refer to it, or to one that would
 * go with it. Within one statement, rows of the table itself may refer to each other.
 *
 * @param name how the condition calls that row
 * @param way the tables on the way to it, with its own
 */
function keeping(
  references: readonly Reference[],
  parent: string,
  name: string,
  way: readonly string[],
): readonly string[] {
  return references.flatMap((reference) => {
    const { child, onDelete, columns, isDeferred } = reference;
    if (reference.parent !== parent) return [];
    const alias = `session_cleanup_${way.length}`;
    const refers = columns.map(({ from, to }) => `${name}.${quote(to)} = ${alias}.${quote(from)}`);
    const exists = (more: readonly string[]): string =>
      `EXISTS (SELECT 1 FROM ${quote(child)} AS ${alias} WHERE ${[...refers, ...more].join(' AND ')})`;
    if (onDelete === 'RESTRICT' || onDelete === 'NO ACTION') return child === way[0] && !isDeferred ? [] : [exists([])];
    if (onDelete !== 'CASCADE' || way.includes(child)) return [];
    const further = keeping(references, child, alias, [...way, child]);
    return further.length === 0 ? [] : [exists([`(${further.join(' OR ')})`])];
  });
}

/** Names that differ by the case of ASCII letters alone are the same. */
function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
