// The command at a terminal: a pseudo-terminal of so many columns, and every byte that it gets.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BIN } from './command.js';

export interface Shown {
  readonly status: number | null;
  /** Every byte that the terminal got. */
  readonly terminal: string;
  /** Empty where the terminal is standard output, too. */
  readonly stdout: string;
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether standard output is a file, and the terminal only standard error. */
  readonly stdoutToFile?: boolean;
  /** The key is pressed when it resolves. */
  readonly pressed?: Promise<void>;
  /** Ctrl-C unless told. */
  readonly key?: string;
}

/** Runs the command with a terminal, and nothing else. */
export async function runAtTerminal(
  t: TestContext,
  args: readonly string[],
  { columns = 80, env = {}, stdoutToFile = false, pressed, key = '\u0003' }: TerminalOptions = {},
): Promise<Shown> {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'stdout');
  const quoted = [process.execPath, BIN, ...args].map((word) => `'${word.replaceAll("'", `'"'"'`)}'`);
  const command = `stty cols ${columns} rows 24; exec ${quoted.join(' ')}${stdoutToFile ? ` >'${path}'` : ''}`;
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH, HOME, TERM: 'xterm', SHELL: '/bin/sh', ...env },
  });
  let terminal = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    terminal += text;
  });
  void pressed?.then(() => child.stdin.write(key));
  const [status] = await once(child, 'close');
  return { status, terminal, stdout: stdoutToFile ? readFileSync(path, 'utf8') : '' };
}

/** What is left to see: without what was taken away again, and without the orders to the terminal. */
export function leftOn(terminal: string): string {
  const erased = terminal.slice(terminal.lastIndexOf('\u001b[2K') + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return erased.replace(/^\[2K|\u001b(?:[78]|\[[?\d]*[A-Za-z])/g, '').replaceAll('\r\n', '\n');
}

const A_WHILE_MS = 3 * 3_600_000;

/** Without what differs from run to run: times of the last three hours, how long something took, and UUIDs. */
export function steady(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, (time) =>
      Math.abs(Date.parse(time) - Date.now()) < A_WHILE_MS ? '<time>' : time,
    )
    .replace(/ (in|about) [\d.]+ s/g, ' $1 <duration>')
    .replace(/[\da-f]{8}-[\da-f-]{27}/g, '<uuid>');
}
