// Numbers, times and spans as people read them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ended, fragment, number, rows, span, time, took, wholeSeconds } from '../../src/report/wording.js';

const each = <T>(make: (value: T) => string, expected: readonly (readonly [T, string])[]): void =>
  assert.deepEqual(
    expected.map(([value]) => make(value)),
    expected.map(([, text]) => text),
  );

test('numbers have separators, rows their number', () => {
  each(number, [
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [12_345_678, '12,345,678'],
  ]);
  each(rows, [
    [0, '0 rows'],
    [1, '1 row'],
    [1_000, '1,000 rows'],
  ]);
  assert.equal(rows(1, 'expired '), '1 expired row');
});

test('times are in UTC, without the part of a second', () => {
  assert.equal(time(new Date('2026-11-25T16:51:58.999Z')), '2026-11-25 16:51:58 UTC');
});

test('what was measured is as exact as it is worth', () => {
  each(took, [
    [0, '0.1 s'],
    [340, '0.3 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_499, '59 s'],
    [59_500, '1 min'],
    [125_400, '2 min 5 s'],
    [3_600_000, '1 h'],
    [3_720_000, '1 h 2 min'],
    [90_000_000, '1 d 1 h'],
  ]);
  each(wholeSeconds, [
    [0, '0 s'],
    [3_400, '3 s'],
  ]);
});

test('what was set is exact', () => {
  each(span, [
    [500, '0.5 s'],
    [1_500, '1.5 s'],
    [30_000, '30 s'],
    [90_000, '90 s'],
    [5_400_000, '90 min'],
    [7_200_000, '2 h'],
    [2_592_000_000, '30 d'],
  ]);
});

test('a sentence ends once, and as a detail begins small and has no end', () => {
  each(ended, [
    ['no', 'no.'],
    ['No!', 'No!'],
    ['to come …', 'to come …'],
  ]);
  each(fragment, [
    ['Check --table.', 'check --table'],
    ['Try: session-cleanup --help', 'try: session-cleanup --help'],
    ['InnoDB has no room.', 'InnoDB has no room'],
    ['Look. Then leap.', 'Look. Then leap.'],
  ]);
});
