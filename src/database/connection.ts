// The one connection: how it is opened and closed. Every statement on it is statement.ts's. Knows no table.
import type { Knex } from 'knex';
import { type Deadline, stoppedError } from '../cleanup/deadline.js';
import { correlationComment } from '../correlation.js';
import type { Driver } from '../engines/engine.js';
import type { Binding, Query, Statements } from '../engines/sql.js';
import { CleanupError } from '../errors.js';
import { orAborted, within } from '../waiting.js';
import { messageOf } from './faults.js';
import { createKnex, type DriverLog } from './knex.js';
import { drop, end, type Line, send, sendAlways, sendPatiently } from './statement.js';

const CONNECT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 500;
const SILENT_HINT = 'Check that the server is running, the host and the port in the URL, and the firewalls in between.';
/** By the names that the system has for why no server was reached. */
const REACH_HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Check that the server is running, and the host and the port in the URL.',
  ECONNRESET: 'Check that the server is running, and the host and the port in the URL.',
  ENOENT: 'Check that the server is running, and the path of the socket in the URL.',
  ENOTFOUND: 'Check the host in the URL.',
  EAI_AGAIN: 'Check the host in the URL, and that a name server answers.',
  EHOSTUNREACH: SILENT_HINT,
  ENETUNREACH: SILENT_HINT,
};
const FILES_HINT = 'Check that the certificates are on a disk that answers, and in no pipe that nobody writes to.';

export interface Connection extends Statements {
  /** The driver's own. */
  readonly handle: unknown;
  /** @throws CleanupError `unknown` where COMMIT was not confirmed */
  end(statement: 'COMMIT' | 'ROLLBACK'): Promise<void>;
  /** Gives the connection up without a word: the server then rolls back. */
  drop(): void;
  isDropped(): boolean;
  /** Never throws. */
  close(): Promise<void>;
}

/** @throws CleanupError `unavailable` */
export async function openConnection(
  driver: Driver,
  deadline: Deadline,
  log: DriverLog,
  onLock?: Line['onLock'],
): Promise<Connection> {
  // The pool takes whole milliseconds only.
  const timeoutMs = Math.ceil(Math.max(1, Math.min(CONNECT_TIMEOUT_MS, deadline.remainingMs())));
  const config = await orAborted(driver.knexConfig(timeoutMs, deadline.stop), deadline.stop);
  if (config === undefined) throw stoppedError(deadline.stop, 'reading the files that the URL names', true, FILES_HINT);
  const knex = createKnex(driver, config, timeoutMs, log);
  const line: Line = {
    driver,
    deadline,
    log,
    connection: await connect(knex, driver, deadline, timeoutMs),
    openSide: async () => createKnex(driver, config, timeoutMs, log),
    dropped: false,
    waitedFor: undefined,
    onLock,
  };
  return createConnection(knex, line);
}

function createConnection(knex: Knex, line: Line): Connection {
  const { driver } = line;
  const ask = (sql: string, bindings: readonly Binding[] = []): PromiseLike<unknown> =>
    // Knex's types know no bigint, its drivers do.
    (bindings.length === 0 ? knex.raw(sql) : knex.raw(sql, bindings as unknown as Knex.RawBinding[])).connection(
      line.connection,
    );
  const query =
    (doing: string): Query =>
    async (sql, bindings) =>
      driver.rows(await sendPatiently(line, () => ask(commented(sql), bindings), doing));
  const queryOnce =
    (doing: string): Query =>
    async (sql, bindings) =>
      driver.rows(await send(line, ask(commented(sql), bindings), doing));
  const queryAlways =
    (doing: string): Query =>
    async (sql, bindings) =>
      driver.rows(await sendAlways(line, ask(commented(sql), bindings), doing));
  return {
    handle: line.connection,
    query,
    queryOnce,
    queryAlways,
    end: (statement) => end(line, statement, ask),
    drop: () => drop(line),
    isDropped: () => line.dropped,
    async close() {
      if (!line.dropped) knex.client.releaseConnection(line.connection);
      const destroyed = knex.destroy().catch((error: unknown) => line.log(String(error)));
      await within(destroyed, CLOSE_TIMEOUT_MS, line.deadline.drop);
      if (!line.dropped) drop(line);
    },
  };
}

function commented(sql: string): string {
  return `${correlationComment()} ${sql}`;
}

async function connect(knex: Knex, driver: Driver, deadline: Deadline, timeoutMs: number): Promise<unknown> {
  const acquired = Promise.resolve(knex.client.acquireConnection() as Promise<unknown>);
  try {
    const connection = await orAborted(acquired, deadline.stop);
    if (connection !== undefined) return connection;
  } catch (cause) {
    throw unavailable(driver, cause, timeoutMs);
  }
  // What still comes of it is closed.
  const late = acquired.then((connection) => {
    driver.destroy(connection);
    knex.client.releaseConnection(connection);
    return knex.destroy();
  });
  late.catch(() => undefined);
  const error = stoppedError(deadline.stop, 'connecting', true);
  if (error.kind === 'interrupted') throw error;
  throw new CleanupError('unavailable', error.message, { code: 'ETIMEDOUT', hint: SILENT_HINT });
}

function unavailable(driver: Driver, cause: unknown, timeoutMs: number): CleanupError {
  const { code, hint } = driver.classify(cause);
  const isSilent = code === 'ETIMEDOUT' || (cause as Error).name === 'KnexTimeoutError';
  if (!isSilent) {
    const said = messageOf(cause);
    return new CleanupError('unavailable', 'cannot connect', {
      said,
      code,
      hint: hint ?? REACH_HINTS[code ?? ''],
      cause,
    });
  }
  const message = `the database did not answer within ${Math.round(timeoutMs) / 1000} s`;
  return new CleanupError('unavailable', message, { code, hint: hint ?? SILENT_HINT, cause });
}
