// Many runs at once on one table: the lines together claim what is gone, and one run works at a time.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { startProxy } from '../support/proxy.js';
import { createSessions, ids, remaining } from '../support/sessions.js';

const EXPIRED = ids(3_000);
const LIVE = ['y', 'z'];

for (const engine of engines) {
  describe(`runs at once, ${engine.name}`, { timeout: 600_000 }, () => {
    for (const count of [2, 5, 10]) {
      for (const options of [[], ['--batch-size', '100']]) {
        const inBatches = options.length > 0;
        test(`${count} ${inBatches ? 'in batches' : 'in one transaction'} delete every row once`, async (t) => {
          const database = await createSessions(t, engine, { expired: EXPIRED, live: LIVE });
          const urls = [database.url];
          if (engine.family !== 'sqlite') {
            // As another host: the server is known by another name and port there.
            const proxy = await startProxy(database.url);
            t.after(() => proxy.close());
            urls.push(proxy.url);
          }
          const ended = await Promise.all(
            Array.from({ length: count }, (_, at) =>
              runCommand(['run', '--db-url', String(urls[at % urls.length]), '--timeout', '2m', ...options]),
            ),
          );
          const lines = ended.map((each) => (each.status === 0 ? successLine(each) : failureLine(each, 75, 'busy')));
          const deleted = lines.map((line) => Number(line.deleted_count));
          assert.equal(
            deleted.reduce((sum, each) => sum + each),
            EXPIRED.length,
            JSON.stringify(deleted),
          );
          assert.deepEqual(await remaining(database), LIVE);
          // SQLite's lock is that of its transactions: runs in batches take turns.
          if (engine.family !== 'sqlite' || !inBatches) {
            assert.equal(deleted.filter((each) => each > 0).length, 1, JSON.stringify(deleted));
          }
        });
      }
    }
  });
}
