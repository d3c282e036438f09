// The condition "expired" on MySQL and MariaDB.
import { type Cutoff, dateTimeText, dayBeyond, digitText, julianDay } from '../../expiry/cutoff.js';
import {
  type ColumnFormat,
  FIRST_JULIAN_DAY,
  FIRST_MILLISECONDS,
  JULIAN_DAYS_END,
  type StoredAs,
} from '../../expiry/format.js';
import type { Predicate, Table } from '../engine.js';
import { all, type Sql } from '../sql.js';

// A zero date means "never"; so does the epoch in some stores. The day after is the first that is a date in every zone.
const FIRST_DATE = '1970-01-02';
// CAST refuses a month 13 or an hour 25 by itself, a month 00 or an offset of 99 hours it does not.
const DATETIME_TEXT =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+){0,1}){0,1}' +
  '( {0,1}(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])){0,1}[|]$';

/** A text as a text: the bytes of a BINARY or VARBINARY, of which a pattern or a CAST takes none, are characters of latin1. */
export function textOf(column: string, declaredType: string): string {
  return /binary/.test(declaredType) ? `CONVERT(${column} USING latin1)` : column;
}

export function expired(table: Table, { format, storedAs: [storedAs] }: ColumnFormat, cutoff: Cutoff): Predicate {
  const { range, guard } = elapsed(table, format, storedAs, cutoff);
  if (table.lifetime === undefined) return { range, guard };
  return { range, guard: all(guard, livedThrough(table, table.lifetime, format, storedAs, cutoff)) };
}

/** The time in the column is past. */
function elapsed(
  table: Table,
  format: ColumnFormat['format'],
  storedAs: StoredAs | undefined,
  { instant, wallClock }: Cutoff,
): Predicate {
  const column = table.expires;
  const between = (low: string | number, high: string | number): Sql => ({
    sql: `${column} >= ? AND ${column} <= ?`,
    bindings: [low, high],
  });
  const cutoff = instant.getTime();
  const { notAfter, except } = wallClock;
  const notSkipped = (expression: string): Sql | undefined =>
    except && {
      sql: `NOT (${expression} > ? AND ${expression} < ?)`,
      bindings: [dateTimeText(except.after), dateTimeText(except.before)],
    };
  if (storedAs === 'instant') return { range: between(FIRST_DATE, dateTimeText(cutoff)), guard: undefined };
  // Where the server allows it, 2001-00-00 is stored and is smaller than 2001-01-01, but is no day.
  const isDay: Sql = { sql: `TO_DAYS(${column}) IS NOT NULL`, bindings: [] };
  if (storedAs === 'wall-clock') {
    const skipped = notSkipped(column);
    const guard = skipped && { sql: `${isDay.sql} AND ${skipped.sql}`, bindings: skipped.bindings };
    return { range: between(FIRST_DATE, dateTimeText(notAfter)), guard: guard ?? isDay };
  }
  if (storedAs === 'date') {
    const today = dateTimeText(notAfter).slice(0, 10);
    return { range: { sql: `${column} >= ? AND ${column} < ?`, bindings: [FIRST_DATE, today] }, guard: isDay };
  }
  if (storedAs === 'text') {
    const text = textOf(column, table.declaredType);
    // The bar at the end keeps "$" from passing over a line break there.
    const shaped = (pattern: string): Sql => ({ sql: `CONCAT(${text}, '|') REGEXP ?`, bindings: [pattern] });
    if (format === 'unix')
      return { range: between('1', digitText(cutoff / 1000, 10)), guard: shaped('^[0-9]{10}[|]$') };
    if (format === 'unix-ms') return { range: between('1', digitText(cutoff, 13)), guard: shaped('^[0-9]{13}[|]$') };
    const shape = shaped(DATETIME_TEXT);
    const { moment, zulu, shifted } = textMoments(text);
    const skipped = notSkipped(moment);
    return {
      range: { sql: `${column} >= '1970-01-01' AND ${column} < ?`, bindings: [dayBeyond(instant)] },
      guard: {
        sql:
          `${shape.sql} AND CASE WHEN RIGHT(${text}, 1) = 'Z' THEN ${zulu} <= ? ` +
          `WHEN SUBSTR(${text}, -6, 1) IN ('+', '-') THEN ${shifted} <= ? ` +
          `ELSE ${moment} <= ?${skipped === undefined ? '' : ` AND ${skipped.sql}`} END`,
        bindings: [
          ...shape.bindings,
          dateTimeText(cutoff),
          dateTimeText(cutoff),
          dateTimeText(notAfter),
          ...(skipped?.bindings ?? []),
        ],
      },
    };
  }
  if (format === 'julian') return { range: between(FIRST_JULIAN_DAY, julianDay(instant)), guard: undefined };
  if (format === 'unix-ms') return { range: between(FIRST_MILLISECONDS, cutoff), guard: undefined };
  const seconds = Math.min(cutoff / 1000, FIRST_MILLISECONDS - 1);
  const whole = /int/.test(table.declaredType);
  return {
    range: { sql: `${column} > 0 AND ${column} <= ?`, bindings: [whole ? Math.floor(seconds) : seconds] },
    guard: whole ? undefined : { sql: `${column} NOT BETWEEN ? AND ?`, bindings: [FIRST_JULIAN_DAY, JULIAN_DAYS_END] },
  };
}

/** A text of the right shape as a DATETIME: as it is written, and in UTC where it ends in Z or an offset. */
function textMoments(column: string): { readonly moment: string; readonly zulu: string; readonly shifted: string } {
  const minutes = `(CASE SUBSTR(${column}, -6, 1) WHEN '-' THEN 1 ELSE -1 END) * (SUBSTR(${column}, -5, 2) * 60 + SUBSTR(${column}, -2))`;
  // MariaDB takes a CAST that fails for a zero date when it compares it; a function of one is NULL.
  const moment = (text: string, add = '0'): string =>
    `TIMESTAMPADD(MINUTE, ${add}, CAST(RTRIM(${text}) AS DATETIME(6)))`;
  const withoutLast = (length: number): string => `LEFT(${column}, CHAR_LENGTH(${column}) - ${length})`;
  return { moment: moment(column), zulu: moment(withoutLast(1)), shifted: moment(withoutLast(6), minutes) };
}

// Three thousand years, in seconds. What is added beyond it could overflow; nobody means an end by it.
const LONGEST_LIFETIME = 100_000_000_000;

/** The time in the column and the lifetime after it are past. Only a positive number is a lifetime. */
function livedThrough(
  { expires: column, declaredType }: Table,
  lifetime: string,
  format: ColumnFormat['format'],
  storedAs: StoredAs | undefined,
  { instant, leastWallClock }: Cutoff,
): Sql {
  const past = (sql: string, ...bindings: readonly (number | string)[]): Sql => ({
    sql: `${lifetime} > 0 AND ${lifetime} < ${LONGEST_LIFETIME} AND ${sql}`,
    bindings,
  });
  const milliseconds = instant.getTime();
  const after = (moment: string): string => `TIMESTAMPADD(SECOND, CEILING(${lifetime}), ${moment}) <= ?`;
  if (storedAs === 'instant') return past(after(column), dateTimeText(milliseconds));
  if (storedAs === 'wall-clock') return past(after(column), dateTimeText(leastWallClock));
  if (storedAs === 'date') return past(after(`${column} + INTERVAL 1 DAY`), dateTimeText(leastWallClock));
  if (format === 'datetime') {
    const text = textOf(column, declaredType);
    const { moment, zulu, shifted } = textMoments(text);
    return past(
      `CASE WHEN RIGHT(${text}, 1) = 'Z' THEN ${after(zulu)} ` +
        `WHEN SUBSTR(${text}, -6, 1) IN ('+', '-') THEN ${after(shifted)} ELSE ${after(moment)} END`,
      ...[milliseconds, milliseconds, leastWallClock].map(dateTimeText),
    );
  }
  // Exact, and without the overflow of unsigned numbers.
  const [time, seconds] = [`CAST(${column} AS DECIMAL(50, 9))`, `CAST(${lifetime} AS DECIMAL(50, 9))`];
  if (format === 'unix') return past(`${time} + ${seconds} <= ?`, milliseconds / 1000);
  if (format === 'unix-ms') return past(`${time} + ${seconds} * 1000 <= ?`, milliseconds);
  return past(`(${time} - ?) * 86400 + ${seconds} <= 0`, julianDay(instant));
}
