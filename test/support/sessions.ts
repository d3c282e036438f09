// The table that the spawned command works on: making it, making it slow, and seeing who is at work on it.
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { type CommandOptions, type Running, startCommand } from './command.js';
import type { Database, Engine } from './databases.js';

export const EXPIRED = '2020-01-01 00:00:00';
export const LIVE = '2099-01-01 00:00:00';

/** What holds them. */
export const TIME_TYPES = { sqlite: 'TEXT', mysql: 'DATETIME', postgresql: 'TIMESTAMP' } as const;

/** Far longer than any test: what sleeps so long has to be cancelled. */
export const FOREVER_MS = 600_000;

export interface SessionsOptions {
  /** IDs of rows to insert. */
  readonly expired?: readonly string[];
  readonly live?: readonly string[];
  /** Whether there is an index on the expiry. */
  readonly indexed?: boolean;
  /** Whether `id` is the primary key, as it is unless told otherwise. */
  readonly keyed?: boolean;
}

/** A database that is removed after the test, with a table `sessions` (`id`, `expires_at`). */
export async function createSessions(t: TestContext, engine: Engine, options: SessionsOptions = {}): Promise<Database> {
  const { expired = [], live = [], indexed = false, keyed = true } = options;
  const database = await engine.create();
  t.after(async () => {
    for (const left of transactions.get(database) ?? []) if (!left.isCompleted()) await left.rollback();
    // A statement whose client is gone goes on, and with it its lock on the table.
    if (engine.family === 'mysql') await endConnectionsAtWork(database);
    await database.drop();
  });
  const type = TIME_TYPES[engine.family];
  await database.run(
    `CREATE TABLE sessions (id VARCHAR(40) NOT NULL${keyed ? ' PRIMARY KEY' : ''}, expires_at ${type} NULL)`,
  );
  if (indexed) await database.run('CREATE INDEX by_expiry ON sessions (expires_at)');
  const rows = [...expired.map((id) => ({ id, expires_at: EXPIRED })), ...live.map((id) => ({ id, expires_at: LIVE }))];
  if (rows.length > 0) await database.knex.batchInsert('sessions', rows, 200);
  return database;
}

/** Such as `r0000` to `r0599`. */
export function ids(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `r${String(at).padStart(4, '0')}`);
}

/** The IDs that remain, sorted. */
export async function remaining(database: Database): Promise<unknown[]> {
  return (await database.query('SELECT id FROM sessions ORDER BY id')).map(({ id }) => id);
}

/** As `remaining`, once no transaction has any of the rows in hand any more. */
export async function settled(database: Database): Promise<unknown[]> {
  const lock = database.engine === 'sqlite' ? '' : ' FOR UPDATE';
  return (await database.query(`SELECT id FROM sessions ORDER BY id${lock}`)).map(({ id }) => id);
}

/** Makes the deletion of a row take `ms` milliseconds; where `id` is given, only that of this row. */
export async function slowDeletes(database: Database, ms: number, id?: string): Promise<void> {
  if (database.engine === 'sqlite') {
    // SQLite cannot sleep. After the deletion, so that by then it has opened its journal.
    const rounds = ms >= FOREVER_MS ? '-1' : Math.ceil((await roundsPerMs(database)) * ms);
    await database.run(`CREATE VIEW work AS SELECT COUNT(*) AS n FROM (${counting(rounds)})`);
    const when = id === undefined ? '' : `WHEN OLD.id = '${id}'`;
    await database.run(`CREATE TRIGGER slow AFTER DELETE ON sessions ${when} BEGIN SELECT n FROM work; END`);
    return;
  }
  if (database.engine === 'postgresql') {
    const work = `PERFORM pg_sleep(${ms / 1000});`;
    const body = id === undefined ? work : `IF OLD.id = '${id}' THEN ${work} END IF;`;
    await database.run(
      `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN OLD; END $$`,
    );
    await database.run('CREATE TRIGGER slow BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION slow()');
    return;
  }
  const work = `DO SLEEP(${ms / 1000})`;
  const body = id === undefined ? work : `IF OLD.id = '${id}' THEN ${work}; END IF`;
  await database.run(`CREATE TRIGGER slow BEFORE DELETE ON sessions FOR EACH ROW ${body}`);
}

function counting(rounds: number | string): string {
  return `WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted LIMIT ${rounds}) SELECT n FROM counted`;
}

/** Of a processor that does nothing else: so many that the work takes no less time, whatever else the machine does. */
async function roundsPerMs(database: Database): Promise<number> {
  const rounds = 100_000;
  let most = 0;
  for (let tries = 0; tries < 5; tries++) {
    const [startedAt, before] = [performance.now(), process.cpuUsage()];
    await database.query(`SELECT COUNT(*) FROM (${counting(rounds)})`);
    const { user, system } = process.cpuUsage(before);
    // Other processes are in the one, and other tests of this process in the other.
    most = Math.max(most, rounds / Math.min(performance.now() - startedAt, (user + system) / 1000));
  }
  return most;
}

/**
 * Holds up the deletion of the row until what it resolves to is called. Not on SQLite, where nothing can be waited for
 * inside of a statement.
 */
export async function holdDelete(database: Database, id: string): Promise<() => Promise<void>> {
  const holder = await beginTransaction(database);
  if (database.engine === 'postgresql') {
    await holder.raw('SELECT pg_advisory_xact_lock(1)');
    // Not a wait for the lock, which the run would not wait for longer than for any other.
    const wait = 'WHILE NOT pg_try_advisory_xact_lock(1) LOOP PERFORM pg_sleep(0.01); END LOOP;';
    const body = `BEGIN IF OLD.id = '${id}' THEN ${wait} END IF; RETURN OLD; END`;
    await database.run(`CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$`);
    await database.run('CREATE TRIGGER held BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION held()');
    return async () => void (await holder.rollback());
  }
  const lock = `'held in ${new URL(database.url).pathname.slice(1)}'`;
  await holder.raw(`DO GET_LOCK(${lock}, 0)`);
  await database.run(
    `CREATE TRIGGER held BEFORE DELETE ON sessions FOR EACH ROW IF OLD.id = '${id}' THEN DO GET_LOCK(${lock}, ${FOREVER_MS / 1000}); END IF`,
  );
  return async () => {
    if (holder.isCompleted()) return;
    await holder.raw(`DO RELEASE_LOCK(${lock})`);
    await holder.rollback();
  };
}

/** Undoes `slowDeletes`. */
export async function quickDeletes(database: Database): Promise<void> {
  await database.run(`DROP TRIGGER slow${database.engine === 'postgresql' ? ' ON sessions' : ''}`);
}

/** So that the server's planner knows what the table holds; SQLite's needs no telling. */
export async function analyze(database: Database): Promise<void> {
  if (database.engine === 'postgresql') await database.run('ANALYZE sessions');
  else if (database.engine !== 'sqlite') await database.query('ANALYZE TABLE sessions');
}

/** Starts the command; it is gone after the test, whatever the test came to. */
export function start(t: TestContext, args: readonly string[], options?: CommandOptions): Running {
  const running = startCommand(args, options);
  t.after(async () => {
    running.child.kill('SIGKILL');
    await running.ended;
  });
  return running;
}

/** Resolves once the run is in the middle of its DELETE. Throws where it has ended before. */
export async function untilDeleting(database: Database, running: Running): Promise<void> {
  await until(async () => {
    if (running.child.exitCode !== null) throw new Error(`ended already: ${JSON.stringify(await running.ended)}`);
    return isDeleting(database);
  });
}

/** Whether a run is in the middle of its DELETE: its earlier statements are not meant. */
export async function isDeleting(database: Database): Promise<boolean> {
  if (database.engine === 'sqlite') return existsSync(`${fileOf(database)}-journal`);
  return (await statementsAtWork(database)).some((process) => DELETION.test(process.info) || asleep(process));
}

/** Whether a run on a server is in a trigger of `slowDeletes` or `holdDelete`. */
export async function isInTrigger(database: Database): Promise<boolean> {
  return (await processes(database)).some((process) => asleep(process) || process.state === 'PgSleep');
}

// Behind the comment with the correlation ID: an EXPLAIN of a DELETE, and the question whether one is allowed, are not meant.
const DELETION = /\*\/ (SET STATEMENT .* FOR )?DELETE\b/;

/**
 * What runs of the command have in hand on the server. While it is in a trigger, the process list has the trigger's
 * statement instead.
 */
export async function statementsAtWork(database: Database): Promise<readonly Process[]> {
  return (await processes(database)).filter((process) => /correlation_id=/.test(process.info) || asleep(process));
}

function asleep({ state, info }: Process): boolean {
  return state === 'User sleep' || (state === 'User lock' && !/correlation_id=/.test(info));
}

/** Ends the connections that have a statement of a run in hand, as an administrator would. */
export async function endConnectionsAtWork(database: Database): Promise<void> {
  const end = database.engine === 'postgresql' ? 'SELECT pg_terminate_backend(?)' : 'KILL ?';
  for (const { id } of await statementsAtWork(database)) {
    await database.run(end, [id]).catch((error: { readonly code?: string }) => {
      // It has ended by itself meanwhile.
      if (error.code !== 'ER_NO_SUCH_THREAD') throw error;
    });
  }
}

const WAITING = 'Waiting for table';

interface Process {
  readonly id: number;
  readonly info: string;
  readonly state: string;
}

/** The server's process list as far as it is about this database. */
async function processes(database: Database): Promise<readonly Process[]> {
  if (database.engine === 'postgresql') {
    const rows = await database.query(
      `SELECT pid, query, wait_event_type, wait_event FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'`,
    );
    return rows.map(({ pid, query, wait_event_type, wait_event }) => ({
      id: Number(pid),
      info: String(query),
      state: wait_event_type === 'Lock' ? WAITING : String(wait_event ?? ''),
    }));
  }
  // Not information_schema.processlist: MySQL's fails while anybody sends a character that needs four bytes.
  const rows = await database.query('SHOW FULL PROCESSLIST');
  const name = new URL(database.url).pathname.slice(1);
  return rows
    .filter((row) => row.db === name)
    .map(({ Id, Info, State }) => ({ id: Number(Id), info: String(Info), state: String(State) }));
}

const transactions = new WeakMap<Database, Knex.Transaction[]>();

/** Begins a transaction of the test's own; at the latest it is rolled back when the database is dropped. */
export async function beginTransaction(database: Database): Promise<Knex.Transaction> {
  const transaction = await database.knex.transaction();
  transactions.set(database, [...(transactions.get(database) ?? []), transaction]);
  return transaction;
}

/** The connection of a transaction, as the server numbers it. */
export async function connectionOf({ engine }: Database, transaction: Knex.Transaction): Promise<number> {
  if (engine === 'postgresql') return Number((await transaction.raw('SELECT pg_backend_pid() AS id')).rows[0].id);
  const [[row]] = await transaction.raw('SELECT CONNECTION_ID() AS id');
  return Number(row.id);
}

/** Resolves once the connection waits for a row that somebody else has locked. */
export async function untilWaitingForRow(database: Database, connection: number): Promise<void> {
  const waiting =
    database.engine === 'postgresql'
      ? "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = ?"
      : "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_mysql_thread_id = ?";
  await until(async () => (await database.query(waiting, [connection])).length > 0);
}

/** Locks the table for every other writer; resolves to what gives it free. */
export async function lockTable(database: Database): Promise<() => Promise<void>> {
  const { engine } = database;
  const other = await beginTransaction(database);
  const locking = {
    sqlite: 'DELETE FROM sessions WHERE 0',
    mariadb: 'LOCK TABLES sessions WRITE',
    mysql: 'LOCK TABLES sessions WRITE',
    postgresql: 'LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE',
  };
  await other.raw(locking[engine]);
  return async () => {
    if (locking[engine].startsWith('LOCK TABLES')) await other.raw('UNLOCK TABLES');
    await other.rollback();
  };
}

/** Resolves once the run waits for what `lockTable` has locked. */
export async function untilWaitingForTable(database: Database, { child }: Running): Promise<void> {
  await until(async () => {
    if (child.exitCode !== null) throw new Error('ended already');
    if (database.engine === 'sqlite') return hasOpen(child.pid, fileOf(database));
    return (await processes(database)).some(({ state }) => state.startsWith(WAITING));
  });
  // SQLite keeps no list of who waits: once the file is open, that is soon.
  if (database.engine === 'sqlite') await sleep(500);
}

/** Whether the process has the file open, where the system tells; otherwise, after a while, that it may well have. */
async function hasOpen(pid: number | undefined, path: string): Promise<boolean> {
  const descriptors = `/proc/${pid}/fd`;
  if (!existsSync(descriptors)) return sleep(2_000).then(() => true);
  return readdirSync(descriptors).some((name) => {
    try {
      return readlinkSync(`${descriptors}/${name}`) === path;
    } catch {
      return false;
    }
  });
}

/** Resolves once `condition` holds; throws after a while. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('waited in vain');
    await sleep(20);
  }
}

/** The path of a SQLite database. */
export function fileOf({ url }: Database): string {
  return url.slice('sqlite:'.length);
}
