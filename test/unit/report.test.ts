// The last door: whatever drivers and servers say, no secret gets out, in either form; our own words stay as they are.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CleanupError, type FailureKind } from '../../src/errors.js';
import { endingOfError, type Report } from '../../src/report/facts.js';
import { renderLine } from '../../src/report/line.js';
import { createRecord } from '../../src/report/record.js';
import { createRedactor } from '../../src/report/redact.js';
import { renderText } from '../../src/report/text.js';

const TOLD = { at: new Date('2026-11-25T12:00:00Z'), correlationId: 'job-1', version: '0.0.0', durationMs: 1 } as const;
const KINDS: readonly FailureKind[] = ['failed', 'unavailable', 'busy', 'refused', 'timed_out', 'unknown', 'usage'];

/** The failure of a run, of a check, and of a command without a database. */
function reportsOf(error: CleanupError): readonly Report[] {
  const ending = endingOfError(error);
  const facts = { database: 'mysql://db/app', table: 'sessions', dryRun: false };
  return [
    { ...TOLD, kind: 'run', facts, ending },
    { ...TOLD, kind: 'check', facts, ending },
    { ...TOLD, kind: 'failure', command: 'run', ending },
  ];
}

function rendered(error: CleanupError, secrets: readonly string[]): readonly string[] {
  const redact = createRedactor(secrets);
  const look = { columns: 10_000, colour: false };
  return reportsOf(error).flatMap((report) => [
    renderLine(createRecord(report, redact)),
    renderText(report, redact, look),
  ]);
}

describe('a secret', () => {
  test('that others quote is in no line and in no text, whatever went wrong', () => {
    // Without spaces, which the text sets anew, and longer than any word of ours could hold by chance.
    const secrets = fc.string({ unit: fc.constantFrom(...'aZ9#/%@:?&=;$"\'\\é<>'), minLength: 6, maxLength: 12 });
    const around = fc.string({ unit: fc.constantFrom(...'ab: \'"\n'), maxLength: 5 });
    const property = fc.property(secrets, around, around, fc.constantFrom(...KINDS), (secret, before, after, kind) => {
      const said = before + secret + after;
      for (const text of rendered(new CleanupError(kind, 'cannot connect', { said }), [secret])) {
        for (const spelling of [secret, JSON.stringify(secret).slice(1, -1)]) assert.ok(!text.includes(spelling), text);
        assert.ok(text.includes('***'), text);
      }
    });
    fc.assert(property);
  });

  test('that is a word of ours changes none of our words', () => {
    const error = new CleanupError('refused', 'there is no table sessions', {
      hint: 'Check --table.',
      code: 'NO_TABLE',
    });
    const plain = rendered(error, []);
    const words = [...new Set(plain.join(' ').match(/\w+/g))];
    assert.ok(words.includes('table') && words.includes('sessions'));
    for (const word of [...words, 't', 'e', ' ']) assert.deepEqual(rendered(error, [word]), plain);
  });

  test('in a URL that was typed is masked in our words too', () => {
    const error = new CleanupError('usage', 'unknown option mysql://app:hunter2@db/app', {
      hint: 'Not mysql://a:hunter2@b.',
    });
    for (const text of rendered(error, [])) assert.doesNotMatch(text, /hunter2/);
  });
});

test('what a terminal would act on is escaped, in either form', () => {
  const error = new CleanupError('failed', 'a table named \u001b[2J\u0007', {
    said: 'bell \u0007, \u202eright to left',
  });
  for (const text of rendered(error, [])) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    assert.match(text, /\\u001b\[2J\\u0007/);
  }
});

test('a check that is out of time says what it knows by then', () => {
  const error = new CleanupError('timed_out', 'timed out after 30 s while surveying the table', { code: 'TIMEOUT' });
  const facts = {
    database: 'mysql://db/app',
    table: 'sessions',
    expiresColumn: 'expires',
    expiresFormat: 'datetime',
    cutoff: TOLD.at,
    dryRun: true,
  } as const;
  const report: Report = { ...TOLD, kind: 'check', facts, ending: endingOfError(error) };
  assert.equal(
    renderText(report, createRedactor([]), { columns: 80, colour: false }),
    'Timed out after 30 s while surveying the table.\n' +
      '  database  mysql://db/app\n' +
      '  expired   expires up to 2026-11-25 12:00:00 UTC\n' +
      '  column    expires, read as datetime\n' +
      '  status    124, TIMEOUT, ID job-1',
  );
});
