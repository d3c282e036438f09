// The sessions table over Knex: one connection, every statement under the deadline, every error in the run's own terms.
import knexModule, { type Knex } from 'knex';
import { backOffMs, type SessionRepository } from './cleanup.js';
import { currentCorrelationId } from './correlation.js';
import { type Deadline, orAborted, sleep, stoppedError } from './deadline.js';
import type { Binding, Dialect, Key, Predicate, Query, Sql, Table } from './dialects/dialect.js';
import { CleanupError, type FailureKind } from './errors.js';
import { type Cutoff, type ExpiresFormat, type Fit, fitFormat, type Sampled } from './expiry.js';
import { type KeyRange, type Position, rangeCondition, rangesBetween } from './key-ranges.js';

/** A piece of the walk: its ranges, and the last row in it, absent from the last piece. */
export interface Stretch {
  readonly ranges: readonly KeyRange[];
  readonly last: Position | undefined;
}

export interface Inspection {
  /** Undefined where nothing in the column can be expired. */
  readonly fit: Fit | undefined;
  /** The index that leads with the expiry column. */
  readonly expiresIndex: string | undefined;
}

export interface OpenedSessions extends SessionRepository<Stretch> {
  /** The database's clock in milliseconds; undefined where it is this host's. */
  clock(): Promise<number | undefined>;
  /** Finds the table and decides its format. To be called before anything that reads or deletes. @throws CleanupError `refused` */
  inspect(format: ExpiresFormat | 'auto'): Promise<Inspection>;
  /** Sets the condition "expired" and the key to walk by. */
  aim(fit: Fit, cutoff: Cutoff): Promise<void>;
  lock(): Promise<void>;
  countExpired(): Promise<number>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const SAMPLE_ROWS = 250;
const CLOSE_TIMEOUT_MS = 500;

export type DriverLog = (message: string) => void;

/** @throws CleanupError `unavailable` */
export async function openSessions(
  dialect: Dialect,
  deadline: Deadline,
  driverLog: DriverLog,
): Promise<OpenedSessions> {
  const connectTimeoutMs = Math.max(1, Math.min(CONNECT_TIMEOUT_MS, deadline.remainingMs()));
  const knexConfig = await dialect.knexConfig(connectTimeoutMs);
  const createKnex = (): Knex =>
    knexModule.default({
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

  let knex: Knex;
  try {
    knex = createKnex();
  } catch (cause) {
    // Knex loads the driver here. sqlite3 is optional: its native part may not have been built.
    throw new CleanupError('unavailable', 'the driver sqlite3 is not installed', {
      code: 'NO_DRIVER',
      hint: 'Install it: npm install -g --allow-scripts=sqlite3 session-cleanup sqlite3',
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
    const answer = Promise.resolve(statement).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    let settled = await orAborted(answer, deadline.stop);
    const stopped = settled === undefined;
    if (stopped) {
      const cancelled = dialect
        .cancel(connection, async () => createKnex())
        .catch((error: unknown) => {
          driverLog(`the statement could not be cancelled: ${String(error)}`);
        });
      settled = await orAborted(answer, deadline.drop);
      // A cancel that is still on its way would hit the next statement, which may be the COMMIT.
      if (settled !== undefined) await orAborted(cancelled, deadline.drop);
    }
    if (settled !== undefined && 'value' in settled) {
      waitedFor = undefined;
      return settled.value;
    }
    const error = settled && toCleanupError(dialect, settled.error, doing);
    if (settled === undefined || isLost(error)) drop();
    if (stopped) throw stop(doing, dropped || !dialect.cancelKeepsTransaction);
    if (error?.kind === 'busy') waitedFor = error;
    throw error;
  }

  function stop(doing: string, rolledBack: boolean): CleanupError {
    const error = stoppedError(deadline.stop, doing, rolledBack);
    if (error.kind !== 'timed_out' || waitedFor === undefined) return error;
    const { message, code, hint } = waitedFor;
    return new CleanupError('busy', message, { code, hint, rolledBack, cause: waitedFor });
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

  let table: Table;
  let expired: Predicate;
  let walkKey: Key | undefined;
  let passOverLocked = false;

  const where = (...conditions: readonly (Sql | undefined)[]): Sql => {
    const given = conditions.filter((condition) => condition !== undefined);
    return { sql: given.map(({ sql }) => sql).join(' AND '), bindings: given.flatMap(({ bindings }) => bindings) };
  };
  const build = (from: string, condition: Sql): Knex.QueryBuilder => {
    const builder = knex.queryBuilder().from(knex.raw(from) as unknown as string);
    return condition.sql === ''
      ? builder
      : builder.whereRaw(condition.sql, condition.bindings as unknown as Knex.RawBinding[]);
  };
  const deleteWhere = (condition: Sql): PromiseLike<number> => {
    const from = walkKey === undefined ? table.sql : dialect.from(table, walkKey.index, 'delete');
    // The comment is for whoever looks at the process list or the slow log; SQLite has neither.
    const comment = `session-cleanup correlation_id=${currentCorrelationId()}`;
    return build(from, condition).comment(comment).delete().connection(connection);
  };
  const countWhere = async (condition: Sql): Promise<number> => {
    const counted = () => build(table.sql, condition).count({ count: '*' }).connection(connection);
    const [row] = (await sendPatiently<{ count: number | string }[]>(counted, 'counting')) ?? [];
    return Number(row?.count);
  };
  const rangeSql = (range: KeyRange): Sql | undefined => walkKey && rangeCondition(range, walkKey, dialect.quote);

  /** The `rows`-th row after `position`; undefined where fewer follow. */
  async function rowAfter(position: Position | undefined, rows: number, key: Key): Promise<Position | undefined> {
    const names = key.columns.map(({ name }) => dialect.quote(name));
    for (const range of rangesBetween(position, undefined)) {
      // Along the expiry only what can be expired is walked over; along the row key, everything.
      const alongExpiry = key !== table.rowKey;
      const found = await sendPatiently<Record<string, unknown>[]>(
        () =>
          build(
            dialect.from(table, key.index, 'select'),
            where(rangeSql(range), alongExpiry ? expired.range : undefined),
          )
            .select(names.map((name) => knex.raw(name)))
            .orderByRaw(names.join(', '))
            .limit(1)
            .offset(rows - 1)
            .connection(connection),
        'reading the key',
      );
      const [row] = found;
      if (row !== undefined) return key.columns.map(({ name, fromStored }) => fromStored(row[name]));
    }
    return undefined;
  }

  return {
    async clock() {
      return dialect.clock(query('reading the clock'));
    },

    async inspect(format) {
      const look = query('inspecting the table');
      await dialect.prepare(query('preparing the session'), deadline.remainingMs());
      table = await dialect.readTable(look);
      const expiresIndex = table.expiresIndexes[0]?.index;
      if (table.storedAs !== undefined) {
        if (format !== 'auto' && format !== 'datetime') {
          throw new CleanupError(
            'refused',
            `the column ${table.expiresColumn} is of type ${table.declaredType}, which is no ${format}`,
            {
              code: 'FORMAT_MISMATCH',
              hint: 'Leave --expires-format away, or set it to datetime.',
            },
          );
        }
        return { fit: { format: 'datetime', storedAs: [table.storedAs] }, expiresIndex };
      }
      return { fit: fitFormat(format, await sample(look)), expiresIndex };
    },

    async aim(fit, cutoff) {
      expired = dialect.predicate(table, fit, cutoff);
      const used = await dialect.deleteIndex(query('reading the plan'), table, where(expired.range, expired.guard));
      walkKey = table.expiresIndexes.find(({ index }) => index === used)?.key ?? table.rowKey;
    },

    lock: () => dialect.lock(query('taking the lock')),
    countExpired: () => countWhere(where(expired.range, expired.guard)),

    async begin() {
      await sendPatiently(() => raw(dialect.begin), 'beginning the transaction');
    },

    async nextStretch(previous, rows) {
      if (previous !== undefined && previous.last === undefined) return undefined;
      const last = walkKey && (await rowAfter(previous?.last, rows, walkKey));
      return { ranges: rangesBetween(previous?.last, last), last };
    },

    async deleteExpired({ ranges }) {
      let deleted = 0;
      let locked = 0;
      for (const range of ranges) {
        const condition = where(rangeSql(range), expired.range, expired.guard);
        if (!dialect.hasRowLocks || walkKey === undefined) {
          deleted += await sendPatiently(() => deleteWhere(condition), 'deleting');
          continue;
        }
        const walked = walkKey;
        if (!passOverLocked) {
          try {
            deleted += await send(deleteWhere(condition), 'deleting');
            continue;
          } catch (error) {
            if (!isLockWait(error)) throw error;
            // From the first lock on, none is waited for again: thirty of them would be the whole timeout.
            passOverLocked = true;
          }
        }
        deleted += (await dialect.deleteUnlocked()?.(query('deleting'), table, walked, condition)) ?? 0;
        locked += await countWhere(condition);
      }
      return { deleted, locked };
    },

    commit: () => end('COMMIT'),
    async rollback() {
      if (dropped) return;
      await end('ROLLBACK').catch((error: unknown) => {
        driverLog(`the rollback failed, the connection is dropped: ${String(error)}`);
        drop();
      });
    },

    async close() {
      if (!dropped) {
        await Promise.race([
          dialect.unlock(query('releasing the lock')).catch(() => undefined),
          sleep(CLOSE_TIMEOUT_MS, deadline.drop),
        ]);
        knex.client.releaseConnection(connection);
      }
      const destroyed = knex.destroy().catch((error: unknown) => driverLog(String(error)));
      await Promise.race([destroyed, sleep(CLOSE_TIMEOUT_MS, deadline.drop)]);
      if (!dropped) drop();
    },
  };

  async function sample(look: Query): Promise<readonly Sampled[]> {
    const column = dialect.quote(table.expiresColumn);
    const evident = `${column} IS NOT NULL AND ${column} <> 0 AND ${column} <> ''`;
    const orders = [
      table.rowKey?.columns.map(({ name }) => dialect.quote(name)),
      table.expiresIndexes.length > 0 ? [column] : undefined,
    ].filter((names) => names !== undefined);
    const ends = orders.flatMap((names) => [
      ` ORDER BY ${names.join(', ')}`,
      ` ORDER BY ${names.map((name) => `${name} DESC`).join(', ')}`,
    ]);
    const rows = [];
    for (const order of ends.length === 0 ? [''] : ends) {
      rows.push(
        ...(await look(
          `SELECT ${dialect.sampleColumns(table)} FROM ${table.sql} WHERE ${evident}${order} LIMIT ${SAMPLE_ROWS}`,
        )),
      );
    }
    return rows.map((row) => dialect.sampled(row, table));
  }

  /** COMMIT and ROLLBACK are never cancelled, only awaited: until the grace after a stop is over. */
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
      // SQLite cannot commit while others read: the transaction is still there, and COMMIT may be sent again.
      const again = ended.fault.kind === 'busy' && !ended.fault.rolledBack && !deadline.isNearlyUsedUp(0);
      if (!again) throw ended.fault;
      await sleep(backOffMs(attempts), deadline.stop);
    }
  }
}

async function connect(knex: Knex, deadline: Deadline, dialect: Dialect, timeoutMs: number): Promise<unknown> {
  const acquired = Promise.resolve(knex.client.acquireConnection() as Promise<unknown>);
  try {
    const connection = await orAborted(acquired, deadline.stop);
    if (connection !== undefined) return connection;
  } catch (cause) {
    const { code, hint } = dialect.classify(cause);
    const silent = code === 'ETIMEDOUT' || (cause as Error).name === 'KnexTimeoutError';
    const message = silent
      ? `the database did not answer within ${Math.round(timeoutMs) / 1000} s`
      : `cannot connect: ${messageOf(cause)}`;
    throw new CleanupError('unavailable', message, { code, hint, cause });
  }
  acquired.then(dialect.destroy, () => undefined);
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
  return new CleanupError(KINDS[kind], `${messageOf(error)} (while ${doing})`, {
    code,
    hint: hint ?? lockHint,
    cause: error,
    rolledBack: kind === 'rolled-back' || kind === 'lost',
  });
}

/** A lock was waited for in vain; the transaction is still there. */
function isLockWait(error: unknown): boolean {
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
