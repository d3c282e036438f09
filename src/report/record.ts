// A report becomes one flat record, whose keys, their order and their meaning are part of the versioned contract. Pure.
import type { Finding } from '../engines/engine.js';
import type {
  CheckedContents,
  CheckFacts,
  CommandReport,
  Ending,
  EventReport,
  InstalledEntry,
  Report,
  ScheduleReport,
} from './facts.js';
import { maskUrls, type Redact } from './redact.js';

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** One line: flat, and in the order of its keys. */
export type LogRecord = Readonly<Record<string, string | number | boolean | null>> & {
  readonly timestamp: string;
  readonly level: Level;
  readonly message: string;
};

/** @param redact for what drivers, servers and the system said */
export function createRecord(report: Report, redact: Redact): LogRecord {
  switch (report.kind) {
    case 'run':
    case 'check':
      return commandRecord(report, redact);
    case 'failure':
      return commandRecord({ ...report, kind: 'run', facts: { dryRun: false } }, redact);
    case 'schedule':
      return scheduleRecord(report);
    case 'event':
      return eventRecord(report);
  }
}

export function levelOf(report: Report): Level {
  if (report.kind === 'event') return 'debug';
  if (report.kind === 'schedule') return report.warning === undefined ? 'info' : 'warn';
  if (report.ending.exitStatus !== 0) return 'error';
  return report.kind !== 'failure' && report.facts.warning !== undefined ? 'warn' : 'info';
}

function commandRecord(report: CommandReport, redact: Redact): LogRecord {
  const { facts, ending } = report;
  const { exitStatus, complete } = ending;
  const { lockedCount = 0, batches = 0, attempts = 0, waitedFor, waitedMs = 0 } = facts.progress ?? {};
  const inBatches = facts.batchSize !== undefined || batches > 1;
  return {
    timestamp: report.at.toISOString(),
    level: levelOf(report),
    message: messageOf(report),
    correlation_id: report.correlationId,
    outcome: ending.outcome,
    exit_status: exitStatus,
    ...counts(report),
    cutoff_time: facts.cutoff?.toISOString() ?? null,
    complete,
    ...(lockedCount === 0 ? {} : { locked_count: lockedCount }),
    duration_ms: Math.round(report.durationMs),
    attempts,
    database: facts.database ?? null,
    table: facts.table ?? null,
    expires_column: facts.expiresColumn ?? null,
    expires_format: facts.expiresFormat ?? null,
    ...(facts.timeZone === undefined || facts.timeZone === 'UTC' ? {} : { time_zone: facts.timeZone }),
    ...(facts.olderThanMs ? { older_than_ms: facts.olderThanMs } : {}),
    ...given('lifetime_column', facts.lifetimeColumn),
    ...given('store', facts.store),
    ...given('where', facts.where),
    expires_index: facts.expiresIndex ?? null,
    dry_run: facts.dryRun,
    ...given('batch_size', facts.batchSize),
    ...(inBatches ? { batches } : {}),
    ...(waitedFor === undefined ? {} : { waited_ms: waitedMs, waited_for: waitedFor }),
    ...(facts.check === undefined ? {} : checkDetails(facts.check)),
    version: report.version,
    ...failure(ending, redact),
    ...given('warning', facts.warning === undefined ? undefined : maskUrls(facts.warning)),
  };
}

function messageOf({ kind, ending }: CommandReport): string {
  if (ending.exitStatus !== 0) return 'session_cleanup_failed';
  return kind === 'check' ? 'session_cleanup_checked' : 'session_cleanup_ran';
}

/** Null: not known. */
function counts({ facts, ending }: CommandReport): Readonly<Record<string, number | null>> {
  if (facts.dryRun) return { expired_count: facts.expiredCount ?? null, ...given('row_count', facts.rowCount) };
  return { deleted_count: ending.outcome === 'unknown' ? null : (facts.progress?.deletedCount ?? 0) };
}

function given<T>(key: string, value: T | undefined): Readonly<Record<string, T>> {
  return value === undefined ? {} : { [key]: value };
}

function failure({ error }: Ending, redact: Redact): Readonly<Record<string, string | null>> {
  if (error === undefined) return {};
  const hint = error.hint === undefined ? null : maskUrls(error.hint);
  return { error_code: error.code ?? null, error: describeError(error, redact), hint };
}

/** What went wrong: our own words, and then those of others with every secret masked. */
export function describeError({ message, said }: NonNullable<Ending['error']>, redact: Redact): string {
  return maskUrls(message) + (said === undefined ? '' : `: ${redact(said)}`);
}

/** Null: not known, since the time was up before all rows were read. */
function checkDetails({ contents, ...check }: CheckFacts): Readonly<Record<string, string | number | null>> {
  const shown = (value: unknown): string | number | null =>
    value == null ? null : typeof value === 'number' ? value : String(value).slice(0, 64);
  return {
    server: check.server,
    ...check.settings,
    declared_type: check.declaredType,
    row_count: contents?.rows ?? null,
    estimated_rows: check.estimatedRows ?? null,
    table_bytes: check.tableBytes ?? null,
    null_count: contents?.nullCount ?? null,
    zero_count: contents?.zeroCount ?? null,
    smallest: shown(contents?.smallest),
    largest: shown(contents?.largest),
    oldest_expired: shown(contents?.oldestExpired),
    used_index: check.usedIndex ?? null,
    walked_by: check.walkedBy?.join(', ') || null,
    clock_difference_ms: check.clockDifferenceMs,
    estimated_seconds: estimatedSeconds(contents),
    findings: check.findings.map(describeFinding).join('\n') || null,
  };
}

function estimatedSeconds(contents: CheckedContents | undefined): number | null {
  if (contents === undefined) return null;
  return contents.expiredCount === 0 ? 0 : Math.ceil(contents.estimatedMs / 1000);
}

function describeFinding({ kind, text, fix, sql }: Finding): string {
  return `${kind}: ${text}. Fix: ${fix}${sql === undefined ? '' : `: ${sql}`}`;
}

function scheduleRecord(report: ScheduleReport): LogRecord {
  const { installed } = report;
  return {
    timestamp: report.at.toISOString(),
    level: levelOf(report),
    message: 'session_cleanup_scheduled',
    correlation_id: report.correlationId,
    outcome: report.outcome,
    exit_status: 0,
    job_id: report.jobId,
    user: report.user,
    interval_seconds: installed?.intervalSeconds ?? null,
    schedule: installed?.expression ?? null,
    ...(installed === undefined ? {} : entryDetails(installed)),
    version: report.version,
    ...given('warning', report.warning),
  };
}

function entryDetails(entry: InstalledEntry): Readonly<Record<string, string | null>> {
  return {
    next_time: entry.nextAt?.toISOString() ?? null,
    command: maskUrls(entry.command),
    database: entry.database,
    table: entry.table,
    mail_to: entry.mailTo,
    ...given('replaced', entry.replaced),
  };
}

function eventRecord(report: EventReport): LogRecord {
  return {
    timestamp: report.at.toISOString(),
    level: levelOf(report),
    message: report.name,
    correlation_id: report.correlationId,
    ...report.details,
  };
}
