// What surrounds the process: nothing in its environment makes a library print or behave otherwise, and it ends in a
// line wherever it was started.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BIN, runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { successLine } from '../support/lines.js';
import { createSessions, ids, remaining } from '../support/sessions.js';

/** Session IDs of both kinds, which nobody may read in a log. */
const ROWS = { expired: ids(3).map((id) => `expired-${id}`), live: ids(3).map((id) => `live-${id}`) };

for (const engine of engines) {
  describe(`the environment, ${engine.name}`, { concurrency: 2 }, () => {
    for (const variable of ['DEBUG', 'NODE_DEBUG', 'NODE_DEBUG_NATIVE']) {
      for (const value of ['*', 'knex:*', 'net,stream,tls,timer,fs,child_process,mysql,mysql2,pg']) {
        test(`${variable}=${value} shows no session ID`, async (t) => {
          const database = await createSessions(t, engine, ROWS);
          const ended = await runCommand(['run', '--db-url', database.url], { env: { [variable]: value } });
          assert.equal(ended.status, 0);
          assert.doesNotMatch(ended.stdout + ended.stderr, /live-|expired-/);
          // The bytes of them, as Node would show those of a packet.
          assert.doesNotMatch(ended.stdout + ended.stderr, /6c 69 76 65 2d|65 78 70 69 72 65 64 2d/);
          assert.equal(JSON.parse(ended.stdout).deleted_count, 3);
          assert.deepEqual(await remaining(database), ROWS.live);
        });
      }
    }

    test('DEBUG=* prints nothing at all', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      successLine(await runCommand(['run', '--db-url', database.url], { env: { DEBUG: '*' } }));
    });

    test('a deprecation in a library is no reason to fail, nor to print', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const preloaded = deprecating(t);
      for (const option of ['--throw-deprecation', '--trace-deprecation', '--trace-warnings']) {
        const env = { NODE_OPTIONS: `${option} --require ${preloaded}` };
        successLine(await runCommand(['run', '--db-url', database.url], { env }));
      }
      assert.deepEqual(await remaining(database), ROWS.live);
    });

    test('a working directory that is gone', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const ended = await runFromNowhere(['run', '--db-url', database.url]);
      assert.deepEqual([ended.status, ended.stderr, JSON.parse(ended.stdout).deleted_count], [0, '', 3]);
      assert.deepEqual(await remaining(database), ROWS.live);
    });
  });
}

for (const engine of engines.filter(({ family }) => family === 'postgresql')) {
  test(`the variables that pg reads change nothing, ${engine.name}`, async (t) => {
    const database = await engine.create();
    t.after(() => database.drop());
    await database.run('CREATE TABLE sessions (id text PRIMARY KEY, expires_at timestamptz NOT NULL)');
    await database.run("INSERT INTO sessions VALUES ('a', '2020-01-01Z'), ('z', '2099-01-01Z')");
    const env = {
      PGOPTIONS: '-c default_transaction_read_only=on -c statement_timeout=1',
      PGSSLMODE: 'verify-full',
      PGHOST: '192.0.2.1',
      PGPORT: '1',
      PGUSER: 'nobody',
      PGPASSWORD: 'wrong',
      PGDATABASE: 'none',
      NODE_PG_FORCE_NATIVE: '1',
    };
    assert.equal(successLine(await runCommand(['run', '--db-url', database.url], { env })).deleted_count, 1);
    assert.deepEqual(await database.query('SELECT id FROM sessions'), [{ id: 'z' }]);
  });
}

describe('a working directory that is gone', { concurrency: 2 }, () => {
  const commands = {
    'the path of a SQLite file': ['run', '--db-url', 'sqlite:app.db'],
    'the path of a metrics file for a crontab': ['schedule', '--db-url-file', '/etc/url', '--metrics-file', 'x.prom'],
  };
  for (const [what, args] of Object.entries(commands)) {
    test(`where ${what} is relative`, async () => {
      const { status, stdout, stderr } = await runFromNowhere(args);
      assert.deepEqual([status, stdout], [2, ''], stderr);
      const { error, error_code } = JSON.parse(stderr);
      assert.deepEqual(
        [error, error_code],
        ['the working directory no longer exists, and a relative path starts there', 'NO_WORKING_DIRECTORY'],
      );
    });
  }
});

/** A module that warns of something deprecated, as a library does, once everything is loaded. */
function deprecating(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'deprecating.cjs');
  writeFileSync(path, `setTimeout(() => process.emitWarning('old', 'DeprecationWarning'), 1);\n`);
  return path;
}

async function runFromNowhere(
  args: readonly string[],
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const cwd = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('sh', ['-c', 'rmdir "$PWD" && exec "$0" "$@"', process.execPath, BIN, ...args], {
    cwd,
    env: { PATH, HOME, PWD: cwd },
  });
  child.stdin.end();
  const [stdout, stderr, [status]] = await Promise.all([
    child.stdout.setEncoding('utf8').toArray(),
    child.stderr.setEncoding('utf8').toArray(),
    once(child, 'close'),
  ]);
  return { status, stdout: stdout.join(''), stderr: stderr.join('') };
}
