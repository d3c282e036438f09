// --metrics-file: what a run leaves for Prometheus, whatever became of it.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Ended, runCommand } from '../support/command.js';
import { type Database, engines } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { createSessions, ids, remaining } from '../support/sessions.js';

function createFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const runWith = (database: Database, path: string, ...more: string[]): Promise<Ended> =>
  runCommand(['run', '--db-url', database.url, '--metrics-file', path, ...more]);

/** Values by name without the common beginning; every one has the same labels. */
function readMetrics(path: string, labels: string): Record<string, number> {
  const lines = readFileSync(path, 'utf8').split('\n');
  assert.equal(lines.pop(), '');
  const samples = lines.filter((line) => !line.startsWith('#'));
  assert.equal(lines.length, samples.length * 3);
  return Object.fromEntries(
    samples.map((line) => {
      const [, name = '', found, value] = /^session_cleanup_(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
      assert.equal(found, labels);
      return [name, Number(value)];
    }),
  );
}

const TIMES = ['last_run_timestamp_seconds', 'last_success_timestamp_seconds', 'duration_seconds'];

for (const engine of engines) {
  describe(`the metrics file, ${engine.name}`, { concurrency: 3 }, () => {
    test('says what a run did, and the last success survives a failure', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3), live: ['z'], indexed: true });
      const folder = createFolder(t);
      const path = join(folder, 'sessions.prom');
      const line = successLine(await runWith(database, path));
      const labels = `database="${line.database}",table="sessions"`;
      const first = readMetrics(path, labels);
      const { oldest_expired_age_seconds: age = 0, ...others } = first;
      assert.deepEqual(others, {
        ...Object.fromEntries(TIMES.map((name) => [name, others[name]])),
        success: 1,
        exit_status: 0,
        deleted_rows: 3,
      });
      const now = Date.now() / 1000;
      assert.ok(Math.abs(age - (now - Date.parse('2020-01-01T00:00:00Z') / 1000)) < 60, `${age}`);
      assert.ok(Math.abs(Number(first.last_run_timestamp_seconds) - now) < 60);
      assert.equal(first.last_success_timestamp_seconds, first.last_run_timestamp_seconds);
      // The line comes after the file.
      const seconds = Number(first.duration_seconds);
      assert.ok(seconds > 0 && seconds <= Number(line.duration_ms) / 1000, `${seconds}`);
      assert.equal(statSync(path).mode & 0o777, 0o644);

      await database.run('DROP TABLE sessions');
      failureLine(await runWith(database, path), 3, 'refused');
      const second = readMetrics(path, labels);
      const { success, exit_status, deleted_rows, last_success_timestamp_seconds } = second;
      assert.deepEqual(
        { success, exit_status, deleted_rows, last_success_timestamp_seconds },
        {
          success: 0,
          exit_status: 3,
          deleted_rows: 0,
          last_success_timestamp_seconds: first.last_success_timestamp_seconds,
        },
      );
      assert.ok(Number(second.last_run_timestamp_seconds) > Number(first.last_run_timestamp_seconds));
      assert.equal(second.oldest_expired_age_seconds, undefined);
      assert.deepEqual(readdirSync(folder), ['sessions.prom']);
    });

    test('has no age of the oldest row where no index tells it, or nothing is expired', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3), live: ['z'] });
      const path = join(createFolder(t), 'sessions.prom');
      const { database: shown } = successLine(await runWith(database, path));
      const labels = `database="${shown}",table="sessions"`;
      const first = readMetrics(path, labels);
      assert.deepEqual([first.deleted_rows, 'oldest_expired_age_seconds' in first], [3, false]);
      await database.run('CREATE INDEX by_expiry ON sessions (expires_at)');
      successLine(await runWith(database, path));
      const second = readMetrics(path, labels);
      assert.deepEqual([second.deleted_rows, 'oldest_expired_age_seconds' in second], [0, false]);
    });

    test('counts the batches of a run that ran out of time', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      const path = join(createFolder(t), 'sessions.prom');
      const ended = await runWith(database, path, '--batch-size', '1', '--pause', '1h');
      const { database: shown } = failureLine(ended, 124, 'incomplete');
      const { deleted_rows, exit_status, success, ...times } = readMetrics(
        path,
        `database="${shown}",table="sessions"`,
      );
      assert.deepEqual([deleted_rows, exit_status, success], [1, 124, 0]);
      assert.deepEqual(Object.keys(times), ['last_run_timestamp_seconds', 'duration_seconds']);
    });

    test('that cannot be written changes nothing but a warning in the line', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3), live: ['z'] });
      const path = join(createFolder(t), 'missing', 'sessions.prom');
      const warning = /^the metrics file cannot be written: ENOENT: no such file or directory$/;
      const line = successLine(await runWith(database, path));
      assert.equal(line.deleted_count, 3);
      assert.match(String(line.warning), warning);
      assert.deepEqual(await remaining(database), ['z']);
      await database.run('DROP TABLE sessions');
      assert.match(String(failureLine(await runWith(database, path), 3, 'refused').warning), warning);
    });

    test('is left alone by a dry run', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      const path = join(createFolder(t), 'sessions.prom');
      assert.equal(successLine(await runWith(database, path, '--dry-run')).expired_count, 3);
      assert.equal(existsSync(path), false);
    });
  });
}

describe('the metrics file', { concurrency: 3 }, () => {
  test('tells that the database is unavailable', async (t) => {
    const path = join(createFolder(t), 'sessions.prom');
    const ended = await runCommand(['run', '--db-url', 'sqlite:/nowhere/app.db', '--metrics-file', path]);
    const { database } = failureLine(ended, 4, 'unavailable');
    const { success, exit_status } = readMetrics(path, `database="${database}",table="sessions"`);
    assert.deepEqual([success, exit_status], [0, 4]);
  });

  test('is left alone by a mistake on the command line, and by check', async (t) => {
    const folder = createFolder(t);
    const path = join(folder, 'sessions.prom');
    writeFileSync(path, 'as it was\n');
    const url = ['--db-url', 'sqlite:/nowhere/app.db'];
    const env = { SESSION_CLEANUP_METRICS_FILE: path };
    failureLine(await runCommand(['run', ...url, '--timeout', 'soon'], { env }), 2, 'failed');
    failureLine(await runCommand(['check', ...url], { env }), 4, 'unavailable');
    assert.equal(readFileSync(path, 'utf8'), 'as it was\n');
    assert.deepEqual(readdirSync(folder), ['sessions.prom']);
  });
});
