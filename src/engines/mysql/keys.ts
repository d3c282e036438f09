// The keys of a table on MySQL and MariaDB, out of its catalogue: what a walk can go along.
import type { Key, Table } from '../engine.js';

/** Types whose values survive the way to this program and back, and that compare with a literal as they are ordered. */
const WALKABLE = /^(tinyint|smallint|mediumint|int|bigint|char|varchar|binary|varbinary|uuid|date|datetime|timestamp)$/;

export type CatalogueRows = readonly Record<string, unknown>[];

export function readKeys(
  columns: CatalogueRows,
  parts: CatalogueRows,
  expiresColumn: string,
): Pick<Table, 'rowKey' | 'expiresIndexes'> {
  const byName = new Map(columns.map((column) => [String(column.name), column]));
  const indexes = new Map<string, Record<string, unknown>[]>();
  for (const part of parts) {
    const own = indexes.get(String(part.name)) ?? [];
    indexes.set(String(part.name), [...own, part]);
  }
  const walkable = (index: string, own: CatalogueRows): Key | undefined => {
    const columnNames = [...new Set(own.map(({ part }) => String(part)))];
    const keyColumns = columnNames.flatMap((name) => {
      const column = byName.get(name);
      const type = String(column?.type);
      // A row with NULL in a key column is beyond every comparison; the predicate leaves those of the expiry out anyway.
      const never = column?.nullable === 'YES' && name !== expiresColumn;
      return WALKABLE.test(type) && !never ? [{ name, sql: quote(name), isWholeNumber: type.endsWith('int') }] : [];
    });
    const whole = own.every(({ prefix }) => prefix === null) && keyColumns.length === columnNames.length;
    // Where one part ascends and another descends, every step would read and sort all that is left.
    const ordered = new Set(own.map(({ direction }) => direction)).size === 1;
    return whole && ordered ? { index, columns: keyColumns } : undefined;
  };
  const unique = [...indexes].filter(([, own]) =>
    own.every((part) => Number(part.non_unique) === 0 && byName.get(String(part.part))?.nullable === 'NO'),
  );
  unique.sort(([a], [b]) => Number(b === 'PRIMARY') - Number(a === 'PRIMARY'));
  const rowKey = unique.map(([index, own]) => walkable(index, own)).find((key) => key !== undefined);
  // InnoDB continues every other index with the key that it stores the rows by.
  const isStorageOrder = rowKey?.index === 'PRIMARY' || unique.length === 1;
  const tail = (isStorageOrder && indexes.get(String(rowKey?.index))) || [];
  const expiresIndexes = [...indexes]
    .filter(([, own]) => own[0]?.part === expiresColumn && own[0].prefix === null)
    .sort(([, a], [, b]) => a.length - b.length)
    .map(([index, own]) => ({ index, key: walkable(index, [...own, ...tail]) ?? walkable(index, own.slice(0, 1)) }));
  return { rowKey, expiresIndexes };
}

export function quote(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``').replaceAll('?', '\\?')}\``;
}
