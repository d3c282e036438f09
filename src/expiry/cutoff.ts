// Up to when a session is expired: the earlier of two clocks, minus --older-than, and what that is in each format.
import { firstChange, HOUR_MS, lastChange, leastOffset, zoneOffset } from './time-zone.js';

/** The cutoff as an instant, and as what a wall clock in the zone of the column's writer shows. */
export interface Cutoff {
  readonly instant: Date;
  readonly wallClock: ElapsedWallClock;
  /**
   * The least that the wall clock shows, or has shown since 1970, so long after 1970-01-01 00:00 UTC: a time without a
   * zone plus a lifetime is certainly past up to it, however the clock was changed in between. Milliseconds.
   */
  readonly leastWallClock: number;
}

/**
 * The earlier of the two clocks, minus `olderThanMs`: a clock that is ahead would delete sessions that are still live.
 *
 * @param host milliseconds
 * @param database milliseconds; undefined where it has no clock of its own
 */
export function decideCutoff(host: number, database: number | undefined, olderThanMs: number): Date {
  return new Date(Math.min(host, database ?? Infinity) - olderThanMs);
}

export function createCutoff(instant: Date, timeZone: string): Cutoff {
  const ms = instant.getTime();
  return {
    instant,
    wallClock: elapsedWallClock(ms, timeZone),
    // Asked for by a lifetime column only: it looks at every week since 1970.
    get leastWallClock() {
      return ms + leastOffset(timeZone, ms);
    },
  };
}

/**
 * Which wall-clock times are certainly past. Milliseconds since 1970-01-01 00:00 of the wall clock.
 * A time that the clock shows twice counts as its second showing, one that it skips as the later reading.
 */
export interface ElapsedWallClock {
  readonly notAfter: number;
  /** Wall-clock times before `notAfter` that may still lie ahead: those the clock has just skipped. Exclusive. */
  readonly except: { readonly after: number; readonly before: number } | undefined;
}

function elapsedWallClock(cutoff: number, timeZone: string): ElapsedWallClock {
  const offsetAt = zoneOffset(timeZone);
  const offset = offsetAt(cutoff);
  let notAfter = cutoff + offset;
  const back = firstChange(offsetAt, cutoff, cutoff + 26 * HOUR_MS);
  if (back !== undefined) notAfter = Math.min(notAfter, back + offsetAt(back) - 1);
  const change = lastChange(offsetAt, cutoff - 26 * HOUR_MS, cutoff);
  const skipped = change === undefined ? undefined : { after: cutoff + offsetAt(change - 1), before: change + offset };
  return { notAfter, except: skipped !== undefined && skipped.after < skipped.before ? skipped : undefined };
}

/** `YYYY-MM-DD HH:MM:SS.mmm` of milliseconds since 1970-01-01 00:00, the spelling that every engine reads alike. */
export function dateTimeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
}

/**
 * A number as text of so many digits, so that it compares as text with numbers of as many. One of fewer digits is below
 * `'1'`, with which all of those begin that are not padded.
 */
export function digitText(value: number, digits: number): string {
  return String(Math.max(0, Math.floor(value))).padStart(digits, '0');
}

/** The Julian day of an instant, by the very division that SQLite uses, so that equal instants are equal numbers. */
export function julianDay(instant: Date): number {
  return (instant.getTime() + 210_866_760_000_000) / 86_400_000;
}

/** A day no zone-less or zoned spelling of a time up to the cutoff reaches: `YYYY-MM-DD`, two days after it. */
export function dayBeyond(instant: Date): string {
  return dateTimeText(instant.getTime() + 48 * HOUR_MS).slice(0, 10);
}
