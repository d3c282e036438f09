// PgBouncer in front of a PostgreSQL server, in a folder of its own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { accountOfServer, createFolderOfServer, handToServer } from './postgres-account.js';
import { connectionTo } from './postgres-servers.js';
import { freePort, hasEnded, openServerFolder, untilAnswering } from './server-process.js';
import { findProgram } from './server-sources.js';
import { createUndoOfTest } from './undo.js';

export interface Pooler {
  /** That of the server, by way of the pooler. */
  readonly url: string;
  stop(): void;
}

/** @param mode what a client keeps a connection to the server for */
export async function startPooler(serverUrl: string, mode: 'session' | 'transaction' | 'statement'): Promise<Pooler> {
  const program = findProgram('pgbouncer', ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']);
  if (program === undefined) throw new Error('no pgbouncer on this machine: install its package');
  const { hostname, port: serverPort, username, password } = new URL(serverUrl);
  const undo = createUndoOfTest();
  const folder = createFolderOfServer();
  const { start, failure } = openServerFolder(folder, undo);
  const port = await freePort();
  const config = join(folder, 'pgbouncer.ini');
  writeFileSync(join(folder, 'users'), `"${username}" "${password}"\n`);
  writeFileSync(
    config,
    [
      ...['[databases]', `* = host=${hostname} port=${serverPort}`, '[pgbouncer]', `pool_mode = ${mode}`],
      ...[
        'auth_type = scram-sha-256',
        `auth_file = ${join(folder, 'users')}`,
        'unix_socket_dir =',
        'default_pool_size = 2',
      ],
      ...['listen_addr = 127.0.0.1', `listen_port = ${port}`, 'server_idle_timeout = 5'],
    ].join('\n'),
  );
  handToServer(folder);
  const process = start(program, [config], { cwd: folder, ...accountOfServer() });
  const url = new URL(serverUrl);
  url.port = String(port);
  const ask = async (): Promise<string> => {
    const client = new Client({ ...connectionTo(url.href), options: undefined });
    await client.connect();
    await client.end();
    return 'it answers';
  };
  await untilAnswering(ask, () => !hasEnded(process)).catch((error: unknown) => {
    throw failure('pgbouncer did not start', error);
  });
  return { url: url.href, stop: undo.run };
}
