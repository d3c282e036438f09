// A connection to a SQLite file, made ready. The write lock of its transactions is lock enough.
import { resolve } from 'node:path';
import type { Session } from '../engine.js';
import type { Statements } from '../sql.js';
import { findTable, readDefinition } from './catalogue.js';
import { openWalk } from './deleting.js';
import { refuseCascadeBack } from './dependants.js';
import { examine } from './examine.js';
import { expired } from './expired.js';
import type { SqliteTarget } from './target.js';
import { readDeleteTriggers } from './triggers.js';

// While SQLite waits for a lock it cannot be interrupted: it waits in short spells, and the run decides between them.
const BUSY_TIMEOUT_MS = 200;

// The default of 2 MiB makes it write pages to the disk that it changes again soon, and sync before.
const CACHE_KIB = 20_480;

export async function openSession(statements: Statements, target: SqliteTarget): Promise<Session> {
  const prepare = statements.query('preparing the session');
  await prepare(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  // Off on a new connection: without it the children of a deleted row stay behind.
  await prepare('PRAGMA foreign_keys = ON');
  await prepare(`PRAGMA cache_size = -${CACHE_KIB}`);
  return {
    clock: async () => undefined,
    readDefinition: ({ table }) => readDefinition(statements.query('inspecting the table'), table),
    async findTable(names) {
      const query = statements.query('inspecting the table');
      const table = await findTable(query, names);
      await refuseCascadeBack(query, table.name);
      return table;
    },
    aheadOfUtcMs: async () => 0,
    lock: async () => {},
    async begin() {
      // A deferred transaction that reads and then writes fails at once where another writer is at work.
      await statements.query('beginning the transaction')('BEGIN IMMEDIATE');
    },
    expired,
    openWalk: (table, predicate) => openWalk(statements, table, predicate),
    examine: (table) => examine(statements.query('surveying the table'), resolve(target.path), table),
    readDeleteTriggers: ({ name }) => readDeleteTriggers(statements.query('looking for triggers'), name),
  };
}
