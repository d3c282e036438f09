// The whole program inside the test's own process: faster than spawning it, and its statements can be seen.
import { PassThrough, Readable } from 'node:stream';
import { main } from '../../src/main.js';
import { BIN } from './command.js';
import type { Line } from './lines.js';

export interface Input {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** By the program's clock; now unless told. */
  readonly at?: number;
}

export interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runMain({ argv, env = {}, stdin = '', at }: Input): Promise<Output> {
  const texts = { stdout: '', stderr: '' };
  const collect = (name: 'stdout' | 'stderr') =>
    new PassThrough({ encoding: 'utf8' }).on('data', (text: string) => {
      texts[name] += text;
    });
  const status = await main({
    argv,
    env,
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
    stdout: collect('stdout'),
    stderr: collect('stderr'),
    version: '0.0.0',
    place: { node: process.execPath, command: BIN, cwd: process.cwd() },
    now: () => (at === undefined ? new Date() : new Date(at)),
    onSignal: () => {},
  });
  return { status, ...texts };
}

/** Runs the arguments to their end; resolves to the one line that came out, on either stream. */
export async function runHere(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Line> {
  const { stdout, stderr } = await runMain({ argv: args, env });
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  if (lines.length !== 1) throw new Error(`not exactly one line:\n${stdout}${stderr}`);
  return JSON.parse(lines[0] ?? '') as Line;
}
