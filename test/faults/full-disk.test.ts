// A disk that is full in the middle of a run: the line is true, nothing live is gone, and once there is room again the
// next run ends the work.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertEndsWork, assertTrue } from '../support/claims.js';
import { runCommand } from '../support/command.js';
import { openSqlite } from '../support/databases.js';
import { failureLine } from '../support/lines.js';
import { EXPIRED, LIVE } from '../support/sessions.js';
import { createSmallDisk, noSmallDisk } from '../support/small-disk.js';

const ROWS = { expired: Array.from({ length: 20_000 }, (_, at) => `r${String(at).padStart(39, '0')}`), live: ['z'] };

describe('a SQLite database on a full disk', { skip: noSmallDisk, timeout: 300_000 }, () => {
  for (const journal of ['DELETE', 'WAL']) {
    test(`journal ${journal}: failed, nothing deleted, and clean once there is room`, async (t) => {
      const disk = createSmallDisk(16);
      t.after(disk.remove);
      const database = await openSqlite(join(disk.folder, 'test.db'));
      t.after(() => database.drop());
      await database.run(`PRAGMA journal_mode = ${journal}`);
      await database.run('CREATE TABLE sessions (id VARCHAR(40) NOT NULL PRIMARY KEY, expires_at TEXT NULL)');
      await database.knex.batchInsert(
        'sessions',
        ROWS.expired.map((id) => ({ id, expires_at: EXPIRED })),
        400,
      );
      await database.run('INSERT INTO sessions VALUES (?, ?)', ['z', LIVE]);
      // Or the journal would be written over what is in the file already, which needs no room.
      await database.run('PRAGMA wal_checkpoint(TRUNCATE)');
      disk.fill();
      const ended = await runCommand(['run', '--db-url', database.url]);
      const line = failureLine(ended, 1, 'failed');
      assert.match(String(line.error_code), /^SQLITE_(FULL|IOERR)$/);
      assert.equal(await assertTrue(line, database, ROWS, ROWS.expired.length), 0);
      assert.deepEqual(await database.query('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
      disk.empty();
      await assertEndsWork(database.url, database, ROWS, 0);
    });
  }
});
