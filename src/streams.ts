// Writing to the process's streams and waiting until they took it. Imports nothing of ours.
import type { Writable } from 'node:stream';

/** An output of the process, which may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean };

/** Resolves when the stream has taken everything so far and `text`. A reader that is gone is no reason to fail. */
export function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => resolve());
    stream.write(text, () => resolve());
  });
}
