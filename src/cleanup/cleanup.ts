// The use case: the walk over the table, when it commits, and what it makes of a stop or a fault on the way.

import { CleanupError } from '../errors.js';
import { backOffMs, sleep } from '../waiting.js';
import { type Deadline, stoppedError } from './deadline.js';
import type { DeletedStep, ExpiredSessions, Wait } from './port.js';

export interface CleanupOptions {
  /** The most rows that are deleted before a commit; undefined: once, at the end. */
  readonly batchSize: number | undefined;
  /** Wait between batches, in milliseconds. */
  readonly pauseMs: number;
  /** Asked between batches: why to wait, such as a replica that is behind; undefined to go on. */
  readonly reasonToWait?: (() => Promise<string | undefined>) | undefined;
  /** Told after every step how many rows are deleted so far, committed or not. */
  readonly onStep?: ((deletedCount: number) => void) | undefined;
  /** Told why it waits between batches; undefined: it goes on. */
  readonly onWait?: ((wait: Wait | undefined) => void) | undefined;
}

/** What has been committed so far. */
export interface Progress {
  readonly deletedCount: number;
  /** Expired rows passed over because somebody else held them locked. */
  readonly lockedCount: number;
  /** Transactions committed that deleted something. */
  readonly batches: number;
  /** The last reason to wait between batches, and how long was waited for such reasons. */
  readonly waitedFor?: string;
  readonly waitedMs?: number;
  /** One more than the times a transaction was given up by the engine and begun anew. */
  readonly attempts: number;
}

/** Where a transaction stopped: at the end of the table, with a full batch, or because it had to. */
interface Batch<Step> extends DeletedStep {
  readonly last: Step | undefined;
  readonly end: 'table' | 'full' | 'time';
}

const LAG_POLL_MS = 500;
const FIRST_STEP_ROWS = 500;
const MOST_STEP_ROWS = 100_000;
/** Rows that a batch walks over for each that it may delete: where few are expired it would never be full. */
const WALKED_PER_ROW = 10;

/**
 * Deletes the expired rows, in one transaction or in batches, and begins a transaction anew where the engine gave it
 * up. Resolves to whether the walk came to the end of the table; `onProgress` is told of every commit and attempt.
 */
export async function cleanUp<Step>(
  sessions: ExpiredSessions<Step>,
  deadline: Deadline,
  { batchSize = Infinity, pauseMs, reasonToWait, onStep, onWait }: CleanupOptions,
  onProgress: (progress: Progress) => void,
): Promise<boolean> {
  let progress: Progress = { deletedCount: 0, lockedCount: 0, batches: 0, attempts: 1 };
  const report = (more: Partial<Progress>): void => {
    progress = { ...progress, ...more };
    onProgress(progress);
  };
  let last: Step | undefined;
  let rows = Math.min(FIRST_STEP_ROWS, batchSize);
  report({});
  for (;;) {
    try {
      const batch = await runBatch(last);
      const { deletedCount, lockedCount, batches } = progress;
      report({
        deletedCount: deletedCount + batch.deleted,
        lockedCount: lockedCount + batch.locked,
        batches: batches + (batch.deleted > 0 ? 1 : 0),
      });
      if (batch.end === 'table') return true;
      if (batch.end === 'full' && !deadline.isNearlyUsedUp(pauseMs)) {
        onWait?.({ kind: 'pause', ms: pauseMs });
        await sleep(pauseMs, deadline.stop);
        onWait?.(undefined);
        last = batch.last;
        if (await waitForOthers()) continue;
      }
      if (deadline.stop.aborted) throwIfInterrupted(deadline);
      return false;
    } catch (error) {
      if (!(error instanceof CleanupError && error.kind === 'busy' && error.rolledBack)) throw error;
      const backOff = backOffMs(progress.attempts);
      if (deadline.isNearlyUsedUp(backOff)) throw error;
      report({ attempts: progress.attempts + 1 });
      // Sent all the same: the engine may have given up a statement alone, and what begins the next transaction would
      // commit the rest.
      await sessions.rollback();
      await sleep(backOff, deadline.stop);
    }
  }

  /** Until nobody is behind any more; false where the time is nearly used up before. */
  async function waitForOthers(): Promise<boolean> {
    for (;;) {
      const waitedFor = await reasonToWait?.();
      onWait?.(waitedFor === undefined ? undefined : { kind: 'others', reason: waitedFor });
      if (waitedFor !== undefined) report({ waitedFor });
      if (deadline.stop.aborted || deadline.isNearlyUsedUp(waitedFor === undefined ? 0 : LAG_POLL_MS)) return false;
      if (waitedFor === undefined) return true;
      report({ waitedMs: (progress.waitedMs ?? 0) + LAG_POLL_MS });
      await sleep(LAG_POLL_MS, deadline.stop);
    }
  }

  /** One transaction, from the step after `previous` on. */
  async function runBatch(previous: Step | undefined): Promise<Batch<Step>> {
    const done = { deleted: 0, locked: 0, last: previous };
    await sessions.begin();
    try {
      const end = await walk(done).catch((error: unknown) => {
        if (isStopped(error) && done.deleted > 0) return 'time' as const;
        throw error;
      });
      await sessions.commit();
      return { ...done, end };
    } catch (error) {
      if (!(error instanceof CleanupError && error.rolledBack)) await sessions.rollback();
      throw error;
    }
  }

  async function walk(done: { deleted: number; locked: number; last: Step | undefined }): Promise<Batch<Step>['end']> {
    let longestMs = 0;
    let walked = 0;
    for (;;) {
      const startedAt = performance.now();
      const stepRows = Math.min(rows, batchSize - done.deleted);
      const step = await sessions.nextStep(done.last, stepRows);
      if (step === undefined) return 'table';
      // Asked only now, when it is known that more remains. The first step is always made, however short the time:
      // every run makes progress.
      if (longestMs > 0 && deadline.isNearlyUsedUp(longestMs)) return 'time';
      for await (const { deleted, locked } of sessions.deleteExpired(step)) {
        done.deleted += deleted;
        done.locked += locked;
      }
      done.last = step;
      onStep?.(progress.deletedCount + done.deleted);
      const tookMs = performance.now() - startedAt;
      longestMs = Math.max(longestMs, tookMs);
      // Short beside the time that is left: what a step has not ended by the deadline may be lost.
      const targetMs = Math.min(sessions.stepTargetMs, deadline.remainingMs() / 20);
      rows = Math.ceil(Math.min(MOST_STEP_ROWS, stepRows * Math.min(4, Math.max(0.1, targetMs / tookMs))));
      walked += stepRows;
      // Never more than a batch; filling up its last half would be ever smaller steps where few rows are expired.
      if (done.deleted > batchSize / 2 || walked >= batchSize * WALKED_PER_ROW) return 'full';
    }
  }

  /**
   * Stopped in the middle of a step, with the transaction still there: what earlier steps did can be kept. A signal
   * means to undo the transaction in hand, unless it is one of many.
   */
  function isStopped(error: unknown): boolean {
    if (!(error instanceof CleanupError) || error.rolledBack) return false;
    return (
      error.kind === 'timed_out' || error.kind === 'busy' || (error.kind === 'interrupted' && batchSize < Infinity)
    );
  }
}

function throwIfInterrupted(deadline: Deadline): void {
  const error = stoppedError(deadline.stop, 'deleting in batches', true);
  if (error.kind === 'interrupted') throw error;
}
