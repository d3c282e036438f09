// When cron runs next, by the clock of this host: its time zone, and what cron does where the clocks change.
import { needsBothDays, readFields, type Schedule } from './times.js';

/** Minutes of the wall clock, counted as if it were UTC: one that a change of the clocks skips is a number all the same. */
type WallMinute = number;

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
/** The longest that an expression waits: from one 29 February that is a Sunday to the next, over the year 2100. */
const LONGEST_WAIT_DAYS = 41 * 366;
/** By more than three hours, Debian's cron does not take it for a change to summer time or back. */
const LONGEST_CHANGE_MINUTES = 180;

interface Times {
  /** Ascending. */
  readonly minutesOfDay: readonly number[];
  isDue(day: number): boolean;
}

/**
 * When cron next runs an expression that `cronExpression` took, in the local time zone. At a change of the clocks it is
 * as in Debian's cron and cronie: with a leading * in the minute or the hour, whenever the clock shows such a time;
 * without, once for each such time, and for one that is skipped right after the change.
 */
export function nextTime({ expression }: Schedule, after: Date): Date | undefined {
  const texts = expression.split(' ');
  const times = readTimes(texts);
  const isRelative = texts.slice(0, 2).some((text) => text.startsWith('*'));
  return isRelative ? nextShown(times, after.getTime()) : nextReached(times, after.getTime());
}

function readTimes(texts: readonly string[]): Times {
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = readFields(texts);
  const [, , dayText = '', , weekdayText = ''] = texts;
  return {
    minutesOfDay: hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute)),
    isDue(day) {
      const date = new Date(day * DAY_MINUTES * MINUTE_MS);
      const isDay = days.includes(date.getUTCDate());
      const isWeekday = weekdays.some((weekday) => weekday % 7 === date.getUTCDay());
      const isEither = needsBothDays(dayText, weekdayText) ? isDay && isWeekday : isDay || isWeekday;
      return isEither && months.includes(date.getUTCMonth() + 1);
    },
  };
}

function nextShown(times: Times, after: number): Date | undefined {
  let at = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS;
  for (;;) {
    const shown = wallMinute(at);
    const next = nextWallMinute(times, shown);
    if (next === undefined) return undefined;
    if (next === shown) return new Date(at);
    at += Math.max(1, next - shown - LONGEST_CHANGE_MINUTES) * MINUTE_MS;
  }
}

function nextReached(times: Times, after: number): Date | undefined {
  let next = nextWallMinute(times, wallMinute(after) + 1);
  // In an hour that the clock shows for the second time, what it shows next was reached in the first.
  while (next !== undefined && firstReached(next) <= after) next = nextWallMinute(times, next + 1);
  return next === undefined ? undefined : new Date(firstReached(next));
}

/** When the clock first shows this minute or, where it skips it, a later one. */
function firstReached(minute: WallMinute): number {
  const wall = new Date(minute * MINUTE_MS);
  // Of a time that is shown twice, Date takes the first; of one that is skipped, the time so long after the change.
  const local = new Date(wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate(), 0, minute % DAY_MINUTES);
  let at = local.getTime();
  while (wallMinute(at - MINUTE_MS) >= minute) at -= MINUTE_MS;
  return at;
}

function nextWallMinute({ minutesOfDay, isDue }: Times, from: WallMinute): WallMinute | undefined {
  const today = Math.floor(from / DAY_MINUTES);
  for (let day = today; day <= today + LONGEST_WAIT_DAYS; day += 1) {
    const start = day * DAY_MINUTES;
    const minute = isDue(day) ? minutesOfDay.find((candidate) => start + candidate >= from) : undefined;
    if (minute !== undefined) return start + minute;
  }
  return undefined;
}

function wallMinute(at: number): WallMinute {
  return Math.floor(at / MINUTE_MS) - new Date(at).getTimezoneOffset();
}
