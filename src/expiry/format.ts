// What a stored expiry can look like, which format a column holds, and where the cutoff lies in each of them.
// The SQL that compares is the dialects'.
import { CleanupError } from '../errors.js';

export type ExpiresFormat = 'datetime' | 'unix' | 'unix-ms' | 'julian';

/**
 * How the values of one format are stored: `instant` (TIMESTAMP), `wall-clock` (DATETIME), `date` (DATE), numbers, or
 * text. A SQLite column can hold numbers and text at once.
 */
export type StoredAs = 'instant' | 'wall-clock' | 'date' | 'number' | 'text';

/** The format a run works with, and every way in which values of it are stored in the column. */
export interface Fit {
  readonly format: ExpiresFormat;
  readonly storedAs: readonly StoredAs[];
}

/** Below this a number is seconds, from it on milliseconds: 1e11 s is the year 5138, 1e11 ms is March 1973. */
export const FIRST_MILLISECONDS = 100_000_000_000;
/** Julian day numbers: from the year 763 to 11715. A fractional number of seconds in there is of early 1970. */
export const FIRST_JULIAN_DAY = 2_000_000;
export const JULIAN_DAYS_END = 6_000_000;

// September 2001. Smaller numbers may well be expired, but are no evidence that the column holds times at all: they may
// be ids, or lifetimes; 604800000 is a week in milliseconds.
const EVIDENT_SECONDS = 1_000_000_000;
// September 2001. Numbers below it may be seconds too: the end of the year 9999, by which some mean "never", is 253402300799.
const EVIDENT_MILLISECONDS = 1_000_000_000_000;
const EVIDENT_MILLISECONDS_END = 100_000_000_000_000;
const DATETIME_TEXT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|[+-]\d\d:\d\d))?$/;

/** One sampled value, with the storage class it had. */
export interface Sampled {
  readonly value: unknown;
  readonly storage: 'integer' | 'real' | 'text' | 'other';
}

interface Kind {
  readonly format: ExpiresFormat;
  readonly storedAs: StoredAs;
}

/** The format and storage a value is evidence of; undefined where it is evidence of none. */
export function recognise({ value, storage }: Sampled): Kind | undefined {
  if (storage === 'text') {
    const text = String(value);
    if (DATETIME_TEXT.test(text)) return { format: 'datetime', storedAs: 'text' };
    if (/^[1-9]\d{9}$/.test(text)) return { format: 'unix', storedAs: 'text' };
    if (/^[1-9]\d{12}$/.test(text)) return { format: 'unix-ms', storedAs: 'text' };
    return undefined;
  }
  if (storage === 'other') return undefined;
  const number = Number(value);
  if (storage === 'real' && number >= FIRST_JULIAN_DAY && number < JULIAN_DAYS_END) {
    return { format: 'julian', storedAs: 'number' };
  }
  if (number >= EVIDENT_SECONDS && number < FIRST_MILLISECONDS) return { format: 'unix', storedAs: 'number' };
  if (number >= EVIDENT_MILLISECONDS && number < EVIDENT_MILLISECONDS_END)
    return { format: 'unix-ms', storedAs: 'number' };
  return undefined;
}

/**
 * Decides the format of a column from a sample of its values other than NULL, 0 and the empty text.
 *
 * @returns undefined where the sample is empty: nothing in the column can be expired.
 * @throws CleanupError `refused` where the sample is mixed or does not fit the wanted format.
 */
export function fitFormat(wanted: ExpiresFormat | 'auto', sample: readonly Sampled[]): Fit | undefined {
  if (sample.length === 0) return undefined;
  const kinds = sample.map(recognise);
  const formats = new Set(kinds.flatMap((kind) => (kind === undefined ? [] : [kind.format])));
  const [only] = formats;
  const format = wanted === 'auto' ? only : wanted;
  if (wanted === 'auto' && (formats.size > 1 || kinds.filter((kind) => kind !== undefined).length * 2 < kinds.length)) {
    throw new CleanupError('refused', `the format of the column cannot be told: it holds ${describeSample(sample)}`, {
      code: 'FORMAT_MIXED',
      hint:
        formats.size === 0
          ? 'Check --expires-column: hardly a value in it is a time.'
          : 'Say which format holds with --expires-format; rows of any other are then kept.',
    });
  }
  if (format === undefined || !formats.has(format)) {
    throw new CleanupError(
      'refused',
      `no stored value looks like ${wanted}: the column holds ${describeSample(sample)}`,
      {
        code: 'FORMAT_MISMATCH',
        hint: 'Check --expires-column and --expires-format.',
      },
    );
  }
  const storedAs = new Set(kinds.flatMap((kind) => (kind?.format === format ? [kind.storedAs] : [])));
  return { format, storedAs: [...storedAs] };
}

/** Such as "312 × unix, 4 × unrecognised text": kinds and counts, never the values, which may be anything. */
function describeSample(sample: readonly Sampled[]): string {
  const counts = new Map<string, number>();
  for (const sampled of sample) {
    const kind = recognise(sampled);
    const name =
      kind === undefined
        ? `unrecognised ${sampled.storage === 'other' ? 'binary' : sampled.storage}`
        : `${kind.format}${kind.storedAs === 'text' ? ' as text' : ''}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
}

/** The cutoff as an instant, and as what a wall clock in the zone of the column's writer shows. */
export interface Cutoff {
  readonly instant: Date;
  readonly wallClock: PastWallClock;
}

export function createCutoff(instant: Date, timeZone: string): Cutoff {
  return { instant, wallClock: pastWallClock(instant.getTime(), timeZone) };
}

/**
 * Which wall-clock times are certainly past. Milliseconds since 1970-01-01 00:00 of the wall clock.
 * A time that the clock shows twice counts as its second showing, one that it skips as the later reading.
 */
export interface PastWallClock {
  readonly notAfter: number;
  /** Wall-clock times before `notAfter` that may still lie ahead: those the clock has just skipped. Exclusive. */
  readonly except: { readonly after: number; readonly before: number } | undefined;
}

const HOUR_MS = 3_600_000;

function pastWallClock(cutoff: number, timeZone: string): PastWallClock {
  const offsetAt = zoneOffset(timeZone);
  const offset = offsetAt(cutoff);
  let notAfter = cutoff + offset;
  const back = firstChange(offsetAt, cutoff, cutoff + 26 * HOUR_MS);
  if (back !== undefined) notAfter = Math.min(notAfter, back + offsetAt(back) - 1);
  const change = lastChange(offsetAt, cutoff - 26 * HOUR_MS, cutoff);
  const skipped = change === undefined ? undefined : { after: cutoff + offsetAt(change - 1), before: change + offset };
  return { notAfter, except: skipped !== undefined && skipped.after < skipped.before ? skipped : undefined };
}

/** The first instant in (from, to] whose offset differs from that before it. */
function firstChange(offsetAt: (instant: number) => number, from: number, to: number): number | undefined {
  for (let start = from; start < to; start += HOUR_MS) {
    if (offsetAt(start) !== offsetAt(start + HOUR_MS)) return bisect(offsetAt, start, start + HOUR_MS);
  }
  return undefined;
}

/** The last instant in (from, to] whose offset differs from that before it. */
function lastChange(offsetAt: (instant: number) => number, from: number, to: number): number | undefined {
  for (let end = to; end > from; end -= HOUR_MS) {
    if (offsetAt(end - HOUR_MS) !== offsetAt(end)) return bisect(offsetAt, end - HOUR_MS, end);
  }
  return undefined;
}

function bisect(offsetAt: (instant: number) => number, from: number, to: number): number {
  let [before, after] = [from, to];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle) === offsetAt(from)) before = middle;
    else after = middle;
  }
  return after;
}

/** Milliseconds that a wall clock in `timeZone` is ahead of UTC, as a function of the instant. */
function zoneOffset(timeZone: string): (instant: number) => number {
  const fixed = /^([+-])(\d\d):(\d\d)$/.exec(timeZone);
  if (timeZone === 'UTC' || fixed !== null) {
    const ms = fixed === null ? 0 : (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000 * (fixed[1] === '-' ? -1 : 1);
    return () => ms;
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (instant) => {
    const seconds = Math.floor(instant / 1000) * 1000;
    const parts = Object.fromEntries(format.formatToParts(seconds).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - seconds;
  };
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

/** The instant that a stored value of the format means; undefined where it is none. For showing, not for judging. */
export function instantOf(value: unknown, { format }: Fit, timeZone: string): Date | undefined {
  if (value == null) return undefined;
  if (format === 'unix') return new Date(Number(value) * 1000);
  if (format === 'unix-ms') return new Date(Number(value));
  if (format === 'julian') return new Date(Number(value) * 86_400_000 - 210_866_760_000_000);
  const [, day, time = '00:00', zone = ''] =
    /^(\S{10})(?:[T ]([\d:.]+))? ?(Z|[+-]\d\d:\d\d)?$/.exec(String(value)) ?? [];
  if (day === undefined) return undefined;
  const written = Date.parse(`${day}T${time}${zone === '' ? 'Z' : zone}`);
  return new Date(zone === '' ? written - zoneOffset(timeZone)(written) : written);
}
