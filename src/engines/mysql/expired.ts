// The condition "expired" on MySQL and MariaDB.
import { type Cutoff, dateTimeText, dayBeyond, digitText, julianDay } from '../../expiry/cutoff.js';
import { type ColumnFormat, FIRST_JULIAN_DAY, FIRST_MILLISECONDS, JULIAN_DAYS_END } from '../../expiry/format.js';
import type { Predicate, Table } from '../engine.js';
import type { Sql } from '../sql.js';

// A zero date means "never"; so does the epoch in some stores. The day after is the first that is a date in every zone.
const FIRST_DATE = '1970-01-02';
// CAST refuses a month 13 or an hour 25 by itself, a month 00 or an offset of 99 hours it does not.
const DATETIME_TEXT =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+){0,1}){0,1}' +
  '( {0,1}(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])){0,1}[|]$';

export function expired(
  table: Table,
  { format, storedAs: [storedAs] }: ColumnFormat,
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
    // The bar at the end keeps "$" from passing over a line break there.
    const shaped = (pattern: string): Sql => ({ sql: `CONCAT(${column}, '|') REGEXP ?`, bindings: [pattern] });
    if (format === 'unix')
      return { range: between('1', digitText(cutoff / 1000, 10)), guard: shaped('^[0-9]{10}[|]$') };
    if (format === 'unix-ms') return { range: between('1', digitText(cutoff, 13)), guard: shaped('^[0-9]{13}[|]$') };
    const shape = shaped(DATETIME_TEXT);
    const minutes = `(CASE SUBSTR(${column}, -6, 1) WHEN '-' THEN 1 ELSE -1 END) * (SUBSTR(${column}, -5, 2) * 60 + SUBSTR(${column}, -2))`;
    // MariaDB takes a CAST that fails for a zero date when it compares it; a function of one is NULL.
    const moment = (text: string, add = '0'): string =>
      `TIMESTAMPADD(MINUTE, ${add}, CAST(RTRIM(${text}) AS DATETIME(6)))`;
    const withoutLast = (length: number): string => `LEFT(${column}, CHAR_LENGTH(${column}) - ${length})`;
    const skipped = notSkipped(moment(column));
    return {
      range: { sql: `${column} >= '1970-01-01' AND ${column} < ?`, bindings: [dayBeyond(instant)] },
      guard: {
        sql:
          `${shape.sql} AND CASE WHEN RIGHT(${column}, 1) = 'Z' THEN ${moment(withoutLast(1))} <= ? ` +
          `WHEN SUBSTR(${column}, -6, 1) IN ('+', '-') THEN ${moment(withoutLast(6), minutes)} <= ? ` +
          `ELSE ${moment(column)} <= ?${skipped === undefined ? '' : ` AND ${skipped.sql}`} END`,
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
