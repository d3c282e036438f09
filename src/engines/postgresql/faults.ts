// What the errors of PostgreSQL and pg mean, and what to do about them. What they say of a row's values stays unread:
// `detail` has them.
import { CleanupError } from '../../errors.js';
import type { Fault } from '../engine.js';
import { REFERRED_HINT } from '../findings.js';

const ACCESS = 'Check the user, the password and the database in the URL, and pg_hba.conf of the server.';
const NO_DATABASE = 'Grant the account CONNECT on the database.';
const NO_SLOT = 'The server has no connection left for this account: raise its limit, or run it at another time.';

const HINTS: Readonly<Record<string, string>> = {
  '08P01': 'A pooler in between refuses this: let it pool transactions or sessions, or connect to the server itself.',
  '23001': REFERRED_HINT,
  '23503': REFERRED_HINT,
  '25006': 'The server is read only: connect to the primary.',
  '27000': 'A trigger of the table changes rows that the run deletes.',
  '28000': `${ACCESS} Where it wants TLS, add ?sslmode=require (or verify-full) to the URL; a run has no client certificate to show.`,
  '28P01': 'Check the user and the password in the URL; special characters in them must be percent-encoded.',
  '3D000': 'Check the database name at the end of the URL.',
  '40001': 'Others wrote to the same rows: run it again, or with --batch-size, which loses less of its work to them.',
  '40P01': 'Others wrote to the same rows: run it again, or with --batch-size, which loses less of its work to them.',
  '42501': 'Grant the account SELECT and DELETE on the table, USAGE on its schema, and what triggers and --where need.',
  '53100': 'The server is out of disk space: deleting needs room, too.',
  '53200': 'The server is out of memory.',
  '53300': NO_SLOT,
  '55000':
    'If the table is published without a replica identity, give it a primary key, or ALTER TABLE … REPLICA IDENTITY FULL.',
  '57014': 'Somebody cancelled the statement.',
  P0001: 'A trigger of the table, or a function that it calls, raised this.',
  '57P03': 'The server is starting, stopping or recovering: try again later.',
};
/** The server answered, but lets nobody in or is not ready. */
const UNAVAILABLE = new Set(['28000', '28P01', '3D000', '53300', '57P03', '08P01']);
/** An administrator, a crash of another process, idle for too long: the connection is gone. */
const ENDED = new Set(['57P01', '57P02', '57P05', '25P03', '25P04', '08003', '08006']);

const CERTIFICATE = /CERT|SSL|TLS/;
const UNTRUSTED = 'Give the certificate of its authority with sslrootcert, and the name in it as host.';

export function classify(error: unknown): Fault {
  const { code, message = '', severity } = error as { code?: string; message?: string; severity?: string };
  if (severity === undefined || code === undefined) return classifyUnanswered(code, message);
  const hint = HINTS[code];
  if (code === '55P03') return { kind: 'locked', code, hint };
  if (code === '40001' || code === '40P01') return { kind: 'rolled-back', code, hint };
  if (code === '42501' && severity === 'FATAL') return { kind: 'unavailable', code, hint: NO_DATABASE };
  if (code === '42501') return { kind: 'denied', code, hint };
  if (UNAVAILABLE.has(code)) return { kind: 'unavailable', code, hint };
  const isLost = ENDED.has(code) || severity === 'FATAL' || severity === 'PANIC';
  return { kind: isLost ? 'lost' : 'failed', code, hint };
}

/** What is no answer of the server's: of the network, of TLS, or of the driver, which gives its own errors no code. */
function classifyUnanswered(code: string | undefined, message: string): Fault {
  if (code !== undefined && CERTIFICATE.test(code)) return { kind: 'lost', code, hint: UNTRUSTED };
  if (message === 'timeout expired') return { kind: 'lost', code: 'ETIMEDOUT', hint: undefined };
  if (message.includes('does not support SSL')) {
    return { kind: 'lost', code: 'NO_TLS', hint: 'Set ssl = on on the server, or leave sslmode out of the URL.' };
  }
  if (message.startsWith('SASL:')) return { kind: 'lost', code: 'NO_PASSWORD', hint: HINTS['28P01'] };
  // Such as "Connection terminated unexpectedly".
  return { kind: 'lost', code: code ?? 'CONNECTION_LOST', hint: undefined };
}

/** Swallows what the server answered, and nothing else: for statements that some servers do not have. */
export function ignoreAnswered(error: unknown): undefined {
  const isAnswered =
    error instanceof CleanupError && (error.kind === 'failed' || error.kind === 'refused') && !error.rolledBack;
  if (!isAnswered) throw error;
  return undefined;
}

/** Others refer to a row that would be deleted. */
export function isReferred({ code }: CleanupError): boolean {
  return code === '23503' || code === '23001';
}
