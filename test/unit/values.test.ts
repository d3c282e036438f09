// The parsers of the settings' values.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Parser } from '../../src/parsing.js';
import {
  choice,
  correlationId,
  count,
  duration,
  flag,
  identifier,
  path,
  rowLimit,
  timeZone,
} from '../../src/settings/values.js';

function accepts<T>(parse: Parser<T>, cases: Readonly<Record<string, T>>): void {
  for (const [raw, value] of Object.entries(cases)) assert.deepEqual(parse(raw), { value }, JSON.stringify(raw));
}

function refuses<T>(parse: Parser<T>, problem: string, raws: readonly string[]): void {
  for (const raw of raws) assert.deepEqual(parse(raw), { problem }, JSON.stringify(raw));
}

describe('a duration', () => {
  test('is seconds without a unit, and milliseconds in the end', () => {
    accepts(duration(), {
      0: 0,
      30: 30_000,
      '250ms': 250,
      '30s': 30_000,
      '1.5s': 1500,
      '1.1s': 1100,
      '0.001': 1,
      '4.35s': 4350,
      '0.5m': 30_000,
      '2h': 7_200_000,
      '1d': 86_400_000,
      '36500d': 3_153_600_000_000,
      '007s': 7000,
    });
  });

  test('has no sign, space, exponent, other unit or bare point', () => {
    refuses(duration(), 'must be a duration such as 30, 30s, 5m or 2h', [
      '',
      ' ',
      '-1',
      '+1',
      '1 s',
      ' 1s',
      '1s\n',
      '1e3',
      '0x10',
      '.5s',
      '5.',
      '1,5s',
      '1w',
      '1S',
      '1m30s',
      's',
      'Infinity',
      'NaN',
      '٣s',
    ]);
  });

  test('is never rounded', () => {
    refuses(duration(), 'must be a whole number of milliseconds', [
      '0.5ms',
      '0.0001s',
      '1.00001s',
      `0.${'3'.repeat(400)}`,
    ]);
  });

  test('has a greatest value', () => {
    refuses(duration(), 'must be at most 36500d', ['36501d', '36500.1d', '9'.repeat(1000)]);
    refuses(duration({ max: 90_000 }), 'must be at most 90s', ['91', '90001ms', '2m']);
    refuses(duration({ max: 2_147_483_647 }), 'must be at most 2147483647ms', ['25d']);
    accepts(duration({ max: 90_000 }), { '1.5m': 90_000 });
  });

  test('of any number of milliseconds can be given in seconds, exactly', () => {
    const parse = duration();
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (ms) => {
        const seconds = `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}`;
        assert.deepEqual(parse(seconds), { value: ms });
        assert.deepEqual(parse(`${ms}ms`), { value: ms });
      }),
    );
  });
});

test('a correlation ID is 1 to 128 safe characters', () => {
  const longest = 'a'.repeat(128);
  accepts(correlationId, { 'aZ09._:-': 'aZ09._:-', [longest]: longest });
  refuses(correlationId, 'must be 1 to 128 characters of A-Z a-z 0-9 . _ : -', [
    '',
    `${longest}a`,
    'a b',
    'a\n',
    '*/',
    "'",
    'é',
  ]);
});

test('an identifier is any name that a database could have', () => {
  const longest = `${'s'.repeat(64)}.${'t'.repeat(64)}`;
  for (const name of ['sessions', 'app.sessions', 'my table', '`"]', "x'; --", 'séances', '0', longest]) {
    accepts(identifier, { [name]: name });
  }
  accepts(identifier, { ['😀'.repeat(129)]: '😀'.repeat(129) });
  refuses(identifier, 'must be a name of 1 to 129 characters, not blank and without a NUL character', [
    '',
    '  ',
    '\t',
    'a\0b',
    `${longest}x`,
  ]);
});

test('a choice is one of its values, letter for letter', () => {
  accepts(choice('auto', 'json', 'text'), { auto: 'auto', json: 'json', text: 'text' });
  refuses<string>(choice('auto', 'json', 'text'), 'must be auto, json or text', ['', 'JSON', 'toString', 'json ']);
  refuses<string>(choice('json', 'text'), 'must be json or text', ['x']);
  refuses<string>(choice('json'), 'must be json', ['x']);
});

test('a count is a whole number from its minimum up', () => {
  accepts(count({ min: 1 }), { 1: 1, 5000: 5000, '010': 10, 9007199254740991: Number.MAX_SAFE_INTEGER });
  accepts(count({ min: 0 }), { 0: 0 });
  refuses(count({ min: 1 }), 'must be a whole number, 1 or more', [
    '',
    '0',
    '-1',
    '+1',
    '1.0',
    '1e3',
    ' 1',
    '0x1',
    '1_000',
  ]);
  refuses(count({ min: 1 }), 'must be at most 9007199254740991', ['9007199254740992', '9'.repeat(400)]);
});

test('a limit is a number of rows, or a share of them', () => {
  accepts(rowLimit, {
    0: { rows: 0 },
    5000: { rows: 5000 },
    '0%': { percent: 0 },
    '10%': { percent: 10 },
    '12.5%': { percent: 12.5 },
    '100%': { percent: 100 },
  });
  refuses<unknown>(rowLimit, 'must be a number of rows such as 5000, or a share of all rows such as 10%', [
    '',
    '-1',
    '1.5',
    '1e3',
    '5 000',
    '9007199254740992',
    '101%',
    '100.1%',
    '10 %',
    '%',
    '.5%',
    'ten',
  ]);
});

test('a flag in the environment is true or false only by a known word', () => {
  accepts(flag, { 1: true, true: true, YES: true, On: true, 0: false, False: false, no: false, OFF: false });
  refuses(flag, 'must be 1, true, yes, on, 0, false, no or off', ['', '2', 'y', 'enabled', ' true', 'nein']);
});

describe('a time zone', () => {
  test('is UTC, an IANA name as given, or an offset', () => {
    accepts(timeZone, {
      UTC: 'UTC',
      utc: 'UTC',
      'Europe/Berlin': 'Europe/Berlin',
      'america/new_york': 'america/new_york',
      'Etc/GMT+5': 'Etc/GMT+5',
      CET: 'CET',
      Japan: 'Japan',
      '+00:00': '+00:00',
      '-00:00': '+00:00',
      '+05:30': '+05:30',
      '-09:30': '-09:30',
      '+13:59': '+13:59',
      '+14:00': '+14:00',
      '-14:00': '-14:00',
    });
  });

  test('is nothing else, whatever the Intl of this Node takes', () => {
    refuses(timeZone, 'must be UTC, a time zone such as Europe/Berlin, or an offset from -14:00 to +14:00', [
      '',
      'Mars/Olympus',
      'local',
      'SYSTEM',
      'Z',
      '+05',
      '+0530',
      '+5:30',
      '05:30',
      '+14:01',
      '+15:00',
      '+24:00',
      '+01:60',
      '+01:00:00',
      '\u221205:00',
      '+05:30 ',
      ' UTC',
    ]);
  });

  test('is no abbreviation, which Intl would take for a zone of its own choice', () => {
    for (const abbreviation of ['BST', 'bst', 'IST', 'CST', 'PST', 'AST', 'ACT', 'JST']) {
      assert.ok('problem' in timeZone(abbreviation), abbreviation);
    }
  });
});

test('a path is any text but the empty one', () => {
  for (const name of ['a', '/var/lib/x', '-', ' ', 'ö b']) accepts(path, { [name]: name });
  refuses(path, 'must be a path, not empty and without a NUL character', ['', 'a\0b']);
});

test('no problem repeats what was given, such as a URL on the wrong flag', () => {
  const parsers: readonly Parser<unknown>[] = [
    duration(),
    correlationId,
    choice('auto', 'json'),
    count({ min: 1 }),
    rowLimit,
    flag,
    timeZone,
  ];
  for (const parse of parsers) {
    const parsed = parse('mysql://app:hunter2@db/shop');
    assert.ok('problem' in parsed);
    assert.doesNotMatch(parsed.problem, /mysql|app:|hunter2|shop/);
  }
});
