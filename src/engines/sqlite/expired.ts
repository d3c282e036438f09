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
    const { range, guard } = storedPredicate(expires, format, stored, cutoff);
    if (lifetime === undefined) return { range, guard };
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

/** The time in the column and the lifetime after it are past. Only a positive number is a lifetime. */
function livedThrough(
  column: string,
  lifetime: string,
  format: ColumnFormat['format'],
  storedAs: StoredAs,
  { instant, leastWallClock }: Cutoff,
): Sql {
  const isLifetime = `typeof(${lifetime}) IN ('integer', 'real') AND ${lifetime} > 0`;
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
