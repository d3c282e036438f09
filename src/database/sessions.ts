// The sessions table over Knex: what the run asks of it, in SQL. How a statement is sent is the connection's.
import type { Knex } from 'knex';
import type { SessionRepository } from '../cleanup/cleanup.js';
import type { Deadline } from '../cleanup/deadline.js';
import { currentCorrelationId } from '../correlation.js';
import type { Dialect, Examination, Key, Predicate, Query, Sql, Table } from '../engines/engine.js';
import { CleanupError } from '../errors.js';
import { type Cutoff, type ExpiresFormat, type Fit, fitFormat, type Sampled } from '../expiry/format.js';
import { type DriverLog, openConnection } from './connection.js';
import { type KeyRange, type Position, rangeCondition, rangesBetween } from './key-ranges.js';

/** A piece of the walk: its ranges, and the last row in it, absent from the last piece. */
export interface Stretch {
  readonly ranges: readonly KeyRange[];
  readonly last: Position | undefined;
}

export interface InspectionSettings {
  readonly expiresFormat: ExpiresFormat | 'auto';
  readonly olderThanMs: number;
  readonly writesLiterals: boolean;
}

export interface Inspection {
  /** Undefined where nothing in the column can be expired. */
  readonly fit: Fit | undefined;
  /** The index that leads with the expiry column. */
  readonly expiresIndex: string | undefined;
}

/** What the table holds, by one pass over it. Values are as the driver returns them. */
export interface Survey extends Examination {
  readonly declaredType: string;
  readonly rows: number;
  readonly nullCount: number;
  readonly zeroCount: number;
  readonly expiredCount: number;
  readonly smallest: unknown;
  readonly largest: unknown;
  readonly oldestExpired: unknown;
  /** The index that the engine deletes by; undefined for a scan. */
  readonly usedIndex: string | undefined;
  /** The columns a run walks by; empty where it is one statement. */
  readonly walkedBy: readonly string[];
}

export interface OpenedSessions extends SessionRepository<Stretch> {
  /** The database's clock in milliseconds; undefined where it is this host's. */
  clock(): Promise<number | undefined>;
  /** Finds the table and decides its format. To be called before anything that reads or deletes. @throws CleanupError `refused` */
  inspect(settings: InspectionSettings): Promise<Inspection>;
  /** Sets the condition "expired" and the key to walk by. */
  aim(fit: Fit, cutoff: Cutoff): Promise<void>;
  /** Reads the whole table once; `aim` comes first where there is something to aim at. Writes nothing. */
  survey(): Promise<Survey>;
  /** The smallest expired value, as the driver returns it. */
  oldestExpired(): Promise<unknown>;
  lock(): Promise<void>;
  countExpired(): Promise<number>;
  /** Sends a statement of somebody else's on the same connection. */
  readonly query: Query;
  close(): Promise<void>;
}

const SAMPLE_ROWS = 250;

/** @throws CleanupError `unavailable` */
export async function openSessions(
  dialect: Dialect,
  deadline: Deadline,
  driverLog: DriverLog,
): Promise<OpenedSessions> {
  const connection = await openConnection(dialect, deadline, driverLog);
  const { builder, raw, sendPatiently, query, queryOnce } = connection;
  let table: Table;
  let expired: Predicate = { range: { sql: '1 = 0', bindings: [] }, guard: undefined };
  let walkKey: Key | undefined;
  let usedIndex: string | undefined;

  const where = (...conditions: readonly (Sql | undefined)[]): Sql => {
    const given = conditions.filter((condition) => condition !== undefined);
    return { sql: given.map(({ sql }) => sql).join(' AND '), bindings: given.flatMap(({ bindings }) => bindings) };
  };
  const build = (from: string, condition: Sql): Knex.QueryBuilder => {
    const query = builder().from(raw(from) as unknown as string);
    return condition.sql === ''
      ? query
      : query.whereRaw(condition.sql, condition.bindings as unknown as Knex.RawBinding[]);
  };
  /** For whoever looks at the process list or the slow log; SQLite has neither. */
  const comment = (): string => `session-cleanup correlation_id=${currentCorrelationId()}`;
  const commented =
    (send: Query): Query =>
    (sql, bindings) =>
      send(`/* ${comment()} */ ${sql}`, bindings);
  const deleteQueries = { query: commented(query('deleting')), queryOnce: commented(queryOnce('deleting')) };
  const deleteWhere = (condition: Sql): PromiseLike<number> => {
    const from = walkKey === undefined ? table.sql : dialect.from(table, walkKey.index);
    return build(from, condition).comment(comment()).delete();
  };
  const count = async (rows: () => Knex.QueryBuilder): Promise<number> => {
    const counted = () => rows().count({ count: '*' });
    const [row] = (await sendPatiently<{ count: number | string }[]>(counted, 'counting')) ?? [];
    return Number(row?.count);
  };
  const rangeSql = (range: KeyRange): Sql | undefined => walkKey && rangeCondition(range, walkKey, dialect.quote);

  /** The `rows`-th row after `position`, and how many columns it shares with that; undefined where fewer follow. */
  async function rowAfter(
    position: Position | undefined,
    rows: number,
    key: Key,
  ): Promise<{ found: Position; shared: number } | undefined> {
    const names = key.columns.map(({ name }) => dialect.quote(name));
    // Along the expiry only what can be expired is walked over; along the row key, everything.
    const walkedOver = key.columns[0]?.name === table.expiresColumn ? expired.range : undefined;
    let left = rows;
    const ranges = rangesBetween(position, undefined, 0);
    for (const range of ranges) {
      const inRange = () => build(dialect.from(table, key.index), where(rangeSql(range), walkedOver));
      const [row] = await sendPatiently<Record<string, unknown>[]>(
        () =>
          inRange()
            // Named, or SQLite names the rowid after the column that stands for it, and no value is found.
            .select(names.map((name) => raw(`${name} AS ${name}`)))
            // What is equal in all of them is left out: MariaDB would sort by it where it is a text.
            .orderByRaw(names.slice(range.equal.length).join(', '))
            .limit(1)
            .offset(left - 1),
        'reading the key',
      );
      if (row !== undefined) {
        return { found: key.columns.map(({ name, fromStored }) => fromStored(row[name])), shared: range.equal.length };
      }
      if (range !== ranges.at(-1)) left = Math.max(1, left - (await count(inRange)));
    }
    return undefined;
  }

  return {
    async clock() {
      return dialect.clock(query('reading the clock'));
    },

    async inspect({ expiresFormat: format, olderThanMs, writesLiterals }) {
      const look = query('inspecting the table');
      await dialect.prepare(query('preparing the session'), deadline.remainingMs());
      table = await dialect.readTable(look);
      walkKey = table.rowKey;
      const expiresIndex = table.expiresIndexes[0]?.index;
      if (table.storedAs !== undefined) {
        if (format !== 'auto' && format !== 'datetime') {
          throw new CleanupError(
            'refused',
            `the column ${table.expiresColumn} is of type ${table.declaredType}, which is no ${format}`,
            {
              code: 'FORMAT_MISMATCH',
              hint: 'Leave --expires-format away, or set it to datetime.',
            },
          );
        }
        if (table.storedAs === 'instant' && writesLiterals) await refuseEarly(look, olderThanMs);
        return { fit: { format: 'datetime', storedAs: [table.storedAs] }, expiresIndex };
      }
      return { fit: fitFormat(format, await sample(look)), expiresIndex };
    },

    async aim(fit, cutoff) {
      expired = dialect.predicate(table, fit, cutoff);
      usedIndex = await dialect.deleteIndex(query('reading the plan'), table, where(expired.range, expired.guard));
      walkKey = table.expiresIndexes.find(({ index }) => index === usedIndex)?.key ?? table.rowKey;
    },

    async survey() {
      const look = query('surveying the table');
      const column = dialect.quote(table.expiresColumn);
      const { sql, bindings } = where(expired.range, expired.guard);
      const [row = {}] = await look(
        `SELECT COUNT(*) AS row_count, SUM(${column} IS NULL) AS null_count, SUM(${column} = 0) AS zero_count, ` +
          `SUM(CASE WHEN ${sql} THEN 1 ELSE 0 END) AS expired_count, MIN(${column}) AS smallest, MAX(${column}) AS largest, ` +
          `MIN(CASE WHEN ${sql} THEN ${column} END) AS oldest FROM ${table.sql}`,
        [...bindings, ...bindings],
      );
      return {
        ...(await dialect.examine(look, table)),
        declaredType: table.declaredType,
        rows: Number(row.row_count),
        nullCount: Number(row.null_count ?? 0),
        zeroCount: Number(row.zero_count ?? 0),
        expiredCount: Number(row.expired_count ?? 0),
        smallest: row.smallest,
        largest: row.largest,
        oldestExpired: row.oldest,
        usedIndex,
        walkedBy: walkKey?.columns.map(({ name }) => name) ?? [],
      };
    },

    async oldestExpired() {
      const { sql, bindings } = where(expired.range, expired.guard);
      const column = dialect.quote(table.expiresColumn);
      const oldest = `SELECT ${column} AS value FROM ${table.sql} WHERE ${sql} ORDER BY ${column} LIMIT 1`;
      const [row] = await query('looking for the oldest expired row')(oldest, bindings);
      return row?.value;
    },

    stepTargetMs: dialect.stepTargetMs,
    lock: () => dialect.lock(query('taking the lock')),
    countExpired: () => count(() => build(table.sql, where(expired.range, expired.guard))),

    async begin() {
      await query('beginning the transaction')(dialect.begin);
    },

    async nextStretch(previous, rows) {
      if (previous !== undefined && previous.last === undefined) return undefined;
      const next = walkKey && (await rowAfter(previous?.last, rows, walkKey));
      return { ranges: rangesBetween(previous?.last, next?.found, next?.shared ?? 0), last: next?.found };
    },

    async *deleteExpired({ ranges }) {
      for (const range of ranges) {
        const condition = where(rangeSql(range), expired.range, expired.guard);
        if (dialect.deletePast === undefined || walkKey === undefined) {
          yield { deleted: await sendPatiently(() => deleteWhere(condition), 'deleting'), locked: 0 };
        } else {
          yield* dialect.deletePast(deleteQueries, table, walkKey, condition);
        }
      }
    },

    commit: () => connection.end('COMMIT'),
    async rollback() {
      if (connection.isDropped()) return;
      await connection.end('ROLLBACK').catch((error: unknown) => {
        driverLog(`the rollback failed, the connection is dropped: ${String(error)}`);
        connection.drop();
      });
    },
    query: query('reading the status'),
    close: () => connection.close((farewell) => dialect.unlock(farewell)),
  };

  /** A text in UTC, stored over a connection ahead of UTC, becomes an instant that much too early. */
  async function refuseEarly(look: Query, olderThanMs: number): Promise<void> {
    const aheadMs = await dialect.aheadOfUtcMs(look);
    if (aheadMs <= olderThanMs) return;
    const ahead = `${aheadMs / 60_000}m`;
    throw new CleanupError(
      'refused',
      `the server's time zone is up to ${ahead} ahead of UTC, and the store writes times without a zone: a session may look expired so much too early`,
      { code: 'ZONE_AHEAD', hint: `Give --older-than ${ahead}, or more.` },
    );
  }

  async function sample(look: Query): Promise<readonly Sampled[]> {
    const column = dialect.quote(table.expiresColumn);
    const evident = `${column} IS NOT NULL AND ${column} <> ${dialect.zero} AND ${column} <> ''`;
    const orders = [
      table.rowKey?.columns.map(({ name }) => dialect.quote(name)),
      table.expiresIndexes.length > 0 ? [column] : undefined,
    ].filter((names) => names !== undefined);
    const ends = orders.flatMap((names) => [
      ` ORDER BY ${names.join(', ')}`,
      ` ORDER BY ${names.map((name) => `${name} DESC`).join(', ')}`,
    ]);
    const rows = [];
    for (const order of ends.length === 0 ? [''] : ends) {
      const found = await look(
        `SELECT ${dialect.sampleColumns(table)} FROM ${table.sql} WHERE ${evident}${order} LIMIT ${SAMPLE_ROWS}`,
      );
      rows.push(...found);
      // Fewer than were asked for are all there are: the other end would count them twice.
      if (found.length < SAMPLE_ROWS) break;
    }
    return rows.map((row) => dialect.sampled(row, table));
  }
}
