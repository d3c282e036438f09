// pg under Knex: how to connect, how to cancel, what its answers look like, and what became of a COMMIT without one.
import { once } from 'node:events';
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import type { Knex } from 'knex';
import type { ConnectionConfig, QueryResult } from 'pg';
import { readCaFile } from '../ca-file.js';
import { createDial, type Dial } from '../dial.js';
import type { Driver } from '../engine.js';
import { classify } from './faults.js';
import { openSession } from './session.js';
import type { PostgresqlTarget } from './target.js';
import { createTransaction } from './transaction.js';

/** What pg does not declare of a client that is connected. */
interface Connected {
  readonly processID: number;
  readonly secretKey: number;
  readonly connection: { readonly stream: { destroy(): void } };
}

/** Nor of a connection of the protocol, before anybody has logged in. */
interface Wire extends NodeJS.EventEmitter {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/** How every connection to the server is made. */
interface Reach {
  /** Undefined for a socket. */
  readonly dial: Dial | undefined;
  readonly ssl: ConnectionOptions | false;
}

export function createDriver(target: PostgresqlTarget): Driver {
  const transaction = createTransaction();
  let reach: Reach | undefined;
  return {
    async knexConfig(connectTimeoutMs, stop) {
      const dial = target.socketFolder === undefined ? createDial(target.host, stop) : undefined;
      reach = { dial, ssl: await tlsOptions(target, stop) };
      return {
        client: 'pg',
        // Knex asks for it otherwise, and does not understand what others answer who speak this protocol.
        version: '12',
        connection: connectionConfig(target, reach, connectTimeoutMs),
      };
    },
    positionBindings,
    rows(result) {
      const answers = [result].flat() as QueryResult[];
      const { rows = [], fields = [], rowCount } = answers.at(-1) ?? {};
      return fields.length > 0 ? rows : [{ affectedRows: rowCount }];
    },
    classify,
    async cancel(connection) {
      if (reach !== undefined) await sendCancel(connection as Connected, target, reach);
    },
    destroy: (connection) => (connection as Connected).connection.stream.destroy(),
    // Back to the savepoint that each step begins with.
    cancelKeepsTransaction: true,
    // A COMMIT that fails has rolled back.
    commitKeepsTransaction: false,
    // A transaction in which a statement failed ends with the answer ROLLBACK, and without an error.
    isCommitted: (answer) => (answer as QueryResult).command === 'COMMIT',
    wasCommitted: (openSide) => transaction.wasCommitted(openSide),
    openSession: (statements, remainingMs, connection) =>
      openSession(statements, remainingMs, (connection as Connected).processID, transaction),
  };
}

/** As Knex does it for PostgreSQL. */
function positionBindings(sql: string): string {
  let count = 0;
  return sql.replace(/\\?\?/g, (mark) => {
    if (mark !== '?') return '?';
    count += 1;
    return `$${count}`;
  });
}

function connectionConfig(
  { host, port, socketFolder, user, password, database }: PostgresqlTarget,
  { dial, ssl }: Reach,
  connectTimeoutMs: number,
): Knex.PgConnectionConfig {
  const name = user === '' ? userInfo().username : user;
  return {
    host: socketFolder ?? host,
    port,
    user: name,
    // As a function also where there is none: pg would look for an empty one in a file.
    password: () => password,
    database: database ?? name,
    ssl,
    ...(dial === undefined ? {} : { stream: dial }),
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'session-cleanup',
    // Values of the table go back to the server: as the text they came in, never as a Date or a double.
    types: { getTypeParser: () => (value: string) => value },
  } as Knex.PgConnectionConfig;
}

async function tlsOptions(
  { tls: { mode, caPath }, host }: PostgresqlTarget,
  stop: AbortSignal,
): Promise<ConnectionOptions | false> {
  if (mode === 'disable') return false;
  const ca = caPath === undefined ? undefined : await readCaFile(caPath, 'sslrootcert', stop);
  return {
    // An address is no name to ask for.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(mode === 'require' ? { rejectUnauthorized: false } : {}),
    ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  };
}

/**
 * The protocol's own request, by the key that the server gave this connection: it needs no login, no right and no free
 * slot, and no other server would know the key. Resolves when the server has closed: the statement is then told.
 */
async function sendCancel(
  { processID, secretKey }: Connected,
  { host, port, socketFolder }: PostgresqlTarget,
  { dial, ssl }: Reach,
): Promise<void> {
  const { default: pg } = await import('pg');
  const wire = new pg.Connection({ stream: dial, ssl } as unknown as ConnectionConfig) as unknown as Wire;
  const closed = once(wire, 'end');
  const ask = (): void => wire.cancel(processID, secretKey);
  wire.once('connect', () => (ssl ? wire.requestSsl() : ask()));
  wire.once('sslconnect', ask);
  if (socketFolder === undefined) wire.connect(port, host);
  else wire.connect(`${socketFolder}/.s.PGSQL.${port}`);
  await closed;
}
