// What happens when the time is used up, or a signal arrives. Time and signals become AbortSignals, and this is their
// time line:
//
//   nearly used up       isNearlyUsedUp: the walk takes no further step and commits (`incomplete`)   cleanup/cleanup.ts
//   used up, or signal   stop: nothing more is sent; the statement at work is cancelled in the engine, and then the
//                        transaction is committed or rolled back (`timed_out`, `interrupted`; `busy` where the last
//                        answer was that somebody holds a lock)                                 database/connection.ts
//   5.0 s later          drop: the connection is dropped; a COMMIT without an answer is `unknown` database/connection.ts
//   5.3 s later          skip: a file that is not written yet is given up                                       main.ts
//   5.6 s later          leave: the line is given up, and the process ends      main.ts, bin/session-cleanup.js
//
// A COMMIT that was confirmed decides the outcome: what comes after it only makes the end come sooner.
import { CleanupError, type StopSignal } from '../errors.js';

const DROP_MS = 5_000;
const SKIP_MS = 5_300;
const LEAVE_MS = 5_600;

export type StopReason =
  | { readonly kind: 'timeout'; readonly afterMs: number }
  | { readonly kind: 'signal'; readonly signal: StopSignal };

export interface Deadline {
  /** Aborts when the time is used up or a signal arrives, whichever is first; `reason` is a StopReason. */
  readonly stop: AbortSignal;
  readonly drop: AbortSignal;
  readonly skip: AbortSignal;
  readonly leave: AbortSignal;
  /** Sets the budget in milliseconds; 0 is none. Until then only a signal stops. */
  limit(timeoutMs: number): void;
  /** Milliseconds left; Infinity without a timeout. */
  remainingMs(): number;
  /** Whether a step of about `stepMs` would leave too little time to commit in. */
  isNearlyUsedUp(stepMs: number): boolean;
  /** Releases the timers. */
  close(): void;
}

export interface DeadlineOptions {
  /** When the budget began, by `performance.now()`. */
  readonly startedAt: number;
  /** Registers the listener for signals: the first is the one that counts. */
  readonly onSignal: (listener: (signal: StopSignal) => void) => void;
  /** As for `limit`. */
  readonly timeoutMs?: number;
}

export function createDeadline({ startedAt, onSignal, timeoutMs = 0 }: DeadlineOptions): Deadline {
  const timers: NodeJS.Timeout[] = [];
  const stop = new AbortController();
  const afterStop = (ms: number): AbortSignal => {
    const later = new AbortController();
    stop.signal.addEventListener('abort', () => timers.push(setTimeout(() => later.abort(stop.signal.reason), ms)));
    return later.signal;
  };
  // A second abort of a controller is none: the first reason is kept.
  const abort = (reason: StopReason): void => stop.abort(reason);
  let budgetMs = 0;
  const remainingMs = (): number => (budgetMs === 0 ? Infinity : startedAt + budgetMs - performance.now());
  const limit = (ms: number): void => {
    budgetMs = ms;
    if (ms > 0) timers.push(setTimeout(() => abort({ kind: 'timeout', afterMs: ms }), Math.max(0, remainingMs())));
  };
  limit(timeoutMs);
  onSignal((signal) => abort({ kind: 'signal', signal }));
  return {
    stop: stop.signal,
    drop: afterStop(DROP_MS),
    skip: afterStop(SKIP_MS),
    leave: afterStop(LEAVE_MS),
    limit,
    remainingMs,
    // A tenth of the budget is kept for the COMMIT: on SQLite it writes every changed page.
    isNearlyUsedUp: (stepMs) => remainingMs() < Math.min(5_000, budgetMs * 0.1) + stepMs,
    close: () => timers.forEach(clearTimeout),
  };
}

/**
 * The error for work that was stopped.
 *
 * @param doing completes "… while …", such as "deleting"
 * @param hint where more time is not what it takes
 */
export function stoppedError(
  stop: AbortSignal,
  doing: string,
  rolledBack = false,
  hint = 'Look for what holds the database up, or allow more time with --timeout.',
): CleanupError {
  const reason = stop.reason as StopReason;
  if (reason.kind === 'signal') {
    const { signal } = reason;
    return new CleanupError('interrupted', `stopped by ${signal} while ${doing}`, { code: signal, signal, rolledBack });
  }
  const message = `timed out after ${reason.afterMs / 1000} s while ${doing}`;
  return new CleanupError('timed_out', message, { code: 'TIMEOUT', hint, rolledBack });
}
