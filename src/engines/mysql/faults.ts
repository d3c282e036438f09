// What the errors of MySQL, MariaDB and mysql2 mean, and what to do about them.
import { CleanupError } from '../../errors.js';
import type { Fault } from '../engine.js';
import { REFERRED_HINT } from '../findings.js';

const NO_ROOM = 'The server is out of disk space: deleting needs room, too.';

const HINTS: Readonly<Record<number, string>> = {
  1021: NO_ROOM,
  1044: 'Grant the account SELECT and DELETE on the table.',
  1045: 'Check the user and the password in the URL; special characters in them must be percent-encoded.',
  1047: 'The node is not in the primary component of its Galera cluster: connect to one that is.',
  1049: 'Check the database name at the end of the URL.',
  1114: NO_ROOM,
  1142: 'Grant the account SELECT and DELETE on the table.',
  1143: 'Grant the account SELECT and DELETE on the table.',
  1213: 'Others wrote to the same rows: run it again, or with --batch-size, which loses less of its work to them.',
  1217: REFERRED_HINT,
  1290: 'The server is read only: connect to the primary.',
  1451: REFERRED_HINT,
  1644: 'A trigger of the table raised this.',
  1665: 'The binary log format is STATEMENT: set binlog_format to ROW or MIXED.',
  1792: 'Transactions are read only here: connect to the primary, or set transaction_read_only to OFF.',
  1836: 'The server is read only: connect to the primary.',
  3100: 'The transaction may be larger than group_replication_transaction_size_limit: run with --batch-size 1000.',
  3159: 'The server wants TLS: add ?ssl-mode=REQUIRED (or VERIFY_CA, VERIFY_IDENTITY) to the URL.',
};
/** The account may not do this to the table, or to a column of it. */
const DENIED = new Set([1142, 1143]);
/** The server answered, but lets nobody in or is not ready: access, unknown database, too many connections, Galera. */
const UNAVAILABLE = new Set([1040, 1044, 1045, 1047, 1049, 1129, 1130, 1203, 1226, 1698, 3118, 3159]);

// Errors of several numbers, some of them used for other things too.
const TOO_LARGE = /wsrep_max_ws_rows|size exceed|size of writeset|max_binlog_cache_size/i;
const TOO_LARGE_HINT =
  'The server takes no transaction that large: run with --batch-size 1000, or fewer rows than its limit.';

export function classify(error: unknown, lockWaitRollsBack: boolean): Fault {
  // MariaDB's own codes arrive without a name: the number is what can be relied on.
  const { errno, code: name, fatal, message } = error as Partial<NodeJS.ErrnoException> & { fatal?: boolean };
  const code = name ?? (errno === undefined ? undefined : `ER_${errno}`);
  // From 2000 to 2999 are a client's: a proxy that has lost the server answers with them, and what became of the
  // statement is not known. So it is where an answer cannot be read.
  const answered = typeof errno === 'number' && errno >= 1000 && (errno < 2000 || errno > 2999);
  const tooLarge = answered && TOO_LARGE.test(message ?? '');
  const hint = tooLarge ? TOO_LARGE_HINT : answered ? HINTS[errno] : undefined;
  // NOWAIT came by a lock.
  if (errno === 3572) return { kind: 'locked', code, hint };
  // Where the server is set so, it gives up the transaction too, and what came after would be committed row by row.
  if (errno === 1205) return { kind: lockWaitRollsBack ? 'rolled-back' : 'locked', code, hint };
  // Group replication has two more ways to say it: 149 is the storage engine's number for a deadlock.
  const isDeadlock = errno === 1213 || errno === 3101 || (errno === 1180 && /error 149\b/.test(message ?? ''));
  if (isDeadlock) return { kind: 'rolled-back', code, hint: HINTS[1213] };
  if (answered && DENIED.has(errno)) return { kind: 'denied', code, hint };
  if (answered && UNAVAILABLE.has(errno)) return { kind: 'unavailable', code, hint };
  // A Galera node that left its cluster while it committed: the others may have got the write set, and applied it.
  if (errno === 1180 && !tooLarge) return { kind: 'lost', code, hint };
  // 1053 shutdown, 1927 and 3169 connection killed, 4031 idle too long.
  const lost = !answered || fatal === true || [1053, 1927, 3169, 4031].includes(errno);
  return { kind: lost ? 'lost' : 'failed', code, hint };
}

/** Swallows what the server answered, and nothing else: for statements that some servers or accounts do not have. */
export function ignoreAnswered(error: unknown): undefined {
  const isAnswer = !(error instanceof CleanupError) || error.kind === 'failed' || error.kind === 'refused';
  if (!isAnswer || (error instanceof CleanupError && error.rolledBack)) throw error;
  return undefined;
}

/** Swallows that something was locked; the transaction goes on. */
export function ignoreLocked(error: unknown): readonly Record<string, unknown>[] {
  if (error instanceof CleanupError && error.kind === 'busy' && !error.rolledBack) return [];
  throw error;
}

/** Rows of another table refer to one that was to be deleted: the statement is undone, the transaction goes on. */
export function isReferred(error: unknown): boolean {
  return error instanceof CleanupError && /^ER_ROW_IS_REFERENCED/.test(error.code ?? '');
}

/** The server gave the whole transaction up, for a lock. */
export function isRolledBack(error: unknown): boolean {
  return error instanceof CleanupError && error.kind === 'busy' && error.rolledBack;
}
