// The indexes of a table on PostgreSQL, out of its catalogue: what a walk or a look at both ends can go along.
import type { Key, KeyColumn, Table } from '../engine.js';
import type { Query } from '../sql.js';

type Part = Readonly<Record<string, unknown>>;

export async function readKeys(
  query: Query,
  oid: string,
  expiresColumn: string,
): Promise<Pick<Table, 'rowKey' | 'expiresIndexes'>> {
  const indexes = new Map<string, Part[]>();
  for (const part of await readParts(query, oid)) {
    const name = String(part.index);
    indexes.set(name, [...(indexes.get(name) ?? []), part]);
  }
  const unique = [...indexes.values()].filter((own) =>
    own.every((part) => part.is_unique === 't' && part.is_set === 't'),
  );
  unique.sort(([a], [b]) => Number(b?.is_primary === 't') - Number(a?.is_primary === 't'));
  const [row] = unique;
  const expires = [...indexes.values()]
    .filter((own) => own[0]?.name === expiresColumn)
    .sort((a, b) => a.length - b.length);
  return {
    rowKey: row && toKey(row),
    expiresIndexes: expires.map((own) => ({
      index: String(own[0]?.index),
      key: own[0]?.is_plain === 't' ? toKey(own.slice(0, 1)) : undefined,
    })),
  };
}

/** `is_plain`: in the order in which the type sorts by itself, NULL last, or all of that backwards. */
async function readParts(query: Query, oid: string): Promise<readonly Part[]> {
  return query(
    `SELECT index.relname AS index, attname AS name, indisunique AS is_unique, indisprimary AS is_primary, attnotnull AS is_set, ` +
      `opcdefault AND indcollation[position - 1] = attcollation AND indoption[position - 1] IN (0, 3) AS is_plain ` +
      `FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_am ON pg_am.oid = index.relam ` +
      `CROSS JOIN unnest(indkey) WITH ORDINALITY AS key (number, position) JOIN pg_attribute ON attrelid = indrelid AND attnum = number ` +
      `JOIN pg_opclass ON pg_opclass.oid = indclass[position - 1] ` +
      `WHERE indrelid = ? AND amname = 'btree' AND indisvalid AND indisready AND indpred IS NULL AND indexprs IS NULL ` +
      `AND position <= indnkeyatts ORDER BY index.relname, position`,
    [oid],
  );
}

function toKey(parts: readonly Part[]): Key {
  return { index: String(parts[0]?.index), columns: parts.map(({ name }) => toKeyColumn(String(name))) };
}

/** Values come as the server's text, and go back as that. */
export function toKeyColumn(name: string): KeyColumn {
  return { name, sql: quote(name), isWholeNumber: false };
}

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""').replaceAll('?', '\\?')}"`;
}
