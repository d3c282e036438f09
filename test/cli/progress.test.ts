// The progress bar: on a terminal while the run is at work, gone when it ends, and never in a pipe.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BIN, runCommand } from '../support/command.js';
import { type Database, engines } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import {
  createSessions,
  FOREVER_MS,
  ids,
  isDeleting,
  remaining,
  slowDeletes,
  start,
  until,
  untilDeleting,
} from '../support/sessions.js';

interface Shown {
  readonly status: number | null;
  /** Every byte that the terminal got. */
  readonly terminal: string;
  readonly stdout: string;
}

/** Runs the command with a terminal as its stderr, and nothing else; Ctrl-C is pressed when `pressed` resolves. */
async function runAtTerminal(t: TestContext, args: readonly string[], pressed?: Promise<void>): Promise<Shown> {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'stdout');
  const quoted = [process.execPath, BIN, ...args].map((word) => `'${word.replaceAll("'", `'"'"'`)}'`);
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, TERM: 'xterm', SHELL: '/bin/sh' };
  const child = spawn('script', ['-qec', `exec ${quoted.join(' ')} >'${path}'`, '/dev/null'], { env });
  let terminal = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    terminal += text;
  });
  void pressed?.then(() => child.stdin.write('\u0003'));
  const [status] = await once(child, 'close');
  return { status, terminal, stdout: readFileSync(path, 'utf8') };
}

/** What is left to see: without what was taken away again, and without the orders to the terminal. */
function leftOn(terminal: string): string {
  const erased = terminal.slice(terminal.lastIndexOf('\u001b[2K') + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return erased.replace(/^\[2K|\u001b(?:[78]|\[[?\d]*[A-Za-z])/g, '');
}

const BAR = /deleted (\d+) rows, \d+ rows\/s, \d+ s/g;

const countsIn = (terminal: string): number[] => [...terminal.matchAll(BAR)].map(([, count]) => Number(count));

const atOnce = ({ url }: Database): string[] => ['run', '--db-url', url];

for (const engine of engines) {
  describe(`progress, ${engine.name}`, { concurrency: 2 }, () => {
    test('is shown at a terminal and taken away, in one transaction and in batches', async (t) => {
      const batches = ['--batch-size', '2', '--pause', '150ms'];
      for (const more of [[], batches]) {
        const database = await createSessions(t, engine, { expired: ids(6), live: ['z'] });
        await slowDeletes(database, 20);
        const { status, terminal, stdout } = await runAtTerminal(t, [...atOnce(database), ...more]);
        assert.deepEqual([status, JSON.parse(stdout).deleted_count], [0, 6]);
        const counts = countsIn(terminal);
        assert.deepEqual([counts.at(0), counts.at(-1)], [0, 6], terminal);
        assert.deepEqual(
          counts,
          counts.toSorted((a, b) => a - b),
        );
        if (more.length > 0) assert.ok(counts.includes(2) && counts.includes(4), terminal);
        assert.equal(leftOn(terminal), '');
        // The cursor is there again.
        assert.ok(terminal.lastIndexOf('\u001b[?25h') > terminal.lastIndexOf('\u001b[?25l'));
        assert.deepEqual(await remaining(database), ['z']);
      }
    });

    test('is taken away before the sentence of a failure, also at Ctrl-C', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      await slowDeletes(database, FOREVER_MS, 'r0001');
      const deleting = until(() => isDeleting(database));
      const { status, terminal, stdout } = await runAtTerminal(t, atOnce(database), deleting);
      assert.deepEqual([status, stdout], [130, ''], terminal);
      assert.deepEqual(countsIn(terminal).at(0), 0);
      assert.match(leftOn(terminal), /^session-cleanup: interrupted: stopped by SIGINT while deleting\. .*\r\n$/);
      assert.ok(terminal.lastIndexOf('\u001b[?25h') > terminal.lastIndexOf('\u001b[?25l'));
      assert.deepEqual(await remaining(database), ids(3));
    });

    test('leaves nothing in a pipe', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(6), live: ['z'] });
      successLine(await runCommand([...atOnce(database), '--batch-size', '2', '--pause', '50ms']));
      await database.run('DROP TABLE sessions');
      failureLine(await runCommand(atOnce(database)), 3, 'refused');
    });

    test('is told in lines at debug where there is no terminal', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3), live: ['z'] });
      const { status, stderr } = await runCommand([...atOnce(database), '--batch-size', '1', '--log-level', 'debug']);
      assert.equal(status, 0);
      const events = stderr.split('\n').filter((line) => line.includes('"session_cleanup_batch"'));
      const counts = events.map((line) => JSON.parse(line)).map(({ level, deleted_count }) => [level, deleted_count]);
      assert.deepEqual([...new Set(counts.map(String))], ['debug,1', 'debug,2', 'debug,3']);
    });

    test('is told at debug of committed rows only: what is rolled back was never in it', async (t) => {
      // Whole steps come before the row that is stuck.
      const database = await createSessions(t, engine, { expired: ids(1_200) });
      await slowDeletes(database, FOREVER_MS, 'r1199');
      const running = start(t, [...atOnce(database), '--timeout', '0', '--log-level', 'debug']);
      await untilDeleting(database, running);
      await sleep(500);
      running.child.kill('SIGTERM');
      const { status, stderr } = await running.ended;
      assert.equal(status, 143);
      assert.doesNotMatch(stderr, /session_cleanup_batch/);
      assert.equal((await remaining(database)).length, 1_200);
    });

    for (const flag of ['--quiet', '--dry-run']) {
      test(`is not shown with ${flag}`, async (t) => {
        const database = await createSessions(t, engine, { expired: ids(3) });
        const { status, terminal } = await runAtTerminal(t, [...atOnce(database), flag]);
        assert.deepEqual([status, terminal], [0, '']);
      });
    }
  });
}
