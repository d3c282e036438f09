// Knex, set up for one connection that nobody else shares: what it must not print, retry, pool or guess.
import knexModule, { type Knex } from 'knex';
import type { Driver } from '../engines/engine.js';
import { CleanupError } from '../errors.js';

/** Takes what Knex and the driver have to say. */
export type DriverLog = (message: string) => void;

/** @throws CleanupError `unavailable` where the driver is not installed */
export function createKnex(driver: Driver, config: Knex.Config, connectTimeoutMs: number, log: DriverLog): Knex {
  const say = (message: unknown): void => log(String(message));
  try {
    const knex = knexModule.default({
      ...config,
      // Longer than the connect's own limit, or the message is that the pool is probably full.
      acquireConnectionTimeout: connectTimeoutMs + 1_000,
      pool: { min: 0, max: 1 },
      compileSqlOnError: false,
      log: { warn: say, error: say, deprecate: say, debug: say },
    });
    knex.client.positionBindings = (sql: string) => driver.positionBindings(sql);
    keepMessages(knex);
    return knex;
  } catch (cause) {
    throw isDriverAbsent(cause) ? noDriver(String(config.client), cause) : cause;
  }
}

/** Knex puts the statement in front of what the engine says: of what it says, nothing can be told from that any more. */
function keepMessages({ client }: Knex): void {
  const send = client._query.bind(client) as (connection: unknown, statement: unknown) => Promise<unknown>;
  client._query = (connection: unknown, statement: unknown) =>
    send(connection, statement).catch((error: Error) => {
      const { message } = error;
      throw Object.defineProperty(error, 'message', { get: () => message, set: () => {} });
    });
}

/** Knex loads the driver. sqlite3 is optional: it may be absent, or its native part not built. */
function isDriverAbsent(cause: unknown): boolean {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_DLOPEN_FAILED' || /bindings file|find module/i.test(message);
}

function noDriver(name: string, cause: unknown): CleanupError {
  return new CleanupError('unavailable', `the driver ${name} is not installed`, {
    code: 'NO_DRIVER',
    hint: `Install session-cleanup again with --allow-scripts=${name}; in a project: npm install-scripts approve ${name}, then npm rebuild ${name}.`,
    cause,
  });
}
