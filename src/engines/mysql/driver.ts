// mysql2 under Knex: how to connect, how to cancel, and what its answers look like.
import type { Socket } from 'node:net';
import type { Knex } from 'knex';
import { readCaFile } from '../ca-file.js';
import { createDial } from '../dial.js';
import type { Driver } from '../engine.js';
import { classify } from './faults.js';
import { createToken, killStatement } from './kill.js';
import { openSession } from './session.js';
import type { MysqlTarget } from './target.js';

export function createDriver(target: MysqlTarget): Driver {
  let lockWaitRollsBack = false;
  const token = createToken();
  return {
    async knexConfig(connectTimeoutMs, stop) {
      return { client: 'mysql2', connection: await connectionConfig(target, connectTimeoutMs, stop) };
    },
    // A question mark in a name is escaped for Knex, which takes the escape away again for other engines only.
    positionBindings: (sql) => sql.replaceAll('\\?', '?'),
    rows(result) {
      const [answer] = result as [Record<string, unknown>[] | Record<string, unknown>];
      return Array.isArray(answer) ? answer : [answer];
    },
    classify: (error) => classify(error, lockWaitRollsBack),
    async cancel(connection, openSide) {
      const side = await openSide();
      try {
        await killStatement(side, token, (connection as { threadId: number }).threadId);
      } finally {
        await side.destroy();
      }
    },
    destroy: (connection) => (connection as { destroy(): void }).destroy(),
    cancelKeepsTransaction: true,
    // A backup's FLUSH TABLES WITH READ LOCK makes COMMIT fail with 1205, after which a second COMMIT succeeds: of nothing.
    commitKeepsTransaction: false,
    isCommitted: () => true,
    async openSession(statements, remainingMs) {
      const { session, server } = await openSession(statements, target, token, remainingMs);
      lockWaitRollsBack = server.lockWaitRollsBack;
      return session;
    },
  };
}

async function connectionConfig(
  target: MysqlTarget,
  connectTimeoutMs: number,
  stop: AbortSignal,
): Promise<Knex.MySql2ConnectionConfig> {
  const { tls } = target;
  const ca = tls.caPath === undefined ? undefined : await readCaFile(tls.caPath, 'ssl-ca', stop);
  return {
    ...(target.socketPath === undefined ? overNetwork(target, stop) : { socketPath: target.socketPath }),
    user: target.user,
    password: target.password,
    ...(target.database === undefined ? {} : { database: target.database }),
    connectTimeout: connectTimeoutMs,
    charset: 'utf8mb4',
    // Values of key columns go back to the server: as the text they came in, never as a Date or a double.
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    // The server may not ask this host for files.
    flags: '-LOCAL_FILES',
    ...(tls.mode === 'DISABLED'
      ? {}
      : {
          ssl: {
            rejectUnauthorized: tls.mode.startsWith('VERIFY_'),
            verifyIdentity: tls.mode === 'VERIFY_IDENTITY',
            ...(ca === undefined ? {} : { ca }),
          } as Knex.MariaSslConfiguration,
        }),
  };
}

/** The host stays in it: a certificate is held against its name. */
function overNetwork({ host, port }: MysqlTarget, stop: AbortSignal): Knex.MySql2ConnectionConfig {
  const dial = createDial(host, stop);
  const stream = (): Socket => dial().connect(port).setKeepAlive(true).setNoDelay(true);
  return Object.assign({ host, port }, { stream });
}
