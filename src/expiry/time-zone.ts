// What a wall clock in a time zone shows, and where it jumps. Milliseconds since 1970-01-01 00:00 throughout.

export const HOUR_MS = 3_600_000;

/** The first instant in (from, to] whose offset differs from that before it. */
export function firstChange(offsetAt: (instant: number) => number, from: number, to: number): number | undefined {
  for (let start = from; start < to; start += HOUR_MS) {
    if (offsetAt(start) !== offsetAt(start + HOUR_MS)) return bisect(offsetAt, start, start + HOUR_MS);
  }
  return undefined;
}

/** The last instant in (from, to] whose offset differs from that before it. */
export function lastChange(offsetAt: (instant: number) => number, from: number, to: number): number | undefined {
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

const WEEK_MS = 7 * 24 * HOUR_MS;

/** The least that the clock has been ahead of UTC from 1970 to `until`, seen once a week. */
export function leastOffset(timeZone: string, until: number): number {
  const offsetAt = zoneOffset(timeZone);
  let least = offsetAt(until);
  if (timeZone === 'UTC' || /^[+-]/.test(timeZone)) return least;
  for (let instant = 0; instant < until; instant += WEEK_MS) least = Math.min(least, offsetAt(instant));
  return least;
}

/** Milliseconds that a wall clock in `timeZone` is ahead of UTC, as a function of the instant. */
export function zoneOffset(timeZone: string): (instant: number) => number {
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
