// The command `schedule`: prints, installs or removes the crontab entry. What the entry says is crontab/entry.ts.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import type { Deadline } from '../cleanup/deadline.js';
import { findBlock, removeBlock, upsertBlock, variableAt } from '../crontab/block.js';
import { openCrontab } from '../crontab/crontab.js';
import { DEFAULT_NAME, type Entry, entryName, renderBlock, shellCommand } from '../crontab/entry.js';
import { nextTime } from '../crontab/next-time.js';
import { describeEntry, describePlace, placeOf, type RunFlags, readRun } from '../crontab/scheduled-run.js';
import { cronExpression, every, type Schedule, scheduleEvery } from '../crontab/times.js';
import { CleanupError } from '../errors.js';
import type { Parsed } from '../parsing.js';
import type { CrontabChange } from '../report/facts.js';
import { createRedactor } from '../report/redact.js';
import { type Config, usageError } from '../settings/config.js';
import type { Place } from '../world.js';

const DEFAULT_INTERVAL_SECONDS = 21_600;

export interface ScheduleFlags {
  readonly name?: string | undefined;
  readonly every?: string | undefined;
  readonly cron?: string | undefined;
  readonly install?: boolean | undefined;
  /** False: nothing is checked before it is installed. */
  readonly check?: boolean | undefined;
  readonly remove?: boolean | undefined;
}

export type Scheduled =
  | { readonly kind: 'printed'; readonly block: string }
  | { readonly kind: 'changed'; readonly change: CrontabChange };

/** What `schedule` has from the world. */
export interface ScheduleContext {
  readonly place: Place;
  /** What stops it. */
  readonly deadline: Deadline;
  now(): Date;
}

/** @throws CleanupError `usage`, what `check` throws where it installs, and what the crontab throws */
export async function schedule(runFlags: RunFlags, flags: ScheduleFlags, context: ScheduleContext): Promise<Scheduled> {
  const problems: string[] = [];
  const name = valid('--name', entryName(flags.name ?? DEFAULT_NAME), problems);
  if (flags.install && flags.remove) problems.push('--install and --remove are both given: keep one of them');
  if (flags.every !== undefined && flags.cron !== undefined) {
    problems.push('--every and --cron are both given: keep one of them');
  }
  if (flags.remove) {
    if (problems.length > 0 || name === undefined) throw usageError(problems, 'schedule');
    return { kind: 'changed', change: await remove(name, context) };
  }
  const times = readSchedule(flags, name ?? DEFAULT_NAME, problems);
  const run = await readRun(runFlags, () => context.place.cwd, context.deadline.stop, problems);
  if (problems.length > 0 || name === undefined || times === undefined || run === undefined) {
    throw usageError(problems, 'schedule');
  }
  const { node, command } = context.place;
  const entry = { name, schedule: times, node, command, args: run.args };
  const block = renderBlock(entry);
  if ('problem' in block) throw usageError([block.problem], 'schedule');
  if (!flags.install) return { kind: 'printed', block: block.value };
  if (flags.check !== false) await checkFirst(run.config, context);
  return { kind: 'changed', change: await install(entry, block.value, run.config, context) };
}

async function remove(name: string, { deadline }: ScheduleContext): Promise<CrontabChange> {
  const crontab = openCrontab(deadline);
  const before = await crontab.read();
  const after = removeBlock(before, name);
  const isThere = !after.equals(before);
  if (isThere) await crontab.write(before, after);
  const outcome = isThere ? 'removed' : 'unchanged';
  return { outcome, jobId: name, user: userName(), installed: undefined, warning: undefined };
}

async function install(entry: Entry, block: string, config: Config, context: ScheduleContext): Promise<CrontabChange> {
  const { name, schedule: times } = entry;
  const crontab = openCrontab(context.deadline);
  const before = await crontab.read();
  const after = upsertBlock(before, name, block);
  const oldPlace = await describeEntry(findBlock(before, name), context.deadline.stop);
  await crontab.write(before, after);
  const [place, user] = [placeOf(config), userName()];
  const mail = await mailOf(variableAt(after, name, 'MAILTO') ?? user);
  const warnings = [config.warning, mail.warning];
  const isElsewhere = variableAt(after, name, 'CRON_TZ') !== undefined;
  return {
    outcome: 'installed',
    jobId: name,
    user,
    installed: {
      ...times,
      nextAt: isElsewhere ? undefined : nextTime(times, context.now()),
      command: shellCommand(entry),
      ...place,
      mailTo: mail.to,
      replaced: oldPlace === describePlace(place) ? undefined : oldPlace,
    },
    warning: warnings.filter((warning) => warning !== undefined).join('; ') || undefined,
  };
}

/** Whether the run would do its job, before it is left to cron. */
async function checkFirst(config: Config, { deadline, now }: ScheduleContext): Promise<void> {
  const { check } = await import('./check.js');
  const ignore = (): void => {};
  const silent = { note: ignore, warn: ignore, driverLog: ignore, watcher: undefined, onBatch: ignore };
  try {
    await check({ config, deadline, now, ...silent });
  } catch (error) {
    if (!(error instanceof CleanupError)) throw error;
    const { kind, message, code, hint, signal } = error;
    const redact = createRedactor([config.target, ...config.replicas].flatMap(({ secrets }) => secrets));
    const said = error.said === undefined ? undefined : redact(error.said);
    const more = kind === 'interrupted' ? hint : [hint, NOT_CHECKED].filter(Boolean).join(' ');
    throw new CleanupError(kind, `nothing was installed: ${message}`, { said, code, hint: more, signal, cause: error });
  }
}

const NOT_CHECKED = 'To install it without this check, give --no-check.';

/** Where cron looks for it. */
const MAILER = '/usr/sbin/sendmail';

/** Whom cron mails what goes wrong; empty for nobody. */
async function mailOf(to: string): Promise<{ readonly to: string; readonly warning: string | undefined }> {
  if (to === '') return { to, warning: 'MAILTO is empty in the crontab, so cron mails failures to nobody' };
  const hasMailer = await access(MAILER, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (hasMailer) return { to, warning: undefined };
  return {
    to: '',
    warning: `this host has no ${MAILER}, so cron mails failures to nobody: install a mailer, or monitor the runs with --metrics-file`,
  };
}

/** The owner of the crontab. Without a name, the crontab command has none for us either, and says so. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'this user';
  }
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
