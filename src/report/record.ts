// A run's result or error becomes the one record, and the record becomes the one line. Pure.

import type { Progress } from '../cleanup/cleanup.js';
import type { CheckDetails } from '../commands/check.js';
import type { CleanupError } from '../errors.js';
import type { ExpiresFormat } from '../expiry/format.js';
import { CONTROLS } from '../settings/values.js';
import { maskUrls } from './redact.js';

/** What is known of the run so far; what is not known yet is absent. */
export interface RunFacts {
  readonly correlationId: string;
  readonly database?: string;
  readonly table?: string;
  readonly expiresColumn?: string;
  readonly expiresFormat?: ExpiresFormat | 'auto' | undefined;
  readonly expiresIndex?: string | undefined;
  readonly cutoff?: Date;
  /** For the metrics; not in the line. */
  readonly oldestExpired?: Date | undefined;
  readonly dryRun: boolean;
  /** Of a dry run. */
  readonly expiredCount?: number;
  readonly batchSize?: number | undefined;
  readonly progress?: Progress;
  /** What the command `check` found out, in the order to be shown. */
  readonly check?: CheckDetails;
  readonly warning?: string | undefined;
}

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** One line: flat, and in the order of its keys. */
export type LogRecord = Readonly<Record<string, string | number | boolean | null>> & {
  readonly timestamp: string;
  readonly level: Level;
  readonly message: string;
};

/** How a run ended: with an exit status of 0, or with what went wrong. */
export interface Ending {
  readonly outcome: string;
  readonly exitStatus: number;
  readonly complete: boolean;
  readonly error?: Pick<CleanupError, 'message' | 'code' | 'hint'> & Partial<Pick<CleanupError, 'said'>>;
}

/** @param tookMs how long the deleting took, for the hint */
export function endingOf(complete: boolean, progress: Progress, tookMs: number): Ending {
  const { deletedCount, lockedCount, waitedFor } = progress;
  if (!complete) {
    const waited = waitedFor === undefined ? '' : ` (waited for others: ${waitedFor})`;
    const message = `the time was nearly used up${waited}: what was deleted is committed, and more may remain`;
    const hint =
      `Run it again, or clear the backlog in one go: session-cleanup run --timeout 0 --batch-size 5000, ` +
      `with the other settings as they are (this run deleted ${deletedCount} rows in ${(tookMs / 1000).toFixed(1)} s).`;
    return { outcome: 'incomplete', exitStatus: 124, complete, error: { code: 'OUT_OF_TIME', message, hint } };
  }
  const outcome = deletedCount === 0 && lockedCount === 0 ? 'nothing_expired' : 'deleted';
  return { outcome, exitStatus: 0, complete };
}

export function endingOfError({ kind, exitStatus, code, message, said, hint }: CleanupError): Ending {
  const outcome = kind === 'usage' ? 'failed' : kind;
  return { outcome, exitStatus, complete: false, error: { code, message, said, hint } };
}

export function createRecord(
  facts: RunFacts,
  ending: Ending,
  at: Date,
  durationMs: number,
  version: string,
  redact: (text: string) => string,
): LogRecord {
  const { outcome, exitStatus, complete, error } = ending;
  const {
    deletedCount = 0,
    lockedCount = 0,
    batches = 0,
    attempts = 0,
    waitedFor,
    waitedMs = 0,
  } = facts.progress ?? {};
  return {
    timestamp: at.toISOString(),
    level: exitStatus === 0 ? 'info' : 'error',
    message:
      exitStatus !== 0 ? 'session_cleanup_failed' : facts.check ? 'session_cleanup_checked' : 'session_cleanup_ran',
    correlation_id: facts.correlationId,
    outcome,
    exit_status: exitStatus,
    // Null: not known.
    ...(facts.dryRun
      ? { expired_count: facts.expiredCount ?? null }
      : { deleted_count: outcome === 'unknown' ? null : deletedCount }),
    cutoff_time: facts.cutoff?.toISOString() ?? null,
    complete,
    ...(lockedCount === 0 ? {} : { locked_count: lockedCount }),
    duration_ms: Math.round(durationMs),
    attempts,
    database: facts.database ?? null,
    table: facts.table ?? null,
    expires_column: facts.expiresColumn ?? null,
    expires_format: facts.expiresFormat ?? null,
    expires_index: facts.expiresIndex ?? null,
    dry_run: facts.dryRun,
    ...(facts.batchSize === undefined ? {} : { batch_size: facts.batchSize, batches }),
    ...(waitedFor === undefined ? {} : { waited_ms: waitedMs, waited_for: waitedFor }),
    ...facts.check,
    version,
    ...(error === undefined
      ? {}
      : {
          error_code: error.code ?? null,
          error: wordsOf(error, redact),
          hint: error.hint === undefined ? null : maskUrls(error.hint),
        }),
    ...(facts.warning === undefined ? {} : { warning: maskUrls(facts.warning) }),
  };
}

/** What went wrong: our own words, and then those of others with every secret masked. */
function wordsOf({ message, said }: NonNullable<Ending['error']>, redact: (text: string) => string): string {
  return maskUrls(message) + (said === undefined ? '' : `: ${redact(said)}`);
}

/** The line without its end. JSON escapes what could break out of it; the text form escapes the same. */
export function formatLine(record: LogRecord, format: 'json' | 'text'): string {
  if (format === 'json') return escapeControls(JSON.stringify(record));
  if (record.findings !== undefined) return describeCheck(record).map(escapeControls).join('\n');
  const isRun = record.duration_ms !== undefined;
  return escapeControls(isRun ? describeOutcome(record) : describeEvent(record));
}

// JSON leaves the C1 controls and the direction marks as they are.
function escapeControls(text: string): string {
  return text.replace(
    new RegExp(CONTROLS, 'gu'),
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

function describeEvent({ message, timestamp: _, level: __, ...fields }: LogRecord): string {
  const details = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return ['session-cleanup:', message, ...details].join(' ');
}

function describeOutcome(record: LogRecord): string {
  const { outcome, error, error_code: code, hint, warning, table, database, cutoff_time: cutoff } = record;
  const rows = (count: unknown): string => `${count} expired ${count === 1 ? 'row' : 'rows'}`;
  const of = `of ${table}`;
  const sentences: Readonly<Record<string, string>> = {
    deleted: `deleted ${rows(record.deleted_count)} ${of}`,
    nothing_expired: `nothing has expired in ${table}`,
    counted: `would delete ${rows(record.expired_count)} ${of}, deleted nothing`,
    incomplete: `deleted ${rows(record.deleted_count)} ${of}; ${error}`,
  };
  const locked = record.locked_count === undefined ? '' : `, passed over ${record.locked_count} locked`;
  const what = sentences[String(outcome)] ?? `${outcome}: ${error}`;
  const facts = [
    ...(cutoff === null ? [] : [`cutoff ${cutoff}`]),
    `${Number(record.duration_ms) / 1000} s`,
    ...(database === null ? [] : [`${database}`]),
    ...(code == null ? [] : [`${code}`]),
    `status ${record.exit_status}`,
    `correlation ID ${record.correlation_id}`,
  ];
  const end = (text: unknown): string => (text == null ? '' : ` ${text}`);
  return `session-cleanup: ${what}${locked}.${end(hint)}${end(warning && `Warning: ${warning}.`)} (${facts.join(', ')})`;
}

/** A report of several lines: for a person at a terminal. */
function describeCheck({
  timestamp: _,
  level: __,
  message: ___,
  findings,
  outcome,
  hint: ____,
  ...facts
}: LogRecord): string[] {
  const known = Object.entries(facts).filter(([, value]) => value !== null);
  const width = Math.max(...known.map(([key]) => key.length));
  return [
    ...known.map(([key, value]) => `${key.padEnd(width)}  ${value}`),
    ...(findings === null ? [] : String(findings).split('\n')),
    outcome === 'ready' ? 'ready' : `${outcome}: not ready`,
  ];
}
