// What an engine has to answer for, in parts: each part is one file of each engine, under the same name. Everything that
// differs between engines is behind this; the map of engines is index.ts.
import type { Knex } from 'knex';
import type { DeletedStep } from '../cleanup/port.js';
import type { Cutoff } from '../expiry/cutoff.js';
import type { ColumnFormat, StoredAs } from '../expiry/format.js';
import type { Parsed } from '../parsing.js';
import type { ConditionSyntax } from './condition.js';
import type { Query, Sql, Statements } from './sql.js';

export type EngineName = 'sqlite' | 'mysql' | 'postgresql';

/** A database that a URL names. */
export interface Target {
  readonly engine: EngineName;
  /** Free of credentials, for the log; itself a URL that reads back as the same place. */
  readonly shown: string;
  /** What must not be shown, as typed and as decoded. */
  readonly secrets: readonly string[];
}

export interface Engine<T extends Target> {
  /** In messages. */
  readonly title: string;
  /** Of its URLs, in lower case. */
  readonly schemes: readonly string[];
  /** How its URLs are written: one or more examples, for a usage error. */
  readonly urlForms: string;
  /** Undefined where it is written in none of these forms. */
  readTarget(scheme: string, rest: string): Parsed<T> | undefined;
  /** What a table is in; undefined where the engine has no schemas, `problem` where one has to be named. */
  readSchema(target: T, schema: string | undefined): Parsed<string | undefined>;
  /** How a condition in its SQL is read. */
  readonly syntax: ConditionSyntax;
  /** Whether the table's name may be `schema.table`. */
  readonly hasSchemas: boolean;
  /** How an entry of a crontab names the target. `problem` for what must not, or cannot, stand in one. */
  crontabUrl(raw: string, target: T, cwd: string): Parsed<string>;
  /** Paths in the URL that depend on the working directory. */
  relativePaths(target: T): readonly string[];
  createDriver(target: T): Driver;
  /**
   * Absent where the engine has no replicas that can be waited for.
   *
   * @throws CleanupError `unavailable` where a replica cannot be reached, `refused` where it is none
   */
  openLagWatch?(options: LagOptions<T>): Promise<LagWatch>;
}

/** The driver under Knex: how to connect, and what its answers and errors mean. */
export interface Driver {
  /**
   * @param connectTimeoutMs bounds the connect where it goes over a network
   * @param stop ends what waits for a file or a resolver
   */
  knexConfig(connectTimeoutMs: number, stop: AbortSignal): Promise<Knex.Config>;
  /** The statement as the driver takes it, out of Knex's `?` and `\?`. */
  positionBindings(sql: string): string;
  rows(result: unknown): readonly Record<string, unknown>[];
  classify(error: unknown): Fault;
  /** Ends the statement in hand. Resolves when the engine was told, rejects when it could not be. */
  cancel(connection: unknown, openSide: () => Promise<Knex>): Promise<void>;
  /** Closes the connection without a farewell. */
  destroy(connection: unknown): void;
  /** Whether the transaction goes on after `cancel`. */
  readonly cancelKeepsTransaction: boolean;
  /** Whether the transaction is still there after a COMMIT that met a lock. */
  readonly commitKeepsTransaction: boolean;
  /** Whether this answer to COMMIT says that it was one. */
  isCommitted(answer: unknown): boolean;
  /** What became of a COMMIT that was not answered; undefined, or absent, where nobody can tell. Rejects where it may be told later. */
  wasCommitted?(openSide: () => Promise<Knex>): Promise<boolean | undefined>;
  /** Says all settings of the connection, the driver's own, explicitly. `remainingMs` may be Infinity. */
  openSession(statements: Statements, remainingMs: number, connection: unknown): Promise<Session>;
}

/** A connection that has been made ready. */
export interface Session {
  /** The database's clock, in milliseconds; undefined where it is this host's. */
  clock(): Promise<number | undefined>;
  /** A text that changes whenever the table's columns, keys or constraints do; by one short statement. */
  readDefinition(names: TableNames): Promise<string>;
  /** @throws CleanupError `refused` */
  findTable(names: TableNames): Promise<Table>;
  /** How far the time zone of connections, unless they set another, is ahead of UTC within a year, at most. */
  aheadOfUtcMs(): Promise<number>;
  /** The same, behind UTC; absent where the time of a column without a zone is not written by it. */
  behindUtcMs?(): Promise<number>;
  /** Keeps a second run away from the same table until the connection ends. @throws CleanupError `busy` */
  lock(table: Table): Promise<void>;
  /** Begins a transaction in which the table cannot be altered by others. */
  begin(table: Table): Promise<void>;
  /** Sent at the end of each transaction, before its COMMIT. */
  beforeCommit?(): Promise<void>;
  /** The condition "expired", whole and type-safe. */
  expired(table: Table, format: ColumnFormat, cutoff: Cutoff): Predicate;
  /** Chooses what to walk along. */
  openWalk(table: Table, expired: Predicate): Promise<Walk>;
  examine(table: Table): Promise<Examination>;
  /** The names of what runs at a DELETE, as far as the account may see them. */
  readDeleteTriggers(table: Table): Promise<readonly string[]>;
}

export interface TableNames {
  readonly schema: string | undefined;
  readonly table: string;
  readonly expiresColumn: string;
  /** Undefined where the expiry column says all. */
  readonly lifetimeColumn: string | undefined;
}

/** What the catalogue says of the table. */
export interface Table {
  /** Empty where the engine has none. */
  readonly schema: string;
  /** As the engine spells it. */
  readonly name: string;
  /** Quoted, with its schema where it has one. */
  readonly sql: string;
  /** The expiry column as the engine spells it. */
  readonly expiresColumn: string;
  /** The same, quoted. */
  readonly expires: string;
  /** The column of seconds that are added to the expiry row by row, quoted; undefined where there is none. */
  readonly lifetime: string | undefined;
  readonly declaredType: string;
  /** Known from the declared type alone; undefined where the stored values have to be looked at. */
  readonly storedAs: StoredAs | undefined;
  /** A condition: the value is 0 or as empty. */
  readonly isZero: string;
  /** The sampled value, and its storage class as `storage`. */
  readonly sampleColumns: string;
  readonly columns: readonly string[];
  /** A unique key that orders the rows, as they are stored where it can be. */
  readonly rowKey: Key | undefined;
  /** The key that the rows are stored by, also where no walk can go along it: they are locked and deleted by it. */
  readonly storageKey?: Key | undefined;
  /** Indexes that lead with the expiry column, the narrowest first; undefined key where it cannot be walked. */
  readonly expiresIndexes: readonly { readonly index: string; readonly key: Key | undefined }[];
  /** Why no run may delete from it, though it can be read; absent where one may. */
  readonly unfit?: Unfit | undefined;
}

export interface Unfit {
  /** Of the refusal. */
  readonly code: string;
  readonly finding: Finding;
}

/** A column to walk by. */
export interface KeyColumn {
  readonly name: string;
  /** Quoted. */
  readonly sql: string;
  /** Bound as a whole number of any length, whether the driver gives it as a number or as text. */
  readonly isWholeNumber: boolean;
  /** How a value is read that survives the way here and back; absent where it is read as it is. */
  readonly read?: string;
  /** Whether what is read is a literal of the engine's SQL, free of question marks. */
  readonly isLiteral?: boolean;
  /** What stands for such a value in a condition, with a `?`; absent where that is all. */
  readonly bound?: string;
  /** Whether a row is found by a range from the value to the same value, but not always where it is said to equal it. */
  readonly isFoundByRange?: boolean;
  /** Against the order of the first column. */
  readonly descends?: boolean;
}

/** Columns in index order; a walk may go along them. */
export interface Key {
  readonly index: string;
  readonly columns: readonly KeyColumn[];
  /** Several rows may have the same values in these columns. */
  readonly hasTies?: boolean;
  /** A condition on a column that is not in the index; absent where there is none, or it makes no difference. */
  readonly outside?: string | undefined;
}

/** The condition "expired": `range` lets an index on the column be used, `guard` judges each row. Both must hold. */
export interface Predicate {
  readonly range: Sql;
  readonly guard: Sql | undefined;
  /** Conditions, cheaper than the guard, of which one may mean the same in a part of the table: only a look can tell. */
  readonly plain?: readonly Sql[] | undefined;
}

/** A way through the table in steps, each of which is short. `Step` is the engine's own. */
export interface Walk<Step = unknown> {
  /** The index that the engine deletes by of itself; undefined for a scan. */
  readonly usedIndex: string | undefined;
  /** The columns that it goes along; empty where it is one statement. */
  readonly along: readonly string[];
  /** How long a step had best take, in milliseconds. */
  readonly stepTargetMs: number;
  /** More rows in a step would not be faster, or take too much memory, where the engine knows. */
  readonly mostStepRows?: number | undefined;
  /** How long a transaction had best be, in milliseconds, where nobody has said how many rows it takes. */
  readonly transactionMs: number;
  /** How long others need to get their turn after a commit, in milliseconds. */
  readonly restMs: number;
  /** About `rows` rows after `previous`; undefined after the last. */
  nextStep(previous: Step | undefined, rows: number): Promise<Step | undefined>;
  /** Deletes what is expired in the step. Yields what each statement did. */
  deleteExpired(step: Step): AsyncIterable<DeletedStep>;
}

/**
 * What an engine's error means to the run. `locked`: the statement ended waiting for a lock, the transaction goes on.
 * `rolled-back`: the engine gave the transaction up, trying again may work. `lost`: no answer will come any more.
 * `denied`: the account has no right to do it.
 */
export interface Fault {
  readonly kind: 'locked' | 'rolled-back' | 'lost' | 'unavailable' | 'denied' | 'failed';
  readonly code: string | undefined;
  readonly hint: string | undefined;
}

/** What `check` finds out besides: about the server or file, and about what deleting from the table means. */
export interface Examination {
  /** Such as "MySQL 9.7.1" or "SQLite 3.52.0". */
  readonly server: string;
  readonly estimatedRows: number | undefined;
  readonly tableBytes: number | undefined;
  /** The statement that creates an index on the column while others go on; undefined where it cannot have one. */
  readonly createIndex: string | undefined;
  /** The statement that gives the account the rights of a run; undefined where the engine knows no accounts. */
  readonly grant: string | undefined;
  /** Deleting a row takes about as long as reading so many of them in one pass: measured. */
  readonly readsPerDelete: number;
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

/** How far the replicas are behind. */
export interface LagWatch {
  /** Nobody is ever waited for: what to do about it. Undefined where somebody is watched. */
  readonly watchesNothing: string | undefined;
  /** Why to wait now, such as "replica mysql://db2:3306 is 12 s behind"; undefined where nobody is further behind. */
  reasonToWait(): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface LagOptions<T extends Target> {
  readonly replicas: readonly T[];
  readonly maxLagMs: number;
  /** Sends a statement on the run's own connection. */
  readonly primary: Query;
  /** Opens a connection to a replica. @throws CleanupError `unavailable` */
  openReplica(target: T): Promise<{ readonly query: Query; close(): Promise<void> }>;
}
