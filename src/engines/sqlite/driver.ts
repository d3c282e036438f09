// sqlite3 under Knex: opening a file without creating it, and interrupting.
import { stat } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { CleanupError } from '../../errors.js';
import type { Driver } from '../engine.js';
import { classify } from './faults.js';
import { openSession } from './session.js';
import type { SqliteTarget } from './target.js';

export function createDriver(target: SqliteTarget): Driver {
  return {
    async knexConfig() {
      const path = resolve(target.path);
      await checkFile(path, path === target.path ? target.shown : `${target.shown}, which is ${path},`);
      return {
        client: 'sqlite3',
        useNullAsDefault: true,
        connection: {
          // Only mode=rw in a URI keeps the driver from creating the file, whatever the flags say.
          filename: `file:${encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23')}?mode=rw`,
          flags: ['OPEN_URI', 'OPEN_READWRITE'],
        },
      };
    },
    positionBindings: (sql) => sql.replaceAll('\\?', '?'),
    rows: (result) => result as Record<string, unknown>[],
    classify,
    async cancel(connection) {
      (connection as { interrupt(): void }).interrupt();
    },
    destroy() {},
    // An interrupted DELETE takes its whole transaction with it.
    cancelKeepsTransaction: false,
    // It cannot commit while others read.
    commitKeepsTransaction: true,
    isCommitted: () => true,
    openSession: (statements) => openSession(statements, target),
  };
}

/** On a disk that does not answer it waits in a thread. @param shown begins what is said of it */
async function checkFile(path: string, shown: string): Promise<void> {
  const stats = await promisify(stat)(path).catch((cause: NodeJS.ErrnoException) => {
    throw new CleanupError('unavailable', `${shown} cannot be opened`, {
      code: cause.code,
      hint: 'Check the path and its permissions; session-cleanup never creates a database.',
      cause,
    });
  });
  if (!stats.isFile()) {
    throw new CleanupError('unavailable', `${shown} is not a file`, {
      code: 'SQLITE_CANTOPEN',
      hint: 'Check the path.',
    });
  }
}
