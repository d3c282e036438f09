// Whether a line says what is so: what it claims, held against the rows that are gone.
import assert from 'node:assert/strict';
import { type Ended, runCommand } from './command.js';
import type { Database } from './databases.js';
import { type Line, successLine } from './lines.js';
import { settled, until } from './sessions.js';

/** Rows of which all that are expired come first in the order of the walk. */
export interface Rows {
  readonly expired: readonly string[];
  readonly live: readonly string[];
}

/**
 * Asserts that of the expired rows exactly those are gone that the line claims, and of the live ones none. Where it
 * claims not to know, one more transaction may be gone: of `unit` rows. Resolves to how many rows are gone.
 */
export async function assertTrue(
  line: Line,
  database: Database,
  { expired, live }: Rows,
  unit: number,
): Promise<number> {
  const left = await settled(database);
  const gone = expired.length + live.length - left.length;
  const said = `${gone} rows gone: ${JSON.stringify(line)}`;
  assert.deepEqual(left, [...expired.slice(gone), ...live], said);
  if (line.outcome === 'unknown') {
    assert.equal(line.deleted_count, null);
    const committed = Number(line.batches ?? 0) * unit;
    assert.ok(gone === committed || gone === committed + unit, said);
  } else {
    assert.equal(line.deleted_count, gone, said);
  }
  return gone;
}

/** Asserts that the next run ends the work: where `gone` rows are gone already, it deletes the others. */
export async function assertEndsWork(url: string, database: Database, rows: Rows, gone: number): Promise<void> {
  let next: Ended | undefined;
  // A session whose client is gone, and with it the lock, may live on for a moment.
  await until(async () => {
    next = await runCommand(['run', '--db-url', url, '--timeout', '5m']);
    return next.status !== 75;
  });
  assert.ok(next);
  assert.equal(successLine(next).deleted_count, rows.expired.length - gone);
  assert.deepEqual(await settled(database), rows.live);
}
