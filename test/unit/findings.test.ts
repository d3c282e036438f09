// What check makes of the figures, whatever the engine: the time it takes, the clocks, and whether any session is live.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clockFindings, liveFindings, timeFindings } from '../../src/commands/findings.js';
import type { Contents } from '../../src/database/contents.js';
import type { ColumnFormat } from '../../src/expiry/format.js';
import type { Config } from '../../src/settings/config.js';

describe('the time that deleting takes', () => {
  test('is told where the timeout is shorter, with what to do', () => {
    assert.deepEqual(timeFindings(125_400, 30_000), [
      {
        kind: 'advice',
        topic: 'time',
        text: 'deleting takes about 2 min 5 s, but the timeout is 30 s: each run deletes a part',
        fix: 'clear the backlog in one go: session-cleanup run … --timeout 0 --batch-size 5000',
      },
    ]);
  });

  test('is of no matter below the timeout, or where there is none', () => {
    assert.deepEqual([...timeFindings(30_000, 30_000), ...timeFindings(3_600_000, 0)], []);
  });
});

test('clocks that differ by more than two seconds are told', () => {
  const texts = [3_500, -3_500, 2_000].map((ms) => clockFindings(ms).map(({ text }) => text));
  assert.deepEqual(texts, [
    ["this host's clock is 3.5 s ahead of the database's"],
    ["this host's clock is 3.5 s behind the database's"],
    [],
  ]);
});

describe('not one session is live', () => {
  const CUTOFF = new Date('2026-11-25T12:00:00Z');
  const UNIX: ColumnFormat = { format: 'unix', storedAs: ['number'] };
  const DATETIME: ColumnFormat = { format: 'datetime', storedAs: ['wall-clock'] };
  const found = (latest: unknown, format: ColumnFormat, more: Partial<Config> = {}, expiredCount = 1): string[] => {
    const config = { expiresColumn: 'expires', lifetimeColumn: undefined, timeZone: 'UTC', ...more } as Config;
    return liveFindings({ latest, expiredCount } as Contents, format, CUTOFF, config).map(({ text }) => text);
  };

  test('where the largest value is not after the cutoff, as number, as text and in a zone', () => {
    const text = 'not one session is live: the latest expires is 2026-11-25 12:00:00 UTC';
    const seconds = CUTOFF.getTime() / 1000;
    assert.deepEqual(found(seconds, UNIX), [text]);
    assert.deepEqual(found(String(seconds), UNIX), [text]);
    assert.deepEqual(found('2026-11-25 12:00:00', DATETIME), [text]);
    assert.deepEqual(found('2026-11-25 13:00:00', DATETIME, { timeZone: 'Europe/Berlin' }), [text]);
  });

  test('but not where one ends later, or nothing has expired', () => {
    assert.deepEqual(found(CUTOFF.getTime() / 1000 + 1, UNIX), []);
    assert.deepEqual(found('9999-12-31 23:59:59', DATETIME), []);
    assert.deepEqual(found('2020-01-01 00:00:00', DATETIME, {}, 0), []);
  });

  test('and nothing is said of a value that is no such time, or of a lifetime row by row', () => {
    for (const latest of ['', 'never']) assert.deepEqual(found(latest, UNIX), []);
    assert.deepEqual(found('never', { format: 'datetime', storedAs: ['text'] }), []);
    assert.deepEqual(found('1600000000', { format: 'unix', storedAs: ['number', 'text'] }), []);
    assert.deepEqual(found(1, UNIX, { lifetimeColumn: 'lifetime' }), []);
  });
});
