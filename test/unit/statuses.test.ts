// What is said of the statuses and of the keys of the line, against what the code makes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT_STATUSES } from '../../src/cli/statuses.js';
import { CleanupError, type FailureKind } from '../../src/errors.js';
import { endingOfError, type RunFacts } from '../../src/report/facts.js';
import { LINE_KEYS } from '../../src/report/keys.js';
import { createRecord } from '../../src/report/record.js';

/** Any failure, to be refused by the compiler when a kind is added. */
const KINDS: Readonly<Record<FailureKind, true>> = {
  failed: true,
  usage: true,
  refused: true,
  unavailable: true,
  busy: true,
  incomplete: true,
  timed_out: true,
  interrupted: true,
  unknown: true,
};

test('every failure has its status and outcome, and there is no other', () => {
  const failures = (Object.keys(KINDS) as FailureKind[]).flatMap((kind) => {
    const signals = kind === 'interrupted' ? (['SIGINT', 'SIGTERM', 'SIGHUP'] as const) : [undefined];
    return signals.map((signal) => endingOfError(new CleanupError(kind, '', { signal })));
  });
  const found = EXIT_STATUSES.filter(({ statuses }) => !statuses.includes(0)).flatMap(({ statuses, outcomes }) =>
    statuses.flatMap((status) => outcomes.map((outcome) => `${status} ${outcome}`)),
  );
  assert.deepEqual(new Set(found), new Set(failures.map(({ exitStatus, outcome }) => `${exitStatus} ${outcome}`)));
  assert.equal(new Set(found).size, found.length);
});

test('every key that there can be is described, in the order of the line', () => {
  const keys = LINE_KEYS.map(({ key }) => key);
  const ending = endingOfError(new CleanupError('failed', ''));
  const facts: Omit<RunFacts, 'dryRun'> = {
    batchSize: 1,
    rowCount: 1,
    timeZone: 'Europe/Berlin',
    olderThanMs: 1,
    lifetimeColumn: '',
    store: '',
    where: '',
    warning: '',
    progress: { deletedCount: 0, lockedCount: 1, batches: 0, attempts: 1, waitedFor: '', waitedMs: 1 },
  };
  const told = { ending, at: new Date(), durationMs: 0, correlationId: '', version: '' };
  const keysOf = (dryRun: boolean) =>
    Object.keys(createRecord({ kind: 'run', facts: { ...facts, dryRun }, ...told }, (text) => text));
  assert.deepEqual(
    keysOf(false),
    keys.filter((key) => key !== 'expired_count' && key !== 'row_count'),
  );
  assert.deepEqual(
    keysOf(true),
    keys.filter((key) => key !== 'deleted_count'),
  );
});
