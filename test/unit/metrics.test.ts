// The file for Prometheus, written to a real folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { CleanupError } from '../../src/errors.js';
import { renderMetrics, writeMetrics } from '../../src/report/metrics.js';
import type { LogRecord } from '../../src/report/record.js';

const SUCCESS: LogRecord = {
  timestamp: '2026-01-02T03:04:05.678Z',
  level: 'info',
  message: 'session_cleanup_ran',
  outcome: 'deleted',
  exit_status: 0,
  deleted_count: 1234,
  duration_ms: 250,
  database: 'mysql://db:3306/app',
  table: 'sessions',
  dry_run: false,
};
const FAILURE: LogRecord = {
  ...SUCCESS,
  timestamp: '2026-01-02T09:04:05.000Z',
  level: 'error',
  message: 'session_cleanup_failed',
  outcome: 'busy',
  exit_status: 75,
  deleted_count: 0,
};
const LABELS = '{database="mysql://db:3306/app",table="sessions"}';

const NOW = new Date('2026-06-01');

function write(path: string, record: LogRecord, oldestExpired?: Date): Promise<void> {
  return writeMetrics(path, record, { oldestExpired, now: () => NOW });
}

function render(record: LogRecord, old: string, oldestExpired?: Date): string {
  return renderMetrics(record, old, { oldestExpired, now: () => NOW });
}

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

function valuesOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value = ''] = /^session_cleanup_(\w+)\{.*\} (\S+)$/.exec(line) ?? [];
      return [name, value];
    }),
  );
}

describe('the metrics file', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    path = join(folder, 'session-cleanup.prom');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (): string => readFileSync(path, 'utf8');
  const entries = (): string[] => readdirSync(folder);

  test('says what the run did', async () => {
    await write(path, SUCCESS, new Date('2026-01-01T03:04:05.178Z'));
    assert.equal(
      read(),
      `# HELP session_cleanup_last_run_timestamp_seconds When the last run ended.
# TYPE session_cleanup_last_run_timestamp_seconds gauge
session_cleanup_last_run_timestamp_seconds${LABELS} 1767323045.678
# HELP session_cleanup_last_success_timestamp_seconds When the last run with exit status 0 ended.
# TYPE session_cleanup_last_success_timestamp_seconds gauge
session_cleanup_last_success_timestamp_seconds${LABELS} 1767323045.678
# HELP session_cleanup_success Whether the last run ended with exit status 0 (1) or not (0).
# TYPE session_cleanup_success gauge
session_cleanup_success${LABELS} 1
# HELP session_cleanup_exit_status Exit status of the last run.
# TYPE session_cleanup_exit_status gauge
session_cleanup_exit_status${LABELS} 0
# HELP session_cleanup_deleted_rows Rows that the last run deleted; absent where the database did not confirm the COMMIT.
# TYPE session_cleanup_deleted_rows gauge
session_cleanup_deleted_rows${LABELS} 1234
# HELP session_cleanup_duration_seconds How long the last run took.
# TYPE session_cleanup_duration_seconds gauge
session_cleanup_duration_seconds${LABELS} 0.25
# HELP session_cleanup_oldest_expired_age_seconds For how long the oldest expired row that the last run found had been expired.
# TYPE session_cleanup_oldest_expired_age_seconds gauge
session_cleanup_oldest_expired_age_seconds${LABELS} 86400.5
`,
    );
  });

  test('can be read by the collector, whatever the umask and the old file', async () => {
    const before = process.umask(0o077);
    try {
      await write(path, SUCCESS);
      assert.equal(statSync(path).mode & 0o7777, 0o644);
      chmodSync(path, 0o600);
      await write(path, SUCCESS);
      assert.equal(statSync(path).mode & 0o7777, 0o644);
    } finally {
      process.umask(before);
    }
  });

  test('remembers the last success through failures', async () => {
    await write(path, FAILURE);
    assert.deepEqual(valuesOf(read()), {
      last_run_timestamp_seconds: '1767344645',
      success: '0',
      exit_status: '75',
      deleted_rows: '0',
      duration_seconds: '0.25',
    });
    await write(path, SUCCESS);
    await write(path, FAILURE);
    await write(path, FAILURE);
    const values = valuesOf(read());
    assert.equal(values.last_success_timestamp_seconds, '1767323045.678');
    assert.equal(values.last_run_timestamp_seconds, '1767344645');
    assert.equal(values.success, '0');
  });

  test('takes no last success from another table, and none that is not a number', async () => {
    await write(path, { ...SUCCESS, table: 'sessions_archive' });
    await write(path, FAILURE);
    assert.equal('last_success_timestamp_seconds' in valuesOf(read()), false);
    const name = 'session_cleanup_last_success_timestamp_seconds';
    for (const old of ['NaN', '', 'x', '1 2', '-1', '0x10']) {
      writeFileSync(path, `${name}${LABELS} ${old}\n`);
      await write(path, FAILURE);
      assert.equal('last_success_timestamp_seconds' in valuesOf(read()), false, old);
    }
    writeFileSync(path, Buffer.from([0xff, 0x00, 0x0a]));
    await write(path, FAILURE);
    assert.equal('last_success_timestamp_seconds' in valuesOf(read()), false);
  });

  test('has no count where the COMMIT was not confirmed, and no age of an expiry ahead', async () => {
    await write(path, { ...FAILURE, outcome: 'unknown', exit_status: 1, deleted_count: null }, new Date('2030-01-01'));
    const values = valuesOf(read());
    assert.equal('deleted_rows' in values, false);
    assert.equal(values.exit_status, '1');
    assert.equal(values.oldest_expired_age_seconds, '0');
  });

  test('is left alone by a dry run', async () => {
    const { deleted_count: _, ...rest } = SUCCESS;
    await write(path, { ...rest, dry_run: true, expired_count: 5 });
    assert.deepEqual(entries(), []);
  });

  test('keeps what a later run has written meanwhile, and adds the success of an earlier one', async () => {
    // So large that it takes a while to write.
    const table = 't'.repeat(8_000_000);
    const early = { ...SUCCESS, table, exit_status: 0 };
    const late = { ...FAILURE, table, exit_status: 75 };
    const writes = [
      { ours: { ...late, timestamp: early.timestamp }, theirs: { ...early, timestamp: late.timestamp } },
      { ours: early, theirs: late },
    ];
    for (const { ours, theirs } of writes) {
      rmSync(path, { force: true });
      const writing = write(path, ours);
      // As another process would, in the middle of it.
      while (entries().length === 0) await new Promise(setImmediate);
      writeFileSync(`${path}.theirs`, render(theirs, ''));
      renameSync(`${path}.theirs`, path);
      await writing;
      const { last_run_timestamp_seconds: ran, last_success_timestamp_seconds: succeeded, success } = valuesOf(read());
      const expected =
        theirs.exit_status === 0 ? ['1767344645', '1767344645', '1'] : ['1767344645', '1767323045.678', '0'];
      assert.deepEqual([ran, succeeded, success], expected);
      assert.deepEqual(entries(), ['session-cleanup.prom']);
    }
  });

  test('forgets a time that is yet to come: a clock was wrong', async () => {
    await write(path, { ...SUCCESS, timestamp: '2030-01-01T00:00:00.000Z' });
    await write(path, FAILURE);
    const values = valuesOf(read());
    assert.equal(values.last_run_timestamp_seconds, '1767344645');
    assert.equal('last_success_timestamp_seconds' in values, false);
  });

  test('is written where a symbolic link leads, also to one that is not there yet', async () => {
    mkdirSync(join(folder, 'real'));
    const real = join(folder, 'real', 'file.prom');
    symlinkSync(join('real', 'link.prom'), path);
    symlinkSync('file.prom', join(folder, 'real', 'link.prom'));
    for (const record of [SUCCESS, FAILURE]) {
      await write(path, record);
      assert.equal(readFileSync(real, 'utf8'), read());
      assert.deepEqual([lstatSync(path).isSymbolicLink(), lstatSync(real).isFile()], [true, true]);
    }
    assert.equal(valuesOf(read()).last_success_timestamp_seconds, '1767323045.678');
    assert.deepEqual(readdirSync(join(folder, 'real')), ['file.prom', 'link.prom']);
  });

  test('in a circle of symbolic links says so', async () => {
    symlinkSync(path, `${path}.other`);
    symlinkSync(`${path}.other`, path);
    await assert.rejects(write(path, SUCCESS), /^CleanupError: the metrics file cannot be written/);
  });

  test('is never seen half written', async () => {
    const versions = Array.from({ length: 200 }, (_, at) => ({
      ...SUCCESS,
      deleted_count: at,
      table: `${at}`.repeat(5000),
    }));
    const texts = new Set(versions.map((record) => render(record, '')));
    await write(path, versions[0] ?? SUCCESS);
    let isWriting = true;
    const readers = Array.from({ length: 3 }, async () => {
      let count = 0;
      for (; isWriting; count++) assert.ok(texts.has(await readFile(path, 'utf8')));
      return count;
    });
    const halves = [versions.slice(0, 100), versions.slice(100)];
    await Promise.all(
      halves.map(async (records) => {
        for (const record of records) await write(path, record);
      }),
    );
    isWriting = false;
    for (const count of await Promise.all(readers)) assert.ok(count > 0);
    assert.deepEqual(entries(), ['session-cleanup.prom']);
  });

  test('that cannot be written says why, keeps the old one and leaves nothing behind', async () => {
    const failure = (message: string, code: string) => (error: unknown) => {
      assert.ok(error instanceof CleanupError);
      assert.equal(error.kind, 'failed');
      assert.equal(error.message, `the metrics file cannot be written: ${message}`);
      assert.equal(error.code, code);
      assert.match(error.hint ?? '', /--metrics-file/);
      return true;
    };
    await assert.rejects(
      write(join(folder, 'none', 'a.prom'), SUCCESS),
      failure('ENOENT: no such file or directory', 'ENOENT'),
    );
    writeFileSync(path, 'old\n');
    await assert.rejects(write(join(path, 'a.prom'), SUCCESS), failure('ENOTDIR: not a directory', 'ENOTDIR'));
    const taken = join(folder, 'taken.prom');
    mkdirSync(taken);
    await assert.rejects(
      write(taken, SUCCESS),
      failure('there is something else than a file in its place', 'METRICS_FILE'),
    );
    assert.deepEqual(entries(), ['session-cleanup.prom', 'taken.prom']);
    assert.deepEqual(readdirSync(taken), []);
    assert.equal(read(), 'old\n');
  });

  test('that fails halfway leaves nothing behind', () => {
    writeFileSync(path, 'old\n');
    // A limit on the size of files stands in for a full disk.
    const script = `
      const { writeMetrics } = await import(${JSON.stringify(new URL('../../src/report/metrics.js', import.meta.url))});
      const record = { ...${JSON.stringify(SUCCESS)}, table: 'x'.repeat(100_000) };
      await writeMetrics(${JSON.stringify(path)}, record, { now: () => new Date() }).catch(({ message }) => console.log(message));`;
    const shell = 'ulimit -f 8; exec "$0" --input-type=module -e "$1"';
    const { stdout } = spawnSync('sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' });
    assert.equal(stdout, 'the metrics file cannot be written: EFBIG: file too large\n');
    assert.deepEqual(entries(), ['session-cleanup.prom']);
    assert.equal(read(), 'old\n');
  });

  test('in a folder that this user may not write to', {
    skip: process.getuid?.() === 0 && 'root may write anywhere',
  }, async () => {
    chmodSync(folder, 0o555);
    try {
      await assert.rejects(write(path, SUCCESS), /EACCES: permission denied$/);
    } finally {
      chmodSync(folder, 0o755);
    }
  });

  test('escapes what a label may not hold', async () => {
    const hostile = { ...SUCCESS, table: 'a"b\\c\nd{}#,=é\r', database: '"} 1\nsession_cleanup_success 1\n' };
    await write(path, hostile);
    await write(path, { ...hostile, exit_status: 1 });
    const labels = `${String.raw`{database="\"} 1\nsession_cleanup_success 1\n",table="a\"b\\c\nd{}#,=é`}\r"}`;
    assert.ok(read().includes(`\nsession_cleanup_success${labels} 0\n`));
    assert.ok(read().includes(`\nsession_cleanup_last_success_timestamp_seconds${labels} 1767323045.678\n`));
    assert.ok(render({ ...SUCCESS, table: null, database: null }, '').includes('{database="",table=""} 1'));
  });

  test('is what promtool takes', { skip: !hasPromtool && 'promtool is not installed' }, () => {
    const check = (text: string): void => {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
      assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' }, text);
    };
    const oldest = new Date('2026-01-01');
    check(render(SUCCESS, '', oldest));
    check(render(FAILURE, render(SUCCESS, ''), oldest));
    check(render({ ...SUCCESS, table: null, database: null, deleted_count: null }, ''));
    const label = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(label, label, (table, database) => check(render({ ...SUCCESS, table, database }, '', oldest))),
      { numRuns: 8 },
    );
  });
});
