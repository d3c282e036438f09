// Who runs a PostgreSQL server: it refuses to run as root, which then hands it to another account.
import { spawnSync } from 'node:child_process';
import { lchownSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isRoot } from './server-sources.js';

const OTHER = 'nobody';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** For `spawn`: empty where the server can run as whoever runs the tests. */
export function accountOfServer(): Account | Record<string, never> {
  return isRoot() ? { uid: idOf('-u'), gid: idOf('-g') } : {};
}

function idOf(flag: '-u' | '-g'): number {
  const { status, stdout } = spawnSync('id', [flag, OTHER], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`PostgreSQL refuses to run as root, and there is no account ${OTHER}`);
  return Number(stdout);
}

/** Where the account can reach it: root's TMPDIR may be closed to others. */
export function createFolderOfServer(): string {
  const parent = isRoot() && !isOpenToAll(tmpdir()) ? '/tmp' : tmpdir();
  return mkdtempSync(join(parent, 'session-cleanup-test-'));
}

function isOpenToAll(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o001) !== 0;
  return isOpen && (path === dirname(path) || isOpenToAll(dirname(path)));
}

/** The folder with all that is in it. */
export function handToServer(folder: string): void {
  const { uid, gid } = accountOfServer();
  if (uid === undefined || gid === undefined) return;
  for (const path of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
    lchownSync(join(folder, path), uid, gid);
  }
}
