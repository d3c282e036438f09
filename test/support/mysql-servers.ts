// Where the suite's MySQL and MariaDB servers come from: given by a variable, or started privately and removed again.
// Nothing about tables, data or single tests belongs here.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2/promise';

export const URLS_VARIABLE = 'SESSION_CLEANUP_TEST_MYSQL_URLS';

const HINT = `Set ${URLS_VARIABLE} to the URL of an account with all privileges, such as mysql://root@127.0.0.1:3306 (several: separated by commas), or install mariadbd or mysqld, or start a Docker engine.`;
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec', '/opt/homebrew/bin'];
const START_LIMIT_MS = 120_000;

/** Durability is given up for speed; nothing here changes locking or what SQL means. */
const SPEED_OPTIONS = ['--skip-log-bin', '--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=256M'];

const SMALL_OPTIONS = ['--innodb-buffer-pool-size=64M', '--loose-innodb-log-file-size=8M'];

type Say = (line: string) => void;
/** What undoes a start. Synchronous, so that it also works in the process's `exit` event. */
type Undo = (() => void)[];

/**
 * At least one server that answers, or an error that says what to do.
 * Everything started is removed by `stop()`, and at the latest when the process exits; the caller turns signals into exits.
 */
export async function startMysqlServers(
  say: Say,
): Promise<{ readonly urls: readonly string[]; stop(): Promise<void> }> {
  const undo: Undo = [];
  const removeAll = () => {
    for (const remove of undo.splice(0)) remove();
  };
  process.once('exit', removeAll);
  const stop = async () => {
    removeAll();
    process.off('exit', removeAll);
  };
  try {
    const given = (process.env[URLS_VARIABLE] ?? '').split(/[\s,]+/).filter((url) => url !== '');
    return { urls: await (given.length > 0 ? useGiven(given, say) : startOwn(undo, say)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function useGiven(urls: readonly string[], say: Say): Promise<readonly string[]> {
  for (const url of urls) {
    if (!URL.canParse(url)) throw new Error(`${URLS_VARIABLE} holds something that is not a URL. ${HINT}`);
    const shown = new URL(url).host;
    const version = await versionOf({ uri: url }).catch((error: unknown) => {
      throw new Error(`no login at ${shown}, named in ${URLS_VARIABLE}: ${messageOf(error)}`, { cause: error });
    });
    say(`test servers: using ${version} at ${shown}, named in ${URLS_VARIABLE}`);
  }
  return urls;
}

async function startOwn(undo: Undo, say: Say): Promise<readonly string[]> {
  const installed = findServer();
  if (installed !== undefined) return [await startForTests(installed, undo, say)];

  if (await succeeds('docker', ['info'])) {
    return [
      await startContainer('mariadb:11', 'MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=yes', undo, say),
      await startContainer('mysql:9', 'MYSQL_ALLOW_EMPTY_PASSWORD=yes', undo, say),
    ];
  }

  const aptGet = isRoot() ? findProgram('apt-get') : undefined;
  if (aptGet === undefined) throw new Error(`no database server for the tests. ${HINT}`);
  say('test servers: found no server and no Docker engine, installing MariaDB with apt-get');
  await installServer(aptGet);
  const added = findServer();
  if (added === undefined) throw new Error(`apt-get installed no server that can be found. ${HINT}`);
  return [await startForTests(added, undo, say)];
}

/**
 * The `-core` packages have no service: nothing is started on the machine, so nothing fails where that is denied.
 * The client's holds a program that `mariadb-install-db` needs; only `mariadb-server` depends on both.
 */
const APT_PACKAGES = ['mariadb-server-core', 'mariadb-client-core'];

async function installServer(aptGet: string): Promise<void> {
  const run = promisify(execFile);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run(aptGet, ['update', '-qq'], { env });
    await run(aptGet, ['install', '-y', '-qq', '--no-install-recommends', ...APT_PACKAGES], { env });
  } catch (error) {
    throw new Error(`${messageOf(error).trim()}\n${HINT}`, { cause: error });
  }
}

async function startForTests(server: string, undo: Undo, say: Say): Promise<string> {
  const { url } = await startPrivate(server, SPEED_OPTIONS, mkdtempSync(join(tmpdir(), 'session-cleanup-test-')), undo);
  say(`test servers: started ${server} ${await versionOf({ uri: url })} at ${new URL(url).host}`);
  return url;
}

/** A server of the test's own, which may be harmed. It is durable: what it has confirmed outlives it. */
export interface PrivateServer {
  readonly url: string;
  /** `kill -9`; resolves once it is gone. */
  kill(): Promise<void>;
  /** After `kill`; resolves once it answers. */
  restart(): Promise<void>;
  /** It stays where it is, and so do its connections. */
  freeze(): void;
  thaw(): void;
  /** Kills it and removes its folder. */
  remove(): void;
}

/** In the folder, or else in one of its own. */
export async function startPrivateServer(folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'))) {
  const installed = findServer();
  if (installed === undefined) throw new Error('no server to be harmed: install mariadbd or mysqld');
  const undo: Undo = [];
  const remove = () => {
    for (const each of undo.splice(0)) each();
  };
  process.once('exit', remove);
  const started = await startPrivate(installed, ['--skip-log-bin', ...SMALL_OPTIONS], folder, undo);
  return { ...started, remove } satisfies PrivateServer;
}

async function startPrivate(
  server: string,
  options: readonly string[],
  folder: string,
  undo: Undo,
): Promise<Omit<PrivateServer, 'remove'>> {
  const children: ChildProcess[] = [];
  undo.push(() => {
    children.forEach(killGroup);
    // A server that is being killed may still finish creating a file: hence the retries.
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  const log = join(folder, 'log');
  const logFile = openSync(log, 'a');
  const start = (program: string, args: readonly string[]) => {
    // A process group of its own: a Ctrl-C at the terminal reaches the tests, not the server under them.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', logFile, logFile] });
    children.push(child);
    return child;
  };
  const failed = (what: string, cause?: unknown) =>
    new Error(`${what}:\n${readFileSync(log, 'utf8').trim().split('\n').slice(-15).join('\n')}\n${HINT}`, { cause });

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
    ? start(findProgram('mariadb-install-db') ?? 'mariadb-install-db', [
        ...common,
        '--auth-root-authentication-method=normal',
        // Else it fails where the machine's own name does not resolve.
        '--force',
        // Else it makes an anonymous account too, which hides every account of the form name@'%'.
        '--skip-test-db',
      ])
    : start(server, [...common, '--initialize-insecure']);
  const [code] = await once(setup, 'exit');
  if (code !== 0) throw failed(`${server}: its data folder could not be made`);

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
      await waitForLogin({ socketPath, user: 'root' }, () => !hasEnded(launched));
    } catch (error) {
      throw failed(`${server} did not start`, error);
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

/** Not exercised by the project's own CI on machines without a Docker engine. */
async function startContainer(image: string, emptyPassword: string, undo: Undo, say: Say): Promise<string> {
  const name = `session-cleanup-test-${randomUUID()}`;
  undo.push(() => spawnSync('docker', ['rm', '--force', '--volumes', name]));
  const docker = promisify(execFile);
  const options = ['--detach', '--rm', '--name', name, '--publish', '127.0.0.1::3306', '--env', emptyPassword];
  await docker('docker', ['run', ...options, image, ...SPEED_OPTIONS]);
  const { stdout: address } = await docker('docker', ['port', name, '3306/tcp']);
  const url = `mysql://root@${address.trim()}`;
  const version = await waitForLogin({ uri: url }, () => true);
  say(`test servers: started ${image} ${version} in Docker at ${address.trim()}`);
  return url;
}

async function waitForLogin(options: ConnectionOptions, mayStillStart: () => boolean): Promise<string> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      return await versionOf(options);
    } catch (error) {
      if (!mayStillStart() || Date.now() > deadline) throw error;
      await sleep(100);
    }
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

export function findServer(): string | undefined {
  return findProgram('mariadbd') ?? findProgram('mysqld');
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), ...SERVER_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return promisify(execFile)(program, args).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  holder.close();
  await once(holder, 'close');
  return port;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || hasEnded(child)) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended a moment ago.
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
