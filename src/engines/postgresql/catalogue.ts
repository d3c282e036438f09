// The table in PostgreSQL's catalogue: what it is, who may do what with it, what its column holds.
import { CleanupError } from '../../errors.js';
import type { StoredAs } from '../../expiry/format.js';
import { cascadeBack, type ForeignKey } from '../cascades.js';
import type { Table, TableNames } from '../engine.js';
import {
  type Columns,
  cascadingBack,
  columnRefused,
  missingTable,
  notALifetime,
  notATable,
  spelledColumn,
} from '../refusals.js';
import type { Query } from '../sql.js';
import { quote, readKeys } from './keys.js';

const STORED_AS: Readonly<Record<string, StoredAs>> = {
  'timestamp with time zone': 'instant',
  'timestamp without time zone': 'wall-clock',
  date: 'date',
  smallint: 'number',
  integer: 'number',
  bigint: 'number',
  numeric: 'number',
  'double precision': 'number',
  character: 'text',
  'character varying': 'text',
  text: 'text',
};

/** Of what can be read like a table. */
const KIND_LIST = `'r', 'p', 'v', 'm', 'f'`;
const KINDS: Readonly<Record<string, string>> = { v: 'view', m: 'materialized view', f: 'foreign table' };

/** What of the catalogue the run relies on; empty where there is no such table. */
export async function readDefinition(query: Query, { schema, table }: TableNames): Promise<string> {
  const [within, bindings] = withinSchema(schema);
  const listed = (what: string, from: string): string =>
    `(SELECT string_agg(concat_ws(' ', ${what}), '; ' ORDER BY ${what.split(', ')[0]}) FROM ${from})`;
  const [row] = await query(
    // A table that was written anew, as by VACUUM FULL, has its rows in other places than those that the walk goes by.
    `SELECT concat_ws('; ', class.oid, relfilenode, relkind, relam, row_security_active(class.oid), ` +
      `${listed('attnum, attname, atttypid, atttypmod, attnotnull, attcollation', 'pg_attribute WHERE attrelid = class.oid AND attnum > 0')}, ` +
      `${listed('indexrelid, indisvalid, pg_get_indexdef(indexrelid)', 'pg_index WHERE indrelid = class.oid')}, ` +
      `${listed('oid, conrelid, pg_get_constraintdef(oid)', 'pg_constraint WHERE class.oid IN (conrelid, confrelid)')}, ` +
      `${listed('oid, tgenabled, pg_get_triggerdef(oid)', 'pg_trigger WHERE tgrelid = class.oid AND NOT tgisinternal')}, ` +
      `${listed('oid, ev_type, is_instead', 'pg_rewrite WHERE ev_class = class.oid')}, ` +
      `${listed('inhrelid', 'pg_inherits WHERE inhparent = class.oid')}) AS definition ` +
      `FROM pg_class AS class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relname = ? AND ${within} AND relkind IN (${KIND_LIST})`,
    [table, ...bindings],
  );
  return String(row?.definition ?? '');
}

/** @throws CleanupError `refused` */
export async function findTable(query: Query, names: TableNames): Promise<Table> {
  const relation = await findRelation(query, names);
  const { schema, name, shown, oid } = relation;
  await refuseUnfit(query, relation);
  await refuseCascadeBack(query, relation);
  const columns = await readColumns(query, oid);
  const all = { engine: 'postgresql', shown, table: name, names: columns.map((column) => column.name) } as const;
  const column = findColumn(columns, all, names.expiresColumn);
  const { storedAs } = column;
  const expires = quote(column.name);
  return {
    schema,
    name,
    sql: relation.sql,
    expiresColumn: column.name,
    expires,
    lifetime: names.lifetimeColumn && findLifetime(columns, all, names.lifetimeColumn),
    declaredType: column.type,
    storedAs: storedAs === 'number' || storedAs === 'text' ? undefined : storedAs,
    isZero: storedAs === 'number' ? `${expires} = 0` : storedAs === 'text' ? `${expires} IN ('0', '')` : 'FALSE',
    // A char(n) shows the blanks that fill it up.
    sampleColumns: `${storedAs === 'text' ? `${expires}::text` : expires} AS value, ${storageOf(storedAs, withoutModifier(column.type), expires)} AS storage`,
    columns: all.names,
    ...(await readKeys(query, oid, column.name)),
  };
}

interface Column {
  readonly name: string;
  /** Of a domain, the type that it is made of. */
  readonly type: string;
}

function findColumn(
  columns: readonly Column[],
  all: Columns,
  wanted: string,
): Column & { readonly storedAs: StoredAs } {
  const name = spelledColumn(all, wanted, '--expires-column');
  const type = columns.find((column) => column.name === name)?.type ?? '';
  const storedAs = STORED_AS[withoutModifier(type)];
  if (storedAs === undefined) throw columnRefused(name, `is of type ${type}, which holds no exact time`);
  return { name, type, storedAs };
}

/** The lifetime column, quoted. */
function findLifetime(columns: readonly Column[], all: Columns, wanted: string): string {
  const name = spelledColumn(all, wanted, '--lifetime-column');
  const type = columns.find((column) => column.name === name)?.type ?? '';
  if (STORED_AS[withoutModifier(type)] !== 'number') throw notALifetime(name, type);
  return quote(name);
}

/** What is called like that in the catalogue. */
interface Relation {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** With its schema, for messages. */
  readonly shown: string;
  /** With its schema, quoted. */
  readonly sql: string;
  /** As the catalogue abbreviates it. */
  readonly kind: string;
  /** As the server names it in a list of foreign keys. */
  readonly reference: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

// More than these are no help in one line.
const MOST_NAMED = 4;

// A longer name would be cut without a word, and another table be meant.
const MOST_NAME_BYTES = 63;

async function findRelation(query: Query, { schema, table, expiresColumn }: TableNames): Promise<Relation> {
  for (const name of [schema ?? '', table, expiresColumn]) {
    if (Buffer.byteLength(name) <= MOST_NAME_BYTES) continue;
    throw new CleanupError('refused', `${name} is longer than a name can be: ${MOST_NAME_BYTES} bytes`, {
      code: 'NAME_TOO_LONG',
      hint: 'Give the name as the server has it: it cuts longer ones.',
    });
  }
  const [within, bindings] = withinSchema(schema);
  const [row] = await query(
    `SELECT class.oid, nspname AS schema, relname AS name, relkind AS kind, class.oid::regclass AS reference, amname AS method, ` +
      `has_schema_privilege(namespace.oid, 'USAGE') AND has_table_privilege(class.oid, 'SELECT') AS readable, ` +
      `row_security_active(class.oid) AS filtered, current_user AS account, ` +
      `EXISTS (SELECT FROM pg_inherits WHERE inhparent = class.oid) AS has_heirs, ` +
      `EXISTS (SELECT FROM pg_rewrite WHERE ev_class = class.oid AND ev_type = '4' AND is_instead) AS has_rule ` +
      `FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace LEFT JOIN pg_am ON pg_am.oid = relam ` +
      `WHERE relname = ? AND ${within} AND relkind IN (${KIND_LIST})`,
    [table, ...bindings],
  );
  if (row === undefined) {
    const shown = schema === undefined ? table : `${schema}.${table}`;
    const others = await query(
      `SELECT relname AS name FROM pg_class AS class JOIN pg_namespace ON pg_namespace.oid = relnamespace ` +
        `WHERE ${within} AND relkind IN ('r', 'p')`,
      bindings,
    );
    const elsewhere = schema === undefined ? await namesElsewhere(query, table) : [];
    const where = elsewhere.length === 0 ? '' : `its schema: there is ${elsewhere.join(', ')}. Check `;
    throw missingTable(shown, others, 'postgresql', `${where}the database in the URL; upper and lower case count.`);
  }
  const [ownSchema, name] = [String(row.schema), String(row.name)];
  return {
    oid: String(row.oid),
    schema: ownSchema,
    name,
    shown: `${ownSchema}.${name}`,
    sql: `${quote(ownSchema)}.${quote(name)}`,
    kind: String(row.kind),
    reference: String(row.reference),
    facts: row,
  };
}

/** Tables of the name that are not in the account's search_path, with their schemas. */
async function namesElsewhere(query: Query, table: string): Promise<readonly string[]> {
  const rows = await query(
    `SELECT nspname || '.' || relname AS name FROM pg_class AS class JOIN pg_namespace ON pg_namespace.oid = relnamespace ` +
      `WHERE relname = ? AND relkind IN (${KIND_LIST}) ORDER BY 1 LIMIT ${MOST_NAMED}`,
    [table],
  );
  return rows.map(({ name }) => String(name));
}

/** A condition. Without a schema, the search_path decides. */
function withinSchema(schema: string | undefined): readonly [string, readonly string[]] {
  return schema === undefined ? ['pg_table_is_visible(class.oid)', []] : ['nspname = ?', [schema]];
}

/** @throws CleanupError `refused` where a DELETE would do something else than to delete the rows that are expired */
async function refuseUnfit(query: Query, { oid, shown, kind, facts, sql }: Relation): Promise<void> {
  const refused = (message: string, code: string, hint: string): CleanupError =>
    new CleanupError('refused', `${shown} ${message}`, { code, hint });
  if (kind === 'p' || (kind === 'r' && facts.has_heirs === 't')) {
    const [own, what] =
      kind === 'p' ? ['is a partitioned table', 'partitions'] : ['has tables that inherit from it', 'tables'];
    throw refused(own, 'PARTITIONED', `Name its ${what} with --table, a run for each: ${await heirsOf(query, oid)}.`);
  }
  const otherKind = KINDS[kind];
  if (otherKind !== undefined) throw notATable(shown, otherKind);
  if (facts.method !== 'heap') {
    throw refused(
      `is kept by the access method ${facts.method}`,
      'NOT_HEAP',
      'Only tables of the method heap are served.',
    );
  }
  if (facts.readable !== 't') {
    const schema = sql.slice(0, sql.lastIndexOf('."'));
    const grant = `GRANT USAGE ON SCHEMA ${schema} TO …; GRANT SELECT, DELETE ON ${sql} TO …`;
    throw refused(`cannot be read by ${facts.account}`, 'NO_RIGHT', `As its owner: ${grant}.`);
  }
  if (facts.filtered === 't') {
    const hint = 'Connect as the owner of the table, or as a role with BYPASSRLS.';
    throw refused(`hides rows from ${facts.account} by row-level security`, 'ROW_SECURITY', hint);
  }
  if (facts.has_rule === 't') {
    throw refused(
      'has a rule that does something else instead of a DELETE',
      'RULE',
      'Drop the rule, or make a trigger of it.',
    );
  }
}

async function heirsOf(query: Query, oid: string): Promise<string> {
  const rows = await query(
    `WITH RECURSIVE heirs (heir) AS (SELECT inhrelid FROM pg_inherits WHERE inhparent = ? UNION SELECT inhrelid FROM pg_inherits JOIN heirs ON inhparent = heir) ` +
      `SELECT heir::regclass AS name FROM heirs JOIN pg_class ON pg_class.oid = heir WHERE relkind = 'r' ORDER BY 1`,
    [oid],
  );
  const names = rows.map(({ name }) => String(name));
  const more = names.length > MOST_NAMED ? [`${names.length - MOST_NAMED} more`] : [];
  return [...names.slice(0, MOST_NAMED), ...more].join(', ');
}

const ON_DELETE: Readonly<Record<string, string>> = {
  c: 'CASCADE',
  n: 'SET NULL',
  d: 'SET DEFAULT',
  r: 'RESTRICT',
  a: 'NO ACTION',
};

async function refuseCascadeBack(query: Query, { reference, shown }: Relation): Promise<void> {
  const rows = await query(
    `SELECT conname AS "constraint", conrelid::regclass AS child, confrelid::regclass AS parent, confdeltype AS rule ` +
      `FROM pg_constraint WHERE contype = 'f' ORDER BY conname, conrelid`,
  );
  const keys = rows.map(
    ({ constraint, child, parent, rule }): ForeignKey => ({
      constraint: String(constraint),
      child: String(child),
      parent: String(parent),
      onDelete: ON_DELETE[String(rule)] ?? '',
    }),
  );
  const back = cascadeBack(reference, keys);
  if (back !== undefined) throw cascadingBack(shown, back);
}

async function readColumns(query: Query, oid: string): Promise<readonly Column[]> {
  const rows = await query(
    `WITH RECURSIVE base (number, type, modifier) AS (` +
      `SELECT attnum, atttypid, atttypmod FROM pg_attribute WHERE attrelid = ? AND attnum > 0 AND NOT attisdropped UNION ALL ` +
      `SELECT number, typbasetype, typtypmod FROM base JOIN pg_type ON pg_type.oid = base.type WHERE typtype = 'd') ` +
      `SELECT attname AS name, format_type(base.type, base.modifier) AS type FROM base JOIN pg_type ON pg_type.oid = base.type ` +
      `JOIN pg_attribute ON attrelid = ? AND attnum = number WHERE typtype <> 'd' ORDER BY attnum`,
    [oid, oid],
  );
  return rows.map(({ name, type }) => ({ name: String(name), type: String(type) }));
}

/** Such as `character varying` of `character varying(255)`. */
export function withoutModifier(type: string): string {
  return type.replace(/\(.*?\)/, '');
}

/** SQL for the storage class of the column's values. */
function storageOf(storedAs: StoredAs, type: string, column: string): string {
  if (storedAs !== 'number') return "'text'";
  if (type === 'numeric') return `CASE WHEN ${column} = floor(${column}) THEN 'integer' ELSE 'real' END`;
  return type === 'double precision' ? "'real'" : "'integer'";
}
