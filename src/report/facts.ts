// What there is to tell of a command: facts as they become known, how it ended, and the report that is made of both.
// No words: those are in line.ts for programs and in text.ts for people.
import type { Progress } from '../cleanup/cleanup.js';
import type { Finding } from '../engines/engine.js';
import type { CleanupError, FailureKind } from '../errors.js';
import type { ExpiresFormat } from '../expiry/format.js';

/** What is known of the run so far; what is not known yet is absent. */
export interface RunFacts {
  readonly database?: string;
  readonly table?: string;
  readonly expiresColumn?: string;
  readonly expiresFormat?: ExpiresFormat | 'auto' | undefined;
  readonly expiresIndex?: string | undefined;
  readonly timeZone?: string;
  readonly olderThanMs?: number;
  /** Undefined where it was not named. */
  readonly lifetimeColumn?: string | undefined;
  readonly store?: string | undefined;
  /** `olderThanMs` is what `store` says of itself. */
  readonly lifetimeIsDefault?: boolean;
  readonly where?: string | undefined;
  readonly timeoutMs?: number;
  readonly cutoff?: Date;
  /** Not in the line of a run. */
  readonly oldestExpired?: Date | undefined;
  readonly dryRun: boolean;
  /** Of a dry run. */
  readonly expiredCount?: number;
  /** Of a dry run. */
  readonly rowCount?: number;
  readonly batchSize?: number | undefined;
  readonly progress?: Progress;
  readonly warning?: string | undefined;
  /** What `check` found out besides. */
  readonly check?: CheckFacts;
}

export interface CheckFacts {
  /** Such as "MySQL 9.7.1" or "SQLite 3.52.0". */
  readonly server: string;
  /** Settings and facts worth knowing, by the engine's own names. */
  readonly settings: Readonly<Record<string, string>>;
  readonly declaredType: string;
  readonly estimatedRows: number | undefined;
  readonly tableBytes: number | undefined;
  /** The index that the engine deletes by; undefined for a scan. */
  readonly usedIndex: string | undefined;
  /** The columns a run walks by; empty where it is one statement, undefined where the plan is not known. */
  readonly walkedBy: readonly string[] | undefined;
  /** The index of the row key, where it is what a run walks by; undefined where it walks by something else. */
  readonly walkedKey: string | undefined;
  /** How far this host's clock is ahead of the database's. */
  readonly clockDifferenceMs: number;
  readonly findings: readonly Finding[];
  /** Absent until all rows have been read. */
  readonly contents?: CheckedContents;
}

/** Values of the column are as the driver returned them. */
export interface CheckedContents {
  readonly rows: number;
  readonly nullCount: number;
  readonly zeroCount: number;
  readonly expiredCount: number;
  readonly smallest: unknown;
  readonly largest: unknown;
  readonly oldestExpired: unknown;
  readonly estimatedMs: number;
}

export type Outcome = 'deleted' | 'nothing_expired' | 'counted' | 'ready' | Exclude<FailureKind, 'usage'>;

/** How a command ended: with an exit status of 0, or with what went wrong. */
export interface Ending {
  readonly outcome: Outcome;
  readonly exitStatus: number;
  readonly complete: boolean;
  readonly error?: Pick<CleanupError, 'kind' | 'message' | 'said' | 'code' | 'hint' | 'signal'>;
}

interface Told {
  readonly at: Date;
  readonly correlationId: string;
  readonly version: string;
}

/** Of `run`, dry or not, or of `check`. */
export interface CommandReport extends Told {
  readonly kind: 'run' | 'check';
  readonly facts: RunFacts;
  readonly ending: Ending;
  readonly durationMs: number;
}

/** A command that failed without a database: a usage error, or a crontab that cannot be written. */
export interface FailureReport extends Told {
  readonly kind: 'failure';
  /** Undefined where none was given, or none that there is. */
  readonly command: string | undefined;
  readonly ending: Ending;
  readonly durationMs: number;
}

/** The entry that the crontab holds now. */
export interface InstalledEntry {
  /** The five fields of a crontab line. */
  readonly expression: string;
  /** Null where the runs are not equally far apart. */
  readonly intervalSeconds: number | null;
  /** Undefined where the crontab sets another time zone than that of the host. */
  readonly nextAt: Date | undefined;
  /** What cron gives to the shell. */
  readonly command: string;
  readonly database: string;
  readonly table: string;
  /** Whom cron mails what goes wrong; empty for nobody, and then there is a warning. */
  readonly mailTo: string;
  /** What the entry that it replaces was for, where that was another database or table. */
  readonly replaced: string | undefined;
}

/** What `schedule` did to the crontab. */
export interface CrontabChange {
  /** `unchanged`: there was nothing to remove. */
  readonly outcome: 'installed' | 'removed' | 'unchanged';
  readonly jobId: string;
  /** Whose crontab it is. */
  readonly user: string;
  readonly installed: InstalledEntry | undefined;
  readonly warning: string | undefined;
}

export interface ScheduleReport extends Told, CrontabChange {
  readonly kind: 'schedule';
}

/** Something on the way, told at debug. */
export interface EventReport extends Told {
  readonly kind: 'event';
  readonly name: string;
  readonly details: Readonly<Record<string, string | number>>;
}

export type Report = CommandReport | FailureReport | ScheduleReport | EventReport;

/** @param tookMs how long the deleting took, for the hint */
export function endingOf(complete: boolean, progress: Progress, tookMs: number): Ending {
  const { deletedCount, lockedCount, waitedFor } = progress;
  if (!complete) {
    const waited = waitedFor === undefined ? '' : ` (waited for others: ${waitedFor})`;
    const message = `the timeout was nearly reached${waited}: what was deleted is committed, and more may remain`;
    const hint =
      `Run it again, or clear the backlog in one go: session-cleanup run --timeout 0 --batch-size 5000, ` +
      `with the other settings as they are (this run deleted ${deletedCount} rows in ${(tookMs / 1000).toFixed(1)} s).`;
    const error = {
      kind: 'incomplete',
      code: 'OUT_OF_TIME',
      message,
      said: undefined,
      hint,
      signal: undefined,
    } as const;
    return { outcome: 'incomplete', exitStatus: 124, complete, error };
  }
  const outcome = deletedCount === 0 && lockedCount === 0 ? 'nothing_expired' : 'deleted';
  return { outcome, exitStatus: 0, complete };
}

export function endingOfError({ kind, exitStatus, code, message, said, hint, signal }: CleanupError): Ending {
  const outcome = kind === 'usage' ? 'failed' : kind;
  return { outcome, exitStatus, complete: false, error: { kind, code, message, said, hint, signal } };
}
