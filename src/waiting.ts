// Waiting that an AbortSignal can end. Imports nothing of ours.
import { setTimeout } from 'node:timers/promises';

/** Resolves after `ms`, or at once when `signal` aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Settles as `promise` does, or resolves to `undefined` when `signal` aborts first. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Settles as `promise` does, or resolves to `undefined` after `ms` or when `signal` aborts. Leaves no timer behind. */
export async function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([promise, sleep(ms, AbortSignal.any([signal, over.signal])).then(() => undefined)]);
  } finally {
    over.abort();
  }
}

const MOMENT_MS = 250;

/**
 * Settles as `promise` does, or resolves to `undefined` a moment after `signal` has aborted: on a busy machine that may
 * have been long before the promise was made, and what takes a millisecond still gets it.
 */
export async function orGivenUp<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return (await orAborted(promise, signal)) ?? within(promise, MOMENT_MS, new AbortController().signal);
}

/** Jittered, doubling from 50 ms up to 2 s. */
export function backOffMs(attempts: number): number {
  return Math.min(2_000, 50 * 2 ** (attempts - 1)) * (0.5 + Math.random() / 2);
}
