// What an engine has to answer for. Everything that differs between engines is behind this.
import type { Knex } from 'knex';
import type { Done } from '../cleanup/cleanup.js';
import type { Cutoff, Fit, Sampled, StoredAs } from '../expiry/format.js';
import type { DatabaseTarget } from './database-url.js';

export type Binding = string | number | bigint | Buffer;

/** SQL text with `?` placeholders. Identifiers in it are quoted and their question marks escaped for Knex. */
export interface Sql {
  readonly sql: string;
  readonly bindings: readonly Binding[];
}

/** The condition "expired": `range` lets an index on the column be used, `guard` judges each row. Both must hold. */
export interface Predicate {
  readonly range: Sql;
  readonly guard: Sql | undefined;
}

/** A column to walk by. `fromStored` turns what the driver returns into what it can be bound as. */
export interface KeyColumn {
  readonly name: string;
  readonly fromStored: (value: unknown) => Binding;
}

/** Columns in index order; a walk may go along them. */
export interface Key {
  readonly index: string;
  readonly columns: readonly KeyColumn[];
}

export interface Table {
  /** As the engine spells it. */
  readonly name: string;
  /** Quoted, with its schema where it has one. */
  readonly sql: string;
  /** The expiry column as the engine spells it. */
  readonly expiresColumn: string;
  readonly declaredType: string;
  /** Known from the declared type alone; undefined where the stored values have to be looked at. */
  readonly storedAs: StoredAs | undefined;
  /** A unique key that orders the rows as they are stored. */
  readonly rowKey: Key | undefined;
  /** Indexes that lead with the expiry column, the narrowest first; undefined key where it cannot be walked. */
  readonly expiresIndexes: readonly { readonly index: string; readonly key: Key | undefined }[];
}

/** Sends one statement on the run's connection; resolves to its rows, or to what `rows` makes of an answer without. */
export type Query = (sql: string, bindings?: readonly Binding[]) => Promise<readonly Record<string, unknown>[]>;

export interface Dialect {
  /** Options for Knex; `connectTimeoutMs` bounds the connect where it goes over a network. */
  knexConfig(connectTimeoutMs: number): Promise<Knex.Config>;
  quote(identifier: string): string;
  rows(result: unknown): readonly Record<string, unknown>[];
  /** Session settings, before anything else. `remainingMs` may be Infinity. */
  prepare(query: Query, remainingMs: number): Promise<void>;
  /** Keeps a second run away from the same table until the connection ends. @throws CleanupError `busy` */
  lock(query: Query): Promise<void>;
  /** Gives the lock back. */
  unlock(query: Query): Promise<void>;
  /** The database's clock, in milliseconds; undefined where it is this host's. */
  clock(query: Query): Promise<number | undefined>;
  /** How far the time zone of connections, unless they set another, is ahead of UTC within a year, at most. */
  aheadOfUtcMs(query: Query): Promise<number>;
  /** @throws CleanupError `refused` */
  readTable(query: Query): Promise<Table>;
  /** Storage class of a sampled value. */
  sampled(row: Record<string, unknown>, table: Table): Sampled;
  /** Zero as a literal that a column of numbers and one of texts can both be compared with. */
  readonly zero: string;
  /** Expressions that sample the column as `value` (and whatever `sampled` needs). */
  sampleColumns(table: Table): string;
  predicate(table: Table, fit: Fit, cutoff: Cutoff): Predicate;
  /** The index by which the engine would run `DELETE FROM table WHERE where`; undefined for a scan. */
  deleteIndex(query: Query, table: Table, where: Sql): Promise<string | undefined>;
  examine(query: Query, table: Table): Promise<Examination>;
  readonly begin: string;
  /** The table of a statement, with what keeps the engine on the index it walks by. */
  from(table: Table, index: string): string;
  /**
   * Deletes past the rows that others hold locked, and counts those; yields what each statement did. `walked` is the key
   * that `where` is a stretch of. Undefined where nobody can lock single rows while the rest of the table is free.
   */
  readonly deletePast:
    | ((queries: DeleteQueries, table: Table, walked: Key, where: Sql) => AsyncIterable<Done>)
    | undefined;
  /** Ends the statement in hand. Resolves when the engine was told, rejects when it could not be. */
  cancel(connection: unknown, openSide: () => Promise<Knex>): Promise<void>;
  /** How long a DELETE had best take, in milliseconds. */
  readonly stepTargetMs: number;
  /** Whether the transaction goes on after `cancel`. */
  readonly cancelKeepsTransaction: boolean;
  /** Whether the transaction is still there after a COMMIT that met a lock. */
  readonly commitKeepsTransaction: boolean;
  /** Closes the connection without a farewell. */
  destroy(connection: unknown): void;
  classify(error: unknown): Fault;
}

export interface DeleteQueries {
  readonly query: Query;
  /** The first lock is an error. */
  readonly queryOnce: Query;
}

/**
 * What an engine's error means to the run. `locked`: the statement ended waiting for a lock, the transaction goes on.
 * `rolled-back`: the engine gave the transaction up, trying again may work. `lost`: no answer will come any more.
 */
export interface Fault {
  readonly kind: 'locked' | 'rolled-back' | 'lost' | 'unavailable' | 'failed';
  readonly code: string | undefined;
  readonly hint: string | undefined;
}

/** What `check` finds out besides: about the server or file, and about what deleting from the table means. */
export interface Examination {
  /** Such as "MySQL 9.7.1" or "SQLite 3.52.0". */
  readonly server: string;
  readonly estimatedRows: number | undefined;
  readonly tableBytes: number | undefined;
  /** Settings and facts worth knowing, by the engine's own names. */
  readonly facts: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
}

export interface Finding {
  /** `problem`: a run would fail. `advice`: it would work, but not as well as it could. */
  readonly kind: 'problem' | 'advice';
  /** One word of at most eight letters, by which a reader finds it. */
  readonly topic: string;
  readonly text: string;
  /** What to do about it. */
  readonly fix: string;
  /** The statement that does it, ready to paste, without a semicolon. */
  readonly sql?: string | undefined;
}

/** An engine for a target and a table name. */
export type CreateDialect<Target extends DatabaseTarget> = (target: Target, names: TableNames) => Dialect;

export interface TableNames {
  readonly schema: string | undefined;
  readonly table: string;
  readonly expiresColumn: string;
}
