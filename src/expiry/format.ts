// What a stored expiry can look like, and which format a column holds. The SQL that compares is the engines'.
import { CleanupError } from '../errors.js';
import { zoneOffset } from './time-zone.js';

export const FORMATS = ['datetime', 'unix', 'unix-ms', 'julian'] as const;

export type ExpiresFormat = (typeof FORMATS)[number];

/** One format, or those among which the stored values decide: some, or with `auto` all. */
export type WantedFormat = ExpiresFormat | 'auto' | readonly ExpiresFormat[];

export function formatsOf(wanted: WantedFormat): readonly ExpiresFormat[] {
  if (wanted === 'auto') return FORMATS;
  return typeof wanted === 'string' ? [wanted] : wanted;
}

/**
 * How the values of one format are stored: `instant` (TIMESTAMP), `wall-clock` (DATETIME), `date` (DATE), numbers, or
 * text. A SQLite column can hold numbers and text at once.
 */
export type StoredAs = 'instant' | 'wall-clock' | 'date' | 'number' | 'text';

/** The format a run works with, and every way in which values of it are stored in the column. */
export interface ColumnFormat {
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
// The year 2286. Below the first YYYYMMDDHHMMSS that is later than it.
const EVIDENT_MILLISECONDS_END = 10_000_000_000_000;
const DATETIME_TEXT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|[+-]\d\d:\d\d))?$/;

/** One sampled value, with the storage class it had. */
export interface Sampled {
  readonly value: unknown;
  readonly storage: 'integer' | 'real' | 'text' | 'other';
}

// What programs write that no format is: named, so that nobody looks for a fault in the column. Numbers are as long as
// their digits.
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^(19[7-9]\d|2[01]\d\d|9999)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\d$/, 'YYYYMMDDHHMMSS'],
  [/^[1-9]\d{15}$/, 'microseconds since 1970'],
  [/^[1-9]\d{18}$/, 'nanoseconds since 1970'],
  [/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)? ?[+-]\d{4}$/, 'time with an offset without a colon'],
  [
    /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)? ([+-]\d{4} )?[A-Z+-][A-Z\d]{1,4}( m=\S+)?$/,
    'time with the name of a zone',
  ],
];

/** The name of a kind of time that is not served; undefined where the value is no such thing. */
function otherKind({ value, storage }: Sampled): string | undefined {
  if (storage === 'other') return undefined;
  return OTHER_KINDS.find(([shape]) => shape.test(String(value)))?.[1];
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
export function detectFormat(wanted: WantedFormat, sample: readonly Sampled[]): ColumnFormat | undefined {
  if (sample.length === 0) return undefined;
  const allowed = formatsOf(wanted);
  const fitting = sample
    .flatMap((sampled) => recognise(sampled) ?? [])
    .filter(({ format }) => allowed.includes(format));
  const [format, ...others] = new Set(fitting.map((kind) => kind.format));
  if (format === undefined && isMostlyOther(sample)) throw notServed(sample);
  if (format === undefined && wanted !== 'auto') throw mismatch(allowed, sample);
  const isDoubtful = allowed.length > 1 && (others.length > 0 || fitting.length * 2 < sample.length);
  if (format === undefined || isDoubtful) throw mixed(format !== undefined, sample);
  return {
    format,
    storedAs: [...new Set(fitting.filter((kind) => kind.format === format).map(({ storedAs }) => storedAs))],
  };
}

function isMostlyOther(sample: readonly Sampled[]): boolean {
  return sample.filter((sampled) => otherKind(sampled) !== undefined).length * 2 >= sample.length;
}

function notServed(sample: readonly Sampled[]): CleanupError {
  const problem = `session-cleanup cannot read these times: the column holds ${describeSample(sample)}`;
  const hint =
    'Add a generated column that turns it into a time, and name that with --expires-column: the page on formats has examples.';
  return new CleanupError('refused', problem, { code: 'FORMAT_NOT_SERVED', hint });
}

function mismatch(allowed: readonly ExpiresFormat[], sample: readonly Sampled[]): CleanupError {
  const problem = `no stored value looks like ${allowed.join(' or ')}: the column holds ${describeSample(sample)}`;
  // More than one is what a store's programs make.
  const hint =
    allowed.length > 1 ? 'Check --store and --expires-column.' : 'Check --expires-column and --expires-format.';
  return new CleanupError('refused', problem, { code: 'FORMAT_MISMATCH', hint });
}

function mixed(hasTimes: boolean, sample: readonly Sampled[]): CleanupError {
  const problem = `cannot determine the column's format: it holds ${describeSample(sample)}`;
  const hint = hasTimes
    ? 'Give --expires-format: rows in any other format are then kept.'
    : 'Check --expires-column: almost none of its values look like times.';
  return new CleanupError('refused', problem, { code: 'FORMAT_MIXED', hint });
}

/** Such as "312 × unix, 4 × unrecognised text": kinds and counts, never the values, which may be anything. */
function describeSample(sample: readonly Sampled[]): string {
  const counts = new Map<string, number>();
  for (const sampled of sample) {
    const kind = recognise(sampled);
    const name =
      kind === undefined
        ? (otherKind(sampled) ?? `unrecognised ${sampled.storage === 'other' ? 'binary' : sampled.storage}`)
        : `${kind.format}${kind.storedAs === 'text' ? ' as text' : ''}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
}

/** The instant that a stored value of the format means; undefined where it is none. For showing, not for judging. */
export function instantOf(value: unknown, { format }: ColumnFormat, timeZone: string): Date | undefined {
  if (value == null) return undefined;
  if (format === 'unix') return new Date(Number(value) * 1000);
  if (format === 'unix-ms') return new Date(Number(value));
  if (format === 'julian') return new Date(Number(value) * 86_400_000 - 210_866_760_000_000);
  const [, day, time = '00:00', zone = ''] =
    /^(\S{10})(?:[T ]([\d:.]+))? ?(Z|[+-]\d\d(?::\d\d)?)?$/.exec(String(value).trimEnd()) ?? [];
  if (day === undefined) return undefined;
  const written = Date.parse(`${day}T${time}${zone === '' ? 'Z' : zone.length === 3 ? `${zone}:00` : zone}`);
  return new Date(zone === '' ? written - zoneOffset(timeZone)(written) : written);
}
