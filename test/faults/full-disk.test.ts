// A disk that is full in the middle of a run: the line is true, nothing live is gone, and once there is room again the
// next run ends the work.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertEndsWork, assertTrue } from '../support/claims.js';
import { runCommand } from '../support/command.js';
import { engineAt, openSqlite } from '../support/databases.js';
import { failureLine } from '../support/lines.js';
import { startPrivateServer } from '../support/mysql-servers.js';
import { startPrivatePostgresql } from '../support/postgres-servers.js';
import { DELETING, startProxy } from '../support/proxy.js';
import type { PrivateServer } from '../support/server-process.js';
import { createSessions, EXPIRED, LIVE } from '../support/sessions.js';
import { createSmallDisk, noSmallDisk, type SmallDisk } from '../support/small-disk.js';

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

const INSERT = "INSERT INTO archive VALUES (OLD.id, REPEAT('x', 1000))";
const SERVERS = [
  {
    name: 'MySQL or MariaDB',
    startServer: startPrivateServer,
    archiving: [`CREATE TRIGGER archived AFTER DELETE ON sessions FOR EACH ROW ${INSERT}`],
  },
  {
    name: 'PostgreSQL',
    startServer: startPrivatePostgresql,
    archiving: [
      `CREATE FUNCTION archive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${INSERT}; RETURN OLD; END $$`,
      'CREATE TRIGGER archived AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION archive()',
    ],
  },
];

for (const { name, startServer, archiving } of SERVERS) {
  describe(`a server on a full disk, ${name}`, { skip: noSmallDisk, timeout: 300_000 }, () => {
    let disk: SmallDisk;
    let server: PrivateServer;
    before(async () => {
      disk = createSmallDisk(400);
      const folder = join(disk.folder, 'server');
      mkdirSync(folder);
      server = await startServer(folder);
    });
    after(() => {
      server.remove();
      disk.remove();
    });

    for (const options of [[], ['--batch-size', '20']]) {
      const title = options.length > 0 ? 'in batches' : 'in one transaction';
      test(`${title}: failed, as much deleted as claimed, and clean once there is room`, async (t) => {
        const database = await createSessions(t, engineAt(server.url), ROWS);
        // What a DELETE needs by itself is often found in the files that are there; what a trigger keeps is not.
        await database.run('CREATE TABLE archive (id VARCHAR(40) NOT NULL PRIMARY KEY, data TEXT)');
        for (const statement of archiving) await database.run(statement);
        const proxy = await startProxy(database.url);
        t.after(() => proxy.close());
        const reached = proxy.when(DELETING, 'before', disk.fill);
        const ended = await runCommand(['run', '--db-url', proxy.url, '--timeout', '2m', ...options]);
        await reached;
        const line = failureLine(ended, 1, 'failed');
        assert.match(String(line.hint), /out of disk space/);
        disk.empty();
        const gone = await assertTrue(line, database, ROWS, ROWS.expired.length);
        await assertEndsWork(database.url, database, ROWS, gone);
      });
    }
  });
}
