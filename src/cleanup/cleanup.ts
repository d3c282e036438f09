// The use case: the walk over the table, when it commits, and what it makes of a stop or a fault on the way.
import { CleanupError } from '../errors.js';
import { backOffMs, sleep } from '../waiting.js';
import { type Deadline, stoppedError } from './deadline.js';
import { FIRST_STEP_ROWS, MOST_STEP_ROWS, nextStepRows } from './pace.js';
import type { ExpiredSessions, Wait } from './port.js';

export interface CleanupOptions {
  /** The most rows that are deleted before a commit; undefined: as many as a short transaction takes. */
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

/** Where a transaction stopped: at the end of the table, because it is long enough, or because it had to. */
type End = 'table' | 'full' | 'time';

/** What a transaction has done so far, and how far it came. */
interface Transaction<Step> {
  deleted: number;
  locked: number;
  last: Step | undefined;
}

/** What stays the same in a run, and what is learnt of its steps on the way. */
interface Run<Step> {
  readonly sessions: ExpiredSessions<Step>;
  readonly deadline: Deadline;
  readonly batchSize: number;
  /** In milliseconds; Infinity where batches are counted in rows. */
  readonly longestMs: number;
  readonly onStep: (deletedInTransaction: number) => void;
  readonly mostStepRows: number;
  stepRows: number;
  /** The step that took longest so far, in milliseconds. */
  slowestMs: number;
}

const LAG_POLL_MS = 500;
/** A batch that is as full as this is committed: the last rows would be ever smaller steps. */
const FULL_SHARE = 0.9;
/** The same where a step deleted less than half of its rows: the next ones are hardly fuller. */
const THIN_FULL_SHARE = 0.5;
/** Rows that a batch walks over for each that it may delete: where few are expired it would never be full. */
const WALKED_PER_ROW = 10;

/**
 * Deletes the expired rows, in one short transaction or in several, and begins a transaction anew where the engine gave
 * it up. Resolves to whether the walk came to the end of the table; `onProgress` is told of every commit and attempt.
 */
export async function cleanUp<Step>(
  sessions: ExpiredSessions<Step>,
  deadline: Deadline,
  { batchSize, pauseMs, reasonToWait, onStep, onWait }: CleanupOptions,
  onProgress: (progress: Progress) => void,
): Promise<boolean> {
  let progress: Progress = { deletedCount: 0, lockedCount: 0, batches: 0, attempts: 1 };
  const report = (more: Partial<Progress>): void => {
    progress = { ...progress, ...more };
    onProgress(progress);
  };
  const mostStepRows = Math.min(sessions.mostStepRows ?? MOST_STEP_ROWS, batchSize ?? Infinity);
  const run: Run<Step> = {
    sessions,
    deadline,
    batchSize: batchSize ?? Infinity,
    longestMs: batchSize === undefined ? sessions.transactionMs : Infinity,
    onStep: (deleted) => onStep?.(progress.deletedCount + deleted),
    mostStepRows,
    stepRows: Math.min(FIRST_STEP_ROWS, mostStepRows),
    slowestMs: 0,
  };
  const restMs = batchSize === undefined ? sessions.restMs : pauseMs;
  let last: Step | undefined;
  report({});
  for (;;) {
    try {
      const { end, ...done } = await runTransaction(run, last);
      const { deletedCount, lockedCount, batches } = progress;
      report({
        deletedCount: deletedCount + done.deleted,
        lockedCount: lockedCount + done.locked,
        batches: batches + (done.deleted > 0 ? 1 : 0),
      });
      if (end === 'table') return true;
      if (end === 'full' && !deadline.isNearlyUsedUp(restMs + run.slowestMs)) {
        if (batchSize !== undefined) onWait?.({ kind: 'pause', ms: restMs });
        await sleep(restMs, deadline.stop);
        onWait?.(undefined);
        last = done.last;
        if (await waitForOthers(deadline, { reasonToWait, onWait }, progress, report)) continue;
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
}

/** Until nobody is behind any more; false where the time is nearly used up before. */
async function waitForOthers(
  deadline: Deadline,
  { reasonToWait, onWait }: Pick<CleanupOptions, 'reasonToWait' | 'onWait'>,
  { waitedMs: waitedBefore = 0 }: Progress,
  report: (more: Partial<Progress>) => void,
): Promise<boolean> {
  for (let waitedMs = waitedBefore; ; ) {
    const waitedFor = await reasonToWait?.();
    onWait?.(waitedFor === undefined ? undefined : { kind: 'others', reason: waitedFor });
    if (waitedFor !== undefined) report({ waitedFor });
    if (deadline.stop.aborted || deadline.isNearlyUsedUp(waitedFor === undefined ? 0 : LAG_POLL_MS)) return false;
    if (waitedFor === undefined) return true;
    waitedMs += LAG_POLL_MS;
    report({ waitedMs });
    await sleep(LAG_POLL_MS, deadline.stop);
  }
}

/** One transaction, from the step after `previous` on. */
async function runTransaction<Step>(
  run: Run<Step>,
  previous: Step | undefined,
): Promise<Readonly<Transaction<Step>> & { readonly end: End }> {
  const { sessions, batchSize } = run;
  const done: Transaction<Step> = { deleted: 0, locked: 0, last: previous };
  await sessions.begin();
  try {
    const end = await walk(run, done).catch((error: unknown) => {
      if (isStopped(error, batchSize < Infinity) && done.deleted > 0) return 'time' as const;
      throw error;
    });
    await sessions.commit();
    return { ...done, end };
  } catch (error) {
    if (!(error instanceof CleanupError && error.rolledBack)) await sessions.rollback();
    throw error;
  }
}

async function walk<Step>(run: Run<Step>, done: Transaction<Step>): Promise<End> {
  const { sessions, deadline, batchSize } = run;
  const beganAt = performance.now();
  let walked = 0;
  let isLong = false;
  for (let isFirst = true; ; isFirst = false) {
    const startedAt = performance.now();
    const rows = Math.min(run.stepRows, batchSize - done.deleted);
    const step = await sessions.nextStep(done.last, rows);
    if (step === undefined) return 'table';
    if (isLong) return 'full';
    // Asked only now, when it is known that more remains. The first step is always made, however short the time:
    // every run makes progress.
    if (!isFirst && deadline.isNearlyUsedUp(run.slowestMs)) return 'time';
    const before = done.deleted;
    for await (const { deleted, locked } of sessions.deleteExpired(step)) {
      done.deleted += deleted;
      done.locked += locked;
    }
    done.last = step;
    run.onStep(done.deleted);
    const now = performance.now();
    const tookMs = now - startedAt;
    run.slowestMs = Math.max(run.slowestMs, tookMs);
    // Of what was left of a batch, nothing is learnt.
    if (rows === run.stepRows) run.stepRows = nextStepRows(rows, tookMs, stepTargetMs(run), run.mostStepRows);
    walked += rows;
    const fullShare = done.deleted - before < rows / 2 ? THIN_FULL_SHARE : FULL_SHARE;
    if (done.deleted >= batchSize * fullShare || walked >= batchSize * WALKED_PER_ROW) return 'full';
    isLong = now + tookMs - beganAt > run.longestMs;
  }
}

/**
 * Short beside the time that is left: what a step has not ended by the deadline may be lost. And short beside the
 * transaction, whose length is to be chosen.
 */
function stepTargetMs({ sessions, deadline, longestMs }: Run<unknown>): number {
  return Math.min(sessions.stepTargetMs, longestMs * 0.4, deadline.remainingMs() / 20);
}

/**
 * Stopped in the middle of a step, with the transaction still there: what earlier steps did can be kept. A signal means
 * to undo the transaction in hand, unless it is a batch that somebody asked for.
 */
function isStopped(error: unknown, inBatches: boolean): boolean {
  if (!(error instanceof CleanupError) || error.rolledBack) return false;
  return error.kind === 'timed_out' || error.kind === 'busy' || (error.kind === 'interrupted' && inBatches);
}

function throwIfInterrupted(deadline: Deadline): void {
  const error = stoppedError(deadline.stop, 'deleting in batches', true);
  if (error.kind === 'interrupted') throw error;
}
