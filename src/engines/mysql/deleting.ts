// How rows are deleted on MySQL and MariaDB: by the key that they are stored by, past those that others hold locked or refer to.
//
// It never waits for a row: InnoDB keeps what it has waited for to the end of the transaction, also a row that turns out to
// be live. And rows are locked by their own key alone: of a row that is passed over on another index, the entry there stays
// locked, and whoever holds the row cannot renew it.
import type { DeletedStep } from '../../cleanup/port.js';
import type { Key, Table } from '../engine.js';
import type { Position } from '../key-ranges.js';
import { positionOf, selectKey } from '../key-walk.js';
import { all, countRows, type Query, type Sql, type Statements } from '../sql.js';
import { withFreeChildren } from './children.js';
import { ignoreLocked, isReferred, isRolledBack } from './faults.js';
import { indexed } from './keys.js';
import { amongRows, piecesOf, split, textOf } from './rows.js';
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
  const withKey = deleting as DeletingByKey;
  const { server, met } = withKey;
  if (givesUpAtOnce(server) && !hasMetMuch(met)) {
    const deleted = await sendDelete(withKey, (ignore) => giveUpAtOnce(withKey, ignore, where));
    if (deleted !== undefined) {
      yield { deleted, locked: 0 };
      return;
    }
  }
  const held = server.skipLocked && !server.mariadb ? await readHeld(withKey, where) : undefined;
  yield* deleteRows(withKey, held ?? (await readKeys(withKey, where)), new Set(), held !== undefined);
}

/** All of it, locked; undefined where somebody else holds a row. */
async function readHeld(deleting: DeletingByKey, where: Sql): Promise<readonly Position[] | undefined> {
  try {
    return await readKeys({ ...deleting, query: deleting.queryOnce }, where, ' FOR UPDATE NOWAIT');
  } catch (error) {
    ignoreLocked(error);
    return undefined;
  }
}

/** Rows that were found expired, locked by this run or not. Those that are left are added to `left`. */
export async function* deleteRows(
  deleting: Deleting,
  rows: readonly Position[],
  left: Set<string>,
  areHeld = false,
): AsyncGenerator<DeletedStep> {
  for (const piece of piecesOf(rows, deleting.server.packetBytes)) {
    let gone = 0;
    for await (const step of deletePiece(deleting as DeletingByKey, piece, areHeld)) {
      gone += step.deleted;
      yield step;
    }
    if (gone === piece.length) continue;
    const rest = await readExpired(deleting as DeletingByKey, piece);
    for (const key of rest) left.add(textOf(key));
    yield { deleted: 0, locked: rest.length };
  }
}

async function* deletePiece(
  deleting: DeletingByKey,
  piece: readonly Position[],
  areHeld: boolean,
): AsyncGenerator<DeletedStep> {
  const deleted = hasMetMuch(deleting.met) ? undefined : await deleteFree(deleting, piece, areHeld);
  if (deleted !== undefined) yield { deleted, locked: 0 };
  else yield* deleteAround(deleting, piece);
}

/** In one statement; undefined where somebody holds a row, or a child of one, that it cannot pass over. */
async function deleteFree(
  deleting: DeletingByKey,
  piece: readonly Position[],
  areHeld: boolean,
): Promise<number | undefined> {
  const { server, key, expired } = deleting;
  const where = all(amongRows(key, piece), expired);
  if (givesUpAtOnce(server)) return sendDelete(deleting, (ignore) => giveUpAtOnce(deleting, ignore, where));
  if (server.skipLocked && !areHeld && (await lockRows(deleting, where)) < piece.length) return undefined;
  return sendDelete(deleting, (ignore) => deleteWhere(deleting, ignore, where));
}

/** Locks what nobody else holds, and counts it: MySQL passes over a locked row in a SELECT alone. */
async function lockRows(deleting: DeletingByKey, { sql, bindings }: Sql): Promise<number> {
  const select = `SELECT COUNT(*) AS locked FROM ${byKey(deleting, sql)} FOR UPDATE SKIP LOCKED`;
  const [row] = await deleting.query(select, bindings);
  return Number(row?.locked);
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
  deleting: DeletingByKey,
  among: readonly Position[],
  locking = '',
): Promise<readonly Position[]> {
  return readKeys(deleting, all(amongRows(deleting.key, among), deleting.expired), locking);
}

async function readKeys(deleting: DeletingByKey, { sql, bindings }: Sql, locking = ''): Promise<readonly Position[]> {
  const { query, key } = deleting;
  const rows = await query(`SELECT ${selectKey(key)} FROM ${byKey(deleting, sql)}${locking}`, bindings);
  return rows.map((row) => positionOf(key, row));
}

/** Whether the keys of a range are read before it is deleted. */
export function readsKeys({ key, server }: Deleting): boolean {
  return key !== undefined && !givesUpAtOnce(server);
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
function deleteWhere(deleting: DeletingByKey, ignore: string, { sql, bindings }: Sql): Sql {
  return { sql: `DELETE ${ignore}${deleting.table.sql} FROM ${byKey(deleting, sql)}`, bindings };
}

/**
 * By the index of the key. Where that has every column of the condition, MySQL would read all of it, and wait for live
 * rows, when it takes the table for empty: a column outside of it, named in vain, keeps it to what is sought.
 */
function byKey({ table, key }: DeletingByKey, sql: string): string {
  return `${indexed(table, key)} WHERE ${sql}${key.outside === undefined ? '' : ` AND (1 = 1 OR ${key.outside})`}`;
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

/** A DELETE of MySQL's that had to wait did so for a child: the rows themselves are locked before. */
function noteLock({ met, server }: Deleting): void {
  met.waits += 1;
  if (!server.mariadb && server.skipLocked) met.lockedChildren = true;
}
