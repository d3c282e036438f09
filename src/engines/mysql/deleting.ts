// How rows are deleted on MySQL and MariaDB: by the key that they are stored by, past those that others hold locked or refer to.
//
// It never waits for a row: InnoDB keeps what it has waited for to the end of the transaction, also a row that turns out to
// be live. And rows are locked by their own key alone: of a row that is passed over on another index, the entry there stays
// locked, and whoever holds the row cannot renew it.
import type { DeletedStep } from '../../cleanup/port.js';
import type { Key, Table } from '../engine.js';
import type { Position } from '../key-ranges.js';
import { found, positionOf, selectKey } from '../key-walk.js';
import { all, countRows, type Query, type Sql, type Statements } from '../sql.js';
import { withFreeChildren } from './children.js';
import { ignoreLocked, isReferred, isRolledBack } from './faults.js';
import { indexed } from './keys.js';
import { amongRows, piecesOf, selectPlain, split, textOf } from './rows.js';
import type { Server } from './server.js';

// Parts of a piece in which a child is locked.
const PARTS = 4;
/** Where a server cannot be told to give up at once, it waits for a second each time: so often in a run at most. */
const MOST_WAITS = 5;

/** What the run has met so far. */
interface Met {
  /** Rows of other tables that refer to an expired one, and forbid its deletion. */
  referring: boolean;
  /** Rows that go with an expired one, and that somebody holds. */
  lockedChildren: boolean;
  waits: number;
}

export interface Deleting {
  readonly query: Query;
  /** The first lock is an error. */
  readonly queryOnce: Query;
  readonly table: Table;
  /** What tells the rows apart; undefined where nothing does. */
  readonly key: Key | undefined;
  readonly expired: Sql;
  readonly server: Server;
  readonly met: Met;
}

/** With a key. */
interface DeletingByKey extends Deleting {
  readonly key: Key;
}

export function createDeleting(statements: Statements, table: Table, expired: Sql, server: Server): Deleting {
  return {
    query: statements.query('deleting'),
    queryOnce: statements.queryOnce('deleting'),
    table,
    key: table.storageKey,
    expired,
    server,
    met: { referring: false, lockedChildren: false, waits: 0 },
  };
}

/** Without a key: one DELETE, which waits for locked rows; where one stays locked, all of them are left. */
export async function* deleteWaiting(deleting: Deleting, where: Sql): AsyncGenerator<DeletedStep> {
  const { query, table } = deleting;
  const deleted = await sendDelete(deleting, (ignore) => ({
    sql: `DELETE ${ignore}FROM ${table.sql} WHERE ${where.sql}`,
    bindings: where.bindings,
  }));
  if (deleted !== undefined) yield { deleted, locked: 0 };
  else yield { deleted: 0, locked: await countRows(query, table.sql, where) };
}

/** What is expired in a part of the table. */
export async function* deleteRange(deleting: Deleting, where: Sql): AsyncGenerator<DeletedStep> {
  const { query, table, key, met } = deleting as DeletingByKey;
  const deleted = hasMetMuch(met) ? undefined : await deleteUnheld(deleting as DeletingByKey, where);
  if (deleted !== undefined) {
    yield { deleted, locked: 0 };
    return;
  }
  const rows = await query(`SELECT ${selectKey(key)} FROM ${indexed(table, key)} WHERE ${where.sql}`, where.bindings);
  yield* deleteRows(
    deleting,
    rows.map((row) => positionOf(key, row)),
    new Set(),
  );
}

/** All of it, or none where somebody holds a row: undefined. */
async function deleteUnheld(deleting: DeletingByKey, where: Sql): Promise<number | undefined> {
  const { server } = deleting;
  if (givesUpAtOnce(server)) return sendDelete(deleting, (ignore) => giveUpAtOnce(deleting, ignore, where));
  return server.mariadb || !server.skipLocked
    ? undefined
    : sendDelete(deleting, (ignore) => deleteFound(deleting, ignore, where, 'NOWAIT'));
}

/** Rows that were found expired. Those that are left are added to `left`. */
export async function* deleteRows(
  deleting: Deleting,
  rows: readonly Position[],
  left: Set<string>,
): AsyncGenerator<DeletedStep> {
  for (const piece of piecesOf(rows, deleting.server.packetBytes)) {
    let gone = 0;
    for await (const step of deletePiece(deleting as DeletingByKey, piece)) {
      gone += step.deleted;
      yield step;
    }
    if (gone === piece.length) continue;
    const rest = await readExpired(deleting as DeletingByKey, piece);
    for (const key of rest) left.add(textOf(key));
    yield { deleted: 0, locked: rest.length };
  }
}

async function* deletePiece(deleting: DeletingByKey, piece: readonly Position[]): AsyncGenerator<DeletedStep> {
  const deleted = hasMetMuch(deleting.met) ? undefined : await deleteFree(deleting, piece);
  if (deleted !== undefined) yield { deleted, locked: 0 };
  else yield* deleteAround(deleting, piece);
}

/** In one statement; undefined where somebody holds a row, or a child of one, that it cannot pass over. */
async function deleteFree(deleting: DeletingByKey, piece: readonly Position[]): Promise<number | undefined> {
  const { server, key, expired } = deleting;
  const where = all(amongRows(key, piece), expired);
  if (givesUpAtOnce(server)) return sendDelete(deleting, (ignore) => giveUpAtOnce(deleting, ignore, where));
  return server.skipLocked
    ? sendDelete(deleting, (ignore) => deleteFound(deleting, ignore, where, 'SKIP LOCKED'))
    : sendDelete(deleting, (ignore) => deleteWhere(deleting, ignore, where));
}

/** What is free goes first; then ever smaller parts, for a child may be locked that cannot be seen from here. */
async function* deleteAround(deleting: DeletingByKey, piece: readonly Position[]): AsyncGenerator<DeletedStep> {
  const { query, table, server, key, expired, met } = deleting;
  const free = met.lockedChildren ? await withFreeChildren(query, table, key, piece) : piece;
  const parts = [...split(await lockFree(deleting, free), piece.length)];
  for (const part of parts) {
    const where = all(amongRows(key, part), expired);
    const hadReferring = met.referring;
    const deleted = await sendDelete(deleting, (ignore) =>
      givesUpAtOnce(server) ? giveUpAtOnce(deleting, ignore, where) : deleteWhere(deleting, ignore, where),
    );
    if (deleted !== undefined) {
      // After a row that it has left, MariaDB counts anew; all of them are locked, so that what is not there has gone.
      const rest = met.referring ? (await readExpired(deleting, part)).length : part.length - deleted;
      yield { deleted: part.length - rest, locked: 0 };
    } else if (met.referring !== hadReferring) parts.push(part);
    else if (part.length > 1 && mayTryAgain(deleting)) parts.push(...split(part, Math.ceil(part.length / PARTS)));
  }
}

/** Whether one statement for all of them has failed before. */
function hasMetMuch({ lockedChildren, referring }: Met): boolean {
  return lockedChildren || referring;
}

function mayTryAgain({ server, met }: Deleting): boolean {
  return givesUpAtOnce(server) || met.waits < MOST_WAITS;
}

/** Locks what nobody else holds. */
async function lockFree(deleting: DeletingByKey, rows: readonly Position[]): Promise<readonly Position[]> {
  if (!deleting.server.skipLocked || rows.length === 0) return rows;
  return readExpired(deleting, rows, ' FOR UPDATE SKIP LOCKED');
}

async function readExpired(
  { query, table, key, expired }: DeletingByKey,
  among: readonly Position[],
  locking = '',
): Promise<readonly Position[]> {
  const { sql, bindings } = all(amongRows(key, among), expired);
  const rows = await query(`SELECT ${selectKey(key)} FROM ${indexed(table, key)} WHERE ${sql}${locking}`, bindings);
  return rows.map((row) => positionOf(key, row));
}

/** Whether a DELETE can be told not to wait, for whatever it is. */
function givesUpAtOnce({ mariadb, lockWaitRollsBack }: Server): boolean {
  return mariadb && !lockWaitRollsBack;
}

// The limit is not the session's: under it, MariaDB gives up a transaction at the end of a statement that has skipped a
// locked row.
function giveUpAtOnce(deleting: DeletingByKey, ignore: string, where: Sql): Sql {
  const { sql, bindings } = deleteWhere(deleting, ignore, where);
  return { sql: `SET STATEMENT innodb_lock_wait_timeout = 0 FOR ${sql}`, bindings };
}

// Only a DELETE with two table names takes the hint of an index.
function deleteWhere({ table, key }: DeletingByKey, ignore: string, where: Sql): Sql {
  return {
    sql: `DELETE ${ignore}${table.sql} FROM ${indexed(table, key)} WHERE ${where.sql}`,
    bindings: where.bindings,
  };
}

/** MySQL passes over a locked row, or gives up at it, in a SELECT alone. */
function deleteFound(
  { table, key, expired }: DeletingByKey,
  ignore: string,
  { sql, bindings }: Sql,
  locked: 'NOWAIT' | 'SKIP LOCKED',
): Sql {
  const from = indexed(table, key);
  const outside = key.outside === undefined ? '' : `, ${key.outside} AS session_cleanup_outside`;
  const isFound = key.columns.map((column, at) => `session_cleanup_found.${found(at)} = ${table.sql}.${column.sql}`);
  // The condition once more at the end: what is deleted is not left to the catalogue's word that the key is unique.
  return {
    sql:
      `DELETE ${ignore}${table.sql} FROM (SELECT ${selectPlain(key)}${outside} FROM ${from} WHERE ${sql} FOR UPDATE ${locked}) ` +
      `AS session_cleanup_found STRAIGHT_JOIN ${from} ON ${isFound.join(' AND ')} WHERE ${expired.sql}`,
    bindings: [...bindings, ...expired.bindings],
  };
}

/** Undefined where it met a lock, or for the first time a row that others refer to; the transaction goes on. */
async function sendDelete(deleting: Deleting, statement: (ignore: string) => Sql): Promise<number | undefined> {
  const { queryOnce, met, server } = deleting;
  const { sql, bindings } = statement(met.referring ? 'IGNORE ' : '');
  try {
    const [answer] = await queryOnce(sql, bindings).catch(ignoreLocked);
    if (answer !== undefined) return Number(answer.affectedRows);
    noteLock(deleting);
    return undefined;
  } catch (error) {
    if (isRolledBack(error) && !server.mariadb) met.lockedChildren = true;
    if (!isReferred(error) || met.referring) throw error;
    met.referring = true;
    return undefined;
  }
}

/** A DELETE of MySQL's that had to wait did so for a child: it passes over the rows themselves. */
function noteLock({ met, server }: Deleting): void {
  met.waits += 1;
  if (!server.mariadb && server.skipLocked) met.lockedChildren = true;
}
