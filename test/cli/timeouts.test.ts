// Status 124: what a run does with too little time, and what it leaves behind.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../support/command.js';
import { engines, servers } from '../support/databases.js';
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
} from '../support/sessions.js';

const TIMEOUT_MS = await measureTimeout();
const TIMEOUT = `${TIMEOUT_MS}ms`;

for (const engine of engines) {
  describe(`timeouts, ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    test('a backlog that does not fit is deleted in part, and by further runs to the end', async (t) => {
      const backlog = 4_000;
      const database = await createSessions(t, engine, { expired: ids(backlog), live: ['z'] });
      // All of it takes longer than the timeout, and the first few hundred rows a small part of that.
      await slowDeletes(database, TIMEOUT_MS / 3_000);
      let left = backlog;
      let runs = 0;
      for (; ; runs++) {
        assert.ok(runs < 20, 'the runs make too little progress');
        const startedAt = performance.now();
        const ended = await runCommand(['run', '--db-url', database.url, '--timeout', TIMEOUT]);
        assertGoneAfterTimeout(startedAt, TIMEOUT_MS);
        const line = ended.status === 0 ? successLine(ended) : failureLine(ended, 124, 'incomplete');
        const rows = (await remaining(database)).length - 1;
        assert.equal(line.deleted_count, left - rows);
        left = rows;
        if (ended.status === 0) break;
        assert.equal(line.error_code, 'OUT_OF_TIME');
        assert.notEqual(line.deleted_count, 0);
      }
      assert.notEqual(runs, 0);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('a first step that is stuck is cancelled in the database, and nothing is deleted', async (t) => {
      const expired = ids(3);
      const database = await createSessions(t, engine, { expired, live: ['z'] });
      await slowDeletes(database, FOREVER_MS, 'r0001');
      const startedAt = performance.now();
      const ended = await runCommand(['run', '--db-url', database.url, '--timeout', TIMEOUT]);
      assertGoneAfterTimeout(startedAt, TIMEOUT_MS);
      const line = failureLine(ended, 124, 'timed_out');
      assert.deepEqual([line.error_code, line.deleted_count], ['TIMEOUT', 0]);
      assert.match(String(line.error), /while deleting$/);
      if (engine.family !== 'sqlite') assert.deepEqual(await statementsAtWork(database), []);
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
  describe(`a step that is stuck after others were done, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    test(kept ? 'leaves what they did' : 'takes what they did with it', async (t) => {
      const expired = ids(600);
      const database = await createSessions(t, engine, { expired, live: ['z'] });
      await slowDeletes(database, FOREVER_MS, 'r0599');
      const startedAt = performance.now();
      const ended = await runCommand(['run', '--db-url', database.url, '--timeout', TIMEOUT]);
      assertGoneAfterTimeout(startedAt, TIMEOUT_MS);
      const line = failureLine(ended, 124, kept ? 'incomplete' : 'timed_out');
      const rows = await remaining(database);
      assert.equal(line.deleted_count, 601 - rows.length);
      assert.deepEqual(rows.slice(-2), ['r0599', 'z']);
      // An interrupted statement takes the whole transaction with it on SQLite, and only itself on a server.
      assert.equal(Number(line.deleted_count) > 0, kept);
      if (kept) assert.deepEqual(await statementsAtWork(database), []);
    });

    test('takes no batch with it that was committed before', async (t) => {
      const expired = ids(600);
      const database = await createSessions(t, engine, { expired, live: ['z'] });
      await slowDeletes(database, FOREVER_MS, 'r0599');
      const args = ['run', '--db-url', database.url, '--timeout', TIMEOUT, '--batch-size', '100'];
      const ended = await runCommand(args);
      assert.deepEqual([ended.status, ended.stdout], [124, ''], ended.stderr);
      const { deleted_count: deleted } = ended.line;
      const rows = await remaining(database);
      assert.equal(deleted, 601 - rows.length);
      assert.ok(Number(deleted) >= 100, `${deleted}`);
      assert.deepEqual(rows.slice(-2), ['r0599', 'z']);
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
      const startedAt = performance.now();
      const args = ['run', '--db-url', database.url, '--timeout', TIMEOUT];
      const running = start(t, args, { env: { LD_PRELOAD: stallingDisk(t) } });
      await once(running.child.stderr, 'data');
      assertGoneAfterTimeout(startedAt, TIMEOUT_MS);
      // Where Node cannot leave the thread behind, it takes a second stop.
      if (!leavesThreads) {
        await sleep(500);
        running.child.kill('SIGTERM');
      }
      const ended = await running.ended;
      assertGoneAfterTimeout(startedAt, TIMEOUT_MS);
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
      const startedAt = performance.now();
      const ended = await runCommand(['run', '--db-url', url, '--timeout', TIMEOUT]);
      assertGoneAfterTimeout(startedAt, TIMEOUT_MS);
      const { error } = failureLine(ended, 124, 'timed_out');
      assert.equal(error, `timed out after ${TIMEOUT_MS / 1000} s while reading the files that the URL names`);
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
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      await slowDeletes(database, TIMEOUT_MS / 2);
      const line = successLine(await runCommand(['run', '--db-url', database.url, '--timeout', TIMEOUT]));
      assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 1]);
    });
  });
}
