// When cron runs next, against a cron that goes minute by minute, in zones whose clocks change.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { nextTime } from '../../src/crontab/next-time.js';
import { cronExpression } from '../../src/crontab/times.js';

const { TZ } = process.env;
after(() => {
  if (TZ === undefined) delete process.env.TZ;
  else process.env.TZ = TZ;
});

function next(expression: string, from: Date): Date | undefined {
  const schedule = cronExpression(expression);
  assert.ok('value' in schedule, expression);
  return nextTime(schedule.value, from);
}

/** As the clock of the zone shows it. */
function shown(at: Date | undefined): string {
  return at === undefined ? 'never' : String(at).slice(0, 33);
}

describe('the next time', () => {
  const cases: readonly (readonly [zone: string, expression: string, from: string, expected: string])[] = [
    ['UTC', '37 */6 * * *', '2026-11-25T18:36:59.999Z', 'Wed Nov 25 2026 18:37:00 GMT+0000'],
    ['UTC', '37 */6 * * *', '2026-11-25T18:37:00.000Z', 'Thu Nov 26 2026 00:37:00 GMT+0000'],
    ['UTC', '0 4 29 2 *', '2096-03-01T00:00:00Z', 'Fri Feb 29 2104 04:00:00 GMT+0000'],
    ['UTC', '0 4 29 2 */7', '2088-03-01T00:00:00Z', 'Sun Feb 29 2128 04:00:00 GMT+0000'],
    ['UTC', '0 4 13 * 5', '2026-11-08T00:00:00Z', 'Fri Nov 13 2026 04:00:00 GMT+0000'],
    ['UTC', '0 4 14 * 5', '2026-11-08T00:00:00Z', 'Fri Nov 13 2026 04:00:00 GMT+0000'],
    ['UTC', '0 4 * * 7', '2026-11-25T00:00:00Z', 'Sun Nov 29 2026 04:00:00 GMT+0000'],
    ['Asia/Kolkata', '0 4 * * *', '2026-11-25T00:00:00Z', 'Thu Nov 26 2026 04:00:00 GMT+0530'],
    // Skipped, 02:00 to 03:00.
    ['Europe/Berlin', '30 2 * * *', '2026-03-29T00:00:00Z', 'Sun Mar 29 2026 03:00:00 GMT+0200'],
    ['Europe/Berlin', '30 */2 * * *', '2026-03-29T00:45:00Z', 'Sun Mar 29 2026 04:30:00 GMT+0200'],
    // Shown twice, 02:00 to 03:00.
    ['Europe/Berlin', '30 2 * * *', '2026-10-25T00:29:00Z', 'Sun Oct 25 2026 02:30:00 GMT+0200'],
    ['Europe/Berlin', '30 2 * * *', '2026-10-25T00:30:00Z', 'Mon Oct 26 2026 02:30:00 GMT+0100'],
    ['Europe/Berlin', '30 2 * * *', '2026-10-25T01:15:00Z', 'Mon Oct 26 2026 02:30:00 GMT+0100'],
    ['Europe/Berlin', '30 * * * *', '2026-10-25T00:30:00Z', 'Sun Oct 25 2026 02:30:00 GMT+0100'],
    // Shown twice, 23:00 to 24:00 of the day before.
    ['America/Sao_Paulo', '30 */23 * * *', '2018-02-18T01:45:00Z', 'Sat Feb 17 2018 23:30:00 GMT-0300'],
  ];
  for (const [zone, expression, from, expected] of cases) {
    test(`of ${expression} from ${from} in ${zone} is ${expected}`, () => {
      process.env.TZ = zone;
      assert.equal(shown(next(expression, new Date(from))), expected);
    });
  }

  const MINUTE = 60_000;
  const DAYS = 10;
  const minuteOf = (at: number): number => at / MINUTE - new Date(at).getTimezoneOffset();

  const RANGES = [
    [0, 59],
    [0, 23],
    [1, 31],
    [1, 12],
    [0, 7],
  ] as const;

  /** Whether cron runs the expression in this minute of the wall clock. */
  function isDue(text: string, wall: number): boolean {
    const at = new Date(wall * MINUTE);
    const shownBy = [at.getUTCMinutes(), at.getUTCHours(), at.getUTCDate(), at.getUTCMonth() + 1, at.getUTCDay()];
    const fields = text.split(' ');
    const [minute, hour, day, month, weekday] = fields.map((field, index) => {
      const [low, high] = RANGES[index] ?? [0, 0];
      const value = shownBy[index] ?? -1;
      const candidates = index === 4 && value === 0 ? [0, 7] : [value];
      const [range = '', step = '1'] = field.split('/');
      return candidates.some((candidate) =>
        range === '*'
          ? (candidate - low) % Number(step) === 0 && candidate <= high
          : range.split(',').includes(`${candidate}`),
      );
    });
    const isToday = fields.slice(2).some((field, index) => index !== 1 && field[0] === '*')
      ? day && weekday
      : day || weekday;
    return Boolean(minute && hour && month && isToday);
  }

  /** Cron as it is: awake every minute, with the last minute in mind that it has seen to. Undefined: not within DAYS. */
  function wait(text: string, from: Date): Date | undefined {
    const isRelative = /^(\*|\S+ \*)/.test(text);
    const now = Math.floor(from.getTime() / MINUTE) * MINUTE;
    let seen = Math.max(...Array.from({ length: 181 }, (_, ago) => minuteOf(now - ago * MINUTE)));
    for (let at = now + MINUTE; at < now + DAYS * 1440 * MINUTE; at += MINUTE) {
      const wall = minuteOf(at);
      if (isRelative && isDue(text, wall)) return new Date(at);
      for (; seen < wall; seen += 1) if (!isRelative && isDue(text, seen + 1)) return new Date(at);
    }
    return undefined;
  }

  const values = (first: number, last: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min: 1, max: Math.min(12, last) }).map((step) => `*/${step}`),
      fc.uniqueArray(fc.integer({ min: first, max: last }), { minLength: 1, maxLength: 3 }).map((all) => all.join(',')),
    );
  const mostly = (field: fc.Arbitrary<string>) =>
    fc.oneof({ arbitrary: fc.constant('*'), weight: 3 }, { arbitrary: field, weight: 1 });
  const expression = fc
    .tuple(values(0, 59), values(0, 23), mostly(values(1, 31)), mostly(values(1, 12)), mostly(values(0, 7)))
    .map((fields) => fields.join(' '))
    .filter((text) => 'value' in cronExpression(text));
  const CHANGES = {
    UTC: ['2026-02-28T23:30:00Z'],
    'Europe/Berlin': ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z'],
    'America/New_York': ['2026-03-08T07:00:00Z', '2026-11-01T06:00:00Z'],
    'Australia/Lord_Howe': ['2026-04-04T15:00:00Z', '2026-10-03T15:30:00Z'],
    'America/Sao_Paulo': ['2018-02-18T02:00:00Z', '2018-11-04T03:00:00Z'],
  };
  for (const [zone, changes] of Object.entries(CHANGES)) {
    test(`is that of a cron that looks every minute, in ${zone}`, () => {
      process.env.TZ = zone;
      const from = fc
        .tuple(fc.constantFrom(...changes), fc.integer({ min: -2 * 1440 * 60, max: 2 * 1440 * 60 }))
        .map(([change, seconds]) => new Date(Date.parse(change) + seconds * 1000));
      fc.assert(
        fc.property(expression, from, (text, start) => {
          const expected = wait(text, start);
          const found = next(text, start);
          if (expected !== undefined) assert.deepEqual(found, expected, `${shown(found)}, not ${shown(expected)}`);
          else assert.ok(found === undefined || found.getTime() - start.getTime() > (DAYS - 1) * 1440 * MINUTE);
        }),
        { numRuns: 150 },
      );
    });
  }
});
