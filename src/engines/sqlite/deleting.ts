// How rows are deleted on SQLite: along the rowid, the primary key, or an index on the expiry.
import type { Key, Predicate, Table, Walk } from '../engine.js';
import { rangeCondition } from '../key-ranges.js';
import { type KeyStep, type KeyWay, nextKeyStep, onlyStep } from '../key-walk.js';
import { LARGE_TABLE_ROWS, randomStart } from '../random-start.js';
import { all, type Query, type Sql, type Statements } from '../sql.js';
import { quote } from './catalogue.js';

// Each DELETE but the first keeps copies of all pages that it changes, in case that it has to be undone alone: few large
// steps. But nobody else can write before the transaction that they are in ends.
const STEP_TARGET_MS = 400;
// Who waits for the write lock asks for it at most so far apart (SQLite's own busy handler).
const REST_MS = 100;

export async function openWalk(
  statements: Statements,
  table: Table,
  { range, guard }: Predicate,
): Promise<Walk<KeyStep>> {
  const expired = all(range, guard);
  const usedIndex = await deleteIndex(statements.query('reading the plan'), table, expired);
  const walked = table.expiresIndexes.find(({ index }) => index === usedIndex)?.key ?? table.rowKey;
  const from = walked === undefined ? table.sql : indexed(table, walked);
  const [read, send] = [statements.query('reading the key'), statements.query('deleting')];
  const way = walked && (await openWay(read, table, walked, range));
  return {
    usedIndex,
    along: walked?.columns.map(({ name }) => name) ?? [],
    stepTargetMs: STEP_TARGET_MS,
    restMs: REST_MS,
    async nextStep(previous, rows) {
      return way === undefined ? onlyStep(previous) : nextKeyStep(read, way, previous, rows);
    },
    async *deleteExpired({ ranges }) {
      for (const part of ranges) {
        const { sql, bindings } = all(walked && rangeCondition(part, walked), expired);
        await send(`DELETE FROM ${from} WHERE ${sql}`, bindings);
        // Nobody else uses this connection: these are the changes of that very statement.
        const [row] = await send('SELECT changes() AS deleted');
        yield { deleted: Number(row?.deleted), locked: 0 };
      }
    },
  };
}

async function openWay(query: Query, table: Table, key: Key, range: Sql): Promise<KeyWay> {
  const from = indexed(table, key);
  // Along the expiry only what can be expired is walked over; along the row key, everything.
  if (key.columns[0]?.name === table.expiresColumn) return { key, from, walkedOver: range, start: undefined };
  const [size] = await query(`SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${table.sql} LIMIT ${LARGE_TABLE_ROWS})`);
  const isLarge = Number(size?.count) >= LARGE_TABLE_ROWS;
  return { key, from, walkedOver: undefined, start: isLarge ? await randomStart(query, key, from) : undefined };
}

/** The index by which SQLite would run the DELETE of itself; undefined for a scan. */
async function deleteIndex(query: Query, table: Table, { sql, bindings }: Sql): Promise<string | undefined> {
  const plan = await query(`EXPLAIN QUERY PLAN DELETE FROM ${table.sql} WHERE ${sql}`, bindings);
  const used = plan.map(({ detail }) => / USING (?:COVERING )?INDEX (.+?) \(/.exec(String(detail))?.[1]);
  return used.find((index) => index !== undefined);
}

function indexed(table: Table, { index }: Key): string {
  return index === '' ? table.sql : `${table.sql} INDEXED BY ${quote(index)}`;
}
