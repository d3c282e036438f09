// How rows are deleted on PostgreSQL: along an index on the expiry or along the table's blocks, past the rows that others
// hold locked.
import type { DeletedStep } from '../../cleanup/port.js';
import { CleanupError } from '../../errors.js';
import type { Predicate, Table, Walk } from '../engine.js';
import { type KeyRange, rangeCondition } from '../key-ranges.js';
import type { KeyStep } from '../key-walk.js';
import { all, countRows, type Query, type Sql, type Statements } from '../sql.js';
import { blockCondition, nextBlockStep, ROW_PLACE, readBlocks } from './blocks.js';
import { type Dependants, readDependants } from './dependants.js';
import { expiryWay, nextExpiryStep } from './expiry-walk.js';
import { isReferred } from './faults.js';
import type { Server } from './server.js';

// Where it meets a locked row, or has to be cancelled, only so much is done again.
const STEP_TARGET_MS = 200;
// A commit takes a few milliseconds.
const TRANSACTION_MS = 100;
// Rows that are tried together where a step as a whole could not be deleted.
const ROWS_A_PIECE = 500;

export async function openWalk(
  statements: Statements,
  table: Table,
  { range, guard }: Predicate,
  server: Server,
): Promise<Walk<KeyStep>> {
  const read = statements.query('reading the plan');
  const dependants = await readDependants(read, table);
  const expired = all(range, guard);
  const usedIndex = await deleteIndex(read, table, expired);
  const way = expiryWay(table, usedIndex, range);
  const blocks = await readBlocks(read, table, server);
  const deleting: Deleting = { ...protect(statements), table, dependants };
  const within = (part: KeyRange): Sql | undefined =>
    way === undefined ? blockCondition(blocks, part) : rangeCondition(part, way.key);
  return {
    usedIndex: way && usedIndex,
    along: way === undefined ? [ROW_PLACE.name] : [table.expiresColumn],
    stepTargetMs: STEP_TARGET_MS,
    transactionMs: TRANSACTION_MS,
    // Who has waited for a row has it with the COMMIT.
    restMs: 0,
    async nextStep(previous, rows) {
      return way === undefined
        ? nextBlockStep(deleting.read, blocks, previous, rows)
        : nextExpiryStep(deleting.read, way, previous, rows);
    },
    async *deleteExpired({ ranges }) {
      for (const part of ranges) yield* deleteStep(deleting, all(within(part), expired));
    },
  };
}

/** The index by which the server would run the DELETE of itself; undefined for a scan. */
async function deleteIndex(query: Query, table: Table, { sql, bindings }: Sql): Promise<string | undefined> {
  const [row] = await query(`EXPLAIN (FORMAT JSON) DELETE FROM ${table.sql} WHERE ${sql}`, bindings);
  return /"Index Name": ("(?:[^"\\]|\\.)*")/
    .exec(String(row?.['QUERY PLAN']))
    ?.slice(1)
    .map((name) => JSON.parse(name))[0];
}

interface Deleting {
  readonly table: Table;
  readonly dependants: Dependants;
  /** Reads in the transaction. */
  readonly read: Query;
  /** Deletes; undefined where a row, or one that depends on it, is locked or refers to it. */
  tryDelete(where: Sql): Promise<number | undefined>;
}

/**
 * After an error, PostgreSQL does nothing more for a transaction but to go back to a savepoint. One is always set, and
 * what sets it is never cancelled: what was deleted before it can be committed whatever comes.
 */
function protect({ queryOnce, queryAlways }: Statements): Pick<Deleting, 'read' | 'tryDelete'> {
  const settle = queryAlways('deleting');
  const goBack = async (error: unknown): Promise<never> => {
    if (error instanceof CleanupError && !error.rolledBack) await settle('ROLLBACK TO SAVEPOINT session_cleanup');
    throw error;
  };
  const read = queryOnce('reading the rows');
  const send = queryOnce('deleting');
  return {
    read: (sql, bindings) => read(sql, bindings).catch(goBack),
    async tryDelete({ sql, bindings }) {
      try {
        const [answer] = await send(sql, bindings).catch(goBack);
        await settle('RELEASE SAVEPOINT session_cleanup; SAVEPOINT session_cleanup');
        return Number(answer?.affectedRows);
      } catch (error) {
        const isInTheWay =
          error instanceof CleanupError && !error.rolledBack && (error.kind === 'busy' || isReferred(error));
        if (isInTheWay) return undefined;
        throw error;
      }
    },
  };
}

/**
 * A plain DELETE, which costs half of one that locks before, and which gives up at the first row that it would have to
 * wait for: only then the rows are taken that are free.
 */
async function* deleteStep(deleting: Deleting, where: Sql): AsyncGenerator<DeletedStep> {
  const { table, dependants, read, tryDelete } = deleting;
  const deleted = await tryDelete(deletion(table, where));
  if (deleted !== undefined) {
    yield { deleted, locked: 0 };
    if (!dependants.mayKeepRows) return;
  } else {
    const freed = await deleteFree(deleting, where);
    if (freed !== undefined) yield { deleted: freed, locked: 0 };
    else yield* deletePieces(deleting, where);
  }
  yield { deleted: 0, locked: await countRows(read, table.sql, where) };
}

/** The rows that nobody holds and nobody refers to, as far as the account can see that. */
async function deleteFree({ table, dependants, tryDelete }: Deleting, where: Sql): Promise<number | undefined> {
  if (!dependants.canSkipLocked) return undefined;
  const free = all(where, dependants.unreferenced);
  const found = `SELECT ctid FROM ${table.sql} WHERE ${free.sql} FOR UPDATE SKIP LOCKED`;
  // The condition once more: a row that was renewed as it was found is judged as it is now.
  return tryDelete(
    deletion(table, {
      sql: `ctid = ANY(ARRAY(${found})) AND ${where.sql}`,
      bindings: [...free.bindings, ...where.bindings],
    }),
  );
}

/** Ever smaller pieces, those of one size after the other: what is free goes first. */
async function* deletePieces({ table, read, tryDelete }: Deleting, where: Sql): AsyncGenerator<DeletedStep> {
  const rows = await read(`SELECT ctid FROM ${table.sql} WHERE ${where.sql}`, where.bindings);
  const pieces = piecesOf(
    rows.map(({ ctid }) => String(ctid)),
    ROWS_A_PIECE,
  );
  for (const piece of pieces) {
    const among: Sql = { sql: 'ctid = ANY(?::tid[])', bindings: [`{${piece.map((ctid) => `"${ctid}"`).join(',')}}`] };
    const deleted = await tryDelete(deletion(table, all(among, where)));
    if (deleted !== undefined) yield { deleted, locked: 0 };
    else if (piece.length > 1) pieces.push(...piecesOf(piece, Math.ceil(piece.length / 20)));
  }
}

function deletion({ sql: table }: Table, { sql, bindings }: Sql): Sql {
  return { sql: `DELETE FROM ${table} WHERE ${sql}`, bindings };
}

function piecesOf<T>(rows: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) => rows.slice(at * size, (at + 1) * size));
}
