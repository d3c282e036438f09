// Time and signals become one AbortSignal whose reason says which it was.
import { CleanupError, type StopSignal } from '../errors.js';

/** How long the end of a transaction is awaited once work has been told to stop; then the connection is dropped. */
export const GRACE_MS = 5_000;

export type StopReason =
  | { readonly kind: 'timeout'; readonly afterMs: number }
  | { readonly kind: 'signal'; readonly signal: StopSignal };

export interface Deadline {
  /** Aborts when the time is used up or a signal arrives, whichever is first; `reason` is a StopReason. */
  readonly stop: AbortSignal;
  /** Aborts GRACE_MS after `stop`: what has not answered by then is given up. */
  readonly drop: AbortSignal;
  /** Milliseconds left; Infinity without a timeout. */
  remainingMs(): number;
  /** Whether a step of about `stepMs` would leave too little time to commit in. */
  isNearlyUsedUp(stepMs: number): boolean;
  /** Releases the timers and the signal listeners. */
  close(): void;
}

export interface DeadlineOptions {
  /** Budget in milliseconds; 0 is none. */
  readonly timeoutMs: number;
  /** When the budget began, by `performance.now()`. */
  readonly startedAt: number;
  /** Registers a listener for the signals; returns how to take it away again. */
  readonly onSignal: (listener: (signal: StopSignal) => void) => () => void;
}

export function createDeadline({ timeoutMs, startedAt, onSignal }: DeadlineOptions): Deadline {
  const stop = new AbortController();
  const drop = new AbortController();
  let dropTimer: NodeJS.Timeout | undefined;
  const abort = (reason: StopReason): void => {
    if (stop.signal.aborted) return;
    stop.abort(reason);
    dropTimer = setTimeout(() => drop.abort(reason), GRACE_MS);
  };
  const remainingMs = (): number => (timeoutMs === 0 ? Infinity : startedAt + timeoutMs - performance.now());
  const timer =
    timeoutMs === 0
      ? undefined
      : setTimeout(() => abort({ kind: 'timeout', afterMs: timeoutMs }), Math.max(0, remainingMs()));
  const removeListener = onSignal((signal) => abort({ kind: 'signal', signal }));
  // A tenth of the budget is kept for the COMMIT: on SQLite it writes every changed page.
  const reserveMs = Math.min(5_000, timeoutMs * 0.1);
  return {
    stop: stop.signal,
    drop: drop.signal,
    remainingMs,
    isNearlyUsedUp: (stepMs) => remainingMs() < reserveMs + stepMs,
    close() {
      clearTimeout(timer);
      clearTimeout(dropTimer);
      removeListener();
    },
  };
}

/** The error for work that was stopped. `doing` completes "… while …", such as "deleting". */
export function stoppedError(stop: AbortSignal, doing: string, rolledBack = false): CleanupError {
  const reason = stop.reason as StopReason;
  if (reason.kind === 'signal') {
    return new CleanupError('interrupted', `stopped by ${reason.signal} while ${doing}`, {
      code: reason.signal,
      signal: reason.signal,
      rolledBack,
    });
  }
  return new CleanupError('timed_out', `timed out after ${reason.afterMs / 1000} s while ${doing}`, {
    code: 'TIMEOUT',
    hint: 'Look for what holds the database up, or allow more time with --timeout.',
    rolledBack,
  });
}
