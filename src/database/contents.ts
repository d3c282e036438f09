// What a table holds, by one pass over it.
import type { Table } from '../engines/engine.js';
import type { Query, Sql } from '../engines/sql.js';

/** Values are as the driver returns them. */
export interface Contents {
  readonly rows: number;
  readonly nullCount: number;
  readonly zeroCount: number;
  readonly expiredCount: number;
  readonly smallest: unknown;
  readonly largest: unknown;
  /** The largest that is not 0 or empty. */
  readonly latest: unknown;
  readonly oldestExpired: unknown;
  /** How long it took to read all rows. */
  readonly readMs: number;
}

/** @param condition "expired"; undefined where nothing can be */
export async function readContents(query: Query, table: Table, condition: Sql | undefined): Promise<Contents> {
  const { expires, isZero } = table;
  const { sql, bindings } = condition ?? { sql: '1 = 0', bindings: [] };
  const counted = (what: string): string => `SUM(CASE WHEN ${what} THEN 1 ELSE 0 END)`;
  const startedAt = performance.now();
  const [row = {}] = await query(
    `SELECT COUNT(*) AS row_count, ${counted(`${expires} IS NULL`)} AS null_count, ${counted(isZero)} AS zero_count, ` +
      `${counted(sql)} AS expired_count, MIN(${expires}) AS smallest, MAX(${expires}) AS largest, ` +
      `MAX(CASE WHEN ${isZero} THEN NULL ELSE ${expires} END) AS latest, ` +
      `MIN(CASE WHEN ${sql} THEN ${expires} END) AS oldest FROM ${table.sql}`,
    [...bindings, ...bindings],
  );
  return {
    rows: Number(row.row_count),
    nullCount: Number(row.null_count ?? 0),
    zeroCount: Number(row.zero_count ?? 0),
    expiredCount: Number(row.expired_count ?? 0),
    smallest: row.smallest,
    largest: row.largest,
    latest: row.latest,
    oldestExpired: row.oldest,
    readMs: performance.now() - startedAt,
  };
}
