// cli-progress, and nothing else: rows and rate on a terminal while a run is at work.
import cliProgress from 'cli-progress';
import type { OutputStream } from '../world.js';

export interface ProgressBar {
  update(deletedCount: number): void;
  /** Takes the bar off the terminal. */
  stop(): void;
}

/** How many rows will be deleted is not known before they are: it shows how many are, how fast, and for how long. */
export function createProgressBar(stream: OutputStream): ProgressBar {
  const startedAt = performance.now();
  const bar = new cliProgress.SingleBar({
    stream: stream as NodeJS.WriteStream,
    format: 'deleted {value} rows, {rate} rows/s, {elapsed} s',
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(0, 0, { rate: 0, elapsed: 0 });
  return {
    update(deletedCount) {
      const seconds = (performance.now() - startedAt) / 1000;
      bar.update(deletedCount, { rate: Math.round(deletedCount / seconds), elapsed: Math.round(seconds) });
    },
    stop: () => bar.stop(),
  };
}
