// What the errors of SQLite mean, and what to do about them.
import type { Fault } from '../engine.js';
import { REFERRED_HINT } from '../findings.js';

const HINTS: Readonly<Record<string, string>> = {
  SQLITE_READONLY: 'Run it as a user who may write the file and its folder.',
  SQLITE_FULL: 'Free some disk space: deleting needs room for the journal.',
  SQLITE_CORRUPT: 'The file is damaged: check it with PRAGMA integrity_check.',
};

export function classify(error: unknown): Fault {
  const { code, message = '' } = error as { code?: string; message?: string };
  // A trigger's RAISE has the same code.
  const isReferred = code === 'SQLITE_CONSTRAINT' && message.includes('FOREIGN KEY');
  const hint = isReferred ? REFERRED_HINT : code === undefined ? undefined : HINTS[code];
  if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') return { kind: 'locked', code, hint };
  if (code === 'SQLITE_CANTOPEN' || code === 'SQLITE_NOTADB') {
    return { kind: 'unavailable', code, hint: 'Check that the path names a SQLite database and who may read it.' };
  }
  return { kind: code === 'SQLITE_INTERRUPT' ? 'rolled-back' : 'failed', code, hint };
}
