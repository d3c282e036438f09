// The command `schedule`: prints, installs or removes the crontab entry. What the entry says is schedule.ts.
import { hostname } from 'node:os';
import { isAbsolute } from 'node:path';
import { Readable } from 'node:stream';
import { openCrontab, removeBlock, upsertBlock } from '../crontab/crontab.js';
import { JOB_ID, renderBlock, scheduledArguments } from '../crontab/entry.js';
import { cronExpression, every, type Schedule, scheduleEvery } from '../crontab/times.js';
import { CleanupError } from '../errors.js';
import { resolveConfig, usageError } from '../settings/config.js';
import { flagName, SETTINGS, type SettingName } from '../settings/settings.js';
import type { Place } from '../world.js';

const DEFAULT_INTERVAL_SECONDS = 21_600;

export type RunFlags = Readonly<Partial<Record<SettingName, string | boolean>>>;

export interface ScheduleFlags {
  readonly every?: string | undefined;
  readonly cron?: string | undefined;
  readonly install?: boolean | undefined;
  readonly remove?: boolean | undefined;
}

export type Scheduled =
  | { readonly kind: 'printed'; readonly block: string }
  | { readonly kind: 'installed'; readonly schedule: Schedule }
  | { readonly kind: 'removed' }
  /** There was nothing to remove. */
  | { readonly kind: 'unchanged' };

/** The facts of the line about it. */
export function scheduledFacts(scheduled: Scheduled): Readonly<Record<string, string | number | null>> {
  const schedule = scheduled.kind === 'installed' ? scheduled.schedule : undefined;
  return {
    job_id: JOB_ID,
    interval_seconds: schedule?.intervalSeconds ?? null,
    schedule: schedule?.expression ?? null,
  };
}

/** @throws CleanupError `usage`, and what the crontab throws */
export async function schedule(runFlags: RunFlags, flags: ScheduleFlags, place: Place): Promise<Scheduled> {
  const problems: string[] = [];
  if (flags.install && flags.remove) problems.push('--install and --remove are both given: keep one of them');
  if (flags.every !== undefined && flags.cron !== undefined) {
    problems.push('--every and --cron are both given: keep one of them');
  }
  if (flags.remove) {
    if (problems.length > 0) throw usageError(problems, 'schedule');
    const crontab = openCrontab();
    const before = await crontab.read();
    const after = removeBlock(before);
    if (after.equals(before)) return { kind: 'unchanged' };
    await crontab.write(after);
    return { kind: 'removed' };
  }
  const times = readSchedule(flags);
  if ('problem' in times) problems.push(times.problem);
  const args = await readArguments(runFlags, place.cwd, problems);
  if (problems.length > 0 || 'problem' in times || args === undefined) throw usageError(problems, 'schedule');
  const block = renderBlock({ schedule: times.value, node: place.node, command: place.command, args });
  if ('problem' in block) throw usageError([block.problem], 'schedule');
  if (!flags.install) return { kind: 'printed', block: block.value };
  const crontab = openCrontab();
  await crontab.write(upsertBlock(await crontab.read(), block.value));
  return { kind: 'installed', schedule: times.value };
}

function readSchedule(flags: ScheduleFlags): { readonly value: Schedule } | { readonly problem: string } {
  if (flags.cron !== undefined) {
    const parsed = cronExpression(flags.cron);
    return 'value' in parsed ? parsed : { problem: `--cron ${parsed.problem}` };
  }
  const parsed = flags.every === undefined ? { value: DEFAULT_INTERVAL_SECONDS } : every(flags.every);
  return 'value' in parsed
    ? { value: scheduleEvery(parsed.value, hostname(), JOB_ID) }
    : { problem: `--every ${parsed.problem}` };
}

/** The arguments of `run`, checked as `run` would check them, but without the environment: cron has none of it. */
async function readArguments(
  runFlags: RunFlags,
  cwd: string,
  problems: string[],
): Promise<readonly string[] | undefined> {
  if (runFlags.dbUrl === undefined && runFlags.dbUrlFile === undefined) {
    problems.push('--db-url-file is missing: cron knows no variable of this shell');
    return undefined;
  }
  // The ID is that of this command: each run to come has its own.
  const { correlationId: _, ...scheduled } = runFlags;
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
  });
  if (config instanceof CleanupError) {
    problems.push(config.message);
    return undefined;
  }
  const { target } = config;
  const fromFile = target.dialect === 'sqlite' ? target.path : target.tls.caPath;
  if (runFlags.dbUrlFile !== undefined && fromFile !== undefined && !isAbsolute(fromFile)) {
    problems.push('--db-url-file holds a relative path: cron starts in another folder');
  }
  if (config.replicas.some(({ tls }) => tls.caPath !== undefined && !isAbsolute(tls.caPath))) {
    problems.push('--replica must have an absolute ssl-ca: cron starts in another folder');
  }
  if (config.replicas.some(({ password }) => password !== '')) {
    problems.push('--replica has a password, which does not belong into a crontab');
  }
  return args.value;
}
