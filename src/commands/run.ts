// The command `run`: opens the sessions, decides the format and the cutoff, and counts or deletes.
import { cleanUp, type Progress } from '../cleanup/cleanup.js';
import type { Deadline } from '../cleanup/deadline.js';
import type { DriverLog } from '../database/connection.js';
import { openSessions } from '../database/sessions.js';
import { createDialect } from '../engines/index.js';
import { openLagWatch } from '../engines/mysql/replica-lag.js';
import { createCutoff, instantOf } from '../expiry/format.js';
import { type Ending, endingOf, type RunFacts } from '../report/facts.js';
import type { Config } from '../settings/config.js';

/** What a command works with; `learn` tells the line what is known so far. */
export interface CommandContext {
  readonly config: Config;
  readonly deadline: Deadline;
  now(): Date;
  learn(more: Partial<RunFacts>): void;
  /** Tells the line of something to mend that is no reason to fail. */
  warn(problem: string): void;
  readonly driverLog: DriverLog;
  /** Told how many rows are deleted so far, committed or not. */
  readonly onStep: (deletedCount: number) => void;
  /** Told after every commit that deleted rows how many are deleted so far. */
  readonly onBatch: (deletedCount: number) => void;
}

const NOTHING: Progress = { deletedCount: 0, lockedCount: 0, batches: 0, attempts: 1 };

/** @throws CleanupError */
export async function run(context: CommandContext): Promise<Ending> {
  const { config, deadline, now, learn, warn, driverLog, onStep, onBatch } = context;
  const sessions = await openSessions(createDialect(config.target, config), deadline, driverLog);
  let progress = NOTHING;
  const report = (more: Progress): void => {
    if (more.batches > progress.batches) onBatch(more.deletedCount);
    progress = more;
    learn({ progress });
  };
  report(progress);
  try {
    const { fit, expiresIndex } = await sessions.inspect(config);
    learn({ expiresFormat: fit?.format, expiresIndex });
    // The earlier of the two clocks: one that is ahead would delete sessions that are still live.
    const clock = Math.min(now().getTime(), (await sessions.clock()) ?? Infinity);
    const cutoff = new Date(clock - config.olderThanMs);
    learn({ cutoff });
    if (fit !== undefined) await sessions.aim(fit, createCutoff(cutoff, config.timeZone));
    if (config.dryRun) {
      learn({ expiredCount: fit === undefined ? 0 : await sessions.countExpired() });
      return { outcome: 'counted', exitStatus: 0, complete: true };
    }
    if (fit === undefined) return endingOf(true, progress, 0);
    // Without an index this would be one more pass over the table.
    if (config.metricsFile !== undefined && expiresIndex !== undefined) {
      learn({ oldestExpired: instantOf(await sessions.oldestExpired(), fit, config.timeZone) });
    }
    await sessions.lock();
    const { maxLagMs, replicas } = config;
    const watch =
      maxLagMs === undefined ? undefined : await openLagWatch(replicas, maxLagMs, sessions.query, deadline, driverLog);
    if (watch?.watchesNothing) warn('--max-lag watches nothing here, which is no Galera node: give --replica');
    const startedAt = performance.now();
    try {
      const options = { ...config, reasonToWait: watch?.reasonToWait, onStep };
      const complete = await cleanUp(sessions, deadline, options, report);
      return endingOf(complete, progress, performance.now() - startedAt);
    } finally {
      await watch?.close();
    }
  } finally {
    await sessions.close();
  }
}
