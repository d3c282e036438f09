// Deadlocks: the run is in none, but on MySQL and MariaDB without a key, where it loses, begins anew with the same cutoff,
// and counts how often. SQLite has one lock, and so none.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { servers } from '../support/databases.js';
import { successLine } from '../support/lines.js';
import { startProxy } from '../support/proxy.js';
import {
  analyze,
  beginTransaction,
  connectionOf,
  createSessions,
  holdDelete,
  ids,
  isInTrigger,
  LIVE,
  remaining,
  start,
  until,
  untilWaitingForRow,
} from '../support/sessions.js';

// Few of them are expired: the run goes along the expiry.
const LIVE_IDS = Array.from({ length: 3_000 }, (_, at) => `z${String(at).padStart(4, '0')}`);
const ROWS = { expired: ids(60), live: LIVE_IDS, indexed: true };

for (const engine of servers) {
  describe(`deadlocks, ${engine.name}`, { timeout: 300_000 }, () => {
    for (const [keyed, options] of [
      [true, []],
      [true, ['--batch-size', '30']],
      [false, []],
    ] as const) {
      const isAvoided = keyed || engine.family === 'postgresql';
      const which = isAvoided ? 'are avoided' : 'are tried again and counted';
      test(`${keyed ? 'with' : 'without'} a key, ${which}, and what was renewed is kept: ${options.join(' ') || 'in one transaction'}`, async (t) => {
        const database = await createSessions(t, engine, { ...ROWS, keyed });
        // Or the other one would scan the table, and lock what it passes.
        if (!keyed) await database.run('CREATE INDEX by_id ON sessions (id)');
        await analyze(database);
        // The run holds the first rows for a while before it comes to the later ones.
        const goOn = await holdDelete(database, 'r0010');
        // InnoDB gives up the transaction that has changed less.
        await database.run('CREATE TABLE weight (id INT NOT NULL PRIMARY KEY)');
        const weight = Array.from({ length: 5_000 }, (_, id) => ({ id }));
        const proxy = await startProxy(database.url);
        t.after(() => proxy.close());
        const running = start(t, ['run', '--db-url', proxy.url, '--timeout', '2m', ...options]);

        await until(() => isInTrigger(database));
        const other = await beginTransaction(database);
        const connection = await connectionOf(database, other);
        await other.batchInsert('weight', weight, 1_000);
        const renewal = (async () => {
          await other.raw('SELECT * FROM sessions WHERE id = ? FOR UPDATE', ['r0020']);
          // Waits for the run, which then waits for this.
          await other.raw('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, 'r0000']);
          await other.commit();
        })();
        await untilWaitingForRow(database, connection);
        await goOn();
        await renewal;

        const line = successLine(await running.ended);
        const deadlocks = isAvoided ? 0 : 1;
        assert.equal(proxy.countAnswers(/Deadlock found|deadlock detected/), deadlocks);
        assert.equal(line.attempts, 1 + deadlocks);
        // PostgreSQL goes back to its savepoint at a locked row: what it had deleted before is free again.
        const kept = deadlocks > 0 || engine.family === 'postgresql' ? ['r0000'] : [];
        const next = successLine(await runCommand(['run', '--db-url', database.url]));
        assert.equal(Number(line.deleted_count) + Number(next.deleted_count), ROWS.expired.length - kept.length);
        assert.ok(Number(line.deleted_count) >= ROWS.expired.length - 2, JSON.stringify(line));
        assert.deepEqual(await remaining(database), [...kept, ...ROWS.live]);
      });
    }
  });
}
