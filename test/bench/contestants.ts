// The engines that are measured, in the versions that were found, with the settings that they have: read, not typed.
import { spawnSync } from 'node:child_process';
import { cpus, totalmem, type } from 'node:os';
import type { Contestant } from './arena.js';
import { peersOn } from './contenders.js';

export interface Described extends Contestant {
  /** Version, settings, and the peers on it. */
  readonly about: string;
}

const TODAY = new Date().toISOString().slice(0, 10);

/** Each answers with one row, whose columns are named as people know them. */
const SETTINGS = {
  sqlite: 'SELECT sqlite_version() AS version, synchronous FROM pragma_synchronous',
  mysql:
    'SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS innodb_flush_log_at_trx_commit, @@sync_binlog AS sync_binlog, @@log_bin AS log_bin, @@innodb_buffer_pool_size DIV 1048576 AS buffer_pool_mib',
  postgresql: `SELECT current_setting('server_version') AS version, ${['fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'shared_buffers'].map((name) => `current_setting('${name}') AS ${name}`).join()}`,
} as const;

const PRODUCTS = { sqlite: 'SQLite', mariadb: 'MariaDB', mysql: 'MySQL', postgresql: 'PostgreSQL' } as const;

export async function findContestants(wanted: readonly string[]): Promise<readonly Described[]> {
  // It looks for its servers as soon as it is loaded.
  const { engines } = await import('../support/databases.js');
  const found: Described[] = [];
  for (const { family, create } of engines) {
    const database = await create();
    const { engine } = database;
    const [row = {}] = await database.query(SETTINGS[family]);
    await database.drop();
    const { version, ...settings } = row;
    // PostgreSQL's versions have one number, the others' have two.
    const short = (engine === 'postgresql' ? /^\d+/ : /^\d+\.\d+/).exec(String(version));
    const shown = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
    const about = `${TODAY}, ${version}, ${shown.join(', ')}; ${peersOn(family)}`;
    if (wanted.includes(engine)) found.push({ name: `${PRODUCTS[engine]} ${short?.[0]}`, family, create, about });
  }
  return found;
}

export function machine(): string {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
  return `${TODAY}, ${type()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, commit ${commit}`;
}
