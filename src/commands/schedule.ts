// The command `schedule`: prints, installs or removes the crontab entry. What the entry says is crontab/entry.ts.
import { hostname } from 'node:os';
import { Readable } from 'node:stream';
import { openCrontab, removeBlock, upsertBlock } from '../crontab/crontab.js';
import { DEFAULT_NAME, entryName, HAS_PASSWORD, renderBlock, scheduledArguments } from '../crontab/entry.js';
import { cronExpression, every, type Schedule, scheduleEvery } from '../crontab/times.js';
import { engineOf } from '../engines/index.js';
import { CleanupError } from '../errors.js';
import type { ScheduleReport } from '../report/facts.js';
import { resolveConfig, usageError } from '../settings/config.js';
import { flagName, SETTINGS, type SettingName } from '../settings/settings.js';
import type { Parsed } from '../settings/values.js';
import type { Place } from '../world.js';

const DEFAULT_INTERVAL_SECONDS = 21_600;

export type RunFlags = Readonly<Partial<Record<SettingName, string | boolean>>>;

export interface ScheduleFlags {
  readonly name?: string | undefined;
  readonly every?: string | undefined;
  readonly cron?: string | undefined;
  readonly install?: boolean | undefined;
  readonly remove?: boolean | undefined;
}

export type Scheduled =
  | { readonly kind: 'printed'; readonly block: string }
  | { readonly kind: 'installed'; readonly name: string; readonly schedule: Schedule }
  | { readonly kind: 'removed'; readonly name: string }
  /** There was nothing to remove. */
  | { readonly kind: 'unchanged'; readonly name: string };

/** The facts of the line about it. */
export function scheduledFacts(
  scheduled: Exclude<Scheduled, { readonly kind: 'printed' }>,
): Pick<ScheduleReport, 'outcome' | 'jobId' | 'intervalSeconds' | 'expression'> {
  const schedule = scheduled.kind === 'installed' ? scheduled.schedule : undefined;
  return {
    outcome: scheduled.kind,
    jobId: scheduled.name,
    intervalSeconds: schedule?.intervalSeconds ?? null,
    expression: schedule?.expression ?? null,
  };
}

/**
 * @param stop ends what waits for a file
 * @throws CleanupError `usage`, and what the crontab throws
 */
export async function schedule(
  runFlags: RunFlags,
  flags: ScheduleFlags,
  place: Place,
  stop: AbortSignal,
): Promise<Scheduled> {
  const problems: string[] = [];
  const name = valid('--name', entryName(flags.name ?? DEFAULT_NAME), problems);
  if (flags.install && flags.remove) problems.push('--install and --remove are both given: keep one of them');
  if (flags.every !== undefined && flags.cron !== undefined) {
    problems.push('--every and --cron are both given: keep one of them');
  }
  if (flags.remove) {
    if (problems.length > 0 || name === undefined) throw usageError(problems, 'schedule');
    return remove(name);
  }
  const times = readSchedule(flags, name ?? DEFAULT_NAME, problems);
  const args = await readArguments(runFlags, place.cwd, stop, problems);
  if (problems.length > 0 || name === undefined || times === undefined || args === undefined) {
    throw usageError(problems, 'schedule');
  }
  const block = renderBlock({ name, schedule: times, node: place.node, command: place.command, args });
  if ('problem' in block) throw usageError([block.problem], 'schedule');
  if (!flags.install) return { kind: 'printed', block: block.value };
  const crontab = openCrontab();
  await crontab.write(upsertBlock(await crontab.read(), name, block.value));
  return { kind: 'installed', name, schedule: times };
}

async function remove(name: string): Promise<Scheduled> {
  const crontab = openCrontab();
  const before = await crontab.read();
  const after = removeBlock(before, name);
  if (after.equals(before)) return { kind: 'unchanged', name };
  await crontab.write(after);
  return { kind: 'removed', name };
}

function valid<T>(flag: string, parsed: Parsed<T>, problems: string[]): T | undefined {
  if ('value' in parsed) return parsed.value;
  problems.push(`${flag} ${parsed.problem}`);
  return undefined;
}

function readSchedule(flags: ScheduleFlags, name: string, problems: string[]): Schedule | undefined {
  if (flags.cron !== undefined) return valid('--cron', cronExpression(flags.cron), problems);
  const interval =
    flags.every === undefined ? DEFAULT_INTERVAL_SECONDS : valid('--every', every(flags.every), problems);
  return interval === undefined ? undefined : scheduleEvery(interval, hostname(), name);
}

/** The arguments of `run`, checked as `run` would check them, but without the environment: cron has none of it. */
async function readArguments(
  runFlags: RunFlags,
  cwd: string,
  stop: AbortSignal,
  problems: string[],
): Promise<readonly string[] | undefined> {
  if (runFlags.dbUrl === undefined && runFlags.dbUrlFile === undefined) {
    problems.push('--db-url-file is missing: cron knows no variable of this shell');
    return undefined;
  }
  // The ID is that of this command: each run to come has its own. What goes wrong is mailed, and read by people.
  const { correlationId: _, ...given } = runFlags;
  const scheduled: RunFlags = { ...given, logFormat: runFlags.logFormat ?? 'text' };
  const named = Object.fromEntries(
    Object.entries(scheduled).map(([name, value]) => [flagName(SETTINGS[name as SettingName].flags), value]),
  );
  const args = scheduledArguments(named as Record<`--${string}`, string | boolean>, cwd);
  if ('problem' in args) {
    problems.push(args.problem);
    return undefined;
  }
  const { config } = await resolveConfig({
    command: 'schedule',
    flags: runFlags,
    env: {},
    stdin: () => Readable.from([]),
    // Its --timeout is that of the runs to come.
    stopAfter: () => stop,
  });
  if (config instanceof CleanupError) {
    if (config.kind !== 'usage') throw config;
    problems.push(config.message);
    return undefined;
  }
  const { target, replicas } = config;
  if (runFlags.dbUrlFile !== undefined && engineOf(target).relativePaths(target).length > 0) {
    problems.push('--db-url-file holds a relative path: cron starts in another folder');
  }
  for (const replica of replicas) {
    const scheduled =
      replica.secrets.length > 0 ? { problem: HAS_PASSWORD } : engineOf(replica).crontabUrl('', replica, cwd);
    if ('problem' in scheduled) problems.push(`--replica ${scheduled.problem}`);
  }
  return args.value;
}
