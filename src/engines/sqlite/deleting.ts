// How rows are deleted on SQLite: step by step along an index on the expiry or along the table, and past the rows that
// others refer to.
import type { DeletedStep } from '../../cleanup/port.js';
import type { Predicate, Table, Walk } from '../engine.js';
import { rangeCondition } from '../key-ranges.js';
import { type KeyStep, nextKeyStep, onlyStep, positionOf, selectKey } from '../key-walk.js';
import { all, countRows, type Query, type Sql, type Statements } from '../sql.js';
import { type Dependants, readDependants } from './dependants.js';
import { isReferred } from './faults.js';
import { type Found, openFound } from './found.js';
import { chooseWay, type Way } from './way.js';

// Nobody else can write before the transaction ends: a longer step keeps nobody waiting, and changes each page of an index
// fewer times.
const STEP_TARGET_MS = 2_000;
// Each commit writes the pages of every index that the transaction has changed, and waits for the disk.
const TRANSACTION_MS = 1_000;
// Who waits for the write lock asks for it 100 ms apart (SQLite's own busy handler): so long, each of them asks once.
const REST_MS = 150;

interface Deleting {
  readonly table: Table;
  readonly way: Way;
  readonly predicate: Predicate;
  readonly expired: Sql;
  readonly dependants: Dependants;
  /** Undefined where expired rows may stay, or have no rowid. */
  readonly found: Found | undefined;
  readonly look: Query;
  readonly send: Query;
}

export async function openWalk(statements: Statements, table: Table, predicate: Predicate): Promise<Walk<KeyStep>> {
  const plan = statements.query('reading the plan');
  const way = await chooseWay(plan, table, predicate);
  const { usedIndex, walk } = way;
  const dependants = await readDependants(plan, table.name);
  const found = mayKeepRows(dependants) ? undefined : await openFound(statements, table, way);
  const deleting: Deleting = {
    table,
    way,
    predicate,
    expired: all(predicate.range, predicate.guard),
    dependants,
    found,
    look: statements.query('looking at the rows'),
    send: statements.query('deleting'),
  };
  const read = statements.query('reading the key');
  return {
    usedIndex,
    along: walk?.key.columns.map(({ name }) => name) ?? [],
    stepTargetMs: STEP_TARGET_MS,
    mostStepRows: found?.mostStepRows,
    transactionMs: TRANSACTION_MS,
    restMs: REST_MS,
    async nextStep(previous, rows) {
      return walk === undefined ? onlyStep(previous) : nextKeyStep(read, walk, previous, rows);
    },
    async *deleteExpired({ ranges }) {
      for (const part of ranges) yield* deletePart(deleting, (walk && rangeCondition(part, walk.key)) ?? WHOLE);
    },
  };
}

const WHOLE: Sql = { sql: '1', bindings: [] };

async function* deletePart(deleting: Deleting, part: Sql): AsyncGenerator<DeletedStep> {
  const { expired, dependants, look, way } = deleting;
  const deleted = await deleteTogether(deleting, part);
  if (deleted === undefined) yield* deleteOneByOne(deleting, all(part, expired));
  else yield { deleted, locked: 0 };
  if (deleted !== undefined && !mayKeepRows(dependants)) return;
  yield { deleted: 0, locked: await countRows(look, way.from, all(part, expired)) };
}

/** Whether expired rows may stay: others refer to them, or a trigger ignores them. */
function mayKeepRows(dependants: Dependants): boolean {
  return dependants.unreferenced !== undefined || dependants.mayKeepRows;
}

/** Undefined where the whole part stays, as rows refer to some of it. */
async function deleteTogether(deleting: Deleting, part: Sql): Promise<number | undefined> {
  const { expired, dependants, found, send } = deleting;
  if (found !== undefined) return tryDelete(send, () => found.deleteWhere(all(part, expired)));
  const condition = (await plainCondition(deleting, part)) ?? expired;
  return tryDelete(send, () => deleteWhere(deleting, all(part, condition, dependants.unreferenced)));
}

/**
 * A condition without function calls that holds for the expired rows of the part and for no other: for the sake of a
 * function call, SQLite would first copy each page that an earlier DELETE of the transaction has changed. The transaction
 * has the write lock, so what a look has shown stays so.
 */
async function plainCondition({ predicate, way, look }: Deleting, part: Sql): Promise<Sql | undefined> {
  const { range, guard, plain = [] } = predicate;
  if (guard === undefined) return undefined;
  for (const condition of plain) {
    const differs = {
      sql: `(${condition.sql}) IS NOT ((${guard.sql}) IS TRUE)`,
      bindings: [...condition.bindings, ...guard.bindings],
    };
    const { sql, bindings } = all(part, range, differs);
    const found = await look(`SELECT 1 AS one FROM ${way.from} WHERE ${sql} LIMIT 1`, bindings);
    if (found.length === 0) return condition;
  }
  return undefined;
}

async function deleteWhere({ way, send }: Deleting, { sql, bindings }: Sql): Promise<void> {
  await send(`DELETE FROM ${way.from} WHERE ${sql}`, bindings);
}

/** Undefined where a row stays, as others refer to it: none of the statement goes then. */
async function tryDelete(send: Query, doDelete: () => Promise<void>): Promise<number | undefined> {
  try {
    await doDelete();
  } catch (error) {
    // The statement alone is undone.
    if (isReferred(error)) return undefined;
    throw error;
  }
  // Nobody else uses this connection: these are the changes of that very statement.
  const [row] = await send('SELECT changes() AS deleted');
  return Number(row?.deleted);
}

/** Backwards: of rows that refer to each other, the older are referred to. */
async function* deleteOneByOne(deleting: Deleting, expired: Sql): AsyncGenerator<DeletedStep> {
  const { table, look, send } = deleting;
  const { rowKey } = table;
  if (rowKey === undefined) return;
  const order = rowKey.columns.map(({ sql }) => `${sql} DESC`).join(', ');
  const rows = await look(
    `SELECT ${selectKey(rowKey)} FROM ${table.sql} WHERE ${expired.sql} ORDER BY ${order}`,
    expired.bindings,
  );
  for (const row of rows) {
    const isRow = rangeCondition({ equal: positionOf(rowKey, row) }, rowKey);
    const deleted = await tryDelete(send, () => deleteWhere(deleting, all(isRow, expired)));
    yield { deleted: deleted ?? 0, locked: 0 };
  }
}
