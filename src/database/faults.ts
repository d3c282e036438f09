// What went wrong in the database, in the run's own terms.
import type { Driver, Fault } from '../engines/engine.js';
import { CleanupError, type FailureKind } from '../errors.js';

const KINDS: Readonly<Record<Fault['kind'], FailureKind>> = {
  locked: 'busy',
  'rolled-back': 'busy',
  lost: 'failed',
  unavailable: 'unavailable',
  denied: 'refused',
  failed: 'failed',
};

/** `doing` completes "while …". */
export function toCleanupError(driver: Driver, error: unknown, doing: string): CleanupError {
  if (error instanceof CleanupError) return error;
  const { kind, code, hint } = driver.classify(error);
  const lockHint = kind === 'locked' ? 'The database stayed locked: look for what holds the lock.' : undefined;
  return new CleanupError(KINDS[kind], `failed while ${doing}`, {
    said: messageOf(error),
    code,
    hint: hint ?? lockHint,
    cause: error,
    rolledBack: kind === 'rolled-back' || kind === 'lost',
  });
}

/** A lock was waited for in vain; the transaction is still there. */
export function isLockWait(error: unknown): boolean {
  return error instanceof CleanupError && error.kind === 'busy' && !error.rolledBack;
}

/** The connection ended, and with it the transaction. */
export function isLost(error: CleanupError | undefined): boolean {
  return error?.kind === 'failed' && error.rolledBack;
}

/** The engine's own words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
