// The command `run`: counts the expired sessions, or deletes them.
import { cleanUp, type Progress } from '../cleanup/cleanup.js';
import { type ExpiredRows, type OpenTable, openReplica } from '../database/table.js';
import type { LagWatch } from '../engines/engine.js';
import { engineOf } from '../engines/index.js';
import type { Query } from '../engines/sql.js';
import { CleanupError } from '../errors.js';
import { type ColumnFormat, instantOf } from '../expiry/format.js';
import { type Ending, endingOf } from '../report/facts.js';
import { type CommandContext, type Inspected, type Watcher, withInspectedTable } from './context.js';
import { isLive, LIVE_FIX, noneLive, problemsRefusal } from './findings.js';
import { beyondLimit } from './row-limit.js';

/** @throws CleanupError */
export async function run(context: CommandContext): Promise<Ending> {
  const { config, note } = context;
  note({ progress: NOTHING });
  return withInspectedTable(context, async (inspected) => {
    const { table, selected } = inspected;
    if (config.dryRun) return count(context, inspected);
    if (table.facts.unfit !== undefined) throw problemsRefusal(table.facts.unfit.code, [table.facts.unfit.finding]);
    return selected === undefined ? endingOf(true, NOTHING, 0) : deleteExpired(context, inspected, selected);
  });
}

const NOTHING: Progress = { deletedCount: 0, lockedCount: 0, batches: 0, attempts: 1 };

/** All figures are of one statement: of one moment. */
async function count(context: CommandContext, { table, selected, cutoff }: Inspected): Promise<Ending> {
  const { expiredCount, rows, oldestExpired, latest } = await table.contents(selected?.expired);
  context.note({ expiredCount, rowCount: rows });
  const problem = table.facts.unfit?.finding.text ?? beyondLimit(context.config.maxDelete, expiredCount, rows);
  if (problem !== undefined) context.warn(`a run would be refused: ${problem}`);
  if (selected !== undefined && expiredCount > 0) {
    context.note({ oldestExpired: instantOf(oldestExpired, selected.format, context.config.timeZone) });
    warnOfNoneLive(context, latest, selected.format, cutoff);
  }
  return { outcome: 'counted', exitStatus: 0, complete: true };
}

function warnOfNoneLive({ config, warn }: CommandContext, latest: unknown, format: ColumnFormat, cutoff: Date): void {
  const text = noneLive(latest, format, cutoff, config);
  if (text !== undefined) warn(`${text}; ${LIVE_FIX}`);
}

async function deleteExpired(
  context: CommandContext,
  { table, cutoff }: Inspected,
  { format, expired }: NonNullable<Inspected['selected']>,
): Promise<Ending> {
  const { config, deadline, note, watcher } = context;
  const sessions = await expired.openSessions();
  // Without an index this would be one more pass over the table.
  if (config.metricsFile !== undefined && table.facts.expiresIndexes.length > 0) {
    note({ oldestExpired: instantOf(await expired.oldest(), format, config.timeZone) });
  }
  await table.lock();
  await refuseTooMany(config.maxDelete, table, expired);
  const watch = await watchLag(context, table.query);
  if (watcher !== undefined) watcher.begin(await expect(context, table, expired));
  const startedAt = performance.now();
  const progress = { last: NOTHING };
  try {
    const options = {
      ...config,
      reasonToWait: watch?.reasonToWait,
      onStep: watcher?.deleted,
      onWait: watcher?.waiting,
    };
    const complete = await cleanUp(sessions, deadline, options, (more) => report(context, progress, more));
    if (complete && progress.last.deletedCount > 0) await lookForLive(context, table, expired, format, cutoff);
    return endingOf(complete, progress.last, performance.now() - startedAt);
  } catch (error) {
    throw await table.explain(error);
  } finally {
    await watch?.close();
  }
}

/** Index entries that are read in a fraction of a second. */
const MOST_COUNTED = 1_000_000;

/** For the progress alone: without an index it would be one more pass over the table. */
async function expect(
  { config: { where, lifetimeColumn } }: CommandContext,
  { facts }: OpenTable,
  expired: ExpiredRows,
): Promise<Parameters<Watcher['begin']>[0]> {
  if (facts.expiresIndexes.length === 0 || where !== undefined || lifetimeColumn !== undefined) return undefined;
  const count = await expired.countUpTo(MOST_COUNTED);
  return { count, isLeast: count === MOST_COUNTED };
}

/** Everything is committed: whatever comes of this changes no outcome. */
async function lookForLive(
  context: CommandContext,
  table: OpenTable,
  expired: ExpiredRows,
  format: ColumnFormat,
  cutoff: Date,
): Promise<void> {
  const { config } = context;
  try {
    // Without an index the latest would be one more pass over the table, and any live session will do.
    const hasIndex = table.facts.expiresIndexes.length > 0;
    if (!hasIndex && isLive(await expired.otherValue(), format, cutoff, config)) return;
    warnOfNoneLive(context, await table.latest(), format, cutoff);
  } catch (error) {
    context.driverLog(`no live session was looked for: ${String(error)}`);
  }
}

/** @throws CleanupError `refused` */
async function refuseTooMany(
  limit: CommandContext['config']['maxDelete'],
  table: OpenTable,
  expired: ExpiredRows,
): Promise<void> {
  if (limit === undefined) return;
  const problem = beyondLimit(limit, await expired.count(), 'percent' in limit ? await table.count() : 0);
  if (problem === undefined) return;
  throw new CleanupError('refused', problem, {
    code: 'MAX_DELETE',
    hint: 'Check the settings with --dry-run; where the count is right, raise --max-delete once.',
  });
}

function report({ note, onBatch }: CommandContext, progress: { last: Progress }, more: Progress): void {
  if (more.batches > progress.last.batches) onBatch(more.deletedCount);
  progress.last = more;
  note({ progress: more });
}

async function watchLag(
  { config, deadline, warn, driverLog }: CommandContext,
  primary: Query,
): Promise<LagWatch | undefined> {
  const { target, maxLagMs, replicas } = config;
  if (maxLagMs === undefined) return undefined;
  const watch = await engineOf(target).openLagWatch?.({
    replicas,
    maxLagMs,
    primary,
    openReplica: (replica) => openReplica(replica, deadline, driverLog),
  });
  if (watch?.watchesNothing !== undefined) warn(`--max-lag has nothing to watch: ${watch.watchesNothing}`);
  return watch;
}
