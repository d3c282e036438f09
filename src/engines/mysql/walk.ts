// Which way a run goes through a table on MySQL and MariaDB, and the steps of each way. What is done in a step is deleting.ts.
import type { DeletedStep } from '../../cleanup/port.js';
import type { Key, Predicate, Table, Walk } from '../engine.js';
import { type KeyValue, type Position, rangeCondition, rangesBetween } from '../key-ranges.js';
import { type KeyStep, type KeyWay, nextKeyStep, onlyStep, orderAfter, positionOf, selectKey } from '../key-walk.js';
import { LARGE_TABLE_ROWS, randomStart } from '../random-start.js';
import { all, type Binding, type Query, type Sql, type Statements, whereClause } from '../sql.js';
import { createDeleting, type Deleting, deleteRange, deleteRows, deleteWaiting, readsKeys } from './deleting.js';
import { indexed } from './keys.js';
import { textOf } from './rows.js';
import type { Server } from './server.js';

// Where it meets a locked row, or has to be cancelled, only so much is done again.
const STEP_TARGET_MS = 200;
// A commit takes a few milliseconds.
const TRANSACTION_MS = 100;
/** Keys that are read at once along an index. More are hardly faster, and leave more memory behind. */
const READ_ROWS = 1_000;
/** Rows of a step along the rows' own key, where it reads the keys of the expired ones among them. */
const RANGE_ROWS = 2_000;
/** Keys that are read at once where no index leads from one step to the next. */
const POOL_ROWS = 50_000;

/** Rows that were found expired, by what tells them apart. */
interface FoundStep extends KeyStep {
  readonly rows: readonly Position[];
  /** Found and left, so far: a step that reads on where this one ended does not take them again. */
  readonly left: Set<string>;
  /** Found besides, for the steps to come; undefined where each step reads its own. */
  readonly pool?: readonly Position[];
  readonly isLast: boolean;
}

interface Way<Step> extends Pick<Walk<Step>, 'along' | 'mostStepRows'> {
  next(previous: Step | undefined, rows: number): Promise<Step | undefined>;
  deleteExpired(step: Step): AsyncIterable<DeletedStep>;
}

export async function openWalk(
  statements: Statements,
  table: Table,
  predicate: Predicate,
  server: Server,
): Promise<Walk<KeyStep>> {
  const expired = all(predicate.range, predicate.guard);
  const usedIndex = await deleteIndex(statements.query('reading the plan'), table, expired);
  const read = statements.query('reading the key');
  const deleting = createDeleting(statements, table, expired, server);
  const { next, ...way } = await openWay(read, table, predicate, usedIndex, deleting);
  return {
    ...way,
    usedIndex,
    stepTargetMs: STEP_TARGET_MS,
    transactionMs: TRANSACTION_MS,
    // Whoever waited for a row has it as soon as it is free.
    restMs: 0,
    nextStep: next,
  };
}

/** The index by which the server would run the DELETE of itself; undefined for a scan. */
async function deleteIndex(query: Query, table: Table, { sql, bindings }: Sql): Promise<string | undefined> {
  const [plan] = await query(`EXPLAIN FORMAT=TRADITIONAL DELETE FROM ${table.sql} WHERE ${sql}`, bindings);
  return plan?.type === 'ALL' || plan?.key == null ? undefined : String(plan.key);
}

async function openWay(
  read: Query,
  table: Table,
  predicate: Predicate,
  usedIndex: string | undefined,
  deleting: Deleting,
): Promise<Way<KeyStep>> {
  const { rowKey, storageKey, expiresIndexes } = table;
  const used = expiresIndexes.find(({ index }) => index === usedIndex)?.key;
  const alongExpiry = used ?? expiresIndexes.find(({ key }) => key !== undefined)?.key;
  if (storageKey === undefined) return rangesWay(read, table, predicate, alongExpiry ?? rowKey, deleting);
  if (used === undefined && rowKey?.index === storageKey.index) {
    return rangesWay(read, table, predicate, rowKey, deleting);
  }
  const walked = alongExpiry ?? rowKey;
  const way =
    walked === undefined
      ? poolWay(read, table, storageKey, predicate, deleting)
      : foundWay(read, table, { walked, storageKey }, predicate, deleting);
  return way as Way<KeyStep>;
}

/** Along the key that the rows are stored by, or where they are not told apart: what lies between two rows goes at once. */
async function rangesWay(
  read: Query,
  table: Table,
  { range, guard }: Predicate,
  walked: Key | undefined,
  deleting: Deleting,
): Promise<Way<KeyStep>> {
  const way = walked && (await openKeyWay(read, table, walked, range));
  const deletePart = deleting.key === undefined ? deleteWaiting : deleteRange;
  return {
    along: walked?.columns.map(({ name }) => name) ?? [],
    mostStepRows: readsKeys(deleting) ? RANGE_ROWS : undefined,
    async next(previous, rows) {
      return way === undefined ? onlyStep(previous) : nextKeyStep(read, way, previous, rows);
    },
    async *deleteExpired({ ranges }) {
      for (const part of ranges) {
        yield* deletePart(deleting, all(walked && rangeCondition(part, walked), range, guard));
      }
    },
  };
}

async function openKeyWay(query: Query, table: Table, key: Key, range: Sql): Promise<KeyWay> {
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

/** Along any other index: what it leads to is read, and then deleted by the key that the rows are stored by. */
function foundWay(
  read: Query,
  table: Table,
  { walked, storageKey }: { readonly walked: Key; readonly storageKey: Key },
  predicate: Predicate,
  deleting: Deleting,
): Way<FoundStep> {
  const reading = createReading(read, table, walked, storageKey, predicate);
  return {
    along: walked.columns.map(({ name }) => name),
    mostStepRows: READ_ROWS,
    async next(previous, rows) {
      if (previous?.isLast) return undefined;
      return walked.hasTies ? readTies(reading, previous, rows) : readAfter(reading, previous, rows);
    },
    deleteExpired: ({ rows, left }) => deleteRows(deleting, rows, left),
  };
}

/** How rows are read along an index. */
interface Reading {
  readonly query: Query;
  readonly walked: Key;
  readonly from: string;
  /** What is selected: the columns of the walk, then those of the rows' key that are not among them. */
  readonly selected: Key;
  /** Where each column of the rows' key is among these. */
  readonly places: readonly number[];
  /** Only such rows are read. */
  readonly walkedOver: Sql | undefined;
  /** Of the rows that are read: which are expired. */
  readonly judged: Sql | undefined;
}

function createReading(query: Query, table: Table, walked: Key, storageKey: Key, predicate: Predicate): Reading {
  const { range, guard } = predicate;
  const isExpiry = walked.columns[0]?.name === table.expiresColumn;
  const names = walked.columns.map(({ name }) => name);
  const columns = [...walked.columns, ...storageKey.columns.filter(({ name }) => !names.includes(name))];
  // Rows that share a place in the index are told apart by what is left of them: those that are not expired would stay.
  const walkedOver = walked.hasTies ? all(range, guard) : isExpiry ? range : undefined;
  const judged = walked.hasTies ? undefined : isExpiry ? guard : all(range, guard);
  return {
    query,
    walked,
    from: indexed(table, walked),
    selected: { ...walked, columns },
    places: storageKey.columns.map(({ name }) => columns.findIndex((column) => column.name === name)),
    walkedOver,
    judged,
  };
}

/** The next rows after a row, which no other row shares its place with. */
async function readAfter(
  reading: Reading,
  previous: FoundStep | undefined,
  rows: number,
): Promise<FoundStep | undefined> {
  const read: ReadRow[] = [];
  for (const range of rangesBetween(previous?.last, undefined, 0)) {
    const condition = rangeCondition(range, reading.walked);
    read.push(...(await readRows(reading, condition, orderAfter(reading.walked, range), rows - read.length)));
    if (read.length >= rows) break;
  }
  return read.length === 0 ? undefined : toStep(read, new Set(), read.length < rows);
}

/** The next rows from a value on, which other rows may have too: what is left of them is not taken again. */
async function readTies(
  reading: Reading,
  previous: FoundStep | undefined,
  rows: number,
): Promise<FoundStep | undefined> {
  const [column] = reading.walked.columns;
  const [value] = previous?.last ?? [];
  const from =
    value === undefined
      ? undefined
      : { sql: `${column?.sql} >= ${column?.bound ?? '?'}`, bindings: [value as Binding] };
  const left = new Set(previous?.left);
  const limit = rows + left.size;
  const read = await readRows(reading, from, `${column?.sql}`, limit);
  const others = read.filter(({ key }) => !left.has(textOf(key)));
  return others.length === 0 ? undefined : toStep(others, left, read.length < limit);
}

interface ReadRow {
  readonly position: Position;
  readonly key: Position;
  readonly isExpired: boolean;
}

async function readRows(
  { query, walked, from, selected, places, walkedOver, judged }: Reading,
  part: Sql | undefined,
  order: string,
  limit: number,
): Promise<readonly ReadRow[]> {
  const where = all(part, walkedOver);
  const judgement = judged === undefined ? '' : `, (${judged.sql}) AS session_cleanup_expired`;
  const select = (more: string): string =>
    `SELECT ${selectKey(selected)}${judgement}${more} FROM ${from}${whereClause(where)} ORDER BY ${order} LIMIT ?`;
  const bindings = [...(judged?.bindings ?? []), ...where.bindings, limit];
  // A column outside of the index costs a look at each row: half as much as deleting it.
  const outside = walked.outside !== undefined && (await readsAll(query, select(''), bindings));
  const rows = await query(select(outside ? `, ${walked.outside} AS session_cleanup_outside` : ''), bindings);
  return rows.map((row) => {
    const values = positionOf(selected, row);
    return {
      position: values.slice(0, walked.columns.length),
      key: places.map((place) => values[place] as KeyValue),
      isExpired: judged === undefined || Number(row.session_cleanup_expired) === 1,
    };
  });
}

/** Whether the server, of itself, would read the index from its beginning. */
async function readsAll(query: Query, sql: string, bindings: readonly Binding[]): Promise<boolean> {
  const [plan] = await query(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, bindings);
  return plan?.type === 'index';
}

function toStep(read: readonly ReadRow[], left: Set<string>, isLast: boolean): FoundStep {
  const rows = read.filter(({ isExpired }) => isExpired).map(({ key }) => key);
  return { ranges: [], last: read.at(-1)?.position, lap: 'first', rows, left, isLast };
}

/** No index leads anywhere: the keys of many expired rows are read at once, and deleted in steps. */
function poolWay(
  query: Query,
  table: Table,
  storageKey: Key,
  { range, guard }: Predicate,
  deleting: Deleting,
): Way<FoundStep> {
  const expired = all(range, guard);
  async function readPool(left: ReadonlySet<string>): Promise<{ pool: readonly Position[]; isAll: boolean }> {
    const limit = POOL_ROWS + left.size;
    const read = await query(`SELECT ${selectKey(storageKey)} FROM ${table.sql}${whereClause(expired)} LIMIT ?`, [
      ...expired.bindings,
      limit,
    ]);
    const pool = read.map((row) => positionOf(storageKey, row)).filter((key) => !left.has(textOf(key)));
    return { pool, isAll: read.length < limit };
  }
  return {
    along: storageKey.columns.map(({ name }) => name),
    async next(previous, rows) {
      const left = new Set(previous?.left);
      const isEmpty = (previous?.pool ?? []).length === 0;
      if (isEmpty && previous?.isLast) return undefined;
      const { pool, isAll } =
        previous?.pool === undefined || isEmpty
          ? await readPool(left)
          : { pool: previous.pool, isAll: previous.isLast };
      if (pool.length === 0) return undefined;
      const step = { ranges: [], last: undefined, lap: 'first', left, isLast: isAll } as const;
      return { ...step, rows: pool.slice(0, rows), pool: pool.slice(rows) };
    },
    deleteExpired: ({ rows, left }) => deleteRows(deleting, rows, left),
  };
}
