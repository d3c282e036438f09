// The times of the cleanup: an interval or an expression, as the five fields of a crontab line. Pure.
import { createHash } from 'node:crypto';
import type { Parser } from '../parsing.js';
import { duration } from '../settings/values.js';

export interface Schedule {
  /** The five fields of a crontab line. */
  readonly expression: string;
  /** Seconds from one run to the next, clock changes aside; null where they differ. */
  readonly intervalSeconds: number | null;
}

/** An interval in seconds, of those that cron can keep from hour to hour and from day to day. */
export const every: Parser<number> = (raw) => {
  const parsed = duration()(raw);
  if ('problem' in parsed) return parsed;
  const minutes = parsed.value / 60_000;
  const isExact = Number.isInteger(minutes) && (60 % minutes === 0 || (minutes % 60 === 0 && 1440 % minutes === 0));
  if (isExact) return { value: minutes * 60 };
  return {
    problem:
      'must be an interval that cron can keep: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 minutes, ' +
      'or 1, 2, 3, 4, 6, 8, 12 or 24 hours',
  };
};

/** At 4 it is neither midnight, when every host is busy, nor an hour that a change of the clocks skips or repeats. */
const HOUR_OF_DAILY_RUN = 4;

/**
 * The same for the same host and entry, and not on the hour: neither the hosts that share a database nor the entries of
 * one host all start at once.
 */
export function scheduleEvery(intervalSeconds: number, host: string, name: string): Schedule {
  const minutes = intervalSeconds / 60;
  const hash = createHash('sha256').update(`${host}\n${name}`).digest().readUInt32BE();
  if (minutes === 1) return { expression: '* * * * *', intervalSeconds };
  const offset = 1 + (hash % (Math.min(60, minutes) - 1));
  if (minutes < 60) return { expression: `${offset}-59/${minutes} * * * *`, intervalSeconds };
  const hours = minutes / 60;
  const hour = hours === 1 ? '*' : hours === 24 ? HOUR_OF_DAILY_RUN : `*/${hours}`;
  return { expression: `${offset} ${hour} * * *`, intervalSeconds };
}

interface Field {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Names for `first` and on. */
  readonly names: readonly string[];
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');
const FIELDS: readonly [Field, Field, Field, Field, Field] = [
  { name: 'minute', first: 0, last: 59, names: [] },
  { name: 'hour', first: 0, last: 23, names: [] },
  { name: 'day of the month', first: 1, last: 31, names: [] },
  { name: 'month', first: 1, last: 12, names: MONTHS },
  { name: 'day of the week', first: 0, last: 7, names: WEEKDAYS },
];

/**
 * The five fields as crontab(5) has them, nicknames such as `@daily` left out. Refuses what some cron takes and then
 * never runs: Debian's installs `10-5` and `0 0 31 2 *` without a word.
 */
export const cronExpression: Parser<Schedule> = (raw) => {
  const texts = raw.replace(/^[ \t]+|[ \t]+$/g, '').split(/[ \t]+/);
  if (texts.length !== FIELDS.length) {
    return { problem: 'must be five fields: minute, hour, day of the month, month, day of the week' };
  }
  const sets = readFields(texts);
  const unread = FIELDS[sets.indexOf(undefined)];
  if (unread !== undefined) return { problem: describeField(unread) };
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = sets;
  const [, , dayText = '', monthText, weekdayText = ''] = texts;
  const longestMonth = Math.max(...months.map((month) => new Date(Date.UTC(2000, month, 0)).getUTCDate()));
  if (needsBothDays(dayText, weekdayText) && Math.min(...days) > longestMonth) {
    return { problem: 'must name a day of the month that one of its months has' };
  }
  const isWeekly = dayText === '*' && monthText === '*';
  const intervalSeconds = isWeekly ? regularInterval(minutes, hours, weekdays) : null;
  return { value: { expression: texts.join(' '), intervalSeconds } };
};

/** The values of each field, ascending; undefined for one that is none. */
export function readFields(texts: readonly string[]): readonly (readonly number[] | undefined)[] {
  return FIELDS.map((field, at) => readField(texts[at] ?? '', field));
}

/** A day field with a leading * is what cron calls unrestricted. With both days restricted, it runs on either. */
export function needsBothDays(dayText: string, weekdayText: string): boolean {
  return dayText.startsWith('*') || weekdayText.startsWith('*');
}

/** The values that a field names, ascending; undefined where it is none. */
function readField(text: string, { first, last, names }: Field): readonly number[] | undefined {
  const number = (word: string): number => {
    const named = names.indexOf(word.toLowerCase());
    if (named !== -1) return first + named;
    return /^\d{1,2}$/.test(word) ? Number(word) : Number.NaN;
  };
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|([a-z\d]+)(?:-([a-z\d]+))?)(?:\/(\d{1,2}))?$/i.exec(part);
    if (match === null) return undefined;
    const [, low, high = low, stepText] = match;
    // Crons differ on 5/10, the step of a single value.
    if (stepText !== undefined && low !== undefined && match[2] === undefined) return undefined;
    const from = low === undefined ? first : number(low);
    const to = high === undefined ? last : number(high);
    const step = Number(stepText ?? 1);
    if (!(from >= first && from <= to && to <= last && step >= 1 && step <= to - from + 1)) return undefined;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function describeField({ name, first, last, names }: Field): string {
  const named = names.length === 0 ? '' : ` or ${names[0]} to ${names.at(-1)}`;
  return `must have a ${name} of ${first} to ${last}${named}, as *, 5, 1-5, 1,3 or */2`;
}

/** In seconds, over a week of the clock; null where it is not the same throughout. */
function regularInterval(
  minutes: readonly number[],
  hours: readonly number[],
  weekdays: readonly number[],
): number | null {
  const days = [...new Set(weekdays.map((day) => day % 7))].sort((a, b) => a - b);
  const starts = days.flatMap((day) =>
    hours.flatMap((hour) => minutes.map((minute) => (day * 24 + hour) * 60 + minute)),
  );
  const gaps = new Set(starts.map((start, at) => (starts[at + 1] ?? (starts[0] ?? 0) + 7 * 1440) - start));
  const [gap] = gaps;
  return gap !== undefined && gaps.size === 1 ? gap * 60 : null;
}
