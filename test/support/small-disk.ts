// A disk of a few megabytes, which a test can fill.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  /** Leaves no byte free. */
  fill(): void;
  /** Gives everything that was filled free. */
  empty(): void;
  remove(): void;
}

/** Why there can be none here; undefined where there can. */
export const noSmallDisk: string | undefined = findObstacle();

/** A file system in memory; only root may mount one. */
export function createSmallDisk(megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  const filler = join(folder, 'filler');
  const remove = (): void => {
    process.off('exit', remove);
    spawnSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', remove);
  return {
    folder,
    fill() {
      const page = Buffer.alloc(4_096);
      try {
        for (;;) appendFileSync(filler, page);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    empty: () => truncateSync(filler),
    remove,
  };
}

function findObstacle(): string | undefined {
  try {
    createSmallDisk(1).remove();
    return undefined;
  } catch (error) {
    return `no small disk can be mounted to be filled: ${error instanceof Error ? error.message : error}`;
  }
}
