// Readers that go away: the status still says what happened, and nobody sees a stack trace.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { engines } from '../support/databases.js';
import { createSessions, remaining, start } from '../support/sessions.js';

for (const engine of engines) {
  describe(`a reader that is gone before the line, ${engine.name}`, { concurrency: 2 }, () => {
    for (const args of engine.family === 'mysql' ? [[]] : [[], ['--log-format', 'text'], ['--log-level', 'debug']]) {
      test(`of stdout does not matter to the status or the rows${args.map((arg) => ` ${arg}`).join('')}`, async (t) => {
        const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
        const running = start(t, ['run', '--db-url', database.url, ...args]);
        running.child.stdout.destroy();
        const { status, stderr } = await running.ended;
        assert.equal(status, 0, stderr);
        assert.doesNotMatch(stderr, /EPIPE|Error|node:/);
        assert.deepEqual(await remaining(database), ['z']);
      });
    }

    test('of stderr does not matter to a success', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const running = start(t, ['run', '--db-url', database.url, '--log-level', 'debug']);
      running.child.stderr.destroy();
      const { status, stdout } = await running.ended;
      assert.equal(status, 0);
      assert.equal(JSON.parse(stdout).deleted_count, 1);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('of stderr does not matter to the status of a failure', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const running = start(t, ['run', '--db-url', database.url, '--table', 'none']);
      running.child.stderr.destroy();
      const { status, stdout } = await running.ended;
      assert.deepEqual([status, stdout], [3, '']);
    });
  });
}

describe('a reader that is gone', () => {
  test('of stderr does not matter to the status of a usage error', async (t) => {
    const running = start(t, ['run', '--timeout', 'soon']);
    running.child.stderr.destroy();
    const { status, stdout } = await running.ended;
    assert.deepEqual([status, stdout], [2, '']);
  });

  test('of stdout does not matter to the help', async (t) => {
    const running = start(t, ['--help']);
    running.child.stdout.destroy();
    const { status, stderr } = await running.ended;
    assert.deepEqual([status, stderr], [0, '']);
  });
});
