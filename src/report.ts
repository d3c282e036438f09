// A run's result or error becomes the one record, and the record becomes the one line. Pure.
import type { CleanupError } from './errors.js';
import type { ExpiresFormat } from './expiry.js';

/** What is known of the run so far; what is not known yet is absent. */
export interface RunFacts {
  readonly correlationId: string;
  readonly database?: string;
  readonly table?: string;
  readonly expiresColumn?: string;
  readonly expiresFormat?: ExpiresFormat | 'auto' | undefined;
  readonly expiresIndex?: string | undefined;
  readonly cutoff?: Date;
  readonly dryRun: boolean;
  readonly attempts: number;
  readonly warning?: string | undefined;
}

/** A run that ended without an error. `count` is of deleted rows, or of expired ones for a dry run. */
export interface RunResult {
  readonly count: number;
  readonly lockedCount: number;
  readonly complete: boolean;
}

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** One line: flat, and in the order of its keys. */
export type LogRecord = Readonly<Record<string, string | number | boolean | null>> & {
  readonly timestamp: string;
  readonly level: Level;
  readonly message: string;
};

interface Ending {
  readonly outcome: string;
  readonly exitStatus: number;
  /** Null where it is not known. */
  readonly count: number | null;
  readonly complete: boolean;
  readonly lockedCount: number;
  readonly error:
    | { readonly code: string | undefined; readonly message: string; readonly hint: string | undefined }
    | undefined;
}

export function endingOf(result: RunResult, dryRun: boolean): Ending {
  const { count, lockedCount, complete } = result;
  if (!complete) {
    return {
      outcome: 'incomplete',
      exitStatus: 124,
      count,
      complete,
      lockedCount,
      error: {
        code: 'OUT_OF_TIME',
        message: 'the time was nearly used up: what was deleted is committed, and more may remain',
        hint: 'Run it again, or allow more time with --timeout.',
      },
    };
  }
  const nothing = count === 0 && lockedCount === 0;
  const outcome = dryRun ? 'counted' : nothing ? 'nothing_expired' : 'deleted';
  return { outcome, exitStatus: 0, count, complete, lockedCount, error: undefined };
}

export function endingOfError(error: CleanupError, redact: (text: string) => string): Ending {
  const { kind, exitStatus, code, message, hint } = error;
  return {
    outcome: kind === 'usage' ? 'failed' : kind,
    exitStatus,
    count: kind === 'unknown' ? null : 0,
    complete: false,
    lockedCount: 0,
    error: { code, message: redact(message), hint: hint === undefined ? undefined : redact(hint) },
  };
}

export function createRecord(
  facts: RunFacts,
  ending: Ending,
  at: Date,
  durationMs: number,
  version: string,
): LogRecord {
  const { outcome, exitStatus, count, complete, lockedCount, error } = ending;
  return {
    timestamp: at.toISOString(),
    level: exitStatus === 0 ? 'info' : 'error',
    message: exitStatus === 0 ? 'session_cleanup_ran' : 'session_cleanup_failed',
    correlation_id: facts.correlationId,
    outcome,
    exit_status: exitStatus,
    [facts.dryRun ? 'expired_count' : 'deleted_count']: facts.dryRun && error !== undefined ? null : count,
    cutoff_time: facts.cutoff?.toISOString() ?? null,
    complete,
    ...(lockedCount === 0 ? {} : { locked_count: lockedCount }),
    duration_ms: Math.round(durationMs),
    attempts: facts.attempts,
    database: facts.database ?? null,
    table: facts.table ?? null,
    expires_column: facts.expiresColumn ?? null,
    expires_format: facts.expiresFormat ?? null,
    expires_index: facts.expiresIndex ?? null,
    dry_run: facts.dryRun,
    version,
    ...(error === undefined ? {} : { error_code: error.code ?? null, error: error.message, hint: error.hint ?? null }),
    ...(facts.warning === undefined ? {} : { warning: facts.warning }),
  };
}

/** The line without its end. JSON escapes what could break out of it; the text form escapes the same. */
export function formatLine(record: LogRecord, format: 'json' | 'text'): string {
  if (format === 'json') return escapeControls(JSON.stringify(record));
  return escapeControls(record.outcome === undefined ? describeEvent(record) : describeOutcome(record));
}

// JSON leaves the C1 controls and the direction marks as they are; a terminal acts on them.
function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
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
