// Named pipes in a folder of their own: without a writer, or full and without a reader.
import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export function namedPipe(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}

export interface FullPipe {
  /** To be inherited. */
  readonly fd: number;
  /** What is in it now, without what has filled it. */
  drain(): string;
}

const FILLING = '.';

/** Takes nothing until it is drained. */
export function fullPipe(t: TestContext): FullPipe {
  const path = namedPipe(t);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  // One that is inherited blocks afterwards.
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const page = Buffer.alloc(4_096, FILLING);
  while (transferred(() => writeSync(fd, page)) > 0);
  return {
    fd,
    drain() {
      const read: Buffer[] = [];
      for (;;) {
        const bytes = Buffer.alloc(65_536);
        const count = transferred(() => readSync(reading, bytes));
        if (count === 0) return Buffer.concat(read).toString().replace(/^\.+/, '');
        read.push(bytes.subarray(0, count));
      }
    },
  };
}

/** 0 where the pipe is full, or empty. */
function transferred(transfer: () => number): number {
  try {
    return transfer();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}
