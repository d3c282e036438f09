// The table in the schema of a SQLite file: what it is, what its column is called, which keys it has.
import type { Key, KeyColumn, Table, TableNames } from '../engine.js';
import { missingTable, notATable, spelledColumn } from '../refusals.js';
import type { Query } from '../sql.js';

/** The statements that made the table and what belongs to it. */
export async function readDefinition(query: Query, table: string): Promise<string> {
  const rows = await query('SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE ORDER BY name', [table]);
  return rows.map(({ sql }) => String(sql)).join('\n');
}

/** @throws CleanupError `refused` */
export async function findTable(query: Query, names: TableNames): Promise<Table> {
  const { name, withoutRowid } = await findName(query, names.table);
  const columns = await query('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid', [
    name,
  ]);
  const all = {
    engine: 'sqlite',
    shown: name,
    table: name,
    names: columns.map((column) => String(column.name)),
  } as const;
  const expiresColumn = spelledColumn(all, names.expiresColumn, '--expires-column');
  const { lifetimeColumn } = names;
  const expires = quote(expiresColumn);
  const rowKey = readRowKey(columns, withoutRowid);
  return {
    schema: '',
    name,
    sql: quote(name),
    expiresColumn,
    expires,
    lifetime: lifetimeColumn && quote(spelledColumn(all, lifetimeColumn, '--lifetime-column')),
    declaredType: String(columns.find((column) => column.name === expiresColumn)?.type),
    storedAs: undefined,
    isZero: `${expires} IN (0, '')`,
    sampleColumns: `${expires} AS value, CASE typeof(${expires}) WHEN 'blob' THEN 'other' ELSE typeof(${expires}) END AS storage`,
    columns: all.names,
    rowKey,
    expiresIndexes: await readExpiresIndexes(query, name, expiresColumn, rowKey),
  };
}

async function findName(query: Query, wanted: string): Promise<{ name: string; withoutRowid: boolean }> {
  const [found] = await query(
    `SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE`,
    [wanted],
  );
  if (found === undefined) {
    const others = await query(`SELECT name FROM sqlite_schema WHERE type = 'table'`);
    throw missingTable(wanted, others, 'sqlite', 'the path in the URL.');
  }
  if (found.type !== 'table') throw notATable(wanted, String(found.type));
  return { name: String(found.name), withoutRowid: found.wr === 1 };
}

/** The rowid under a name that no column has taken, or the primary key of a table without one. */
function readRowKey(columns: readonly Record<string, unknown>[], withoutRowid: boolean): Key | undefined {
  if (withoutRowid) {
    const parts = columns.filter(({ pk }) => Number(pk) > 0).toSorted((a, b) => Number(a.pk) - Number(b.pk));
    return { index: '', columns: parts.map(({ name }) => toKeyColumn(name)) };
  }
  const taken = new Set(columns.map(({ name }) => String(name).toLowerCase()));
  const rowid = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  return rowid === undefined ? undefined : { index: '', columns: [toKeyColumn(rowid)] };
}

async function readExpiresIndexes(
  query: Query,
  table: string,
  expiresColumn: string,
  rowKey: Key | undefined,
): Promise<Table['expiresIndexes']> {
  const parts = await query(
    `SELECT list.name AS "index", info.name AS name, info.coll AS collation FROM pragma_index_list(?) AS list, ` +
      `pragma_index_xinfo(list.name) AS info WHERE info.key = 1 ORDER BY list.name, info.seqno`,
    [table],
  );
  const indexes = new Map<string, Record<string, unknown>[]>();
  for (const part of parts) indexes.set(String(part.index), [...(indexes.get(String(part.index)) ?? []), part]);
  return [...indexes]
    .filter(([, own]) => own[0]?.name === expiresColumn)
    .sort(([, a], [, b]) => a.length - b.length)
    .map(([index]) => {
      // Other columns in it may be NULL or have a collation of their own; the expiry and the row key suffice.
      const tail = rowKey?.columns.filter(({ name }) => name !== expiresColumn) ?? [];
      return { index, key: { index, columns: [toKeyColumn(expiresColumn), ...tail] } };
    });
}

function toKeyColumn(name: unknown): KeyColumn {
  const sql = quote(String(name));
  // The driver reads whole numbers as doubles, and a text as UTF-8, whatever its bytes are. The + keeps the cast's type
  // from being applied to the column.
  const read = `CASE typeof(${sql}) WHEN 'text' THEN '+CAST(x''' || hex(CAST(${sql} AS BLOB)) || ''' AS TEXT)' ELSE quote(${sql}) END`;
  return { name: String(name), sql, isWholeNumber: false, read, isLiteral: true };
}

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""').replaceAll('?', '\\?')}"`;
}
