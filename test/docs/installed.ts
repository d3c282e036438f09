// The command as if it were installed: a folder for PATH, and a shell with nothing else, as cron starts one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BIN } from '../support/command.js';

export interface Installed {
  /** Removed after the test; the shell works in it. */
  readonly folder: string;
  /** Holds `session-cleanup` and `node`. */
  readonly bin: string;
  /** Runs a line as /bin/sh, with these variables and no others. */
  shell(line: string, env: Readonly<Record<string, string>>): Promise<ShellEnded>;
}

export interface ShellEnded {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function install(t: TestContext): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(BIN, join(bin, 'session-cleanup'));
  symlinkSync(process.execPath, join(bin, 'node'));
  return {
    folder,
    bin,
    async shell(line, env) {
      const child = spawn('/bin/sh', ['-c', line], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
      const read = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].setEncoding('utf8').on('data', (text: string) => {
          read[stream] += text;
        });
      }
      const [status] = await once(child, 'close');
      return { status: status as number | null, ...read };
    },
  };
}
