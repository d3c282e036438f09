// The sessions table, in stages, each of which gives the next: opened, inspected, and its expired rows selected.

import type { Deadline } from '../cleanup/deadline.js';
import type { ExpiredSessions } from '../cleanup/port.js';
import type { Examination, Session, Table, TableNames, Walk } from '../engines/engine.js';
import { type DatabaseTarget, engineOf } from '../engines/index.js';
import { all, countRows, type Query, type Sql, whereClause } from '../engines/sql.js';
import { CleanupError } from '../errors.js';
import type { Cutoff } from '../expiry/cutoff.js';
import type { ColumnFormat } from '../expiry/format.js';
import { type Connection, openConnection } from './connection.js';
import { type Contents, readContents } from './contents.js';
import { detectColumnFormat, type InspectionSettings } from './inspection.js';
import type { DriverLog } from './knex.js';

/** Which rows of which table. */
export interface Selection extends TableNames {
  /** SQL of the engine that a row must meet besides; undefined for all rows. */
  readonly where: string | undefined;
}

/** A table that has been found in a database. */
export interface OpenTable {
  /** What the catalogue says. */
  readonly facts: Table;
  /** The database's clock in milliseconds; undefined where it is this host's. */
  clock(): Promise<number | undefined>;
  /** What the column holds; undefined where nothing in it can be expired. @throws CleanupError `refused` */
  inspect(settings: InspectionSettings): Promise<ColumnFormat | undefined>;
  /** The rows that are expired at the cutoff. */
  selectExpired(format: ColumnFormat, cutoff: Cutoff): ExpiredRows;
  /** All rows, expired or not. */
  count(): Promise<number>;
  /** What the table holds, by one pass over it. */
  contents(expired: ExpiredRows | undefined): Promise<Contents>;
  /** The largest value of the column that is not 0 or empty, as the driver returns it. */
  latest(): Promise<unknown>;
  /** What the server or file says, and what deleting from the table means. Writes nothing, and reads none of its rows. */
  examine(): Promise<Examination>;
  /** @throws CleanupError `busy` */
  lock(): Promise<void>;
  /** What has ended the deleting, after the rollback: with the triggers named, where one of them may have failed. */
  explain(error: unknown): Promise<unknown>;
  /** Sends a statement of somebody else's on the same connection. */
  readonly query: Query;
  close(): Promise<void>;
}

export interface ExpiredRows {
  readonly condition: Sql;
  count(): Promise<number>;
  /** About how many there are, and no more than `limit`: quick where an index leads with the column. */
  countUpTo(limit: number): Promise<number>;
  /** The smallest value, as the driver returns it. */
  oldest(): Promise<unknown>;
  /** The value of any row that is not among them, as the driver returns it; undefined where all are, or are empty. */
  otherValue(): Promise<unknown>;
  /** Reads the plan of the DELETE, and chooses the way through the table. */
  openSessions(): Promise<OpenedSessions>;
}

export interface OpenedSessions extends ExpiredSessions<unknown> {
  /** The index that the engine deletes by; undefined for a scan. */
  readonly usedIndex: string | undefined;
  /** The columns that a run walks along; empty where it is one statement. */
  readonly along: readonly string[];
}

/** @throws CleanupError `unavailable`, `refused` */
export async function openTable(
  target: DatabaseTarget,
  selection: Selection,
  deadline: Deadline,
  log: DriverLog,
  onLock?: (isLocked: boolean) => void,
): Promise<OpenTable> {
  const driver = engineOf(target).createDriver(target);
  const connection = await openConnection(driver, deadline, log, onLock);
  try {
    const session = await driver.openSession(connection, deadline.remainingMs(), connection.handle);
    // Before the catalogue is read: what changes in between is seen as a change, too.
    const definition = await session.readDefinition(selection);
    const table = await session.findTable(selection);
    const where = await readCondition(connection.query('reading --where'), table, selection.where);
    return createOpenTable({ connection, session, selection, definition, table, where, log });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface Opened {
  readonly connection: Connection;
  readonly session: Session;
  readonly selection: Selection;
  readonly definition: string;
  readonly table: Table;
  readonly where: Sql | undefined;
  readonly log: DriverLog;
}

function createOpenTable(opened: Opened): OpenTable {
  const { connection, session, table, where } = opened;
  return {
    facts: table,
    clock: () => session.clock(),
    inspect: (settings) => detectColumnFormat(connection.query('inspecting the table'), session, table, settings),
    selectExpired(format, cutoff) {
      const { range, guard, plain } = session.expired(table, format, cutoff);
      const predicate = {
        range,
        guard: guard === undefined && where === undefined ? undefined : all(guard, where),
        plain: plain?.map((condition) => all(condition, where)),
      };
      const condition = all(predicate.range, predicate.guard);
      return {
        condition,
        count: () => countRows(connection.query('counting'), table.sql, condition),
        countUpTo: (limit) => countUpTo(connection.query('counting'), table, predicate.range, limit),
        otherValue: () => readOther(connection.query('looking for a live session'), table, condition),
        oldest: () => readOldest(connection.query('looking for the oldest expired row'), table, condition),
        async openSessions() {
          const walk = await session.openWalk(table, predicate).catch(async (error: unknown) => {
            throw await explain(opened, error);
          });
          return createSessions(opened, walk);
        },
      };
    },
    count: () => countRows(connection.query('counting'), table.sql, { sql: '', bindings: [] }),
    contents: (expired) => readContents(connection.query('counting'), table, expired?.condition),
    latest: () => readLatest(connection.query('looking for a live session'), table),
    examine: () => session.examine(table),
    lock: () => session.lock(table),
    explain: (error) => explain(opened, error),
    query: connection.query('reading the status'),
    close: () => connection.close(),
  };
}

function createSessions(
  { connection, session, selection, definition, table, log }: Opened,
  walk: Walk,
): OpenedSessions {
  return {
    usedIndex: walk.usedIndex,
    along: walk.along,
    stepTargetMs: walk.stepTargetMs,
    mostStepRows: walk.mostStepRows,
    transactionMs: walk.transactionMs,
    restMs: walk.restMs,
    async begin() {
      await session.begin(table);
      if ((await session.readDefinition(selection)) !== definition) throw tableChanged(table);
    },
    async commit() {
      await session.beforeCommit?.();
      await connection.end('COMMIT');
    },
    async rollback() {
      if (connection.isDropped()) return;
      await connection.end('ROLLBACK').catch((error: unknown) => {
        log(`the rollback failed, the connection is dropped: ${String(error)}`);
        connection.drop();
      });
    },
    nextStep: (previous, rows) => walk.nextStep(previous, rows),
    deleteExpired: (step) => walk.deleteExpired(step),
  };
}

async function explain({ session, table, log }: Opened, error: unknown): Promise<unknown> {
  // An answer of the database's, over a connection that is still there.
  if (!(error instanceof CleanupError) || error.said === undefined || error.rolledBack) return error;
  if (error.kind !== 'failed' && error.kind !== 'refused') return error;
  try {
    const triggers = await session.readDeleteTriggers(table);
    if (triggers.length === 0) return error;
    const { kind, message, said, code, hint } = error;
    const [which, whether] =
      triggers.length === 1
        ? ['The trigger', 'runs at each DELETE: see whether it']
        : ['The triggers', 'run at each DELETE: see whether one of them'];
    const named = `${which} ${triggers.join(', ')} ${whether} failed.`;
    return new CleanupError(kind, message, { said, code, hint: [hint, named].filter(Boolean).join(' '), cause: error });
  } catch (failure) {
    log(`no trigger was looked for: ${String(failure)}`);
    return error;
  }
}

/** By the index alone, without the guard, which would look at each row. */
async function countUpTo(query: Query, { sql, expires }: Table, range: Sql, limit: number): Promise<number> {
  const some = `SELECT ${expires} FROM ${sql}${whereClause(range)} LIMIT ${limit}`;
  const [row] = await query(`SELECT COUNT(*) AS count FROM (${some}) AS session_cleanup_some`, range.bindings);
  return Number(row?.count);
}

/** Of another type, a column could be compared with what the condition means in another way, and live sessions go. */
function tableChanged({ name }: Table): CleanupError {
  return new CleanupError('refused', `the table ${name} was changed during the run`, {
    code: 'TABLE_CHANGED',
    hint: 'Run it again when nobody alters the table: what was deleted before is committed.',
  });
}

/** `--where` as a condition. @throws CleanupError `usage` where the database does not take it */
async function readCondition(query: Query, { sql }: Table, where: string | undefined): Promise<Sql | undefined> {
  if (where === undefined) return undefined;
  // Knex takes a question mark for a binding, in quotes too.
  const condition = { sql: `(${where.replaceAll('?', '\\?')})`, bindings: [] };
  await query(`SELECT 1 AS one FROM ${sql} WHERE ${condition.sql} LIMIT 0`).catch((error: unknown) => {
    if (!(error instanceof CleanupError && error.kind === 'failed' && !error.rolledBack)) throw error;
    const { said, code } = error;
    const hint = 'Check its columns and its spelling: it must be a condition in the SQL of the database.';
    throw new CleanupError('usage', '--where is refused by the database', { said, code, hint, cause: error });
  });
  return condition;
}

/** By ORDER BY, which reads an index from its end: a MAX with a condition reads all of it. */
async function readLatest(query: Query, table: Table): Promise<unknown> {
  const { expires, sql } = table;
  const [row] = await query(
    `SELECT ${expires} AS value FROM ${sql} WHERE ${isAny(table)} ORDER BY ${expires} DESC LIMIT 1`,
  );
  return row?.value;
}

/** Stops at the first. */
async function readOther(query: Query, table: Table, condition: Sql): Promise<unknown> {
  const { expires, sql } = table;
  const isOther = `${isAny(table)} AND NOT (${condition.sql})`;
  const [row] = await query(`SELECT ${expires} AS value FROM ${sql} WHERE ${isOther} LIMIT 1`, condition.bindings);
  return row?.value;
}

function isAny({ expires, isZero }: Table): string {
  return `${expires} IS NOT NULL AND NOT (${isZero})`;
}

async function readOldest(query: Query, { expires, sql }: Table, condition: Sql): Promise<unknown> {
  const oldest = `SELECT ${expires} AS value FROM ${sql}${whereClause(condition)} ORDER BY ${expires} LIMIT 1`;
  const [row] = await query(oldest, condition.bindings);
  return row?.value;
}

/** A connection to a replica, for who watches how far it is behind. @throws CleanupError `unavailable` */
export async function openReplica(
  target: DatabaseTarget,
  deadline: Deadline,
  log: DriverLog,
): Promise<{ readonly query: Query; close(): Promise<void> }> {
  try {
    const connection = await openConnection(engineOf(target).createDriver(target), deadline, log);
    return { query: connection.query('reading the lag of a replica'), close: () => connection.close() };
  } catch (error) {
    // The line names the primary as its database.
    if (!(error instanceof CleanupError && error.kind === 'unavailable')) throw error;
    const { message, said, code, hint } = error;
    throw new CleanupError(error.kind, `--replica ${target.shown}: ${message}`, { said, code, hint, cause: error });
  }
}
