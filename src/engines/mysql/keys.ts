// The keys of a table on MySQL and MariaDB, out of its catalogue: what its rows are stored by, and what a walk can go along.
import type { Key, KeyColumn, Table } from '../engine.js';
import { type CatalogueColumn, readKeyType } from './key-types.js';

export type CatalogueRows = readonly CatalogueColumn[];

/** An index, or what of its columns a walk can go along. */
interface Index {
  readonly name: string;
  readonly parts: CatalogueRows;
  readonly isUnique: boolean;
}

export function readKeys(
  columns: CatalogueRows,
  parts: CatalogueRows,
  expiresColumn: string,
): Pick<Table, 'rowKey' | 'storageKey' | 'expiresIndexes'> {
  const indexes = readIndexes(columns, parts);
  const outside = (own: CatalogueRows): string | undefined =>
    columnOutside(columns, [...own, ...(storage?.parts ?? [])], expiresColumn);
  const storage = findStorage(columns, indexes);
  const walkable = (index: string, own: CatalogueRows, isUnique: boolean): Key | undefined => {
    const key = toWalked(columns, own, expiresColumn);
    return key && { index, columns: key, outside: outside(own), ...(isUnique ? {} : { hasTies: true }) };
  };
  const unique = indexes.filter(({ isUnique }) => isUnique);
  const byStorage = [...unique].sort((a, b) => Number(b === storage) - Number(a === storage));
  const rowKey = byStorage.map(({ name, parts: own }) => walkable(name, own, true)).find((key) => key !== undefined);
  const expiresIndexes = indexes
    .filter(({ parts: own }) => own[0]?.part === expiresColumn && own[0].prefix === null)
    .sort((a, b) => a.parts.length - b.parts.length)
    .map(({ name, parts: own }) => {
      const whole = storage && continued(own, storage.parts);
      return { index: name, key: (whole && walkable(name, whole, true)) ?? walkable(name, own.slice(0, 1), false) };
    });
  // A condition always names the expiry.
  const hasExpiry = storage?.parts.some(({ part }) => part === expiresColumn);
  const storageKey = storage && toStorageKey(columns, storage, hasExpiry ? outside([]) : undefined);
  return { rowKey, storageKey, expiresIndexes };
}

/** As InnoDB continues every other index: with the key that it stores the rows by. MySQL sorts by it after a descending one. */
function continued(own: CatalogueRows, storage: CatalogueRows): CatalogueRows | undefined {
  const rest = storage.filter(({ part }) => !own.some((other) => other.part === part));
  return rest.length > 0 && own[0]?.direction === 'D' ? undefined : [...own, ...rest];
}

function readIndexes(columns: CatalogueRows, parts: CatalogueRows): readonly Index[] {
  const names = [...new Set(parts.map(({ name }) => String(name)))];
  return names.map((name) => {
    const own = parts.filter((part) => part.name === name);
    const isUnique = own.every((part) => Number(part.non_unique) === 0 && columnOf(columns, part)?.nullable === 'NO');
    return { name, parts: own, isUnique };
  });
}

/** The primary key, or the first unique one that InnoDB takes for it: the catalogue marks its columns alike. */
function findStorage(columns: CatalogueRows, indexes: readonly Index[]): Index | undefined {
  const marked = columns.filter((column) => column.marked === 'PRI').map(({ name }) => name);
  const isMarked = ({ parts, isUnique }: Index): boolean =>
    isUnique &&
    marked.length > 0 &&
    marked.every((name) => parts.some(({ part }) => part === name)) &&
    parts.every(({ part }) => marked.includes(part));
  return indexes.find(({ name }) => name === 'PRIMARY') ?? indexes.find(isMarked);
}

/** What tells its rows apart, whether a walk can go along it or not. */
function toStorageKey(columns: CatalogueRows, { name, parts }: Index, outside: string | undefined): Key | undefined {
  const key = distinct(parts).map((part) => toKeyColumn(columns, part));
  return key.every((column) => column !== undefined) ? { index: name, columns: key, outside } : undefined;
}

/** Undefined where a walk cannot go along these parts, in this order, by the index alone. */
function toWalked(
  columns: CatalogueRows,
  parts: CatalogueRows,
  expiresColumn: string,
): readonly KeyColumn[] | undefined {
  const [first, ...others] = distinct(parts);
  if (first === undefined || parts.some(({ prefix }) => prefix !== null)) return undefined;
  const walked = [first, ...others].map((part) => {
    const column = columnOf(columns, part);
    // A row with NULL in a key column is beyond every comparison; the predicate leaves those of the expiry out anyway.
    const isNever = column?.nullable === 'YES' && part.part !== expiresColumn;
    const isOrdered = column !== undefined && readKeyType(column, '')?.isOrdered === true;
    if (isNever || !isOrdered) return undefined;
    const key = toKeyColumn(columns, part);
    return key && (part.direction === first.direction ? key : { ...key, descends: true });
  });
  return walked.every((column) => column !== undefined) ? walked : undefined;
}

function toKeyColumn(columns: CatalogueRows, { part }: CatalogueColumn): KeyColumn | undefined {
  const column = columns.find(({ name }) => name === part);
  const name = String(part);
  const sql = quote(name);
  const how = column && readKeyType(column, sql);
  if (how === undefined) return undefined;
  const { isWholeNumber = false, read, bound, isFoundByRange } = how;
  return {
    name,
    sql,
    isWholeNumber,
    ...(read === undefined ? {} : { read }),
    ...(bound === undefined ? {} : { bound }),
    ...(isFoundByRange === undefined ? {} : { isFoundByRange }),
  };
}

/**
 * MySQL plans a SELECT of an index's own columns as a scan of all of it where its statistics say that there are few rows,
 * as they do in the middle of a run: what is marked deleted does not count. Long values come last: they may be stored in
 * pages of their own.
 */
function columnOutside(columns: CatalogueRows, parts: CatalogueRows, expiresColumn: string): string | undefined {
  const isLong = ({ type }: CatalogueColumn): boolean => /text|blob|json|geometry|vector/.test(String(type));
  const others = columns.filter(({ name }) => !parts.some(({ part }) => part === name));
  const rank = (column: CatalogueColumn): number => (column.name === expiresColumn ? 0 : isLong(column) ? 2 : 1);
  const [best] = others.sort((a, b) => rank(a) - rank(b));
  return best && `${quote(String(best.name))} IS NULL`;
}

/** An index may name a column that the key behind it has too. */
function distinct(parts: CatalogueRows): CatalogueRows {
  return parts.filter((part, at) => parts.findIndex((other) => other.part === part.part) === at);
}

function columnOf(columns: CatalogueRows, { part }: CatalogueColumn): CatalogueColumn | undefined {
  return columns.find(({ name }) => name === part);
}

/** The table, with what keeps the server on the key's index. */
export function indexed({ sql }: Pick<Table, 'sql'>, { index }: Key): string {
  return `${sql} FORCE INDEX (${quote(index)})`;
}

export function quote(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``').replaceAll('?', '\\?')}\``;
}
