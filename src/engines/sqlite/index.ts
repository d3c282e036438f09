// SQLite: opening without creating, catalogue, predicate, interrupting. Nothing here knows of the walk or of outcomes.
import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CleanupError } from '../../errors.js';
import {
  type Cutoff,
  dateTimeText,
  dayBeyond,
  digitText,
  FIRST_JULIAN_DAY,
  FIRST_MILLISECONDS,
  type Fit,
  JULIAN_DAYS_END,
  julianDay,
  type StoredAs,
} from '../../expiry/format.js';
import { storeHint } from '../../stores.js';
import type { SqliteTarget } from '../database-url.js';
import type { Binding, CreateDialect, Dialect, Fault, Key, Predicate, Query, Sql, Table } from '../engine.js';
import { REFERRED_HINT } from '../findings.js';
import { examineSqlite } from './examine.js';

// While SQLite waits for a lock it cannot be interrupted: it waits in short spells, and the run decides between them.
const BUSY_TIMEOUT_MS = 200;

const HINTS: Readonly<Record<string, string>> = {
  SQLITE_READONLY: 'Run it as a user who may write the file and its folder.',
  SQLITE_FULL: 'Free some disk space: deleting needs room for the journal.',
  SQLITE_CORRUPT: 'The file is damaged: check it with PRAGMA integrity_check.',
};

export const createSqlite: CreateDialect<SqliteTarget> = (target, names): Dialect => ({
  async knexConfig() {
    const path = resolve(target.path);
    checkFile(path, target.shown);
    return {
      client: 'sqlite3',
      useNullAsDefault: true,
      connection: {
        // Only mode=rw in a URI keeps the driver from creating the file, whatever the flags say.
        filename: `file:${encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23')}?mode=rw`,
        flags: ['OPEN_URI', 'OPEN_READWRITE'],
      },
    };
  },
  quote,
  rows: (result) => result as Record<string, unknown>[],

  async prepare(query) {
    await query(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // Off on a new connection: without it the children of a deleted row stay behind.
    await query('PRAGMA foreign_keys = ON');
  },
  // The write lock of the transaction is lock enough.
  async lock() {},
  async unlock() {},
  async clock() {
    return undefined;
  },
  async aheadOfUtcMs() {
    return 0;
  },

  async readTable(query) {
    const [found] = await query(
      `SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE`,
      [names.table],
    );
    if (found === undefined) {
      const others = await query(`SELECT name FROM sqlite_schema WHERE type = 'table'`);
      const stores = storeHint(
        others.map(({ name }) => String(name)),
        'sqlite',
      );
      throw new CleanupError('refused', `there is no table ${names.table}`, {
        code: 'NO_TABLE',
        hint: `${stores}Check --table and the path in the URL.`,
      });
    }
    if (found.type !== 'table') {
      throw new CleanupError('refused', `${names.table} is not a table but a ${found.type}`, {
        code: 'NOT_A_TABLE',
        hint: 'Name the table behind it with --table.',
      });
    }
    const table = String(found.name);
    const columns = await query('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?) ORDER BY pk', [
      table,
    ]);
    const column = columns.find(({ name }) => String(name).toLowerCase() === names.expiresColumn.toLowerCase());
    if (column === undefined) {
      throw new CleanupError('refused', `the table ${table} has no column ${names.expiresColumn}`, {
        code: 'NO_COLUMN',
        hint: 'Check --expires-column.',
      });
    }
    const expiresColumn = String(column.name);
    const rowKey = readRowKey(columns, found.wr === 1);
    return {
      name: table,
      sql: quote(table),
      expiresColumn,
      declaredType: String(column.type),
      storedAs: undefined,
      rowKey,
      expiresIndexes: await readExpiresIndexes(query, table, expiresColumn, rowKey),
    };
  },

  zero: '0',
  sampleColumns: ({ expiresColumn }) => `${quote(expiresColumn)} AS value, typeof(${quote(expiresColumn)}) AS storage`,
  sampled: ({ value, storage }) => ({
    value,
    storage: storage === 'integer' || storage === 'real' || storage === 'text' ? storage : 'other',
  }),

  predicate(table, { format, storedAs }, cutoff) {
    const column = quote(table.expiresColumn);
    const [first, second] = storedAs.map((stored) => storedPredicate(column, format, stored, cutoff));
    if (first === undefined || second === undefined)
      return first ?? { range: { sql: '0', bindings: [] }, guard: undefined };
    return { range: either(whole(first), whole(second)), guard: undefined };
  },

  async deleteIndex(query, table, where) {
    const plan = await query(`EXPLAIN QUERY PLAN DELETE FROM ${table.sql} WHERE ${where.sql}`, where.bindings);
    const used = plan.map(({ detail }) => / USING (?:COVERING )?INDEX (.+?) \(/.exec(String(detail))?.[1]);
    return used.find((index) => index !== undefined);
  },

  examine: (query, table) => examineSqlite(query, resolve(target.path), table),

  // A deferred transaction that reads and then writes fails at once where another writer is at work.
  begin: 'BEGIN IMMEDIATE',
  from: (table, index) => (index === '' ? table.sql : `${table.sql} INDEXED BY ${quote(index)}`),
  deletePast: undefined,

  async cancel(connection) {
    (connection as { interrupt(): void }).interrupt();
  },
  // Nobody else can write meanwhile anyway, and each DELETE but the first keeps copies of all pages that it changes, in
  // case that it has to be undone alone.
  stepTargetMs: 1_000,
  // An interrupted DELETE takes its whole transaction with it.
  cancelKeepsTransaction: false,
  // It cannot commit while others read.
  commitKeepsTransaction: true,
  destroy() {},
  classify,
});

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""').replaceAll('?', '\\?')}"`;
}

function checkFile(path: string, shown: string): void {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch (cause) {
    throw new CleanupError('unavailable', `${shown} cannot be opened`, {
      code: (cause as NodeJS.ErrnoException).code,
      hint: 'Check the path and its permissions; session-cleanup never creates a database.',
      cause,
    });
  }
  if (!stats.isFile()) {
    throw new CleanupError('unavailable', `${shown} is not a file`, {
      code: 'SQLITE_CANTOPEN',
      hint: 'Check the path.',
    });
  }
}

const same = (value: unknown): Binding => value as Binding;

/** The rowid under a name that no column has taken, or the primary key of a table without one. */
function readRowKey(columns: readonly Record<string, unknown>[], withoutRowid: boolean): Key | undefined {
  if (withoutRowid) {
    const parts = columns.filter(({ pk }) => Number(pk) > 0);
    return { index: '', columns: parts.map(({ name }) => ({ name: String(name), fromStored: same })) };
  }
  const taken = new Set(columns.map(({ name }) => String(name).toLowerCase()));
  const rowid = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  return rowid === undefined ? undefined : { index: '', columns: [{ name: rowid, fromStored: same }] };
}

async function readExpiresIndexes(
  query: Query,
  table: string,
  expiresColumn: string,
  rowKey: Key | undefined,
): Promise<Table['expiresIndexes']> {
  const parts = await query(
    `SELECT list.name AS "index", info.name AS name, info.coll AS collation FROM pragma_index_list(?) AS list, ` +
      `pragma_index_xinfo(list.name) AS info WHERE info.key = 1 ORDER BY list.name, info.seqno`,
    [table],
  );
  const indexes = new Map<string, Record<string, unknown>[]>();
  for (const part of parts) indexes.set(String(part.index), [...(indexes.get(String(part.index)) ?? []), part]);
  return [...indexes]
    .filter(([, own]) => own[0]?.name === expiresColumn)
    .sort(([, a], [, b]) => a.length - b.length)
    .map(([index]) => {
      // Other columns in it may be NULL or have a collation of their own; the expiry and the row key suffice.
      const tail = rowKey?.columns.filter(({ name }) => name !== expiresColumn) ?? [];
      return { index, key: { index, columns: [{ name: expiresColumn, fromStored: same }, ...tail] } };
    });
}

function whole({ range, guard }: Predicate): Sql {
  if (guard === undefined) return range;
  return { sql: `${range.sql} AND ${guard.sql}`, bindings: [...range.bindings, ...guard.bindings] };
}

function either(a: Sql, b: Sql): Sql {
  return { sql: `((${a.sql}) OR (${b.sql}))`, bindings: [...a.bindings, ...b.bindings] };
}

function storedPredicate(column: string, format: Fit['format'], storedAs: StoredAs, cutoff: Cutoff): Predicate {
  const milliseconds = cutoff.instant.getTime();
  if (storedAs === 'text') {
    if (format === 'datetime') return dateTimeTextPredicate(column, cutoff);
    const [digits, high] = format === 'unix' ? [10, milliseconds / 1000] : [13, milliseconds];
    return {
      range: { sql: `${column} >= ? AND ${column} <= ?`, bindings: ['1', digitText(high, digits)] },
      guard: {
        sql: `typeof(${column}) = 'text' AND length(CAST(${column} AS BLOB)) = ${digits} AND ${column} NOT GLOB '*[^0-9]*'`,
        bindings: [],
      },
    };
  }
  if (format === 'julian') {
    return {
      range: { sql: `${column} >= ? AND ${column} <= ?`, bindings: [FIRST_JULIAN_DAY, julianDay(cutoff.instant)] },
      guard: { sql: `typeof(${column}) = 'real'`, bindings: [] },
    };
  }
  if (format === 'unix-ms') {
    return {
      range: { sql: `${column} >= ? AND ${column} <= ?`, bindings: [FIRST_MILLISECONDS, milliseconds] },
      guard: { sql: `typeof(${column}) IN ('integer', 'real')`, bindings: [] },
    };
  }
  const seconds = Math.min(milliseconds / 1000, FIRST_MILLISECONDS - 1);
  return {
    range: { sql: `${column} > 0 AND ${column} <= ?`, bindings: [seconds] },
    guard: {
      sql: `(typeof(${column}) = 'integer' OR typeof(${column}) = 'real' AND ${column} NOT BETWEEN ? AND ?)`,
      bindings: [FIRST_JULIAN_DAY, JULIAN_DAYS_END],
    },
  };
}

/**
 * SQLite's date functions read "now", bare numbers and bare times too, so the shape comes first; the rest of it they
 * check themselves and answer NULL. julianday() of two texts differs exactly where they differ by a millisecond.
 */
function dateTimeTextPredicate(column: string, { instant, wallClock: { notAfter, except } }: Cutoff): Predicate {
  const moment = `julianday(${column})`;
  // What is finer than a millisecond has been rounded away: at the very millisecond of a limit it may lie after it.
  const finer = `rtrim(${column}, '0') GLOB '*.[0-9][0-9][0-9][0-9]*'`;
  const notAfterCutoff = `(${moment} < julianday(?) OR (${moment} = julianday(?) AND NOT ${finer}))`;
  const [cutoffText, wallText] = [dateTimeText(instant.getTime()), dateTimeText(notAfter)];
  const isAfter = `(${moment} > julianday(?) OR (${moment} = julianday(?) AND ${finer}))`;
  const skipped = except === undefined ? '' : ` AND NOT (${isAfter} AND ${moment} < julianday(?))`;
  const isZoned = `substr(${column}, -1) = 'Z' OR (length(${column}) > 16 AND substr(${column}, -6, 1) IN ('+', '-'))`;
  const onWallClock = {
    sql: `CASE WHEN ${isZoned} THEN ${notAfterCutoff} ELSE ${notAfterCutoff}${skipped} END`,
    bindings: [
      cutoffText,
      cutoffText,
      wallText,
      wallText,
      ...(except === undefined ? [] : [except.after, except.after, except.before].map(dateTimeText)),
    ],
  };
  // Where the wall clock shows UTC both are the same, and a quarter of the time is saved.
  const inUtc = { sql: notAfterCutoff, bindings: [cutoffText, cutoffText] };
  const expired = wallText === cutoffText && except === undefined ? inUtc : onWallClock;
  return {
    range: { sql: `${column} >= ? AND ${column} < ?`, bindings: ['1970-01-01', dayBeyond(instant)] },
    guard: {
      sql:
        `typeof(${column}) = 'text' AND instr(${column}, char(0)) = 0 ` +
        `AND ${column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]*' ` +
        `AND substr(${column}, -1) GLOB '[0-9Z]' AND ${expired.sql}`,
      bindings: expired.bindings,
    },
  };
}

function classify(error: unknown): Fault {
  const { code, message = '' } = error as { code?: string; message?: string };
  // A trigger's RAISE has the same code.
  const isReferred = code === 'SQLITE_CONSTRAINT' && message.includes('FOREIGN KEY');
  const hint = isReferred ? REFERRED_HINT : code === undefined ? undefined : HINTS[code];
  if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') return { kind: 'locked', code, hint };
  if (code === 'SQLITE_CANTOPEN' || code === 'SQLITE_NOTADB') {
    return { kind: 'unavailable', code, hint: 'Check that the path names a SQLite database and who may read it.' };
  }
  return { kind: code === 'SQLITE_INTERRUPT' ? 'rolled-back' : 'failed', code, hint };
}
