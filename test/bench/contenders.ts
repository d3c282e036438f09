// Who takes part: this command, and what people use today. A peer that is not installed is left out, by name.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BIN } from '../support/command.js';
import type { Arena } from './arena.js';
import type { Command } from './measure.js';

const DJANGO_SCRIPT = fileURLToPath(new URL('../../../test/bench/clearsessions.py', import.meta.url));
const KNEX_STORE_SCRIPT = fileURLToPath(new URL('../../../test/bench/connect-session-knex.mjs', import.meta.url));
/** Debian's own Python is where its python3-django is. */
const PYTHON = '/usr/bin/python3';

/** The flags that this command needs for the layout of the arena, and any more. */
export function ours(arena: Arena, name: string, ...more: readonly string[]): Command {
  const { table, expiry } = arena.layout;
  const args = [BIN, 'run', '--db-url', arena.url, '--timeout', '0', '--table', table, '--expires-column', expiry];
  return { name, file: process.execPath, args: [...args, ...more] };
}

/** More rows than there are in a batch: all of them in one. */
export const ONE_TRANSACTION = ['--batch-size', '1000000000'];

/** The same DELETE by the engine's own client. */
export function plainDelete(arena: Arena): Command | undefined {
  const { table, expiry } = arena.layout;
  const now = new Date().toISOString().slice(0, 19).replace('T', ' ');
  const sql = `DELETE FROM ${table} WHERE ${expiry} <= '${now}'`;
  if (arena.engine === 'sqlite') {
    const shell = { name: 'sqlite3 shell', file: 'sqlite3', args: [arena.url.slice('sqlite:'.length), sql] };
    return isInstalled('sqlite3', '--version') ? shell : undefined;
  }
  const client = ['mariadb', 'mysql'].find((file) => isInstalled(file, '--version'));
  const { hostname, port, username, password, pathname } = new URL(arena.url);
  if (client === undefined) return undefined;
  return {
    name: `${client} client`,
    file: client,
    args: [`--host=${hostname}`, `--port=${port || 3306}`, `--user=${username}`, '--execute', sql, pathname.slice(1)],
    env: { MYSQL_PWD: decodeURIComponent(password) },
  };
}

/** pt-archiver, which commits after every so many rows. */
export function ptArchiver(arena: Arena, commitRows: number): Command | undefined {
  if (arena.engine === 'sqlite' || !isInstalled('pt-archiver', '--version')) return undefined;
  const { table, expiry } = arena.layout;
  const { hostname, port, username, password, pathname } = new URL(arena.url);
  const now = new Date().toISOString().slice(0, 19).replace('T', ' ');
  const login = `h=${hostname},P=${port || 3306},u=${username}${password === '' ? '' : `,p=${decodeURIComponent(password)}`}`;
  return {
    name: `pt-archiver --bulk-delete --limit ${commitRows} --commit-each`,
    file: 'pt-archiver',
    args: [
      ...['--source', `${login},D=${pathname.slice(1)},t=${table}`, '--where', `${expiry} <= '${now}'`],
      ...['--purge', '--bulk-delete', '--limit', String(commitRows), '--commit-each', '--no-check-charset'],
    ],
  };
}

export function django(arena: Arena): Command | undefined {
  const driver = arena.engine === 'sqlite' ? '' : ', MySQLdb';
  if (!isInstalled(PYTHON, '-c', `import django${driver}`)) return undefined;
  return { name: 'Django clearsessions', file: PYTHON, args: [DJANGO_SCRIPT, arena.url] };
}

/** One round of the clean-up that the store makes on a timer. */
export function knexStore(arena: Arena): Command {
  return { name: 'connect-session-knex', file: process.execPath, args: [KNEX_STORE_SCRIPT, arena.url] };
}

const installed = new Map<string, boolean>();

function isInstalled(file: string, ...args: readonly string[]): boolean {
  const key = [file, ...args].join(' ');
  const known = installed.get(key) ?? spawnSync(file, args, { stdio: 'ignore' }).status === 0;
  installed.set(key, known);
  return known;
}
