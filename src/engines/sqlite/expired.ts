// The condition "expired" on SQLite.
import { type Cutoff, dateTimeText, dayBeyond, digitText, julianDay } from '../../expiry/cutoff.js';
import {
  type ColumnFormat,
  FIRST_JULIAN_DAY,
  FIRST_MILLISECONDS,
  JULIAN_DAYS_END,
  type StoredAs,
} from '../../expiry/format.js';
import type { Predicate, Table } from '../engine.js';
import { all, either, type Sql } from '../sql.js';

export function expired(table: Table, { format, storedAs }: ColumnFormat, cutoff: Cutoff): Predicate {
  const { expires, lifetime } = table;
  const [first, second] = storedAs.map((stored) => {
    const { range, guard, plain } = storedPredicate(expires, format, stored, cutoff);
    if (lifetime === undefined) return { range, guard, plain };
    return { range, guard: all(guard, livedThrough(expires, lifetime, format, stored, cutoff)) };
  });
  if (first === undefined || second === undefined)
    return first ?? { range: { sql: '0', bindings: [] }, guard: undefined };
  return { range: either(all(first.range, first.guard), all(second.range, second.guard)), guard: undefined };
}

function storedPredicate(
  column: string,
  format: ColumnFormat['format'],
  storedAs: StoredAs,
  cutoff: Cutoff,
): Predicate {
  const milliseconds = cutoff.instant.getTime();
  if (storedAs === 'text') {
    if (format === 'datetime') return dateTimeTextPredicate(column, cutoff);
    return format === 'unix'
      ? digitsPredicate(column, 10, milliseconds / 1000)
      : digitsPredicate(column, 13, milliseconds);
  }
  if (format === 'julian') {
    return {
      range: { sql: `${column} >= ? AND ${column} <= ?`, bindings: [FIRST_JULIAN_DAY, julianDay(cutoff.instant)] },
      guard: { sql: `${isNumber(column)} AND ${isReal(column)}`, bindings: [] },
    };
  }
  if (format === 'unix-ms') {
    return {
      range: { sql: `${column} >= ? AND ${column} <= ?`, bindings: [FIRST_MILLISECONDS, milliseconds] },
      guard: { sql: isNumber(column), bindings: [] },
    };
  }
  const seconds = Math.min(milliseconds / 1000, FIRST_MILLISECONDS - 1);
  return {
    range: { sql: `${column} > 0 AND ${column} <= ?`, bindings: [seconds] },
    guard: {
      sql: `${isNumber(column)} AND (${column} NOT BETWEEN ? AND ? OR NOT ${isReal(column)})`,
      bindings: [FIRST_JULIAN_DAY, JULIAN_DAYS_END],
    },
  };
}

// Without a function call: for the sake of one in its WHERE, a DELETE first copies each page that an earlier one of the
// transaction has changed. Numbers are below every text, texts below every BLOB, and a `+` keeps the column's declared
// type from making a number of a text.
const isNumber = (column: string): string => `+${column} < ''`;
const isText = (column: string): string => `+${column} >= '' AND +${column} < x''`;
/** Of a number. Half of an INTEGER 1 is 0. */
const isReal = (column: string): string => `(${column} * 0 + 1) / 2 > 0`;

function digitsPredicate(column: string, digits: number, high: number): Predicate {
  const number = `CAST(${column} AS INTEGER)`;
  return {
    range: { sql: `${column} >= ? AND ${column} <= ?`, bindings: ['1', digitText(high, digits)] },
    guard: {
      sql:
        `${isText(column)} AND ${number} >= ${10 ** (digits - 1)} AND ${number} < ${10 ** digits} ` +
        `AND CAST(${number} AS TEXT) = ${column} COLLATE BINARY`,
      bindings: [],
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
  const onWallClock = {
    sql: `CASE WHEN ${isZoned(column)} THEN ${notAfterCutoff} ELSE ${notAfterCutoff}${skipped} END`,
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
  const texts = [...new Set([wallText, cutoffText])].flatMap((text) => [text, text.replace(' ', 'T')]);
  return {
    range: { sql: `${column} >= ? AND ${column} < ?`, bindings: [FIRST_DAY, dayBeyond(instant)] },
    guard: {
      sql:
        `typeof(${column}) = 'text' AND instr(${column}, char(0)) = 0 ` +
        `AND ${column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]*' ` +
        `AND substr(${column}, -1) GLOB '[0-9Z]' AND ${expired.sql}`,
      bindings: expired.bindings,
    },
    plain: texts.map((text) => ({ sql: `${column} >= ? AND ${column} <= ?`, bindings: [FIRST_DAY, text] })),
  };
}

const FIRST_DAY = '1970-01-01';

/** The time in the column and the lifetime after it are past. Only a positive number is a lifetime. */
function livedThrough(
  column: string,
  lifetime: string,
  format: ColumnFormat['format'],
  storedAs: StoredAs,
  { instant, leastWallClock }: Cutoff,
): Sql {
  const isLifetime = `${isNumber(lifetime)} AND ${lifetime} > 0`;
  const milliseconds = instant.getTime();
  const past = (sql: string, ...bindings: readonly (number | string)[]): Sql => ({
    sql: `${isLifetime} AND ${sql}`,
    bindings,
  });
  const number = storedAs === 'text' ? `CAST(${column} AS INTEGER)` : column;
  if (format === 'unix') return past(`${number} + ${lifetime} <= ?`, milliseconds / 1000);
  if (format === 'unix-ms') return past(`${number} + ${lifetime} * 1000 <= ?`, milliseconds);
  // The difference first: a double holds a Julian day to the millisecond, and no sum of one.
  if (format === 'julian') return past(`(${column} - ?) * 86400.0 + ${lifetime} <= 0`, julianDay(instant));
  // What is finer than a millisecond is rounded by julianday().
  const before = `(julianday(${column}) - julianday(?)) * 86400.0 + ${lifetime} + 0.001 <= 0`;
  return past(
    `CASE WHEN ${isZoned(column)} THEN ${before} ELSE ${before} END`,
    dateTimeText(milliseconds),
    dateTimeText(leastWallClock),
  );
}

function isZoned(column: string): string {
  return `substr(${column}, -1) = 'Z' OR (length(${column}) > 16 AND substr(${column}, -6, 1) IN ('+', '-'))`;
}
