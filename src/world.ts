// What of the process the program may touch. Imports nothing of ours but the names of the signals.
import type { Readable, Writable } from 'node:stream';
import type { StopSignal } from './errors.js';

/** An output of the process, which may be a terminal. */
export type OutputStream = Writable & {
  readonly isTTY?: boolean;
  /** Width, where it is a terminal that tells. */
  readonly columns?: number | undefined;
};

/** Where this program is, for an entry that works in cron's bare environment. */
export interface Place {
  /** Absolute path of Node. */
  readonly node: string;
  /** Absolute path of the command. */
  readonly command: string;
  readonly cwd: string;
}

/** Everything of the process that the program may touch. */
export interface World {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Of the package. */
  readonly version: string;
  readonly place: Place;
  /** The wall clock. */
  now(): Date;
  /** Tells the listener of SIGINT, SIGTERM and SIGHUP, also of one that came before. */
  onSignal(listener: (signal: StopSignal) => void): void;
}

/** Resolves when the stream has taken everything so far and `text`. A reader that is gone is no reason to fail. */
export function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => resolve());
    stream.write(text, () => resolve());
  });
}
