// When the cleanup runs, and the block of a crontab that says so. Pure: the crontab itself is crontab.ts.
import { createHash } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import { type DatabaseTarget, databaseUrl } from '../engines/database-url.js';
import { CONTROLS, duration, type Parsed, type Parser } from '../settings/values.js';

/** There is one block of this name in a crontab: scheduling again replaces it. */
export const JOB_ID = 'session_cleanup';

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

/** The same for the same host, and not on the hour: hosts that share a database do not all come at once. */
export function scheduleEvery(intervalSeconds: number, host: string): Schedule {
  const minutes = intervalSeconds / 60;
  const hash = createHash('sha256').update(`${host}\n${JOB_ID}`).digest().readUInt32BE();
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
  const sets = FIELDS.map((field, at) => readField(texts[at] ?? '', field));
  const unread = FIELDS[sets.indexOf(undefined)];
  if (unread !== undefined) return { problem: describeField(unread) };
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = sets;
  const [, , dayText = '', monthText, weekdayText = ''] = texts;
  // With both days restricted, cron runs on either; a leading * is what it calls unrestricted.
  const longestMonth = Math.max(...months.map((month) => new Date(Date.UTC(2000, month, 0)).getUTCDate()));
  if (weekdayText.startsWith('*') && Math.min(...days) > longestMonth) {
    return { problem: 'must name a day that its months have' };
  }
  const isWeekly = dayText === '*' && monthText === '*';
  const intervalSeconds = isWeekly ? regularInterval(minutes, hours, weekdays) : null;
  return { value: { expression: texts.join(' '), intervalSeconds } };
};

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

/**
 * The arguments of `run` for a crontab, out of the flags given to `schedule`: cron starts in the home folder, so paths
 * become absolute; every user can read the arguments of a running command, so no password is let in.
 * Unlike a parser's, a problem here names its flag.
 */
export function scheduledArguments(
  flags: Readonly<Record<`--${string}`, string | boolean>>,
  cwd: string,
): Parsed<readonly string[]> {
  const given: string[] = [];
  for (const [flag, raw] of Object.entries(flags)) {
    if (raw === false) continue;
    if (raw === true) {
      given.push(flag);
      continue;
    }
    const scheduled = scheduledValue(flag, raw, cwd);
    if ('problem' in scheduled) return { problem: `${flag} ${scheduled.problem}` };
    given.push(flag, scheduled.value);
  }
  return { value: given };
}

function scheduledValue(flag: string, raw: string, cwd: string): Parsed<string> {
  switch (flag) {
    case '--db-url': {
      const target = databaseUrl(raw);
      return 'problem' in target ? target : scheduledUrl(raw, target.value, cwd);
    }
    case '--db-url-file':
      if (raw === '-') return { problem: 'must name a file: under cron there is no standard input' };
      return { value: resolve(cwd, raw) };
    case '--metrics-file':
      return { value: resolve(cwd, raw) };
    default:
      return { value: raw };
  }
}

function scheduledUrl(raw: string, target: DatabaseTarget, cwd: string): Parsed<string> {
  if (target.dialect === 'sqlite') {
    return { value: `sqlite:${resolve(cwd, target.path).replace(/[%?#\s]/g, encodeURIComponent)}` };
  }
  if (target.password !== '') {
    return {
      problem:
        'has a password, which does not belong into a crontab: put the URL into a file that only this user may read, ' +
        'and give --db-url-file',
    };
  }
  const { caPath } = target.tls;
  if (caPath !== undefined && !isAbsolute(caPath)) {
    return { problem: 'must have an absolute ssl-ca: cron starts in another folder' };
  }
  return { value: raw.trim() };
}

export interface Entry {
  readonly schedule: Schedule;
  /** Absolute path of Node: cron's PATH may hold another one, or none. */
  readonly node: string;
  /** Absolute path of the command. */
  readonly command: string;
  /** What follows `run`. */
  readonly args: readonly string[];
}

/** Such a first and last line mark the block; between them is the entry. */
export const BLOCK_BEGIN = `# BEGIN ${JOB_ID}`;
export const BLOCK_END = `# END ${JOB_ID}`;

/** The block without the end of its last line. Success is silent; what goes wrong, cron mails. */
export function renderBlock({ schedule, node, command, args }: Entry): Parsed<string> {
  if (!isAbsolute(node) || !isAbsolute(command))
    return { problem: 'the paths of Node and of the command must be absolute' };
  const words = [node, command, 'run', ...args];
  // Crons differ on backslashes: Debian's turns two into one, and a control character may end the line.
  if (words.some((word) => word.includes('\\') || CONTROLS.test(word))) {
    return {
      problem:
        'a crontab cannot hold a backslash, a control character or a mark of direction: put the value into a script',
    };
  }
  const line = words.map(shellQuote).join(' ').replaceAll('%', '\\%');
  return {
    value: [
      `${BLOCK_BEGIN} (session-cleanup schedule replaces all of this, up to END)`,
      `${schedule.expression} ${line} >/dev/null`,
      BLOCK_END,
    ].join('\n'),
  };
}

/** Without a backslash, of which cron and the shell would each have a view. */
function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
