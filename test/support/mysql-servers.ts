// Where the suite's MySQL and MariaDB servers come from: given by a variable, or started privately and removed again.
// Nothing about tables, data or single tests belongs here.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2/promise';
import {
  freePort,
  hasEnded,
  killGroup,
  openServerFolder,
  type PrivateServer,
  untilAnswering,
} from './server-process.js';
import { findProgram, installPackages, isRoot } from './server-sources.js';
import type { ServerFamily } from './servers.js';
import { createUndoOfTest, type Undo } from './undo.js';

const VARIABLE = 'SESSION_CLEANUP_TEST_MYSQL_URLS';
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec', '/opt/homebrew/bin'];

/** Durability is given up for speed; nothing here changes locking or what SQL means. */
const SPEED_OPTIONS = ['--skip-log-bin', '--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=256M'];

const SMALL_OPTIONS = ['--innodb-buffer-pool-size=64M', '--loose-innodb-log-file-size=8M'];

/**
 * The `-core` packages have no service: nothing is started on the machine, so nothing fails where that is denied.
 * The client's holds a program that `mariadb-install-db` needs; only `mariadb-server` depends on both.
 */
const APT_PACKAGES = ['mariadb-server-core', 'mariadb-client-core'];

export const mysqlServers: ServerFamily = {
  name: 'MySQL or MariaDB',
  variable: VARIABLE,
  hint: `Set ${VARIABLE} to the URL of an account with all privileges, such as mysql://root@127.0.0.1:3306 (several: separated by commas), or install mariadbd or mysqld, or start a Docker engine.`,
  images: [
    { name: 'mariadb:11', port: 3306, setting: 'MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=yes', options: SPEED_OPTIONS },
    { name: 'mysql:9', port: 3306, setting: 'MYSQL_ALLOW_EMPTY_PASSWORD=yes', options: SPEED_OPTIONS },
  ],
  urlAt: (address) => `mysql://root@${address}`,
  versionOf: (url) => versionOf({ uri: url }),
  async startInstalled(undo) {
    const program = findServer();
    if (program === undefined) return undefined;
    const { url } = await startPrivate(program, SPEED_OPTIONS, createFolder(), undo);
    return { url, program };
  },
  install: (aptGet) => installPackages(aptGet, APT_PACKAGES),
};

export function findServer(): string | undefined {
  return findProgram('mariadbd', SERVER_FOLDERS) ?? findProgram('mysqld', SERVER_FOLDERS);
}

function createFolder(): string {
  return mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
}

/** In the folder, or else in one of its own; `options` are the server's. */
export async function startPrivateServer(
  folder = createFolder(),
  options: readonly string[] = [],
): Promise<PrivateServer> {
  const installed = findServer();
  if (installed === undefined) throw new Error('no server to be harmed: install mariadbd or mysqld');
  const undo = createUndoOfTest();
  const started = await startPrivate(installed, ['--skip-log-bin', ...SMALL_OPTIONS, ...options], folder, undo);
  return { ...started, remove: undo.run };
}

async function startPrivate(
  server: string,
  options: readonly string[],
  folder: string,
  undo: Undo,
): Promise<Omit<PrivateServer, 'remove'>> {
  const { start, failure } = openServerFolder(folder, undo);
  // Any local user can log in here: reading and writing files through SQL is kept to an empty folder.
  const files = join(folder, 'files');
  mkdirSync(files);
  const isMariadb = spawnSync(server, ['--no-defaults', '--version'], { encoding: 'utf8' }).stdout.includes('MariaDB');
  const common = [
    '--no-defaults',
    ...(isRoot() ? ['--user=root'] : []),
    `--datadir=${join(folder, 'data')}`,
    `--secure-file-priv=${files}`,
  ];

  const setup = isMariadb
    ? start(findProgram('mariadb-install-db', SERVER_FOLDERS) ?? 'mariadb-install-db', [
        ...common,
        '--auth-root-authentication-method=normal',
        // Else it fails where the machine's own name does not resolve.
        '--force',
        // Else it makes an anonymous account too, which hides every account of the form name@'%'.
        '--skip-test-db',
      ])
    : start(server, [...common, '--initialize-insecure']);
  const [code] = await once(setup, 'exit');
  if (code !== 0) throw failure(`${server}: its data folder could not be made`);

  const port = await freePort();
  const socketPath = join(folder, 'socket');
  let running: ChildProcess;
  const restart = async (): Promise<void> => {
    const launched = start(server, [
      ...common,
      ...options,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      `--socket=${socketPath}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--tmpdir=${folder}`,
      // MySQL's second protocol would listen on a port and a socket that all servers of the machine share.
      ...(isMariadb ? [] : ['--mysqlx=OFF']),
    ]);
    running = launched;
    try {
      await untilAnswering(
        () => versionOf({ socketPath, user: 'root' }),
        () => !hasEnded(launched),
      );
    } catch (error) {
      throw failure(`${server} did not start`, error);
    }
  };
  await restart();
  await admitRootOverTcp(socketPath);
  return {
    url: `mysql://root@127.0.0.1:${port}`,
    restart,
    async kill() {
      const gone = once(running, 'exit');
      killGroup(running);
      await gone;
    },
    freeze: () => void running.kill('SIGSTOP'),
    thaw: () => void running.kill('SIGCONT'),
  };
}

/** MySQL makes root@localhost only, which does not cover 127.0.0.1 where names are not resolved. */
async function admitRootOverTcp(socketPath: string): Promise<void> {
  const connection = await createConnection({ socketPath, user: 'root' });
  try {
    await connection.query("create user if not exists root@'127.0.0.1'");
    await connection.query("grant all on *.* to root@'127.0.0.1' with grant option");
  } finally {
    await connection.end();
  }
}

async function versionOf(options: ConnectionOptions): Promise<string> {
  const connection = await createConnection(options);
  try {
    const [rows] = await connection.query<RowDataPacket[]>('select version() as version');
    return String(rows[0]?.version);
  } finally {
    await connection.end();
  }
}
