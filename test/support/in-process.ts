// The whole program inside the test's own process: faster than spawning it, and its statements can be seen.
import { Readable, Writable } from 'node:stream';
import { main } from '../../src/main.js';
import { BIN } from './command.js';
import type { Line } from './lines.js';

/** Runs the arguments to their end; resolves to the one line that came out, on either stream. */
export async function runHere(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Line> {
  let text = '';
  const sink = (): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
  await main({
    argv: args,
    env,
    stdin: Readable.from([]),
    stdout: sink(),
    stderr: sink(),
    version: '0.0.0',
    place: { node: process.execPath, command: BIN, cwd: process.cwd() },
    now: () => new Date(),
    onSignal: () => () => {},
  });
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length !== 1) throw new Error(`not exactly one line:\n${text}`);
  return JSON.parse(lines[0] ?? '') as Line;
}
