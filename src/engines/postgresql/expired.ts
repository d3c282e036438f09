// The condition "expired" on PostgreSQL. Values of different types do not compare here: each is judged as its own.
import { type Cutoff, dateTimeText, dayBeyond, digitText, julianDay } from '../../expiry/cutoff.js';
import {
  type ColumnFormat,
  type ExpiresFormat,
  FIRST_JULIAN_DAY,
  FIRST_MILLISECONDS,
  JULIAN_DAYS_END,
  type StoredAs,
} from '../../expiry/format.js';
import type { Predicate, Table } from '../engine.js';
import { all, type Binding, type Sql } from '../sql.js';
import { withoutModifier } from './catalogue.js';

export function expired(table: Table, { format, storedAs: [storedAs] }: ColumnFormat, cutoff: Cutoff): Predicate {
  const { range, guard } = elapsed(table, format, storedAs, cutoff);
  if (table.lifetime === undefined) return { range, guard };
  return { range, guard: livedThrough(table, table.lifetime, all(range, guard), format, storedAs, cutoff) };
}

// -infinity and times before Christ are below every cutoff, and the epoch means "never" in some stores.
const FIRST_DATE = '1970-01-02';

/** The time in the column is past. */
function elapsed(table: Table, format: ExpiresFormat, storedAs: StoredAs | undefined, cutoff: Cutoff): Predicate {
  const { expires: column } = table;
  const { notAfter } = cutoff.wallClock;
  const between = (low: string, high: string, type: string): Sql => ({
    sql: `${column} >= ?::${type} AND ${column} <= ?::${type}`,
    bindings: [low, high],
  });
  if (storedAs === 'instant') {
    return { range: between(`${FIRST_DATE} 00:00Z`, zoned(cutoff.instant), 'timestamptz'), guard: undefined };
  }
  if (storedAs === 'wall-clock') {
    return { range: between(FIRST_DATE, dateTimeText(notAfter), 'timestamp'), guard: notSkipped(cutoff, column) };
  }
  if (storedAs === 'date') {
    const bindings = [FIRST_DATE, dateTimeText(notAfter).slice(0, 10)];
    return { range: { sql: `${column} >= ?::date AND ${column} < ?::date`, bindings }, guard: undefined };
  }
  if (storedAs === 'number') return numberElapsed(table, format, cutoff.instant);
  return format === 'datetime' ? dateTimeTextElapsed(column, cutoff) : digitsElapsed(column, format, cutoff.instant);
}

/** A time that the clock has just skipped may still lie ahead. */
function notSkipped({ wallClock: { except } }: Cutoff, expression: string): Sql | undefined {
  if (except === undefined) return undefined;
  const bindings = [dateTimeText(except.after), dateTimeText(except.before)];
  return { sql: `NOT (${expression} > ?::timestamp AND ${expression} < ?::timestamp)`, bindings };
}

function numberElapsed({ expires: column, declaredType }: Table, format: ExpiresFormat, instant: Date): Predicate {
  const type = withoutModifier(declaredType);
  const isWhole = /int/.test(type);
  // Said, for a number beyond the column's own type would be an error; and an index on any whole number compares with a
  // bigint, with a numeric or float8 it does not.
  const cast = isWhole ? 'bigint' : type;
  const limit = (value: number): Binding => (isWhole ? Math.floor(value) : value);
  const between = (low: number, high: number): Sql => ({
    sql: `${column} >= ?::${cast} AND ${column} <= ?::${cast}`,
    bindings: [low, limit(high)],
  });
  const milliseconds = instant.getTime();
  if (format === 'julian') return { range: between(FIRST_JULIAN_DAY, julianDay(instant)), guard: undefined };
  if (format === 'unix-ms') return { range: between(FIRST_MILLISECONDS, milliseconds), guard: undefined };
  const seconds = limit(Math.min(milliseconds / 1000, FIRST_MILLISECONDS - 1));
  const isNoDay = `${column} NOT BETWEEN ?::${cast} AND ?::${cast}`;
  return {
    range: { sql: `${column} > 0 AND ${column} <= ?::${cast}`, bindings: [seconds] },
    guard: isWhole ? undefined : { sql: isNoDay, bindings: [FIRST_JULIAN_DAY, JULIAN_DAYS_END] },
  };
}

/** Without the blanks at the end that a char(n) has for a pattern, and byte by byte, whatever the collation is. */
function plain(column: string): string {
  return `${column}::text COLLATE "C"`;
}

// For the texts: the range lets an index be used, in the order of its collation; the guard alone decides.

function digitsElapsed(column: string, format: ExpiresFormat, instant: Date): Predicate {
  const [digits, value] = format === 'unix' ? [10, instant.getTime() / 1000] : [13, instant.getTime()];
  const limit = digitText(value, digits);
  const text = plain(column);
  return {
    range: { sql: `${column} >= '1' AND ${column} <= ?`, bindings: [limit] },
    guard: {
      sql: `${text} ~ '^[0-9]{${digits}}$' AND ${text} >= '1' AND ${text} <= ?`,
      bindings: [limit],
    },
  };
}

// Only days that there are: a cast that fails would end the statement.
const DAY =
  '((19[7-9][0-9]|[2-9][0-9]{3})-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))' +
  '|(([2-9][0-9]|19)(0[48]|[2468][048]|[13579][26])|([2468][048]|[3579][26])00)-02-29)';
const TIME = '[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?';
const ZONE = '( ?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9]))?';
const DATETIME_TEXT = `^${DAY}${TIME}${ZONE}$`;

/** Of a text of that shape: whether it names its zone, and its time either way. */
function momentsOf(column: string) {
  const text = plain(column);
  return {
    isZoned: `(${text} LIKE '%Z' OR substr(${text}, length(${text}) - 5, 1) IN ('+', '-'))`,
    instant: `(${text})::timestamptz`,
    onWallClock: `(${text})::timestamp`,
  };
}

function dateTimeTextElapsed(column: string, cutoff: Cutoff): Predicate {
  const { isZoned, instant, onWallClock } = momentsOf(column);
  const skipped = notSkipped(cutoff, onWallClock);
  // Only CASE keeps the order: of conditions joined by AND, the planner takes the cheaper first.
  return {
    range: { sql: `${column} >= '1970-01-01' AND ${column} < ?`, bindings: [dayBeyond(cutoff.instant)] },
    guard: {
      sql:
        `CASE WHEN ${plain(column)} !~ ? THEN FALSE WHEN ${isZoned} THEN ${instant} <= ?::timestamptz ` +
        `ELSE ${onWallClock} <= ?::timestamp${skipped === undefined ? '' : ` AND ${skipped.sql}`} END`,
      bindings: [
        DATETIME_TEXT,
        zoned(cutoff.instant),
        dateTimeText(cutoff.wallClock.notAfter),
        ...(skipped?.bindings ?? []),
      ],
    },
  };
}

// Three thousand years, in seconds. What is added beyond it could overflow; nobody means an end by it.
const LONGEST_LIFETIME = 100_000_000_000;

/** The time in the column and the lifetime after it are past. Only a positive number is a lifetime. */
function livedThrough(
  { expires: column, declaredType }: Table,
  lifetime: string,
  past: Sql,
  format: ExpiresFormat,
  storedAs: StoredAs | undefined,
  cutoff: Cutoff,
): Sql {
  const { sql, bindings } = endElapsed(column, declaredType, lifetime, format, storedAs, cutoff);
  // What is no time, or no lifetime, is not to be calculated with: it could be an error.
  const hasLifetime = `${lifetime} > 0 AND ${lifetime} < ${LONGEST_LIFETIME}`;
  return {
    sql: `CASE WHEN ${hasLifetime} AND ${past.sql} THEN ${sql} ELSE FALSE END`,
    bindings: [...past.bindings, ...bindings],
  };
}

function endElapsed(
  column: string,
  declaredType: string,
  lifetime: string,
  format: ExpiresFormat,
  storedAs: StoredAs | undefined,
  { instant, leastWallClock }: Cutoff,
): Sql {
  const end = (moment: string, type: string): string =>
    `${moment} + ceil(${lifetime}) * INTERVAL '1 second' <= ?::${type}`;
  const onWallClock = (moment: string): Sql => ({
    sql: end(moment, 'timestamp'),
    bindings: [dateTimeText(leastWallClock)],
  });
  if (storedAs === 'instant') return { sql: end(column, 'timestamptz'), bindings: [zoned(instant)] };
  if (storedAs === 'wall-clock') return onWallClock(column);
  if (storedAs === 'date') return onWallClock(`(${column} + 1)`);
  if (format === 'datetime') {
    const moments = momentsOf(column);
    const otherwise = onWallClock(moments.onWallClock);
    return {
      sql: `CASE WHEN ${moments.isZoned} THEN ${end(moments.instant, 'timestamptz')} ELSE ${otherwise.sql} END`,
      bindings: [zoned(instant), ...otherwise.bindings],
    };
  }
  // A numeric made of a float8 has fewer digits than that.
  const type = declaredType === 'double precision' ? 'float8' : 'numeric';
  const [time, seconds] = [`${column}::${type}`, `${lifetime}::${type}`];
  if (format === 'julian') {
    return { sql: `(${time} - ?::${type}) * 86400 + ${seconds} <= 0`, bindings: [julianDay(instant)] };
  }
  const [unit, limit] = format === 'unix' ? [1, instant.getTime() / 1000] : [1000, instant.getTime()];
  return { sql: `${time} + ${seconds} * ${unit} <= ?::${type}`, bindings: [limit] };
}

/** A text without a zone would be read in that of the session. */
function zoned(instant: Date): string {
  return `${dateTimeText(instant.getTime())}Z`;
}
