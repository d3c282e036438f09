// What happens when the time runs out, or a signal arrives. Both become AbortSignals; this is the time line, and who
// does each part:
//
//   nearly used up       isNearlyUsedUp: takes no further step, and commits (`incomplete`)        cleanup/cleanup.ts
//   used up, or signal   stop: sends nothing more, and cancels the statement in hand            database/statement.ts
//                          - the transaction is still there: commits what earlier steps deleted, or rolls back
//                            (`timed_out`, `interrupted`)                                         cleanup/cleanup.ts
//                          - the last answer was that somebody holds a lock: `busy`             database/statement.ts
//   5.0 s later          drop: drops the connection; COMMIT without an answer is `unknown`      database/statement.ts
//   5.2 s later          skip: gives up a file that is not written yet                                        main.ts
//   5.5 s later          leave: gives up the line, and ends the process                   main.ts, bin/session-cleanup.js
//
// Once COMMIT is confirmed the outcome is decided: a stop then only makes the end come sooner.
import { CleanupError, type StopSignal } from '../errors.js';

const DROP_MS = 5_000;
const SKIP_MS = 5_200;
const LEAVE_MS = 5_500;

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
  const [drop, skip, leave] = [afterStop(DROP_MS), afterStop(SKIP_MS), afterStop(LEAVE_MS)];
  limit(timeoutMs);
  // It may have come already: what follows a stop has to be in place.
  onSignal((signal) => abort({ kind: 'signal', signal }));
  return {
    stop: stop.signal,
    drop,
    skip,
    leave,
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
