// SQL in pieces: text with `?` for each binding. Identifiers in it are quoted, their question marks escaped for Knex.

export type Binding = string | number | bigint | Buffer;

export interface Sql {
  readonly sql: string;
  readonly bindings: readonly Binding[];
}

/** Sends one statement on the run's connection; resolves to its rows, or to what the driver makes of an answer without. */
export type Query = (sql: string, bindings?: readonly Binding[]) => Promise<readonly Record<string, unknown>[]>;

/** How an engine sends statements. `doing` completes "while …" in an error. */
export interface Statements {
  /** Sends again while the database answers that it is locked, until the time is nearly used up. */
  query(doing: string): Query;
  /** The first lock is an error. */
  queryOnce(doing: string): Query;
  /** Sends also after a stop, and is never cancelled: for what takes no time and keeps the transaction whole. */
  queryAlways(doing: string): Query;
}

/** All of them, as a condition; those that are undefined are left out. */
export function all(...conditions: readonly (Sql | undefined)[]): Sql {
  const given = conditions.filter((condition) => condition !== undefined);
  return { sql: given.map(({ sql }) => sql).join(' AND '), bindings: given.flatMap(({ bindings }) => bindings) };
}

export function either(a: Sql, b: Sql): Sql {
  return { sql: `((${a.sql}) OR (${b.sql}))`, bindings: [...a.bindings, ...b.bindings] };
}

/** `where` may be empty. */
export function whereClause({ sql }: Sql): string {
  return sql === '' ? '' : ` WHERE ${sql}`;
}

export async function countRows(query: Query, from: string, condition: Sql): Promise<number> {
  const [row] = await query(`SELECT COUNT(*) AS count FROM ${from}${whereClause(condition)}`, condition.bindings);
  return Number(row?.count);
}
