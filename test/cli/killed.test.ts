// kill -9: whatever the moment, the table is whole, and the next run ends the work.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { engines, openSqlite } from '../support/databases.js';
import { describeKills } from '../support/kills.js';
import { successLine } from '../support/lines.js';
import { createSessions, fileOf, ids, remaining, slowDeletes, start, until } from '../support/sessions.js';

describeKills(6);

describe('a SQLite database killed in the middle of its DELETE', { timeout: 180_000 }, () => {
  const [sqlite] = engines;
  assert.ok(sqlite);
  // More than SQLite's cache holds, so that it writes before it commits.
  const expired = Array.from({ length: 40_000 }, (_, at) => `r${String(at).padStart(39, '0')}`);

  for (const journal of ['DELETE', 'WAL']) {
    test(`journal ${journal}: the next run recovers it and deletes everything`, async (t) => {
      const database = await createSessions(t, sqlite, { expired, live: ids(3) });
      await database.run('ALTER TABLE sessions ADD COLUMN data BLOB');
      await database.run('UPDATE sessions SET data = zeroblob(1000)');
      // A page that loses all of its rows would not be written.
      await database.run("UPDATE sessions SET expires_at = '2999-01-01 00:00:00' WHERE rowid % 4 = 0");
      const live = (await database.query("SELECT id FROM sessions WHERE expires_at > '2098' ORDER BY id")).map(
        ({ id }) => id,
      );
      const path = fileOf(database);
      // Long enough for the kill to come meanwhile, short enough to be waited for by the next run.
      await slowDeletes(database, 3_000, expired.at(-2));
      await database.run(`PRAGMA journal_mode = ${journal}`);
      // Another connection would recover the file in the place of the run.
      await database.knex.destroy();
      const before = readFileSync(path);
      const args = ['run', '--db-url', database.url, '--timeout', '2m', '--batch-size', '1000000'];
      const running = start(t, args);
      await until(() => {
        assert.equal(running.child.exitCode, null, 'ended already');
        if (journal === 'WAL') return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
        return !readFileSync(path).equals(before);
      });
      running.child.kill('SIGKILL');
      await running.ended;
      assert.ok(statSync(`${path}-${journal === 'WAL' ? 'wal' : 'journal'}`).size > 0);

      assert.equal(successLine(await runCommand(args)).deleted_count, expired.length + 3 - live.length);
      const after = await openSqlite(path);
      assert.deepEqual(await remaining(after), live);
      assert.deepEqual(await after.query('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
      await after.drop();
    });
  }
});
