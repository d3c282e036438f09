// What a test does that has to come to a moment in time: where the machine was too slow for it, it is made again with more.
import { inspect } from 'node:util';
import { type CommandOptions, type Ended, runCommand } from './command.js';
import { assertGoneAfterTimeout } from './lines.js';

const ATTEMPTS = 6;

/**
 * Makes the attempt at a pace of `first`, and as long as it comes too late for the moment that the test is about, with
 * twice as much: a machine may stand still for a while between any two steps. `isLate` is about that alone, and never
 * about whether the outcome is the right one.
 */
export async function inTime<T>(
  first: number,
  attempt: (pace: number) => Promise<T>,
  isLate: (result: T) => boolean,
): Promise<T> {
  for (let made = 1, pace = first; ; made++, pace *= 2) {
    const result = await attempt(pace);
    if (!isLate(result)) return result;
    if (made === ATTEMPTS) throw new Error(`too late, also at a pace of ${pace}: ${inspect(result)}`);
  }
}

export interface EndedInTime {
  readonly ended: Ended;
  readonly timeoutMs: number;
}

/** Runs the arguments with a timeout in which they come to the moment that the test is about, and asserts that it is kept. */
export function runInTime(
  firstMs: number,
  args: readonly string[],
  isLate: (ended: Ended) => boolean,
  options?: CommandOptions,
): Promise<EndedInTime> {
  const attempt = async (timeoutMs: number): Promise<EndedInTime> => {
    const startedAt = performance.now();
    const ended = await runCommand([...args, '--timeout', `${timeoutMs}ms`], options);
    assertGoneAfterTimeout(startedAt, timeoutMs);
    return { ended, timeoutMs };
  };
  return inTime(firstMs, attempt, ({ ended }) => isLate(ended));
}

/** Out of time, or not even connected by then. */
export function isOutOfTime({ status }: Pick<Ended, 'status'>): boolean {
  return status === 4 || status === 124;
}

/** Out of time before it was deleting. */
export function isBeforeDeleting(ended: Ended): boolean {
  return isOutOfTime(ended) && !/while deleting|"incomplete"/.test(ended.stderr);
}

/** Out of time, and not because it waited for somebody, as for a replica: it came too late for that, or stood still. */
export function isNotForWaiting(ended: Ended): boolean {
  return isOutOfTime(ended) && (ended.line.outcome !== 'incomplete' || ended.line.waited_ms === undefined);
}
