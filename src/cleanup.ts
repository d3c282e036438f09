// The use case: the walk over the table, when it commits, and what it makes of a stop or a fault on the way.
import { backOffMs, type Deadline, sleep } from './deadline.js';
import { CleanupError } from './errors.js';

/** What the walk needs of a database. Every method throws CleanupError. */
export interface SessionRepository<Stretch> {
  begin(): Promise<void>;
  /** Resolves once the database has confirmed. Kind `unknown` where it did not answer. */
  commit(): Promise<void>;
  /** Never throws: a transaction that cannot be rolled back is dropped with its connection. */
  rollback(): Promise<void>;
  /** The stretch of about `rows` rows that follows `previous`; undefined after the last. */
  nextStretch(previous: Stretch | undefined, rows: number): Promise<Stretch | undefined>;
  /** Deletes the expired rows of a stretch; those that others hold locked are counted instead. */
  deleteExpired(stretch: Stretch): Promise<{ readonly deleted: number; readonly locked: number }>;
}

export interface CleanupResult {
  readonly deletedCount: number;
  /** Expired rows passed over because somebody else held them locked. */
  readonly lockedCount: number;
  /** Whether the walk came to the end of the table. */
  readonly complete: boolean;
  /** Transactions begun, the last included. */
  readonly attempts: number;
}

const STEP_TARGET_MS = 200;
const FIRST_STEP_ROWS = 500;
const MOST_STEP_ROWS = 100_000;

/** Deletes the expired rows in one transaction, and begins anew where the engine gave the transaction up. */
export async function cleanUp<Stretch>(
  repository: SessionRepository<Stretch>,
  deadline: Deadline,
  onAttempt: (attempts: number) => void,
): Promise<CleanupResult> {
  for (let attempts = 1; ; attempts++) {
    onAttempt(attempts);
    try {
      return { ...(await cleanUpOnce(repository, deadline)), attempts };
    } catch (error) {
      if (!(error instanceof CleanupError && error.kind === 'busy' && error.rolledBack)) throw error;
      const pauseMs = backOffMs(attempts);
      if (deadline.isNearlyUsedUp(pauseMs)) throw error;
      await sleep(pauseMs, deadline.stop);
    }
  }
}

async function cleanUpOnce<Stretch>(
  repository: SessionRepository<Stretch>,
  deadline: Deadline,
): Promise<Omit<CleanupResult, 'attempts'>> {
  let deletedCount = 0;
  let lockedCount = 0;
  await repository.begin();
  const walk = async (): Promise<boolean> => {
    let stretch: Stretch | undefined;
    let rows = FIRST_STEP_ROWS;
    let longestMs = 0;
    for (;;) {
      const startedAt = performance.now();
      stretch = await repository.nextStretch(stretch, rows);
      if (stretch === undefined) return true;
      const done = await repository.deleteExpired(stretch);
      deletedCount += done.deleted;
      lockedCount += done.locked;
      const tookMs = performance.now() - startedAt;
      longestMs = Math.max(longestMs, tookMs);
      // The first step is always made, however short the time: every run makes progress.
      if (deadline.isNearlyUsedUp(longestMs)) return false;
      rows = Math.ceil(Math.min(MOST_STEP_ROWS, rows * Math.min(4, Math.max(0.1, STEP_TARGET_MS / tookMs))));
    }
  };
  let complete = false;
  try {
    complete = await walk().catch((error: unknown) => {
      if (isOutOfTime(error) && deletedCount > 0) return false;
      throw error;
    });
    await repository.commit();
  } catch (error) {
    if (!(error instanceof CleanupError && error.rolledBack)) await repository.rollback();
    throw error;
  }
  return { deletedCount, lockedCount, complete };
}

/** The time ran out in the middle of a step, with the transaction still there: what earlier steps did can be kept. */
function isOutOfTime(error: unknown): boolean {
  return error instanceof CleanupError && (error.kind === 'timed_out' || error.kind === 'busy') && !error.rolledBack;
}
