// What the errors of SQLite mean, and what to do about them.
import { CleanupError } from '../../errors.js';
import type { Fault } from '../engine.js';
import { REFERRED_HINT } from '../findings.js';

const HINTS: Readonly<Record<string, string>> = {
  SQLITE_READONLY: 'Run it as a user who may write the file and its folder.',
  SQLITE_FULL: 'Free some disk space: deleting needs room for the journal.',
  SQLITE_CORRUPT: 'The file is damaged: check it with PRAGMA integrity_check.',
};

const MISMATCH_HINT =
  'A foreign key must refer to the primary key, or to columns with a UNIQUE index of their own: without it, SQLite deletes nothing.';

export function classify(error: unknown): Fault {
  const { code, message = '' } = error as { code?: string; message?: string };
  const mismatch = message.includes('foreign key mismatch') ? MISMATCH_HINT : undefined;
  const hint = isConstraint(code, message) ? REFERRED_HINT : (mismatch ?? (code && HINTS[code]));
  if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') return { kind: 'locked', code, hint };
  if (code === 'SQLITE_CANTOPEN' || code === 'SQLITE_NOTADB') {
    return { kind: 'unavailable', code, hint: 'Check that the path names a SQLite database and who may read it.' };
  }
  return { kind: code === 'SQLITE_INTERRUPT' ? 'rolled-back' : 'failed', code, hint };
}

/** Whether rows of other tables keep the row: they refer to it, or must not lose what it would take from them. */
export function isReferred(error: unknown): boolean {
  return error instanceof CleanupError && isConstraint(error.code, error.said);
}

/** What a trigger says has the same code. */
function isConstraint(code: string | undefined, message = ''): boolean {
  return code === 'SQLITE_CONSTRAINT' && /: (FOREIGN KEY|NOT NULL|CHECK|UNIQUE) constraint failed/.test(message);
}
