// Foreign keys on MySQL and MariaDB, as SHOW CREATE TABLE tells them: on MariaDB, information_schema hides their rules
// from an account that may only read and delete.
import { CleanupError } from '../../errors.js';
import { cascadeBack, type ForeignKey } from '../cascades.js';
import { cascadingBack } from '../refusals.js';
import type { Query } from '../sql.js';
import { quote } from './keys.js';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

// A line of its own: line ends within names and comments are escaped or in quotes.
const NAME = '`((?:[^`]|``)+)`';
const FOREIGN_KEY = new RegExp(
  `^ *CONSTRAINT ${NAME} FOREIGN KEY \\(.*?\\) REFERENCES (?:${NAME}\\.)?${NAME} \\(.*?\\)(?: ON DELETE (CASCADE|SET NULL|SET DEFAULT|NO ACTION|RESTRICT))?`,
  'gm',
);

/** @throws CleanupError `refused` where deleting from the table could delete other rows of it */
export async function refuseCascadeBack(query: Query, table: TableName): Promise<void> {
  const { foreignKeys } = await readAncestry(query, table);
  const back = cascadeBack(nameOf(table), foreignKeys);
  if (back !== undefined) throw cascadingBack(nameOf(table), back);
}

/** The tables that rows of this one go with, in turn: of which the account may not read how they depend on others. */
export async function unreadableAncestors(query: Query, table: TableName): Promise<readonly string[]> {
  return (await readAncestry(query, table)).unreadable;
}

/** A way back ends with a foreign key of the table itself: it is looked for from there. */
async function readAncestry(
  query: Query,
  table: TableName,
): Promise<{ readonly foreignKeys: readonly ForeignKey[]; readonly unreadable: readonly string[] }> {
  const foreignKeys: ForeignKey[] = [];
  const unreadable: string[] = [];
  const met = new Set([nameOf(table)]);
  const todo = [table];
  for (const child of todo) {
    const found = await readForeignKeys(query, child);
    if (found === undefined) unreadable.push(nameOf(child));
    for (const { parent, ...rest } of found ?? []) {
      foreignKeys.push({ ...rest, child: nameOf(child), parent: nameOf(parent) });
      if (rest.onDelete !== 'CASCADE' || met.has(nameOf(parent))) continue;
      met.add(nameOf(parent));
      todo.push(parent);
    }
  }
  return { foreignKeys, unreadable };
}

/** Undefined where the account may not read them. */
async function readForeignKeys(
  query: Query,
  { schema, name }: TableName,
): Promise<
  readonly { readonly constraint: string; readonly parent: TableName; readonly onDelete: string }[] | undefined
> {
  const rows = await query(`SHOW CREATE TABLE ${quote(schema)}.${quote(name)}`).catch(ignoreUnreadable);
  const text = rows?.[0]?.['Create Table'];
  if (text === undefined) return undefined;
  return [...String(text).matchAll(FOREIGN_KEY)].map(([, constraint = '', parentSchema, parent = '', onDelete]) => ({
    constraint: unquote(constraint),
    parent: { schema: parentSchema === undefined ? schema : unquote(parentSchema), name: unquote(parent) },
    onDelete: onDelete ?? 'NO ACTION',
  }));
}

function ignoreUnreadable(error: unknown): undefined {
  // A parent that was dropped with foreign_key_checks = 0 has no row that could be deleted.
  const isUnreadable =
    error instanceof CleanupError &&
    ['ER_TABLEACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', 'ER_NO_SUCH_TABLE'].includes(error.code ?? '');
  if (!isUnreadable) throw error;
}

/** Where the file system takes two spellings for the same, the server may write either. */
function nameOf({ schema, name }: TableName): string {
  return `${schema}.${name}`.toLowerCase();
}

function unquote(name: string): string {
  return name.replaceAll('``', '`');
}
