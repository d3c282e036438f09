// The one connection: every statement under the deadline, every error in the run's own terms. Knows no table.
import knexModule, { type Knex } from 'knex';
import { type Deadline, stoppedError } from '../cleanup/deadline.js';
import type { Binding, Dialect, Query } from '../engines/engine.js';
import { CleanupError, type FailureKind } from '../errors.js';
import { backOffMs, orAborted, sleep, within } from '../waiting.js';

const CONNECT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 500;
const CANCEL_AGAIN_MS = 500;

export type DriverLog = (message: string) => void;

export interface Connection {
  /** A query builder bound to this connection, and raw pieces for it. */
  builder(): Knex.QueryBuilder;
  raw(sql: string): Knex.Raw;
  /** The statement's answer, unless the run is stopped: then it is cancelled, and given up where it does not end. */
  send<T>(statement: PromiseLike<T>, doing: string): Promise<T>;
  /** Sends again while the database answers that it is locked, until the time is nearly used up. */
  sendPatiently<T>(statement: () => PromiseLike<T>, doing: string): Promise<T>;
  /** `doing` completes "while …" in an error. */
  query(doing: string): Query;
  /** As `query`, but the first lock is an error. */
  queryOnce(doing: string): Query;
  /** COMMIT and ROLLBACK are never cancelled, only awaited: until the grace after a stop is over. */
  end(statement: 'COMMIT' | 'ROLLBACK'): Promise<void>;
  /** Gives the connection up without a word: the server then rolls back. */
  drop(): void;
  isDropped(): boolean;
  /** Sends `farewell` where the connection is still there, and closes it. Never throws. */
  close(farewell: (query: Query) => Promise<void>): Promise<void>;
}

/** @throws CleanupError `unavailable` */
export async function openConnection(dialect: Dialect, deadline: Deadline, driverLog: DriverLog): Promise<Connection> {
  // The pool takes whole milliseconds only.
  const connectTimeoutMs = Math.ceil(Math.max(1, Math.min(CONNECT_TIMEOUT_MS, deadline.remainingMs())));
  const knexConfig = await dialect.knexConfig(connectTimeoutMs);
  const createKnex = (): Knex => {
    const created = knexModule.default({
      ...knexConfig,
      // Longer than the connect's own limit, or the message is that the pool is probably full.
      acquireConnectionTimeout: connectTimeoutMs + 1_000,
      pool: { min: 0, max: 1 },
      compileSqlOnError: false,
      log: {
        warn: (message: unknown) => driverLog(String(message)),
        error: (message: unknown) => driverLog(String(message)),
        deprecate: (message: unknown) => driverLog(String(message)),
        debug: (message: unknown) => driverLog(String(message)),
      },
    });
    // A question mark in a name is escaped for Knex, which takes the escape away again for other engines only.
    created.client.positionBindings = (sql: string) => sql.replaceAll('\\?', '?');
    return created;
  };

  let knex: Knex;
  try {
    knex = createKnex();
  } catch (cause) {
    // Knex loads the driver here. sqlite3 is optional: it may be absent, or its native part not built.
    const { code, message } = cause as NodeJS.ErrnoException;
    const absent =
      code === 'MODULE_NOT_FOUND' || code === 'ERR_DLOPEN_FAILED' || /bindings file|find module/i.test(message);
    if (!absent) throw cause;
    throw new CleanupError('unavailable', `the driver ${knexConfig.client} is not installed`, {
      code: 'NO_DRIVER',
      hint: `Install session-cleanup again with --allow-scripts=${knexConfig.client}; in a project: npm install-scripts approve ${knexConfig.client}, then npm rebuild ${knexConfig.client}.`,
      cause,
    });
  }
  const connection = await connect(knex, deadline, dialect, connectTimeoutMs);
  let dropped = false;
  const drop = (): void => {
    dropped = true;
    dialect.destroy(connection);
  };

  // The last answer was that somebody holds a lock: a timeout now is their doing.
  let waitedFor: CleanupError | undefined;

  /** The statement's answer, unless the run is stopped: then it is cancelled, and given up where it does not end. */
  async function send<T>(statement: PromiseLike<T>, doing: string): Promise<T> {
    // Knex sends a statement when it is first awaited: after a stop, nothing is.
    if (deadline.stop.aborted) throw stop(doing, false);
    const answer = Promise.resolve(statement).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    let settled = await orAborted(answer, deadline.stop);
    const stopped = settled === undefined;
    // Again and again: a cancel that comes before the engine has begun with the statement is lost.
    while (settled === undefined && !deadline.drop.aborted) {
      const cancelled = dialect
        .cancel(connection, async () => createKnex())
        .catch((error: unknown) => {
          driverLog(`the statement could not be cancelled: ${String(error)}`);
        });
      settled = await within(answer, CANCEL_AGAIN_MS, deadline.drop);
      // A cancel that is still on its way would hit the next statement, which may be the COMMIT.
      await orAborted(cancelled, deadline.drop);
      settled ??= await Promise.race([answer, undefined]);
    }
    if (settled !== undefined && 'value' in settled) {
      waitedFor = undefined;
      return settled.value;
    }
    const error = settled && toCleanupError(dialect, settled.error, doing);
    if (settled === undefined || isLost(error)) drop();
    const left = settled === undefined ? `${doing}; it did not answer, the connection was dropped` : doing;
    if (stopped) throw stop(left, dropped || !dialect.cancelKeepsTransaction);
    if (error?.kind === 'busy') waitedFor = error;
    throw error;
  }

  function stop(doing: string, rolledBack: boolean): CleanupError {
    const error = stoppedError(deadline.stop, doing, rolledBack);
    if (error.kind !== 'timed_out' || waitedFor === undefined) return error;
    const { message, said, code, hint } = waitedFor;
    return new CleanupError('busy', message, { said, code, hint, rolledBack, cause: waitedFor });
  }

  /** Sends again while the database answers that it is locked, until the time is nearly used up. */
  async function sendPatiently<T>(statement: () => PromiseLike<T>, doing: string): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await send(statement(), doing);
      } catch (error) {
        if (!isLockWait(error)) throw error;
        const pauseMs = backOffMs(attempts);
        if (deadline.isNearlyUsedUp(pauseMs)) throw error;
        await sleep(pauseMs, deadline.stop);
        if (deadline.stop.aborted) throw stop(doing, false);
      }
    }
  }

  const raw = (sql: string, bindings: readonly Binding[] = []): PromiseLike<unknown> =>
    // Knex's types know no bigint, its drivers do.
    (bindings.length === 0 ? knex.raw(sql) : knex.raw(sql, bindings as unknown as Knex.RawBinding[])).connection(
      connection,
    );
  const query =
    (doing: string): Query =>
    async (sql, bindings) =>
      dialect.rows(await sendPatiently(() => raw(sql, bindings), doing));
  const queryOnce =
    (doing: string): Query =>
    async (sql, bindings) =>
      dialect.rows(await send(raw(sql, bindings), doing));

  async function end(statement: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const doing = statement === 'COMMIT' ? 'committing' : 'rolling back';
    for (let attempts = 1; ; attempts++) {
      const answer = Promise.resolve(raw(statement)).then(
        () => ({ fault: undefined }),
        (error: unknown) => ({ fault: toCleanupError(dialect, error, doing) }),
      );
      const ended = await orAborted(answer, deadline.drop);
      if (ended === undefined) drop();
      if ((ended === undefined || isLost(ended.fault)) && statement === 'COMMIT') {
        throw new CleanupError('unknown', 'the database did not confirm the COMMIT: the rows may be deleted or not', {
          code: ended?.fault?.code ?? 'COMMIT_UNCONFIRMED',
          hint: 'Run it again once the database answers: what is expired then is deleted then.',
          cause: ended?.fault,
        });
      }
      if (ended?.fault === undefined) return;
      if (!isLockWait(ended.fault)) throw ended.fault;
      if (!dialect.commitKeepsTransaction) {
        const { message, said, code, hint } = ended.fault;
        throw new CleanupError('busy', message, { said, code, hint, rolledBack: true, cause: ended.fault });
      }
      // COMMIT may be sent again. The time that the walk has left over is for this.
      if (deadline.stop.aborted) throw ended.fault;
      await sleep(backOffMs(attempts), deadline.stop);
    }
  }

  return {
    builder: () => knex.queryBuilder().connection(connection),
    raw: (sql) => knex.raw(sql),
    send,
    sendPatiently,
    query,
    queryOnce,
    end,
    drop,
    isDropped: () => dropped,
    async close(farewell) {
      if (!dropped) {
        const unguarded: Query = async (sql, bindings) => dialect.rows(await raw(sql, bindings));
        const said = farewell(unguarded).catch((error: unknown) => driverLog(String(error)));
        await within(said, CLOSE_TIMEOUT_MS, deadline.drop);
        knex.client.releaseConnection(connection);
      }
      const destroyed = knex.destroy().catch((error: unknown) => driverLog(String(error)));
      await within(destroyed, CLOSE_TIMEOUT_MS, deadline.drop);
      if (!dropped) drop();
    },
  };
}

async function connect(knex: Knex, deadline: Deadline, dialect: Dialect, timeoutMs: number): Promise<unknown> {
  const acquired = Promise.resolve(knex.client.acquireConnection() as Promise<unknown>);
  try {
    const connection = await orAborted(acquired, deadline.stop);
    if (connection !== undefined) return connection;
  } catch (cause) {
    const { code, hint } = dialect.classify(cause);
    const silent = code === 'ETIMEDOUT' || (cause as Error).name === 'KnexTimeoutError';
    const message = silent ? `the database did not answer within ${Math.round(timeoutMs) / 1000} s` : 'cannot connect';
    const said = silent ? undefined : messageOf(cause);
    throw new CleanupError('unavailable', message, { said, code, hint, cause });
  }
  // What still comes of it is closed.
  const late = acquired.then((connection) => {
    dialect.destroy(connection);
    knex.client.releaseConnection(connection);
    return knex.destroy();
  });
  late.catch(() => undefined);
  const error = stoppedError(deadline.stop, 'connecting', true);
  if (error.kind === 'interrupted') throw error;
  throw new CleanupError('unavailable', error.message, { code: 'ETIMEDOUT', hint: 'Check that the database is up.' });
}

const KINDS: Readonly<Record<'locked' | 'rolled-back' | 'lost' | 'unavailable' | 'failed', FailureKind>> = {
  locked: 'busy',
  'rolled-back': 'busy',
  lost: 'failed',
  unavailable: 'unavailable',
  failed: 'failed',
};

function toCleanupError(dialect: Dialect, error: unknown, doing: string): CleanupError {
  if (error instanceof CleanupError) return error;
  const { kind, code, hint } = dialect.classify(error);
  const lockHint = kind === 'locked' ? 'The database stayed locked: look for what holds the lock.' : undefined;
  return new CleanupError(KINDS[kind], `failed while ${doing}`, {
    said: messageOf(error),
    code,
    hint: hint ?? lockHint,
    cause: error,
    rolledBack: kind === 'rolled-back' || kind === 'lost',
  });
}

/** A lock was waited for in vain; the transaction is still there. */
export function isLockWait(error: unknown): boolean {
  return error instanceof CleanupError && error.kind === 'busy' && !error.rolledBack;
}

/** The connection ended, and with it the transaction. */
function isLost(error: CleanupError | undefined): boolean {
  return error?.kind === 'failed' && error.rolledBack;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // Knex puts the statement in front of the engine's words, "delete from … - SQLITE_BUSY: …"; they are what is wanted.
  return message.slice(message.lastIndexOf(' - ') + 1).replace(/^- /, '');
}
