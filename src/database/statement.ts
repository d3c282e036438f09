// One statement at a time over the one connection: under the deadline, cancelled in the database when the run is
// stopped, and given up where it does not end.
import type { Knex } from 'knex';
import { type Deadline, stoppedError } from '../cleanup/deadline.js';
import type { Driver } from '../engines/engine.js';
import { CleanupError } from '../errors.js';
import { backOffMs, orAborted, sleep, within } from '../waiting.js';
import { isLockWait, isLost, toCleanupError } from './faults.js';
import type { DriverLog } from './knex.js';

const CANCEL_AGAIN_MS = 500;
/** How long a server that comes back is waited for, to ask what became of a COMMIT. */
const ASK_AGAIN_FOR_MS = 10_000;

/** An open connection, and what is known of it. */
export interface Line {
  readonly driver: Driver;
  readonly deadline: Deadline;
  readonly log: DriverLog;
  /** The driver's own. */
  readonly connection: unknown;
  /** A second way to the database. */
  openSide(): Promise<Knex>;
  /** Given up: nothing can be sent any more. */
  dropped: boolean;
  /** The last answer was that somebody holds a lock: a timeout now is their doing. */
  waitedFor: CleanupError | undefined;
  /** Told when the database answers that it is locked, and when it is no longer. */
  readonly onLock: ((isLocked: boolean) => void) | undefined;
}

/** Gives the connection up without a word: the server then rolls back. */
export function drop(line: Line): void {
  line.dropped = true;
  line.driver.destroy(line.connection);
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** The statement's answer, unless the run is stopped. `doing` completes "while …" in an error. */
export async function send<T>(line: Line, statement: PromiseLike<T>, doing: string): Promise<T> {
  const { stop } = line.deadline;
  // Knex sends a statement when it is first awaited: after a stop, nothing is.
  if (stop.aborted) throw stopped(line, doing, false);
  const answer: Promise<Settled<T>> = Promise.resolve(statement).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const inTime = await orAborted(answer, stop);
  const settled = inTime ?? (await cancel(line, answer));
  if (settled !== undefined && 'value' in settled) {
    if (line.waitedFor !== undefined) line.onLock?.(false);
    line.waitedFor = undefined;
    return settled.value;
  }
  const error = settled && toCleanupError(line.driver, settled.error, doing);
  if (settled === undefined || isLost(error)) drop(line);
  const left = settled === undefined ? `${doing}; it did not answer, the connection was dropped` : doing;
  if (inTime === undefined) throw stopped(line, left, line.dropped || !line.driver.cancelKeepsTransaction);
  if (error?.kind === 'busy') {
    line.waitedFor = error;
    line.onLock?.(true);
  }
  throw error;
}

/** Never cancelled, only awaited, until the grace after a stop is over; sent also after a stop. */
export async function sendAlways<T>(line: Line, statement: PromiseLike<T>, doing: string): Promise<T> {
  const answer = Promise.resolve(statement).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const settled = await orAborted<Settled<T>>(answer, line.deadline.drop);
  if (settled !== undefined && 'value' in settled) return settled.value;
  const error = settled && toCleanupError(line.driver, settled.error, doing);
  if (settled === undefined || isLost(error)) drop(line);
  throw error ?? stopped(line, `${doing}; it did not answer, the connection was dropped`, true);
}

/** Ends the statement in hand; resolves to its answer, or to undefined where none came until the connection is dropped. */
async function cancel<T>(line: Line, answer: Promise<Settled<T>>): Promise<Settled<T> | undefined> {
  const { drop: giveUp } = line.deadline;
  let settled: Settled<T> | undefined;
  // Again and again: a cancel that comes before the engine has begun with the statement is lost.
  while (settled === undefined && !giveUp.aborted) {
    const cancelled = line.driver
      .cancel(line.connection, () => line.openSide())
      .catch((error: unknown) => line.log(`the statement could not be cancelled: ${String(error)}`));
    settled = await within(answer, CANCEL_AGAIN_MS, giveUp);
    // A cancel that is still on its way would hit the next statement, which may be the COMMIT.
    await orAborted(cancelled, giveUp);
    settled ??= await Promise.race([answer, undefined]);
  }
  return settled;
}

/** The error for a run that was stopped: `busy` where it had been waiting for somebody's lock. */
function stopped(line: Line, doing: string, rolledBack: boolean): CleanupError {
  const error = stoppedError(line.deadline.stop, doing, rolledBack);
  if (error.kind !== 'timed_out' || line.waitedFor === undefined) return error;
  const { message, said, code, hint } = line.waitedFor;
  return new CleanupError('busy', message, { said, code, hint, rolledBack, cause: line.waitedFor });
}

/** Sends again while the database answers that it is locked, until the time is nearly used up. */
export async function sendPatiently<T>(line: Line, statement: () => PromiseLike<T>, doing: string): Promise<T> {
  const { deadline } = line;
  for (let attempts = 1; ; attempts++) {
    try {
      return await send(line, statement(), doing);
    } catch (error) {
      if (!isLockWait(error)) throw error;
      const pauseMs = backOffMs(attempts);
      if (deadline.isNearlyUsedUp(pauseMs)) throw error;
      await sleep(pauseMs, deadline.stop);
      if (deadline.stop.aborted) throw stopped(line, doing, false);
    }
  }
}

/** COMMIT and ROLLBACK are never cancelled, only awaited: until the grace after a stop is over. */
export async function end(
  line: Line,
  statement: 'COMMIT' | 'ROLLBACK',
  ask: (sql: string) => PromiseLike<unknown>,
): Promise<void> {
  const { deadline, driver } = line;
  for (let attempts = 1; ; attempts++) {
    const fault = await endOnce(line, statement, ask);
    if (fault === undefined) return;
    if (!isLockWait(fault)) throw fault;
    if (!driver.commitKeepsTransaction) {
      const { message, said, code, hint } = fault;
      throw new CleanupError('busy', message, { said, code, hint, rolledBack: true, cause: fault });
    }
    // COMMIT may be sent again. The time that the walk has left over is for this.
    if (deadline.stop.aborted) throw fault;
    await sleep(backOffMs(attempts), deadline.stop);
  }
}

async function endOnce(
  line: Line,
  statement: 'COMMIT' | 'ROLLBACK',
  ask: (sql: string) => PromiseLike<unknown>,
): Promise<CleanupError | undefined> {
  const doing = statement === 'COMMIT' ? 'committing' : 'rolling back';
  const answer = Promise.resolve(ask(statement)).then(
    (value) => ({ value, fault: undefined }),
    (error: unknown) => ({ value: undefined, fault: toCleanupError(line.driver, error, doing) }),
  );
  const ended = await orAborted(answer, line.deadline.drop);
  if (ended === undefined) drop(line);
  if (statement === 'ROLLBACK') return ended?.fault;
  if (ended === undefined || isLost(ended.fault)) return afterLoss(line, ended?.fault);
  if (ended.fault === undefined && !line.driver.isCommitted(ended.value)) return notCommitted();
  return ended.fault;
}

/** A COMMIT without an answer: an engine may be able to tell, over another connection, what became of it. */
async function afterLoss(line: Line, fault: CleanupError | undefined): Promise<CleanupError | undefined> {
  if (!line.dropped) drop(line);
  const wasCommitted = await askWhetherCommitted(line);
  if (wasCommitted === undefined) throw unconfirmed(fault);
  return wasCommitted ? undefined : fault;
}

async function askWhetherCommitted({ driver, deadline, openSide, log }: Line): Promise<boolean | undefined> {
  const giveUpAt = performance.now() + ASK_AGAIN_FOR_MS;
  for (let attempts = 1; driver.wasCommitted !== undefined; attempts++) {
    const answer = driver.wasCommitted(openSide).then(
      (wasCommitted) => ({ wasCommitted }),
      (error: unknown) => log(`what became of the COMMIT cannot be told yet: ${String(error)}`),
    );
    const told = await orAborted(answer, deadline.drop);
    if (told) return told.wasCommitted;
    if (deadline.drop.aborted || performance.now() > giveUpAt) return undefined;
    await sleep(backOffMs(attempts), deadline.drop);
  }
  return undefined;
}

function unconfirmed(fault: CleanupError | undefined): CleanupError {
  return new CleanupError('unknown', 'the database did not confirm the COMMIT: the rows may be deleted or not', {
    code: fault?.code ?? 'COMMIT_UNCONFIRMED',
    hint: 'Run it again once the database answers: what is expired then is deleted then.',
    cause: fault,
  });
}

function notCommitted(): CleanupError {
  return new CleanupError('failed', 'the database rolled the transaction back instead of committing it', {
    code: 'COMMIT_REFUSED',
    hint: 'Look for the reason in the log of the database.',
    rolledBack: true,
  });
}
