// The run that an entry stands for: the arguments that are written down, and the settings that cron will have of them.
import { isAbsolute, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { type DatabaseTarget, databaseUrl, engineOf } from '../engines/index.js';
import { CleanupError } from '../errors.js';
import type { Parsed } from '../parsing.js';
import { type Config, resolveConfig } from '../settings/config.js';
import { flagName, SETTING_NAMES, SETTINGS, type SettingName } from '../settings/settings.js';
import { argumentsOf } from './entry.js';

export type RunFlags = Readonly<Partial<Record<SettingName, string | boolean>>>;

/** Every user can read a crontab's commands while they run. */
const HAS_PASSWORD = 'has a password, which must not be stored in a crontab';

/**
 * The arguments of `run` for a crontab, out of the flags given to `schedule`: cron starts in the home folder, so paths
 * become absolute; every user can read the arguments of a running command, so no password is let in.
 * Unlike a parser's, a problem here names its flag.
 *
 * @param cwd asked for a relative path alone: the folder may be gone
 */
export function scheduledArguments(
  flags: Readonly<Record<`--${string}`, string | boolean>>,
  cwd: () => string,
): Parsed<readonly string[]> {
  const given: string[] = [];
  for (const [flag, raw] of Object.entries(flags)) {
    if (raw === false) continue;
    if (raw === true) {
      given.push(flag);
      continue;
    }
    const scheduled = scheduledValue(flag, raw, cwd);
    if ('problem' in scheduled) return { problem: `${flag} ${scheduled.problem}` };
    // Behind a flag, a word with a dash would be taken for a flag of its own.
    given.push(...(scheduled.value.startsWith('-') ? [`${flag}=${scheduled.value}`] : [flag, scheduled.value]));
  }
  return { value: given };
}

function scheduledValue(flag: string, raw: string, cwd: () => string): Parsed<string> {
  switch (flag) {
    case '--db-url': {
      const target = databaseUrl(raw);
      return 'problem' in target ? target : scheduledUrl(raw, target.value, cwd);
    }
    case '--db-url-file':
      if (raw === '-') return { problem: 'must name a file: under cron there is no standard input' };
      return { value: absolute(raw, cwd) };
    case '--metrics-file':
      return { value: absolute(raw, cwd) };
    default:
      return { value: raw };
  }
}

function absolute(path: string, cwd: () => string): string {
  return isAbsolute(path) ? resolve(path) : resolve(cwd(), path);
}

function scheduledUrl(raw: string, target: DatabaseTarget, cwd: () => string): Parsed<string> {
  if (target.secrets.length > 0) {
    return {
      problem: `${HAS_PASSWORD}: put the URL into a file that only this user may read, and give --db-url-file`,
    };
  }
  const engine = engineOf(target);
  return engine.crontabUrl(raw, target, engine.relativePaths(target).length > 0 ? cwd() : '/');
}

/** The run of an entry: its arguments, and what they come to without the environment, of which cron has nothing. */
export interface ScheduledRun {
  readonly args: readonly string[];
  readonly config: Config;
}

/**
 * @param stop ends what waits for a file
 * @throws CleanupError
 */
export async function readRun(
  runFlags: RunFlags,
  cwd: () => string,
  stop: AbortSignal,
  problems: string[],
): Promise<ScheduledRun | undefined> {
  if (runFlags.dbUrl === undefined && runFlags.dbUrlFile === undefined) {
    problems.push('--db-url-file is missing: cron does not see the variables of this shell');
    return undefined;
  }
  // The ID is that of this command: each run to come has its own. What goes wrong is mailed, and read by people.
  const { correlationId: _, ...given } = runFlags;
  const isFormatGiven = given.logFormat !== undefined || given.json !== undefined;
  const scheduled: RunFlags = isFormatGiven ? given : { ...given, logFormat: 'text' };
  const named = Object.fromEntries(
    Object.entries(scheduled).map(([name, value]) => [flagName(SETTINGS[name as SettingName].flags), value]),
  );
  const args = scheduledArguments(named as Record<`--${string}`, string | boolean>, cwd);
  if ('problem' in args) {
    problems.push(args.problem);
    return undefined;
  }
  // Of what the entry says, not of what was given: cron has the one and not the other.
  const config = await readConfig(flagsOf(args.value), stop);
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
    const url = replica.secrets.length > 0 ? { problem: HAS_PASSWORD } : engineOf(replica).crontabUrl('', replica, '/');
    if ('problem' in url) problems.push(`--replica ${url.problem}`);
  }
  return { args: args.value, config };
}

function readConfig(flags: RunFlags, stop: AbortSignal): Promise<Config | CleanupError> {
  return resolveConfig({
    command: 'schedule',
    flags,
    env: {},
    stdin: () => Readable.from([]),
    prompt: () => {},
    // Of what is scheduled, every path is absolute.
    cwd: () => '/',
    stop,
  });
}

function flagsOf(args: readonly string[]): RunFlags {
  const flags: Partial<Record<SettingName, string | boolean>> = {};
  for (let at = 0; at < args.length; at += 1) {
    const [, flag, attached] = /^(--[a-z-]+)(?:=(.*))?$/s.exec(args[at] ?? '') ?? [];
    const name = SETTING_NAMES.find((candidate) => flagName(SETTINGS[candidate].flags) === flag);
    if (name === undefined) continue;
    const takesNext = SETTINGS[name].flags.includes('<') && attached === undefined;
    flags[name] = takesNext ? (args[at + 1] ?? '') : (attached ?? true);
    if (takesNext) at += 1;
  }
  return flags;
}

export interface PlaceOfRun {
  readonly database: string;
  readonly table: string;
}

export function placeOf({ target, schema, table }: Config): PlaceOfRun {
  return { database: target.shown, table: schema === undefined ? table : `${schema}.${table}` };
}

export function describePlace({ database, table }: PlaceOfRun): string {
  return `${database}, table ${table}`;
}

/** What the entry of a block is for; undefined where there is none. */
export async function describeEntry(lines: string, stop: AbortSignal): Promise<string | undefined> {
  if (lines === '') return undefined;
  const args = argumentsOf(lines);
  if (args === undefined) return 'another command';
  const config = await readConfig(flagsOf(args), stop);
  if (!(config instanceof CleanupError)) return describePlace(placeOf(config));
  // Its URL cannot be read any more, and is left out: it may hold a password.
  const { dbUrlFile, store, table } = flagsOf(args);
  const known = Object.entries({ '--db-url-file': dbUrlFile, '--store': store, '--table': table })
    .flatMap(([flag, value]) => (value === undefined ? [] : [`${flag} ${value}`]))
    .join(' ');
  return known === '' ? 'another database' : known;
}
