// A connection to MySQL or MariaDB, made ready: its settings, its clock, its time zone, the lock on the table.
import { createHash } from 'node:crypto';
import { CleanupError } from '../../errors.js';
import type { Session, Table } from '../engine.js';
import { lockHeld } from '../refusals.js';
import type { Query, Statements } from '../sql.js';
import { findTable, readDefinition } from './catalogue.js';
import { examine } from './examine.js';
import { expired } from './expired.js';
import { ignoreAnswered } from './faults.js';
import { holdToken } from './kill.js';
import type { Server } from './server.js';
import type { MysqlTarget } from './target.js';
import { readDeleteTriggers } from './triggers.js';
import { openWalk } from './walk.js';

export async function openSession(
  statements: Statements,
  target: MysqlTarget,
  token: string,
  remainingMs: number,
): Promise<{ readonly session: Session; readonly server: Server }> {
  const query = statements.query('preparing the session');
  await prepare(query, remainingMs);
  const server = await readServer(query);
  await boundStatements(query, server, remainingMs);
  await holdToken(query, token);
  const session: Session = {
    clock: () => readClock(statements.query('reading the clock')),
    readDefinition: (names) => readDefinition(statements.query('inspecting the table'), names, target),
    findTable: (names) => findTable(statements.query('inspecting the table'), names, target),
    aheadOfUtcMs: () => aheadOfUtcMs(statements.query('reading the time zone')),
    lock: (table) => lock(statements.query('taking the lock'), table, server),
    async begin({ sql }) {
      const query = statements.query('beginning the transaction');
      await query('START TRANSACTION');
      // From here to the end of the transaction nobody can alter the table.
      await query(`SELECT 1 FROM ${sql} LIMIT 0`);
    },
    expired,
    openWalk: (table, predicate) => openWalk(statements, table, predicate, server),
    examine: (table) => examine(statements.query('surveying the table'), table),
    readDeleteTriggers: (table) => readDeleteTriggers(statements.query('looking for triggers'), table),
  };
  return { session, server };
}

// sql_mode: STRICT makes a DELETE fail on the first text that is no number or date, NO_BACKSLASH_ESCAPES breaks the
// driver's quoting, ANSI_QUOTES that of SHOW CREATE TABLE. sql_big_selects: where max_join_size is set, a DELETE by key is
// a join. sql_select_limit: it would cut the catalogue off in the middle of a key. completion_type: COMMIT would begin
// the next transaction, or end the connection.
const SETTINGS = {
  time_zone: "'+00:00'",
  sql_mode: "'NO_ENGINE_SUBSTITUTION'",
  autocommit: '1',
  completion_type: '0',
  foreign_key_checks: '1',
  sql_safe_updates: '0',
  sql_auto_is_null: '0',
  sql_quote_show_create: '1',
  sql_big_selects: '1',
  sql_select_limit: '18446744073709551615',
  // One second is the least that MySQL takes.
  innodb_lock_wait_timeout: '1',
  lock_wait_timeout: '1',
} as const;

// What MySQL takes at most for an idle connection where the run may take for ever: a day, for the longest pause.
const LONGEST_IDLE_S = 86_400;

/**
 * What no live session may depend on is read again: a proxy may keep a statement to itself. The character set comes
 * first: where the server reads gbk or the like, a quote after a stored character ends the literal that it stands in.
 */
async function prepare(query: Query, remainingMs: number): Promise<void> {
  await query('SET NAMES utf8mb4 COLLATE utf8mb4_general_ci');
  // A host that vanishes keeps its row locks only so long.
  const idleSeconds = Math.min(LONGEST_IDLE_S, Math.ceil(remainingMs / 1000) + 10);
  const settings = Object.entries({ ...SETTINGS, wait_timeout: idleSeconds });
  await query(`SET SESSION ${settings.map(([name, value]) => `${name} = ${value}`).join(', ')}`);
  await query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  const [is = {}] = await query(
    `SELECT ${Object.keys(RELIED_ON)
      .map((name) => `@@${name} AS ${name}`)
      .join(', ')}`,
  );
  for (const [name, value] of Object.entries(RELIED_ON)) if (String(is[name]) !== value) throw notTaken(name, value);
}

const RELIED_ON = {
  character_set_client: 'utf8mb4',
  character_set_connection: 'utf8mb4',
  character_set_results: 'utf8mb4',
  sql_mode: 'NO_ENGINE_SUBSTITUTION',
  time_zone: '+00:00',
  foreign_key_checks: '1',
} as const;

function notTaken(name: string, value: string): CleanupError {
  return new CleanupError('refused', `the server does not take ${name} = ${value} from this connection`, {
    code: 'SETTING_NOT_TAKEN',
    hint: 'Look for what keeps it from doing so, such as a proxy between, and connect without it.',
  });
}

async function readServer(query: Query): Promise<Server> {
  const [row] = await query(
    'SELECT VERSION() AS version, @@lower_case_table_names AS folding, @@max_allowed_packet AS packet',
  );
  const [settings] = (await query('SELECT @@innodb_rollback_on_timeout AS rolls_back').catch(ignoreAnswered)) ?? [];
  return {
    ...readVersion(String(row?.version)),
    foldsNames: Number(row?.folding) !== 0,
    lockWaitRollsBack: Number(settings?.rolls_back) === 1,
    packetBytes: Number(row?.packet),
  };
}

function readVersion(version: string): { mariadb: boolean; skipLocked: boolean } {
  const mariadb = /mariadb/i.test(version);
  // Before version 11 MariaDB may write 5.5.5- in front of its own version.
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)\./.exec(version.replace(/^5\.5\.5-/, ''))?.slice(1) ?? []).map(Number);
  return { mariadb, skipLocked: mariadb ? major > 10 || (major === 10 && minor >= 6) : major >= 8 };
}

/** Only a second line of defence, for when this process cannot cancel: not every server or proxy has it. */
async function boundStatements(query: Query, { mariadb }: Server, remainingMs: number): Promise<void> {
  // 0 is none: a limit of the server's would end the statements of a run that may take for ever.
  const seconds = Number.isFinite(remainingMs) ? Math.ceil(remainingMs / 1000) + 1 : 0;
  const setting = mariadb ? `max_statement_time = ${seconds}` : `max_execution_time = ${seconds * 1000}`;
  await query(`SET SESSION ${setting}`).catch(ignoreAnswered);
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
async function lock(query: Query, { schema, name }: Table, { foldsNames }: Server): Promise<void> {
  // GET_LOCK names have at most 64 characters and belong to the whole server.
  const table = foldsNames ? `${schema}.${name}`.toLowerCase() : `${schema}.${name}`;
  const lockName = `session_cleanup:${createHash('sha256').update(table).digest('hex').slice(0, 32)}`;
  // Some clusters and proxies refuse GET_LOCK. The row locks are enough for safety; the lock saves double work.
  const rows = await query('SELECT GET_LOCK(?, 0) AS held', [lockName]).catch(ignoreAnswered);
  if (rows === undefined || String(rows[0]?.held) !== '0') return;
  throw lockHeld();
}
