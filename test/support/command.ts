// The spawned command: what a user types, and what comes out of it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../../bin/session-cleanup.js', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The one line of JSON on either stream; throws where there is not exactly one line in all. */
  readonly line: Readonly<Record<string, unknown>>;
}

export interface CommandOptions {
  /** Added to PATH and HOME, the only variables that are passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Empty unless told; undefined: it stays open, and nothing comes. */
  readonly stdin?: string | undefined;
  readonly cwd?: string;
  /** The user to run as; only root may set another. */
  readonly uid?: number;
  /** The command of another copy of the package. */
  readonly bin?: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
}

/** Starts `session-cleanup` with the arguments. */
export function startCommand(args: readonly string[], options: CommandOptions = {}): Running {
  const { env = {}, stdin, cwd, uid, bin = BIN } = { stdin: '', ...options };
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [bin, ...args], { env: { PATH, HOME, ...env }, cwd, uid });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  if (stdin !== undefined) child.stdin.end(stdin);
  const ended = once(child, 'close').then(([status]) => ({
    status: status as number | null,
    stdout,
    stderr,
    get line() {
      const lines = (stdout + stderr).split('\n').filter((text) => text !== '');
      if (lines.length !== 1) throw new Error(`not exactly one line:\n${stdout}${stderr}`);
      return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    },
  }));
  return { child, ended };
}

/** Runs `session-cleanup` with the arguments to its end. */
export function runCommand(args: readonly string[], options?: CommandOptions): Promise<Ended> {
  return startCommand(args, options).ended;
}
