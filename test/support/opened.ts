// The sessions table as the command opens it, for tests that walk it by themselves.
import assert from 'node:assert/strict';
import type { Deadline } from '../../src/cleanup/deadline.js';
import type { ExpiredSessions } from '../../src/cleanup/port.js';
import { type OpenTable, openTable } from '../../src/database/table.js';
import { databaseUrl } from '../../src/engines/index.js';
import type { KeyStep } from '../../src/engines/key-walk.js';
import { createCutoff } from '../../src/expiry/cutoff.js';

export const AS_STORED = { expiresFormat: 'auto', olderThanMs: 0, writesLiterals: false, zoneIsKnown: true } as const;

export function openTableAt(
  url: string,
  table: string,
  deadline: Deadline,
  lifetimeColumn?: string,
): Promise<OpenTable> {
  const target = databaseUrl(url);
  assert.ok('value' in target);
  const selection = {
    schema: undefined,
    table,
    expiresColumn: 'expires_at',
    lifetimeColumn,
    where: undefined,
  };
  return openTable(target.value, selection, deadline, () => {});
}

/** Ready to walk: what has expired by now. */
export async function selectExpired(table: OpenTable): Promise<ExpiredSessions<KeyStep>> {
  const format = await table.inspect(AS_STORED);
  assert.ok(format);
  const sessions = await table.selectExpired(format, createCutoff(new Date(), 'UTC')).openSessions();
  return sessions as ExpiredSessions<KeyStep>;
}
