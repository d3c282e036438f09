// A connection to MySQL or MariaDB, made ready: its settings, its clock, its time zone, the lock on the table.
import { createHash } from 'node:crypto';
import { CleanupError } from '../../errors.js';
import type { Session, Table } from '../engine.js';
import type { Query, Statements } from '../sql.js';
import { findTable } from './catalogue.js';
import { openWalk } from './deleting.js';
import { examine } from './examine.js';
import { expired } from './expired.js';
import { ignoreAnswered } from './faults.js';
import type { MysqlTarget } from './target.js';

/** What kind of server it is, as far as the deleting has to know. */
export interface Server {
  readonly mariadb: boolean;
  readonly skipLocked: boolean;
  /** A lock wait that ends in vain gives up the whole transaction. */
  readonly lockWaitRollsBack: boolean;
}

export async function openSession(
  statements: Statements,
  target: MysqlTarget,
  remainingMs: number,
): Promise<{ readonly session: Session; readonly server: Server }> {
  const query = statements.query('preparing the session');
  await prepare(query, remainingMs);
  const server = await readServer(query);
  await boundStatements(query, server, remainingMs);
  const session: Session = {
    clock: () => readClock(statements.query('reading the clock')),
    findTable: (names) => findTable(statements.query('inspecting the table'), names, target),
    aheadOfUtcMs: () => aheadOfUtcMs(statements.query('reading the time zone')),
    lock: (table) => lock(statements.query('taking the lock'), table),
    async begin() {
      await statements.query('beginning the transaction')('START TRANSACTION');
    },
    expired,
    openWalk: (table, predicate) => openWalk(statements, table, predicate, server),
    examine: (table) => examine(statements.query('surveying the table'), table),
  };
  return { session, server };
}

async function prepare(query: Query, remainingMs: number): Promise<void> {
  // sql_mode: STRICT makes a DELETE fail on the first text that is no number or date, NO_BACKSLASH_ESCAPES breaks
  // the driver's quoting. sql_big_selects: where max_join_size is set, a DELETE by key is a join. sql_select_limit:
  // it would cut the catalogue off in the middle of a key. Lock waits: one second is the least MySQL takes.
  // wait_timeout: a host that vanishes keeps its row locks only so long.
  const idleSeconds = Number.isFinite(remainingMs) ? `, wait_timeout = ${Math.ceil(remainingMs / 1000) + 10}` : '';
  await query(
    `SET SESSION time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION', autocommit = 1, foreign_key_checks = 1, ` +
      `sql_safe_updates = 0, sql_big_selects = 1, sql_select_limit = 18446744073709551615, ` +
      `innodb_lock_wait_timeout = 1, lock_wait_timeout = 1${idleSeconds}`,
  );
  await query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
}

async function readServer(query: Query): Promise<Server> {
  const [row] = await query('SELECT VERSION() AS version');
  const [settings] = (await query('SELECT @@innodb_rollback_on_timeout AS rolls_back').catch(ignoreAnswered)) ?? [];
  return { ...readVersion(String(row?.version)), lockWaitRollsBack: Number(settings?.rolls_back) === 1 };
}

function readVersion(version: string): { mariadb: boolean; skipLocked: boolean } {
  const mariadb = /mariadb/i.test(version);
  // Before version 11 MariaDB may write 5.5.5- in front of its own version.
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)\./.exec(version.replace(/^5\.5\.5-/, ''))?.slice(1) ?? []).map(Number);
  return { mariadb, skipLocked: mariadb ? major > 10 || (major === 10 && minor >= 6) : major >= 8 };
}

/** Only a second line of defence, for when this process cannot cancel: not every server or proxy has it. */
async function boundStatements(query: Query, { mariadb }: Server, remainingMs: number): Promise<void> {
  if (!mariadb || !Number.isFinite(remainingMs)) return;
  await query(`SET SESSION max_statement_time = ${Math.ceil(remainingMs / 1000) + 1}`).catch(ignoreAnswered);
}

async function readClock(query: Query): Promise<number> {
  const [row] = await query('SELECT UTC_TIMESTAMP(3) AS now');
  return Date.parse(`${String(row?.now).replace(' ', 'T')}Z`);
}

// Of any zone; a named one that the server's tables do not know is one of them.
const MOST_MINUTES_AHEAD = 14 * 60;

async function aheadOfUtcMs(query: Query): Promise<number> {
  const minutes = (day: string): string =>
    `TIMESTAMPDIFF(MINUTE, ${day}, CONVERT_TZ(${day}, '+00:00', @@global.time_zone))`;
  const [row] = await query(
    `SELECT GREATEST(${minutes('UTC_DATE()')}, ${minutes('UTC_DATE() + INTERVAL 6 MONTH')}) AS minutes`,
  );
  return Number(row?.minutes ?? MOST_MINUTES_AHEAD) * 60_000;
}

/** It belongs to the connection, and ends with it. */
async function lock(query: Query, { schema, name }: Table): Promise<void> {
  // GET_LOCK names have at most 64 characters and belong to the whole server.
  const lockName = `session_cleanup:${createHash('sha256').update(`${schema}.${name}`).digest('hex').slice(0, 32)}`;
  // Some clusters and proxies refuse GET_LOCK. The row locks are enough for safety; the lock saves double work.
  const rows = await query('SELECT GET_LOCK(?, 0) AS held', [lockName]).catch(ignoreAnswered);
  if (rows === undefined || String(rows[0]?.held) !== '0') return;
  throw new CleanupError('busy', 'another session-cleanup run is at work on this table', {
    code: 'LOCK_HELD',
    hint: 'Wait for it to end, or make the interval between runs longer than --timeout.',
  });
}
