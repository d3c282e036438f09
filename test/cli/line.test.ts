// The line of a run that does its job: its keys, its stream, its two formats, and how it can be silenced.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { engines, shownUrl } from '../support/databases.js';
import { successLine } from '../support/lines.js';
import { createSessions, ids, remaining } from '../support/sessions.js';

const UUID_V4 = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

for (const engine of engines) {
  describe(`the line, ${engine.name}`, { concurrency: 2 }, () => {
    test('says how many expired rows were deleted, and the live ones remain', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3), live: ['a', 'z'], indexed: true });
      const line = successLine(await runCommand(['run', '--db-url', database.url]));
      assert.deepEqual(
        { ...line, timestamp: '', cutoff_time: '', duration_ms: 0, correlation_id: '', version: '' },
        {
          timestamp: '',
          level: 'info',
          message: 'session_cleanup_ran',
          correlation_id: '',
          outcome: 'deleted',
          exit_status: 0,
          deleted_count: 3,
          cutoff_time: '',
          complete: true,
          duration_ms: 0,
          attempts: 1,
          database: shownUrl(database),
          table: 'sessions',
          expires_column: 'expires_at',
          expires_format: 'datetime',
          expires_index: 'by_expiry',
          dry_run: false,
          version: '',
        },
      );
      assert.match(String(line.correlation_id), UUID_V4);
      assert.match(String(line.version), /^\d+\.\d+\.\d+/);
      const age = Date.parse(String(line.timestamp)) - Date.parse(String(line.cutoff_time));
      assert.ok(age >= 0 && age <= Number(line.duration_ms), `cutoff ${age} ms before the end`);
      assert.deepEqual(await remaining(database), ['a', 'z']);
    });

    test('says that nothing was expired', async (t) => {
      const database = await createSessions(t, engine, { live: ids(2) });
      const line = successLine(await runCommand(['run', '--db-url', database.url]));
      assert.deepEqual([line.outcome, line.deleted_count, line.expires_index], ['nothing_expired', 0, null]);
      assert.deepEqual(await remaining(database), ids(2));
    });

    test('says that an empty table holds nothing expired', async (t) => {
      const database = await createSessions(t, engine);
      const line = successLine(await runCommand(['run', '--db-url', database.url]));
      assert.deepEqual([line.outcome, line.deleted_count], ['nothing_expired', 0]);
    });

    for (const indexed of [true, false]) {
      test(`warns where not one session is live, ${indexed ? 'with' : 'without'} an index`, async (t) => {
        const database = await createSessions(t, engine, { expired: ids(3), indexed });
        const noEnd = engine.family === 'sqlite' ? '' : '1970-01-01 00:00:00';
        await database.run("INSERT INTO sessions VALUES ('never', NULL), ('default', ?)", [noEnd]);
        const fix = 'if sessions are in use, check --expires-column, --expires-format, --time-zone and --older-than';
        const latest = (day: string) => `: the latest expires_at is ${day} 00:00:00 UTC`;
        const warning = (more: string) => `not one session is live${more}; ${fix}`;
        const counted = successLine(await runCommand(['run', '--db-url', database.url, '-n']));
        assert.deepEqual([counted.level, counted.warning], ['warn', warning(latest('2020-01-01'))]);
        const deleted = successLine(await runCommand(['run', '--db-url', database.url]));
        assert.deepEqual([deleted.level, deleted.warning], ['warn', warning(noEnd === '' ? '' : latest('1970-01-01'))]);
        await database.run(
          "INSERT INTO sessions VALUES ('new', '2020-01-01 00:00:00'), ('live', '2099-01-01 00:00:00')",
        );
        assert.equal(successLine(await runCommand(['run', '--db-url', database.url])).warning, undefined);
        assert.deepEqual(await remaining(database), ['default', 'live', 'never']);
      });
    }

    test('says in a dry run how many would go, deletes nothing, and the run after it deletes as many', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(700), live: ['z'] });
      const counted = successLine(await runCommand(['run', '--db-url', database.url, '--dry-run']));
      assert.deepEqual([counted.outcome, counted.expired_count, counted.dry_run], ['counted', 700, true]);
      assert.equal(counted.row_count, 701);
      assert.deepEqual(await remaining(database), [...ids(700), 'z']);
      const deleted = successLine(await runCommand(['run', '--db-url', database.url]));
      assert.deepEqual([deleted.outcome, deleted.deleted_count], ['deleted', 700]);
      assert.deepEqual(await remaining(database), ['z']);
    });
  });
}

// No engine has a say in the rest.
const [engine] = engines;
assert.ok(engine);

describe('the line, whatever the engine', { concurrency: 2 }, () => {
  test('is JSON with --log-format json, and by default where there is no terminal', async (t) => {
    const database = await createSessions(t, engine, { live: ['z'] });
    successLine(await runCommand(['run', '--db-url', database.url, '--log-format', 'json']));
    successLine(await runCommand(['run', '--db-url', database.url, '--log-format', 'auto']));
  });

  for (const flag of ['--quiet', '-q']) {
    test(`is left out on success with ${flag}, and kept on failure`, async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const { status, stdout, stderr } = await runCommand(['run', '--db-url', database.url, flag]);
      assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
      assert.deepEqual(await remaining(database), ['z']);
      const failed = await runCommand(['run', '--db-url', database.url, flag, '--table', 'none']);
      assert.deepEqual([failed.status, failed.stdout, failed.line.outcome], [3, '', 'refused']);
    });
  }

  test('is left out on success with --log-level error, and kept on failure', async (t) => {
    const database = await createSessions(t, engine, { expired: ['a'] });
    const args = ['run', '--db-url', database.url, '--log-level', 'error'];
    const { status, stdout, stderr } = await runCommand(args);
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
    assert.deepEqual(await remaining(database), []);
    const failed = await runCommand([...args, '--table', 'none']);
    assert.deepEqual([failed.status, failed.stdout, failed.line.outcome], [3, '', 'refused']);
  });

  test('is still the only one on stdout with --log-level debug', async (t) => {
    const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
    const ended = await runCommand(['run', '--db-url', database.url, '--log-level', 'debug']);
    assert.equal(ended.status, 0);
    assert.equal(JSON.parse(ended.stdout).outcome, 'deleted');
    for (const line of ended.stderr.split('\n').filter((text) => text !== '')) {
      assert.equal(JSON.parse(line).level, 'debug');
    }
    assert.deepEqual(await remaining(database), ['z']);
  });

  test('carries the correlation ID that was given', async (t) => {
    const database = await createSessions(t, engine, { live: ['z'] });
    for (const id of ['job-7', 'A.b_c:d-9', 'x'.repeat(128)]) {
      const line = successLine(await runCommand(['run', '--db-url', database.url, '--correlation-id', id]));
      assert.equal(line.correlation_id, id);
    }
  });

  test('carries a new correlation ID each time where none was given', async (t) => {
    const database = await createSessions(t, engine, { live: ['z'] });
    const first = successLine(await runCommand(['run', '--db-url', database.url]));
    const second = successLine(await runCommand(['run', '--db-url', database.url]));
    assert.match(String(first.correlation_id), UUID_V4);
    assert.notEqual(first.correlation_id, second.correlation_id);
  });
});
