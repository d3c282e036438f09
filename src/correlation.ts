// The correlation ID of the work in hand, carried without being passed along. Imports nothing of ours.
import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';

const storage = new AsyncLocalStorage<string>();

/** A new UUID, version 4: Linux has one ready, and loading node:crypto takes as long as ten statements on SQLite. */
export async function newCorrelationId(): Promise<string> {
  try {
    return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim();
  } catch {
    return (await import('node:crypto')).randomUUID();
  }
}

/** Runs `work` with `correlationId` in its asynchronous context, and only there. */
export function withCorrelationId<T>(correlationId: string, work: () => Promise<T>): Promise<T> {
  return storage.run(correlationId, work);
}

/** The correlation ID of the calling context; undefined outside `withCorrelationId`. */
export function currentCorrelationId(): string | undefined {
  return storage.getStore();
}

/** Begins every statement, for whoever looks at the process list or the slow log. */
export function correlationComment(): string {
  return `/* session-cleanup correlation_id=${currentCorrelationId()} */`;
}
