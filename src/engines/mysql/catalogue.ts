// The table in the catalogue of MySQL or MariaDB: what it is, what its column holds, which keys it has.
import { CleanupError } from '../../errors.js';
import type { StoredAs } from '../../expiry/format.js';
import type { Table, TableNames, Unfit } from '../engine.js';
import { shown as toPaste } from '../findings.js';
import { type Columns, columnRefused, missingTable, notALifetime, notATable, spelledColumn } from '../refusals.js';
import type { Query } from '../sql.js';
import { textOf } from './expired.js';
import { ignoreAnswered } from './faults.js';
import { refuseCascadeBack } from './foreign-keys.js';
import { type CatalogueRows, quote, readKeys } from './keys.js';
import { type MysqlTarget, readSchema } from './target.js';

const STORED_AS: Readonly<Record<string, StoredAs>> = {
  timestamp: 'instant',
  datetime: 'wall-clock',
  date: 'date',
  tinyint: 'number',
  smallint: 'number',
  mediumint: 'number',
  int: 'number',
  bigint: 'number',
  decimal: 'number',
  double: 'number',
  char: 'text',
  varchar: 'text',
  tinytext: 'text',
  text: 'text',
  mediumtext: 'text',
  longtext: 'text',
  binary: 'text',
  varbinary: 'text',
};

/** The statement that would make the table; empty where there is none to be seen. */
export async function readDefinition(query: Query, names: TableNames, target: MysqlTarget): Promise<string> {
  const shown = `${quote(schemaOf(names, target))}.${quote(names.table)}`;
  const rows = await query(`SHOW CREATE TABLE ${shown}`).catch((error: unknown) => {
    // MySQL's word for a schema that is missing. The catalogue then says so.
    if (error instanceof CleanupError && error.code === 'ER_BAD_DB_ERROR') return undefined;
    return ignoreAnswered(error);
  });
  const [row] = rows ?? [];
  return String(row?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '');
}

/** @throws CleanupError `refused` */
export async function findTable(query: Query, names: TableNames, target: MysqlTarget): Promise<Table> {
  const schema = schemaOf(names, target);
  const { name, engine } = await findName(query, schema, names.table);
  await refuseCascadeBack(query, { schema, name });
  const columns = await query(
    `SELECT column_name AS name, data_type AS type, column_type AS full_type, is_nullable AS nullable, column_key AS marked, character_set_name AS charset, datetime_precision AS fraction FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`,
    [schema, name],
  );
  const shown = `${schema}.${names.table}`;
  const all = { engine: 'mysql', shown, table: name, names: columns.map((column) => String(column.name)) } as const;
  const column = findColumn(columns, all, names.expiresColumn);
  const { storedAs } = column;
  const expires = quote(column.name);
  const sql = `${quote(schema)}.${quote(names.table)}`;
  return {
    schema,
    name,
    sql,
    expiresColumn: column.name,
    expires,
    lifetime: names.lifetimeColumn && findLifetime(columns, all, names.lifetimeColumn),
    declaredType: column.declaredType,
    storedAs: storedAs === 'number' || storedAs === 'text' ? undefined : storedAs,
    // Against a bare 0, every text that does not begin with a number is equal to it.
    isZero: `${expires} IN ('0', '')`,
    sampleColumns: `${textOf(expires, column.declaredType)} AS value, ${storageOf(storedAs, column.type, expires)} AS storage`,
    columns: all.names,
    ...readKeys(columns, await readIndexParts(query, schema, name), column.name),
    unfit: await readUnfit(query, { shown, sql, engine }),
  };
}

function schemaOf({ schema }: TableNames, target: MysqlTarget): string {
  const named = readSchema(target, schema);
  if ('value' in named) return named.value;
  throw new CleanupError('usage', named.problem, { code: 'USAGE' });
}

async function findName(
  query: Query,
  schema: string,
  name: string,
): Promise<{ readonly name: string; readonly engine: string }> {
  const shown = `${schema}.${name}`;
  const [table] = exact(
    await query(
      `SELECT table_name AS name, table_type AS type, engine AS engine FROM information_schema.tables WHERE table_schema = ? AND table_name = ?`,
      [schema, name],
    ),
    name,
  );
  if (table === undefined) {
    const others = await query('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?', [
      schema,
    ]);
    const where = 'the database in the URL, and grant the account SELECT and DELETE on the table.';
    throw missingTable(`${shown}, or the account may not see it`, others, 'mysql', where);
  }
  if (table.type !== 'BASE TABLE' && table.type !== 'SYSTEM VERSIONED') throw notATable(shown, String(table.type));
  return { name: String(table.name), engine: String(table.engine) };
}

/** Of a storage engine such as MyISAM, MEMORY or Aria, which deletes for good at once. */
async function readUnfit(
  query: Query,
  { shown, sql, engine }: { readonly shown: string; readonly sql: string; readonly engine: string },
): Promise<Unfit | undefined> {
  const [row] = await query('SELECT transactions AS transactions FROM information_schema.engines WHERE engine = ?', [
    engine,
  ]);
  if (row?.transactions === 'YES') return undefined;
  return {
    code: 'NO_TRANSACTIONS',
    finding: {
      kind: 'problem',
      topic: 'engine',
      text: `${shown} is a ${engine} table, which cannot roll back`,
      fix: 'convert it while nobody writes to it',
      sql: toPaste(`ALTER TABLE ${sql} ENGINE=InnoDB`),
    },
  };
}

function findColumn(
  columns: CatalogueRows,
  all: Columns,
  wanted: string,
): { readonly name: string; readonly type: string; readonly declaredType: string; readonly storedAs: StoredAs } {
  const name = spelledColumn(all, wanted, '--expires-column');
  const column = columns.find((candidate) => candidate.name === name);
  const type = String(column?.type);
  const storedAs = STORED_AS[type];
  if (storedAs === undefined) throw columnRefused(name, `is of type ${type}, which holds no exact time`);
  return { name, type, declaredType: String(column?.full_type), storedAs };
}

/** The lifetime column, quoted. */
function findLifetime(columns: CatalogueRows, all: Columns, wanted: string): string {
  const name = spelledColumn(all, wanted, '--lifetime-column');
  const type = String(columns.find((candidate) => candidate.name === name)?.type);
  if (STORED_AS[type] === 'number') return quote(name);
  throw notALifetime(name, type);
}

/** SQL for the storage class of the column's values. */
function storageOf(storedAs: StoredAs, type: string, column: string): string {
  if (storedAs === 'text') return "'text'";
  if (type === 'decimal') return `CASE WHEN ${column} = FLOOR(${column}) THEN 'integer' ELSE 'real' END`;
  return type === 'double' ? "'real'" : "'integer'";
}

async function readIndexParts(query: Query, schema: string, table: string): Promise<CatalogueRows> {
  const parts = await query(
    `SELECT *, index_name AS name, column_name AS part, sub_part AS prefix, non_unique AS non_unique, collation AS direction ` +
      `FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? AND index_type = 'BTREE' ORDER BY index_name, seq_in_index`,
    [schema, table],
  );
  // An index that the optimizer may not use is not to be named in a hint: MySQL and MariaDB call it differently.
  return parts.filter(({ IS_VISIBLE, IGNORED }) => IS_VISIBLE !== 'NO' && IGNORED !== 'YES');
}

/** The catalogue compares names without regard to case; where the file system does not, both spellings may exist. */
function exact(rows: readonly Record<string, unknown>[], name: string): readonly Record<string, unknown>[] {
  const same = rows.filter((row) => row.name === name);
  return same.length > 0 ? same : rows;
}
