// How rows are deleted on MySQL and MariaDB: along a key, past the rows that others hold locked.
import type { DeletedStep } from '../../cleanup/port.js';
import type { Key, KeyColumn, Predicate, Table, Walk } from '../engine.js';
import { rangeCondition } from '../key-ranges.js';
import { type KeyStep, type KeyWay, nextKeyStep, onlyStep, toBinding } from '../key-walk.js';
import { LARGE_TABLE_ROWS, randomStart } from '../random-start.js';
import { all, type Binding, countRows, type Query, type Sql, type Statements } from '../sql.js';
import { ignoreLocked } from './faults.js';
import { quote } from './keys.js';
import type { Server } from './session.js';

// Where it meets a locked row, or has to be cancelled, only so much is done again.
const STEP_TARGET_MS = 200;
// Rows named in one statement by their key.
const ROWS_A_STATEMENT = 500;

export async function openWalk(
  statements: Statements,
  table: Table,
  { range, guard }: Predicate,
  server: Server,
): Promise<Walk<KeyStep>> {
  const expired = all(range, guard);
  const usedIndex = await deleteIndex(statements.query('reading the plan'), table, expired);
  const walked = table.expiresIndexes.find(({ index }) => index === usedIndex)?.key ?? table.rowKey;
  const read = statements.query('reading the key');
  const way = walked && (await openWay(read, table, walked, range));
  const send = { query: statements.query('deleting'), queryOnce: statements.queryOnce('deleting') };
  const deleteStep = (where: Sql): AsyncIterable<DeletedStep> =>
    walked !== undefined && table.rowKey !== undefined && server.skipLocked
      ? deleteSkippingLocked({ ...send, table, rowKey: table.rowKey, server }, walked, where)
      : deleteWaiting(send, table, where);
  return {
    usedIndex,
    along: walked?.columns.map(({ name }) => name) ?? [],
    stepTargetMs: STEP_TARGET_MS,
    // Whoever waited for a row has it as soon as it is free.
    restMs: 0,
    async nextStep(previous, rows) {
      return way === undefined ? onlyStep(previous) : nextKeyStep(read, way, previous, rows);
    },
    async *deleteExpired({ ranges }) {
      for (const part of ranges) yield* deleteStep(all(walked && rangeCondition(part, walked), expired));
    },
  };
}

async function openWay(query: Query, table: Table, key: Key, range: Sql): Promise<KeyWay> {
  const from = indexed(table, key);
  // Along the expiry only what can be expired is walked over; along the row key, everything.
  if (key.columns[0]?.name === table.expiresColumn) return { key, from, walkedOver: range, start: undefined };
  const [size] = await query(
    'SELECT table_rows AS estimate FROM information_schema.tables WHERE table_schema = ? AND table_name = ?',
    [table.schema, table.name],
  );
  const isLarge = Number(size?.estimate) >= LARGE_TABLE_ROWS;
  return { key, from, walkedOver: undefined, start: isLarge ? await randomStart(query, key, from) : undefined };
}

/** The index by which the server would run the DELETE of itself; undefined for a scan. */
async function deleteIndex(query: Query, table: Table, { sql, bindings }: Sql): Promise<string | undefined> {
  const [plan] = await query(`EXPLAIN FORMAT=TRADITIONAL DELETE FROM ${table.sql} WHERE ${sql}`, bindings);
  return plan?.type === 'ALL' || plan?.key == null ? undefined : String(plan.key);
}

function indexed(table: Table, { index }: Key): string {
  return `${table.sql} FORCE INDEX (${quote(index)})`;
}

interface Sending {
  readonly query: Query;
  /** The first lock is an error. */
  readonly queryOnce: Query;
}

/** One DELETE, which waits for locked rows; where one stays locked, the whole step is left. */
async function* deleteWaiting({ query, queryOnce }: Sending, table: Table, where: Sql): AsyncGenerator<DeletedStep> {
  const deleted = await affectedRows(queryOnce, `DELETE FROM ${table.sql} WHERE ${where.sql}`, where.bindings);
  if (deleted !== undefined) yield { deleted, locked: 0 };
  else yield { deleted: 0, locked: await countRows(query, table.sql, where) };
}

/** Undefined where it met a lock; the transaction goes on. */
async function affectedRows(queryOnce: Query, sql: string, bindings: readonly Binding[]): Promise<number | undefined> {
  const [answer] = await queryOnce(sql, bindings).catch(ignoreLocked);
  return answer && Number(answer.affectedRows);
}

interface Deleting extends Sending {
  readonly table: Table;
  readonly rowKey: Key;
  readonly server: Server;
}

/**
 * Never waits for a row: InnoDB keeps what it has waited for to the end of the transaction, also a row that turns out to
 * be live. And locks rows by `rowKey` alone: of a row that is passed over on another index, the entry there stays locked,
 * and whoever holds the row cannot renew it. Rows whose children are locked are left too.
 */
async function* deleteSkippingLocked(deleting: Deleting, walked: Key, where: Sql): AsyncGenerator<DeletedStep> {
  const { query, table, rowKey } = deleting;
  const done = walked.index === rowKey.index ? await deleteFree(deleting, where) : undefined;
  if (done === undefined) {
    const left = yield* deleteByKey(deleting, walked, where);
    if (left === 0) return;
  } else {
    yield { deleted: done.deleted, locked: 0 };
    if (done.isAll) return;
  }
  yield { deleted: 0, locked: await countRows(query, table.sql, where) };
}

/** Deletes the rows that nobody holds. `isAll`: none was passed over. Undefined where children are locked. */
async function deleteFree(
  { queryOnce, table, rowKey, server }: Deleting,
  where: Sql,
  among?: Sql,
): Promise<{ readonly deleted: number; readonly isAll: boolean } | undefined> {
  const { sql, bindings } = all(among, where);
  const from = indexed(table, rowKey);
  // The limit is not the session's: under it, MariaDB gives up a transaction at the end of a statement that has
  // skipped a locked row. Only a DELETE with two table names takes the hint of an index.
  if (server.mariadb && !server.lockWaitRollsBack) {
    const limit = 'SET STATEMENT innodb_lock_wait_timeout = 0 FOR';
    const deleted = await affectedRows(queryOnce, `${limit} DELETE ${table.sql} FROM ${from} WHERE ${sql}`, bindings);
    if (deleted !== undefined) return { deleted, isAll: true };
  }
  const isFound = rowKey.columns.map((key, at) => `session_cleanup_found.${found(at)} = ${table.sql}.${key.sql}`);
  // The condition once more at the end: what is deleted is not left to the catalogue's word that the key is unique.
  const deleted = await affectedRows(
    queryOnce,
    `DELETE ${table.sql} FROM (SELECT ${selectKey(rowKey)} FROM ${from} WHERE ${sql} FOR UPDATE SKIP LOCKED) ` +
      `AS session_cleanup_found STRAIGHT_JOIN ${from} ON ${isFound.join(' AND ')} WHERE ${where.sql}`,
    [...bindings, ...where.bindings],
  );
  return deleted === undefined ? undefined : { deleted, isAll: false };
}

/** Reads the keys without a lock, then deletes by them. Returns how many of the rows that were found are left. */
async function* deleteByKey(deleting: Deleting, walked: Key, where: Sql): AsyncGenerator<DeletedStep, number> {
  const { query, table, rowKey } = deleting;
  const rows = await query(
    `SELECT ${selectKey(rowKey)} FROM ${indexed(table, walked)} WHERE ${where.sql}`,
    where.bindings,
  );
  let left = rows.length;
  // Where children are locked, ever smaller pieces, those of one size after the other: each such lock is waited for,
  // and what is free goes first.
  const pieces = piecesOf(rows, ROWS_A_STATEMENT);
  for (const piece of pieces) {
    const freed = await deleteFree(deleting, where, amongRows(rowKey.columns, piece));
    if (freed !== undefined) {
      yield { deleted: freed.deleted, locked: 0 };
      left -= freed.deleted;
    } else if (piece.length > 1) {
      pieces.push(...piecesOf(piece, Math.ceil(piece.length / 20)));
    }
  }
  return left;
}

type Row = Readonly<Record<string, unknown>>;

/** A name that no column has. */
function found(at: number): string {
  return `session_cleanup_${at}`;
}

function selectKey({ columns }: Key): string {
  return columns.map(({ sql }, at) => `${sql} AS ${found(at)}`).join(', ');
}

function amongRows(columns: readonly KeyColumn[], rows: readonly Row[]): Sql {
  const row = `(${columns.map(({ sql }) => `${sql} = ?`).join(' AND ')})`;
  return {
    sql: `(${rows.map(() => row).join(' OR ')})`,
    bindings: rows.flatMap((values) => columns.map((column, at) => toBinding(column, values[found(at)]))),
  };
}

function piecesOf<T>(rows: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) => rows.slice(at * size, (at + 1) * size));
}
