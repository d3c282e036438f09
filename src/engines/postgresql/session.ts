// A connection to PostgreSQL, made ready: its settings, its clock, its time zones, the lock on the table.
import { createHash } from 'node:crypto';
import { CleanupError } from '../../errors.js';
import type { Examination, Session, Table } from '../engine.js';
import { lockHeld } from '../refusals.js';
import type { Query, Statements } from '../sql.js';
import { findTable, readDefinition } from './catalogue.js';
import { openWalk } from './deleting.js';
import { examine } from './examine.js';
import { expired } from './expired.js';
import { ignoreAnswered } from './faults.js';
import type { Server } from './server.js';
import type { Transaction } from './transaction.js';
import { readDeleteTriggers } from './triggers.js';

export async function openSession(
  statements: Statements,
  remainingMs: number,
  processId: number,
  transaction: Transaction,
): Promise<Session> {
  const query = statements.query('preparing the session');
  // Before any value is sent. The driver writes UTF-8, whatever the database or the account would have.
  await query(`SET client_encoding = 'UTF8'`);
  const server = await readServer(query, processId);
  const settings = settingsOf(server, remainingMs);
  if (server.isPooled) {
    // A pooler of statements has no transactions, and says so only now.
    await query('BEGIN');
    await query('ROLLBACK');
    await query(SET_REPORTED);
  } else {
    await query(settings.map(([name, value]) => `SET ${name} = '${value}'`).join('; '));
    await query(searchPath('session'));
    // Not every system can do it: the server looks whether this process is still there.
    if (server.major >= 14) await query(`SET client_connection_check_interval = '1s'`).catch(ignoreAnswered);
  }
  await transaction.noteServer(query);
  return createSession(statements, server, settings, transaction);
}

/**
 * How times are printed, and what a condition of the user's makes of them. A pooler gives each of its clients back the
 * settings that servers report; all others would stay with whoever comes next.
 */
const SET_REPORTED =
  `SELECT set_config(name, value, false) FROM (VALUES ('TimeZone', 'UTC'), ('DateStyle', 'ISO')) AS wanted (name, value) ` +
  `WHERE split_part(current_setting(name), ',', 1) <> value`;

/**
 * What the server itself means by an operator or a function goes before what others do: where the path has its schema
 * behind one of theirs, a comparison of ours could be anything.
 */
function searchPath(scope: 'session' | 'transaction'): string {
  return (
    `SELECT pg_catalog.set_config('search_path', pg_catalog.concat('pg_catalog, ', pg_catalog.current_setting('search_path')), ${scope === 'transaction'}) ` +
    `WHERE pg_catalog.array_position(pg_catalog.current_schemas(true), 'pg_catalog'::pg_catalog.name) OPERATOR(pg_catalog.>) 1`
  );
}

function createSession(
  statements: Statements,
  server: Server,
  settings: readonly (readonly [string, string])[],
  transaction: Transaction,
): Session {
  let isLocking = false;
  return {
    clock: () => readClock(statements.query('reading the clock')),
    readDefinition: (names) => readDefinition(statements.query('inspecting the table'), names),
    findTable: (names) => findTable(statements.query('inspecting the table'), names),
    aheadOfUtcMs: async () => Math.max(0, ...(await zoneOffsetsMs(statements.query('reading the time zones')))),
    behindUtcMs: async () =>
      Math.max(0, ...(await zoneOffsetsMs(statements.query('reading the time zones'))).map((ms) => -ms)),
    async lock(table) {
      isLocking = true;
      if (!server.isPooled) await lock(statements.query('taking the lock'), table, 'pg_try_advisory_lock');
    },
    async begin(table) {
      transaction.begin();
      const { queryOnce, queryAlways } = statements;
      try {
        const local = server.isPooled
          ? `${settings.map(([name, value]) => `SET LOCAL ${name} = '${value}'; `).join('')}${searchPath('transaction')}; `
          : '';
        await queryOnce('beginning the transaction')(`${BEGIN}; ${local}${settle(table)}`);
        // Behind a pooler, one of the connection would stay with whoever comes next.
        if (server.isPooled && isLocking) {
          await lock(queryOnce('taking the lock'), table, 'pg_try_advisory_xact_lock');
        }
      } catch (error) {
        throw await givenUp(error, queryAlways('rolling back'));
      }
    },
    beforeCommit: () => transaction.noteNumber(statements.queryAlways('committing')),
    expired,
    openWalk: (table, predicate) => openWalk(statements, table, predicate, server),
    async examine(table) {
      const found = await examine(statements.query('surveying the table'), table);
      return server.isPooled ? behindPooler(found) : found;
    },
    readDeleteTriggers: ({ sql }) => readDeleteTriggers(statements.query('looking for triggers'), sql),
  };
}

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE';
/** How long a statement waits for a row that somebody holds: it is passed over. The least there is. */
const ROW_LOCK_TIMEOUT_MS = 1;

/**
 * Keeps others from altering the table, which would keep every reader waiting behind them; lets a constraint fail at the
 * row that it is about, and not at the COMMIT; and keeps the walk on its way: without statistics, the planner would sort
 * all that is left at every step. The savepoint is what a step goes back to.
 */
function settle({ sql }: Table): string {
  return (
    `LOCK TABLE ${sql} IN ROW EXCLUSIVE MODE; SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL enable_seqscan = off; ` +
    `SET LOCAL enable_bitmapscan = off; SET LOCAL max_parallel_workers_per_gather = 0; ` +
    `SET LOCAL lock_timeout = ${ROW_LOCK_TIMEOUT_MS}; SAVEPOINT session_cleanup`
  );
}

/** What the server says of TLS is about the pooler's connection to it. */
function behindPooler({ server, facts: { tls: _, ...facts }, ...found }: Examination): Examination {
  return { ...found, facts, server: `${server}, behind a pooler` };
}

/** A table that stayed locked may be free at the next attempt: the transaction is one that can be begun anew. */
async function givenUp(error: unknown, queryAlways: Query): Promise<unknown> {
  if (!(error instanceof CleanupError) || error.rolledBack) return error;
  // Where that fails too, the connection is gone, and the first error is the one that tells why.
  await queryAlways('ROLLBACK').catch(() => undefined);
  if (error.kind !== 'busy' || error.code === 'LOCK_HELD') return error;
  const { kind, message, said, code, hint } = error;
  return new CleanupError(kind, message, { said, code, hint, rolledBack: true, cause: error });
}

/** @throws CleanupError `refused` where it is none that can be written to */
async function readServer(query: Query, processId: number): Promise<Server> {
  const [about] = await query('SELECT pg_catalog.version() AS version');
  const version = String(about?.version);
  // YugabyteDB's own version comes after that of PostgreSQL.
  if (!version.startsWith('PostgreSQL ') || version.includes('-YB-')) {
    const name = version.includes('-YB-') ? 'YugabyteDB' : version.split(' ', 2).join(' ');
    throw new CleanupError('refused', `the server is no PostgreSQL but ${name}`, {
      code: 'NOT_POSTGRESQL',
      hint: 'Use what the database itself has for rows that expire.',
    });
  }
  const [row = {}] = await query(
    `SELECT pg_catalog.current_setting('server_version_num') AS number, pg_catalog.pg_backend_pid() AS pid, ` +
      `pg_catalog.pg_is_in_recovery() AS standby, pg_catalog.current_setting('session_replication_role') AS role`,
  );
  if (row.standby === 't') {
    throw new CleanupError('refused', 'the server is a standby, which takes no writes', {
      code: 'STANDBY',
      hint: 'Name the primary in --db-url.',
    });
  }
  if (row.role === 'replica') {
    throw new CleanupError('refused', 'foreign keys and triggers are off: session_replication_role is replica', {
      code: 'REPLICA_ROLE',
      hint: 'Take it back where it is set: ALTER ROLE … RESET session_replication_role.',
    });
  }
  const major = Math.floor(Number(row.number) / 10_000);
  if (major < 12) {
    throw new CleanupError('refused', `the server is ${version.split(' ', 2).join(' ')}, older than version 12`, {
      code: 'SERVER_TOO_OLD',
      hint: 'Upgrade the server.',
    });
  }
  return { major, isPooled: Number(row.pid) !== processId };
}

/** What the server, the database or the account may have set otherwise. Values need no quotes of their own. */
function settingsOf({ major }: Server, remainingMs: number): readonly (readonly [string, string])[] {
  // The timeouts are a second line of defence, for when this process cannot cancel or is gone.
  const leftMs = Number.isFinite(remainingMs) ? Math.ceil(remainingMs) : undefined;
  return [
    ['TimeZone', 'UTC'],
    ['DateStyle', 'ISO'],
    ['extra_float_digits', '1'],
    // A policy would hide rows: an error instead.
    ['row_security', 'off'],
    ['jit', 'off'],
    ['lock_timeout', '1s'],
    ['statement_timeout', leftMs === undefined ? '0' : `${leftMs + 1_000}ms`],
    ...(leftMs === undefined ? [] : [['idle_in_transaction_session_timeout', `${leftMs + 10_000}ms`] as const]),
    // Between two batches, the connection is idle for as long as --pause says.
    ...(major >= 14 ? [['idle_session_timeout', '0'] as const] : []),
    ...(major >= 17 ? [['transaction_timeout', '0'] as const] : []),
  ];
}

async function readClock(query: Query): Promise<number> {
  const [row] = await query('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now');
  return Number(row?.now);
}

/** How far each zone that a session may have of itself is ahead of UTC, now and in half a year. */
async function zoneOffsetsMs(query: Query): Promise<readonly number[]> {
  const rows = await query(
    `SELECT extract(epoch FROM day AT TIME ZONE zone - day AT TIME ZONE 'UTC') AS seconds ` +
      `FROM (SELECT reset_val AS zone FROM pg_settings WHERE name = 'TimeZone' UNION ` +
      `SELECT split_part(setting, '=', 2) FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setting ILIKE 'timezone=%' ` +
      `AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS zones, ` +
      `(VALUES (now()), (now() + INTERVAL '6 months')) AS days (day)`,
  );
  return rows.map(({ seconds }) => Number(seconds) * 1000);
}

/** @throws CleanupError `busy` */
async function lock(query: Query, { schema, name }: Table, attempt: string): Promise<void> {
  const hash = createHash('sha256').update(`session_cleanup:${schema}.${name}`).digest();
  // Two halves: a key space that applications and migration tools, which take one number, are not in.
  const [row] = await query(`SELECT ${attempt}(?::int, ?::int) AS held`, [hash.readInt32BE(0), hash.readInt32BE(4)]);
  if (row?.held !== 't') throw lockHeld();
}
