// What a value is evidence of, which format a column holds, and which times are past at a cutoff.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import knexModule from 'knex';
import { CleanupError } from '../../src/errors.js';
import { createCutoff, dayBeyond, digitText, type ElapsedWallClock, julianDay } from '../../src/expiry/cutoff.js';
import { type ColumnFormat, detectFormat, recognise, type Sampled } from '../../src/expiry/format.js';
import { CLOCK_CHANGES, DAY, HOUR, latestReading, MINUTE, offsetAt, TIME_ZONES } from '../support/oracle.js';

const integer = (value: unknown): Sampled => ({ value, storage: 'integer' });
const real = (value: unknown): Sampled => ({ value, storage: 'real' });
const text = (value: string): Sampled => ({ value, storage: 'text' });

describe('a value is evidence', () => {
  function recognised(samples: readonly Sampled[]): unknown[] {
    return samples.map((sampled) => recognise(sampled)?.format);
  }

  test('of seconds, as a number or as ten digits', () => {
    const samples = [integer(1_000_000_000), integer('1767225600'), real(1767225600.5), integer(99_999_999_999)];
    assert.deepEqual(new Set(recognised([...samples, text('1767225600')])), new Set(['unix']));
  });

  test('of milliseconds, as a number or as thirteen digits', () => {
    const samples = [integer(1_000_000_000_000), integer('1767225600000'), real(1767225600000), text('1767225600000')];
    assert.deepEqual(new Set(recognised(samples)), new Set(['unix-ms']));
  });

  test('of Julian days only where it is a fraction by its type', () => {
    assert.equal(recognise(real(2_461_041.5))?.format, 'julian');
    assert.equal(recognise(real(2_461_041))?.format, 'julian');
    assert.equal(recognise(integer(2_461_041)), undefined);
    assert.equal(recognise(text('2461041.5')), undefined);
  });

  test('of a date and time, with T or a space, an offset or none', () => {
    const spellings = [
      '2026-01-01T00:00:00Z',
      '2026-01-01 00:00:00',
      '2026-01-01 00:00',
      '2026-01-01T00:00:00.123456789Z',
    ];
    const offsets = ['2026-01-01T00:00:00+02:00', '2026-01-01 00:00:00.000 +00:00', '2026-01-01T00:00-03:30'];
    const found = [...spellings, ...offsets].map((value) => recognise(text(value)));
    for (const kind of found) assert.deepEqual(kind, { format: 'datetime', storedAs: 'text' });
  });

  test('of nothing otherwise', () => {
    const texts = ['', 'now', '12:00', '2026-01-01', '2026-01-01T00:00:00Z\n', ' 2026-01-01T00:00:00Z', '0000000000'];
    const digits = ['1767225600\n', '176722560', '17672256000', '0000000000000', '1767225600.5', '-1767225600'];
    // The last second of the year 9999: as milliseconds it would be 1978.
    const numbers = [
      integer(0),
      integer(-1),
      integer(42),
      integer(604_800_000),
      integer(253_402_300_799),
      integer(1e14),
      real(Infinity),
      real(Number.NaN),
    ];
    const others = [
      { value: Buffer.from('2026-01-01T00:00:00Z'), storage: 'other' } as const,
      { value: null, storage: 'other' } as const,
    ];
    for (const sampled of [...[...texts, ...digits].map(text), ...numbers, ...others]) {
      assert.equal(recognise(sampled), undefined, JSON.stringify(sampled.value));
    }
  });
});

describe('the format of a column', () => {
  const seconds = integer(1767225600);
  const digits = text('1767225600');
  const milliseconds = integer(1767225600000);
  const iso = text('2026-01-01T00:00:00Z');
  const garbage = text('abc');

  test('is that of its values, as numbers and as text', () => {
    const cases: [Parameters<typeof detectFormat>[0], Sampled[], ColumnFormat][] = [
      ['auto', [seconds], { format: 'unix', storedAs: ['number'] }],
      ['auto', [seconds, digits], { format: 'unix', storedAs: ['number', 'text'] }],
      ['auto', [milliseconds, garbage], { format: 'unix-ms', storedAs: ['number'] }],
      ['auto', [iso, garbage, iso], { format: 'datetime', storedAs: ['text'] }],
      ['unix', [seconds, milliseconds, iso, garbage, garbage], { format: 'unix', storedAs: ['number'] }],
      ['julian', [real(2_461_041.5), seconds], { format: 'julian', storedAs: ['number'] }],
      [['datetime', 'unix'], [seconds, seconds, garbage], { format: 'unix', storedAs: ['number'] }],
      [['datetime', 'unix'], [iso], { format: 'datetime', storedAs: ['text'] }],
      [['datetime', 'unix'], [seconds, seconds, milliseconds], { format: 'unix', storedAs: ['number'] }],
    ];
    for (const [wanted, sample, fit] of cases) assert.deepEqual(detectFormat(wanted, sample), fit);
  });

  test('is none where nothing in it can be expired', () => {
    assert.equal(detectFormat('auto', []), undefined);
    assert.equal(detectFormat('unix', []), undefined);
  });

  test('is refused by auto where it is mixed or mostly unknown', () => {
    refuses('FORMAT_MIXED', 'auto', [seconds, seconds, milliseconds], '2 × unix, 1 × unix-ms');
    refuses('FORMAT_MIXED', 'auto', [iso, garbage, garbage], '1 × datetime as text, 2 × unrecognised text');
    refuses('FORMAT_MIXED', 'auto', [integer(42)], '1 × unrecognised integer');
  });

  test('is refused between two where it holds both, and where it hardly holds either', () => {
    refuses('FORMAT_MIXED', ['datetime', 'unix'], [seconds, seconds, iso], '2 × unix, 1 × datetime as text');
    refuses('FORMAT_MIXED', ['datetime', 'unix'], [seconds, milliseconds, milliseconds], '1 × unix, 2 × unix-ms');
  });

  test('is refused where none of its values fits the one that is wanted', () => {
    refuses('FORMAT_MISMATCH', ['datetime', 'unix'], [milliseconds], '1 × unix-ms');
    refuses('FORMAT_MISMATCH', 'unix-ms', [seconds, garbage], '1 × unix, 1 × unrecognised text');
    refuses('FORMAT_MISMATCH', 'unix', [iso], '1 × datetime as text');
    refuses('FORMAT_MISMATCH', 'julian', [seconds], '1 × unix');
  });

  test('is refused by its name where it is a time that no format is', () => {
    const text = (value: string): Sampled => ({ value, storage: 'text' });
    const named = [
      [integer(20261125172005), 'YYYYMMDDHHMMSS'],
      [text('20261125172005'), 'YYYYMMDDHHMMSS'],
      [integer(1_600_000_000_000_000), 'microseconds since 1970'],
      [{ value: '1600000000000000000', storage: 'integer' }, 'nanoseconds since 1970'],
      [{ value: 1_600_000_000_000_000_000, storage: 'integer' }, 'nanoseconds since 1970'],
      [text('2026-11-25T17:20:05+0000'), 'time with an offset without a colon'],
      [text('2026-11-25 17:20:05 -0330'), 'time with an offset without a colon'],
      [text('2026-11-25 17:20:03.812822789 +0000 UTC'), 'time with the name of a zone'],
      [text('2026-11-25 18:20:03.8 +0100 CET m=+0.000012'), 'time with the name of a zone'],
      [text('2026-11-25 17:20:03 UTC'), 'time with the name of a zone'],
    ] as const;
    for (const [sampled, name] of named) {
      for (const wanted of ['auto', 'datetime', 'unix-ms'] as const) {
        refuses('FORMAT_NOT_SERVED', wanted, [sampled, garbage], `1 × ${name}, 1 × unrecognised text`);
      }
      refuses('FORMAT_MIXED', 'auto', [sampled, garbage, garbage], `1 × ${name}, 2 × unrecognised text`);
      assert.deepEqual(detectFormat('unix', [sampled, seconds]), { format: 'unix', storedAs: ['number'] });
    }
    refuses('FORMAT_MIXED', 'auto', [integer(20261325172005)], '1 × unrecognised integer');
  });

  test('is refused without repeating what is stored', () => {
    assert.throws(
      () => detectFormat('unix', [text('secret')]),
      (error: Error) => !JSON.stringify([error.message, error]).includes('secret'),
    );
  });

  function refuses(code: string, wanted: Parameters<typeof detectFormat>[0], sample: Sampled[], seen: string): void {
    assert.throws(
      () => detectFormat(wanted, sample),
      (error: unknown) =>
        error instanceof CleanupError &&
        error.kind === 'refused' &&
        error.code === code &&
        error.message.endsWith(seen),
    );
  }
});

describe('a time on a wall clock is past', () => {
  const isPast = ({ notAfter, except }: ElapsedWallClock, wall: number): boolean =>
    wall <= notAfter && !(except !== undefined && wall > except.after && wall < except.before);

  for (const { timeZone, at } of CLOCK_CHANGES) {
    test(`when its last showing is, at ${new Date(at).toISOString()} in ${timeZone}`, () => {
      const [before, after] = [offsetAt(timeZone, at - 1), offsetAt(timeZone, at)];
      const reach = Math.abs(after - before) + 3 * HOUR;
      // By brute force: every minute of a clock on the wall. What it never shows is meant as if it had not changed.
      const shown = new Map<number, number>();
      for (let instant = at - reach; instant <= at + reach; instant += MINUTE) {
        shown.set(instant + (instant < at ? before : after), instant);
      }
      const walls = Array.from(
        { length: (2 * reach) / MINUTE },
        (_, minute) => at - reach + Math.min(before, after) + minute * MINUTE,
      ).filter((wall) => wall >= at - reach + before && wall <= at + reach + after);
      const wrong = [];
      for (let cutoff = at - reach + 7 * MINUTE; cutoff < at + reach; cutoff += 13 * MINUTE) {
        const nearby = [cutoff - 1, cutoff, cutoff + 1].map((ms) => ({
          ms,
          past: createCutoff(new Date(ms), timeZone).wallClock,
        }));
        for (const wall of walls) {
          const latest = shown.get(wall) ?? wall - before;
          wrong.push(
            ...nearby.filter(({ ms, past }) => isPast(past, wall) !== latest <= ms).map(({ ms }) => ({ ms, wall })),
          );
        }
      }
      assert.deepEqual(wrong, []);
    });
  }

  test('when its last showing is, at any time in any zone', () => {
    const cases = fc.record({
      timeZone: fc.constantFrom(...TIME_ZONES),
      cutoff: fc.integer({ min: Date.parse('1975-01-01'), max: Date.parse('2037-12-31') }),
      distance: fc.oneof(
        fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
        fc.integer({ min: -400 * DAY, max: 400 * DAY }),
      ),
    });
    fc.assert(
      fc.property(cases, ({ timeZone, cutoff, distance }) => {
        const wall = cutoff + offsetAt(timeZone, cutoff) + distance;
        const { wallClock } = createCutoff(new Date(cutoff), timeZone);
        assert.equal(isPast(wallClock, wall), latestReading(wall, timeZone) <= cutoff);
      }),
      { numRuns: 500 },
    );
  });
});

test('digits compare as text as the numbers do, and fewer digits are below all of them', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000_000_000, max: 9_999_999_999 }),
      fc.integer({ min: -4e9, max: 9_999_999_999 }),
      (stored, cutoff) => {
        const text = String(stored);
        assert.equal(text >= '1' && text <= digitText(cutoff, 10), stored <= cutoff);
      },
    ),
  );
  assert.equal(digitText(1767225600.9, 10), '1767225600');
});

test('the day beyond is later than every spelling of a time up to the cutoff', () => {
  const cutoff = new Date('2026-01-31T12:00:00Z');
  assert.equal(dayBeyond(cutoff), '2026-02-02');
  assert.ok(new Date(cutoff.getTime() + 14 * HOUR).toISOString() < dayBeyond(cutoff));
});

test('the Julian day of an instant is the very number that SQLite computes', async () => {
  const knex = knexModule.default({
    client: 'sqlite3',
    connection: ':memory:',
    useNullAsDefault: true,
    log: { warn() {} },
  });
  try {
    const instants = fc.sample(
      fc.date({ min: new Date('1970-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
      200,
    );
    const rows: { day: number }[] = await knex.raw(
      `SELECT julianday(value) AS day FROM json_each('${JSON.stringify(instants)}')`,
    );
    assert.deepEqual(
      rows.map(({ day }) => day),
      instants.map(julianDay),
    );
  } finally {
    await knex.destroy();
  }
});
