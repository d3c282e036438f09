// What `check` finds whatever the engine is, and what to do about it. What it finds in an engine is that engine's.
import type { Contents } from '../database/contents.js';
import type { OpenedSessions } from '../database/table.js';
import type { Examination, Finding, Table } from '../engines/engine.js';
import { CleanupError } from '../errors.js';
import { type ColumnFormat, instantOf } from '../expiry/format.js';
import { span, time, wholeSeconds } from '../report/wording.js';
import type { Config } from '../settings/config.js';
import { beyondLimit } from './row-limit.js';

const CLOCK_TOLERANCE_MS = 2_000;

export function rightsFinding(grant: string | undefined): Finding {
  const text = 'the account may not delete from the table';
  return { kind: 'problem', topic: 'rights', text, fix: 'let an administrator grant it', sql: grant };
}

export function indexFindings(
  { expiresIndexes, declaredType }: Table,
  { createIndex }: Examination,
): readonly Finding[] {
  if (expiresIndexes.length > 0) return [];
  const text = 'no index leads with the column: every run reads the whole table';
  const fix =
    createIndex === undefined
      ? `change its type, and create one: ${declaredType.toUpperCase()} cannot be indexed as a whole`
      : 'create one';
  return [{ kind: 'advice', topic: 'index', text, fix, sql: createIndex }];
}

export function keyFindings(way: OpenedSessions | undefined): readonly Finding[] {
  if (way?.along.length !== 0) return [];
  const text = 'the table has no key to walk by: the run is one statement, and a timeout undoes all of it';
  return [{ kind: 'advice', topic: 'key', text, fix: 'give the table a primary key' }];
}

export function clockFindings(differenceMs: number): readonly Finding[] {
  const off = Math.abs(differenceMs);
  if (off <= CLOCK_TOLERANCE_MS) return [];
  const text = `this host's clock is ${off / 1000} s ${differenceMs > 0 ? 'ahead of' : 'behind'} the database's`;
  return [{ kind: 'advice', topic: 'clock', text, fix: 'set both by NTP; a run takes the earlier of the two' }];
}

/** A run would be refused. */
export function limitFindings({ expiredCount, rows }: Contents, { maxDelete }: Config): readonly Finding[] {
  const text = beyondLimit(maxDelete, expiredCount, rows);
  const fix = 'check the settings; where the count is right, raise --max-delete once';
  return text === undefined ? [] : [{ kind: 'problem', topic: 'limit', text, fix }];
}

/** Every session would go: the column may hold something else than the end of a session. */
export function liveFindings(
  { expiredCount, latest }: Contents,
  format: ColumnFormat | undefined,
  cutoff: Date,
  config: Config,
): readonly Finding[] {
  if (format === undefined || expiredCount === 0) return [];
  const text = noneLive(latest, format, cutoff, config);
  return text === undefined ? [] : [{ kind: 'problem', topic: 'live', text, fix: LIVE_FIX }];
}

export const LIVE_FIX =
  'if sessions are in use, check --expires-column, --expires-format, --time-zone and --older-than';

/** That not one session is live, by the largest value, null where there is none; undefined where one is, or may be. */
export function noneLive(
  latest: unknown,
  format: ColumnFormat,
  cutoff: Date,
  { expiresColumn, lifetimeColumn, timeZone }: Config,
): string | undefined {
  // Of a last activity with a lifetime in another column, the largest is always past.
  if (lifetimeColumn !== undefined) return undefined;
  if (latest == null) return 'not one session is live';
  if (!isTime(latest, format)) return undefined;
  const instant = instantOf(latest, format, timeZone);
  if (instant === undefined || !(instant.getTime() <= cutoff.getTime())) return undefined;
  return `not one session is live: the latest ${expiresColumn} is ${time(instant)}`;
}

/** Whether the value is a time after the cutoff, for certain. */
export function isLive(value: unknown, format: ColumnFormat, cutoff: Date, { timeZone }: Config): boolean {
  if (value == null || !isTime(value, format)) return false;
  const instant = instantOf(value, format, timeZone);
  return instant !== undefined && instant.getTime() > cutoff.getTime();
}

/** In a column that holds more than one kind, the largest may be of one, and what is live of the other. */
function isTime(value: unknown, { storedAs: [storedAs, ...others] }: ColumnFormat): boolean {
  if (others.length > 0) return false;
  const isNumber = typeof value === 'number' || typeof value === 'bigint' || /^\d+(\.\d+)?$/.test(String(value));
  return storedAs !== 'number' || isNumber;
}

export function timeFindings(estimatedMs: number, timeoutMs: number): readonly Finding[] {
  if (timeoutMs === 0 || estimatedMs <= timeoutMs) return [];
  const text = `deleting takes about ${wholeSeconds(estimatedMs)}, but the timeout is ${span(timeoutMs)}: each run deletes a part`;
  const fix = 'clear the backlog in one go: session-cleanup run … --timeout 0 --batch-size 5000';
  return [{ kind: 'advice', topic: 'time', text, fix }];
}

/** For what a run would be refused, or fail. */
export function problemsRefusal(code: string, problems: readonly Finding[]): CleanupError {
  return new CleanupError('refused', problems.map(({ text }) => text).join('; '), {
    code,
    hint: `${problems.map(({ fix, sql }) => (sql === undefined ? fix : `${fix}: ${sql}`)).join('; ')}.`,
  });
}
