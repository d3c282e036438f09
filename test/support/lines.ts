// What every ending has in common: the status, the one stream, the keys of the line and their order.
import assert from 'node:assert/strict';
import type { Ended } from './command.js';

export type Line = Readonly<Record<string, unknown>>;

/** DESIGN.md, "The line"; the count has two names, and a question mark stands for "not always". */
const KEYS = [
  'timestamp',
  'level',
  'message',
  'correlation_id',
  'outcome',
  'exit_status',
  'deleted_count|expired_count',
  'row_count?',
  'cutoff_time',
  'complete',
  'locked_count?',
  'duration_ms',
  'attempts',
  'database',
  'table',
  'expires_column',
  'expires_format',
  'time_zone?',
  'older_than_ms?',
  'lifetime_column?',
  'store?',
  'where?',
  'expires_index',
  'dry_run',
  'batch_size?',
  'batches?',
  'waited_ms?',
  'waited_for?',
  'version',
];
const FAILURE_KEYS = ['error_code', 'error', 'hint'];

const STATUSES: Readonly<Record<string, readonly number[]>> = {
  deleted: [0],
  nothing_expired: [0],
  counted: [0],
  failed: [1, 2],
  unknown: [1],
  refused: [3],
  unavailable: [4],
  busy: [75],
  incomplete: [124],
  timed_out: [124],
  interrupted: [130, 143, 129],
};

/** The line of a run that did its job: on stdout, and nothing on stderr. */
export function successLine(ended: Ended): Line {
  assert.deepEqual({ status: ended.status, stderr: ended.stderr }, { status: 0, stderr: '' }, ended.stdout);
  const line = checkedLine(ended, KEYS);
  assert.equal(line.level, 'warning' in line ? 'warn' : 'info');
  assert.equal(line.message, 'session_cleanup_ran');
  assert.equal(line.complete, true);
  return line;
}

/** The line of a run that did not: on stderr, and nothing on stdout. */
export function failureLine(ended: Ended, status: number, outcome: string): Line {
  assert.deepEqual({ status: ended.status, stdout: ended.stdout }, { status, stdout: '' }, ended.stderr);
  const line = checkedLine(ended, [...KEYS, ...FAILURE_KEYS]);
  assert.equal(line.outcome, outcome, ended.stderr);
  assert.equal(line.level, 'error');
  assert.equal(line.message, 'session_cleanup_failed');
  assert.equal(line.complete, false);
  assert.notEqual(line.error, '');
  return line;
}

function checkedLine(ended: Ended, keys: readonly string[]): Line {
  assert.match(ended.stdout + ended.stderr, /^\{.*\}\n$/);
  const { line } = ended;
  const expected = [...keys, 'warning?'].flatMap((key) => {
    const names = key.replace('?', '').split('|');
    const present = names.filter((name) => name in line);
    return key.endsWith('?') || present.length === 1 ? present : names;
  });
  assert.deepEqual(Object.keys(line), expected);
  assert.match(String(line.timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(line.exit_status, ended.status);
  assert.ok(STATUSES[String(line.outcome)]?.includes(Number(ended.status)), ended.stderr);
  return line;
}

/** How long after its timeout, or after a signal, the process is gone at the latest. */
const GRACE_MS = 6_000;
// What a busy machine adds is not the program's doing: starting a process, seeing that it has ended, and standing still in
// between. What does not end by itself is held up for minutes.
const BUSY_MS = 10_000;

/** The promise "the process is gone by timeout + 6 s". `startedAt` is when it was started. */
export function assertGoneAfterTimeout(startedAt: number, timeoutMs: number): void {
  const lateMs = performance.now() - startedAt - timeoutMs;
  assert.ok(lateMs < GRACE_MS + BUSY_MS, `gone only ${Math.round(lateMs)} ms after the timeout`);
}

/** The same promise for a signal. */
export function assertGoneAfterSignal(signalledAt: number): void {
  const lateMs = performance.now() - signalledAt;
  assert.ok(lateMs < GRACE_MS + BUSY_MS, `gone only ${Math.round(lateMs)} ms after the signal`);
}
