// Status 124: what a run does with too little time, and what it leaves behind.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, runCommand } from '../support/command.js';
import { type Engine, engines, servers } from '../support/databases.js';
import { inTime, isBeforeDeleting, isOutOfTime, runInTime } from '../support/in-time.js';
import { assertGoneAfterTimeout, failureLine, successLine } from '../support/lines.js';
import { measureTimeout } from '../support/pace.js';
import { namedPipe } from '../support/pipes.js';
import {
  createSessions,
  FOREVER_MS,
  ids,
  quickDeletes,
  remaining,
  slowDeletes,
  start,
  statementsAtWork,
  until,
} from '../support/sessions.js';

const TIMEOUT_MS = await measureTimeout();
const TIMEOUT = `${TIMEOUT_MS}ms`;

interface Cleared {
  /** How many runs it took besides the last; undefined where a single step did not fit into the time of one. */
  readonly runs: number | undefined;
  readonly left: readonly unknown[];
}

/** Runs until a backlog is gone that takes longer than the timeout. */
async function clearBacklog(t: TestContext, engine: Engine, timeoutMs: number): Promise<Cleared> {
  const backlog = 4_000;
  const database = await createSessions(t, engine, { expired: ids(backlog), live: ['z'] });
  // The first few hundred rows take a small part of that time.
  await slowDeletes(database, timeoutMs / 3_000);
  let left = backlog;
  for (let runs = 0; runs < 20; runs++) {
    const startedAt = performance.now();
    const ended = await runCommand(['run', '--db-url', database.url, '--timeout', `${timeoutMs}ms`]);
    assertGoneAfterTimeout(startedAt, timeoutMs);
    const rows = await remaining(database);
    assert.equal(ended.line.deleted_count, left + 1 - rows.length);
    if (isOutOfTime(ended) && ended.line.outcome !== 'incomplete') return { runs: undefined, left: rows };
    const line = ended.status === 0 ? successLine(ended) : failureLine(ended, 124, 'incomplete');
    if (ended.status === 0) return { runs, left: rows };
    assert.equal(line.error_code, 'OUT_OF_TIME');
    assert.notEqual(line.deleted_count, 0);
    left = rows.length - 1;
  }
  assert.fail('the runs make too little progress');
}

for (const engine of engines) {
  describe(`timeouts, ${engine.name}`, { concurrency: 3, timeout: 300_000 }, () => {
    test('a backlog that does not fit is deleted in part, and by further runs to the end', async (t) => {
      const clear = (timeoutMs: number): Promise<Cleared> => clearBacklog(t, engine, timeoutMs);
      const { runs, left } = await inTime(TIMEOUT_MS, clear, (cleared) => cleared.runs === undefined);
      assert.notEqual(runs, 0);
      assert.deepEqual(left, ['z']);
    });

    test('a first step that is stuck is cancelled in the database, and nothing is deleted', async (t) => {
      const expired = ids(3);
      const database = await createSessions(t, engine, { expired, live: ['z'] });
      await slowDeletes(database, FOREVER_MS, 'r0001');
      const { ended } = await runInTime(TIMEOUT_MS, ['run', '--db-url', database.url], isBeforeDeleting);
      const line = failureLine(ended, 124, 'timed_out');
      assert.deepEqual([line.error_code, line.deleted_count], ['TIMEOUT', 0]);
      assert.match(String(line.error), /while deleting$/);
      if (engine.family !== 'sqlite') await until(async () => (await statementsAtWork(database)).length === 0);
      assert.deepEqual(await remaining(database), [...expired, 'z']);
      // Nobody holds anything any more.
      await quickDeletes(database);
      assert.equal(successLine(await runCommand(['run', '--db-url', database.url])).deleted_count, 3);
    });

    test('a timeout that is over before the work begins deletes nothing', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const ended = await runCommand(['run', '--db-url', database.url, '--timeout', '1ms']);
      // Whether it is still connecting or already reading by then is a matter of chance.
      if (ended.status === 4) failureLine(ended, 4, 'unavailable');
      else failureLine(ended, 124, 'timed_out');
      assert.deepEqual(await remaining(database), ['a', 'z']);
    });
  });
}

for (const engine of engines) {
  const kept = engine.family !== 'sqlite';
  describe(`a step that is stuck after others were done, ${engine.name}`, { concurrency: 2, timeout: 300_000 }, () => {
    // Before the row that is stuck.
    const isBeforeAnother = (ended: Ended): boolean =>
      isBeforeDeleting(ended) || (ended.line.outcome === 'timed_out' && ended.line.deleted_count === 0);

    test(kept ? 'leaves what they did' : 'takes what they did with it', async (t) => {
      const expired = ids(600);
      const database = await createSessions(t, engine, { expired, live: ['z'] });
      await slowDeletes(database, FOREVER_MS, 'r0599');
      // In one transaction, however slow the first step is.
      const args = ['run', '--db-url', database.url, '--batch-size', '1000'];
      const { ended } = await runInTime(TIMEOUT_MS, args, kept ? isBeforeAnother : isBeforeDeleting);
      const line = failureLine(ended, 124, kept ? 'incomplete' : 'timed_out');
      const rows = await remaining(database);
      assert.equal(line.deleted_count, 601 - rows.length);
      assert.deepEqual(rows.slice(-2), ['r0599', 'z']);
      // An interrupted statement takes the whole transaction with it on SQLite, and only itself on a server.
      assert.equal(Number(line.deleted_count) > 0, kept);
      if (kept) await until(async () => (await statementsAtWork(database)).length === 0);
    });

    test('takes nothing with it that was committed before', async (t) => {
      for (const batches of [['--batch-size', '100'], []]) {
        const expired = ids(1_200);
        const database = await createSessions(t, engine, { expired, live: ['z'] });
        await slowDeletes(database, FOREVER_MS, 'r1199');
        const args = ['run', '--db-url', database.url, ...batches];
        const isLate = batches.length > 0 ? isBeforeAnother : isBeforeDeleting;
        const { ended } = await runInTime(TIMEOUT_MS, args, isLate);
        assert.deepEqual([ended.status, ended.stdout], [124, ''], ended.stderr);
        const { deleted_count: deleted } = ended.line;
        const rows = await remaining(database);
        assert.equal(deleted, 1_201 - rows.length);
        assert.ok(batches.length === 0 || Number(deleted) >= 100, `${deleted}`);
        assert.deepEqual(rows.slice(-2), ['r1199', 'z']);
      }
    });
  });
}

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const leavesThreads = 'execve' in process;

for (const engine of engines.filter(({ family }) => family === 'sqlite')) {
  describe(`a disk that stalls, ${engine.name}`, { timeout: 180_000 }, () => {
    test('in COMMIT: the line says in time that it is not known', {
      skip: !hasCompiler && 'there is no C compiler to make one with',
    }, async (t) => {
      const expired = ids(3);
      const database = await createSessions(t, engine, { expired });
      const env = { LD_PRELOAD: stallingDisk(t) };
      const stall = async (timeoutMs: number): Promise<Ended> => {
        const startedAt = performance.now();
        const running = start(t, ['run', '--db-url', database.url, '--timeout', `${timeoutMs}ms`], { env });
        await once(running.child.stderr, 'data');
        assertGoneAfterTimeout(startedAt, timeoutMs);
        // Where Node cannot leave the thread behind, it takes a second stop.
        if (!leavesThreads) {
          await sleep(500);
          running.child.kill('SIGTERM');
        }
        const stalled = await running.ended;
        assertGoneAfterTimeout(startedAt, timeoutMs);
        return stalled;
      };
      const ended = await inTime(TIMEOUT_MS, stall, ({ line }) => line.outcome === 'timed_out');
      const { outcome, exit_status, deleted_count, error_code } = ended.line;
      assert.deepEqual([outcome, exit_status, deleted_count, error_code], ['unknown', 1, null, 'COMMIT_UNCONFIRMED']);
      assert.equal(ended.status, leavesThreads ? 1 : null);
      assert.deepEqual(await remaining(database), expired);
    });
  });
}

/** A library in front of the system's, in which syncing takes longer than any test. */
function stallingDisk(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const source = join(folder, 'stalling.c');
  const library = join(folder, 'stalling.so');
  const stall = (name: string): string => `int ${name}(int fd) { sleep(600); return 0; }\n`;
  writeFileSync(source, `#include <unistd.h>\n${stall('fsync')}${stall('fdatasync')}`);
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
  return library;
}

/** The URL by a name that only a `getent` of the test's own knows, and the environment that has it. */
function named(t: TestContext, url: string, getent: string): { readonly url: string; readonly PATH: string } {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'getent'), `#!/bin/sh\n${getent}\n`, { mode: 0o755 });
  return { url: url.replace('127.0.0.1', 'db.example'), PATH: `${folder}:${process.env.PATH}` };
}

/** How a URL names the file of the authorities that the certificate has to be of. */
const CA = { sqlite: '', mysql: 'ssl-mode=VERIFY_CA&ssl-ca=', postgresql: 'sslmode=verify-ca&sslrootcert=' };

for (const engine of servers) {
  describe(`on the way to ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    test('a file of authorities that is a pipe without a writer', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const url = `${database.url}?${CA[engine.family]}${namedPipe(t)}`;
      const isLate = ({ stderr }: Ended): boolean => / while reading the URL"/.test(stderr);
      const { ended, timeoutMs } = await runInTime(TIMEOUT_MS, ['run', '--db-url', url], isLate);
      const { error } = failureLine(ended, 124, 'timed_out');
      assert.equal(error, `timed out after ${timeoutMs / 1000} s while reading the files that the URL names`);
      assert.deepEqual(await remaining(database), ['a']);
    });

    test('a resolver that does not answer', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const { url, PATH } = named(t, database.url, 'exec sleep 600');
      const startedAt = performance.now();
      const ended = await runCommand(['run', '--db-url', url, '--timeout', TIMEOUT], { env: { PATH } });
      assertGoneAfterTimeout(startedAt, TIMEOUT_MS);
      assert.equal(failureLine(ended, 4, 'unavailable').error_code, 'ETIMEDOUT');
    });

    test('a name that has several addresses: the first that answers', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const answers = ['127.0.0.2', '127.0.0.1'].map((address) => `echo '${address} STREAM db.example'`);
      const { url, PATH } = named(t, database.url, answers.join('\n'));
      successLine(await runCommand(['run', '--db-url', url], { env: { PATH } }));
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('a name without an address', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const { url, PATH } = named(t, database.url, 'exit 2');
      const line = failureLine(await runCommand(['run', '--db-url', url], { env: { PATH } }), 4, 'unavailable');
      assert.equal(line.error, 'cannot connect: the host name db.example cannot be resolved');
      assert.equal(line.error_code, 'ENOTFOUND');
    });

    test('a name where there is no getent', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const url = database.url.replace('127.0.0.1', hostname());
      const ended = await runCommand(['run', '--db-url', url], { env: { PATH: '' } });
      // Whether the server lets this host's own name in is its own affair; that it was found shows in either answer.
      if (ended.status !== 0) failureLine(ended, 4, 'unavailable');
      assert.doesNotMatch(ended.stdout + ended.stderr, /ENOENT|ENOTFOUND/);
    });
  });
}

for (const engine of servers) {
  describe(`a step that takes most of the time, ${engine.name}`, { timeout: 180_000 }, () => {
    test('and was the only one: the run has done its job', async (t) => {
      const run = async (timeoutMs: number): Promise<Ended> => {
        const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
        await slowDeletes(database, timeoutMs / 2);
        return runCommand(['run', '--db-url', database.url, '--timeout', `${timeoutMs}ms`]);
      };
      const line = successLine(await inTime(TIMEOUT_MS, run, isOutOfTime));
      assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 1]);
    });
  });
}
