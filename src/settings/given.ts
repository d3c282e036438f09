// What is given: each setting's raw text from its flag or else its variable, with where it came from; parsed, or a problem.
import type { Readable } from 'node:stream';
import { flagName, SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './settings.js';

export interface Inputs {
  /** Whose help a usage error recommends. */
  readonly command: string | undefined;
  /** What commander read: texts, or true for a flag without a value. */
  readonly flags: Readonly<Partial<Record<SettingName, string | boolean>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asked for where it is read: opening it takes Node milliseconds. */
  stdin(): Readable & { readonly isTTY?: boolean };
  /** Says something to whoever sits at a terminal, while it is waited for them. */
  prompt(text: string): void;
  /** The working directory. @throws where it is gone */
  cwd(): string;
  /** Ends the reading. */
  readonly stop: AbortSignal;
}

export interface Given {
  readonly raw: string;
  /** The flag or the variable it came from, for messages. */
  readonly source: string;
  /** 0 is the flag, 1 the tool's own variable, 2 a variable shared with others. Lower beats higher. */
  readonly rank: number;
}

/** What is looked at for a setting. */
type Sources = Pick<Inputs, 'flags' | 'env'>;

/** An empty variable is unset. */
export function findGiven({ flags, env }: Sources, name: SettingName): Given | undefined {
  const setting = SETTINGS[name];
  const flag = flags[name];
  if (flag !== undefined) return { raw: String(flag), source: flagName(setting.flags), rank: 0 };
  const at = setting.variables.findIndex((variable) => env[variable] !== undefined && env[variable] !== '');
  const source = setting.variables[at];
  return source === undefined ? undefined : { raw: env[source] ?? '', source, rank: at + 1 };
}

/** Every setting that is given but the two of the database, which `readUrl` weighs against each other. */
export function parseGiven(inputs: Sources, problems: string[]): Partial<Settings> {
  const entries = SETTING_NAMES.flatMap((name) => {
    const given = name === 'dbUrl' || name === 'dbUrlFile' ? undefined : findGiven(inputs, name);
    if (given === undefined) return [];
    const parsed = SETTINGS[name].parse(given.raw);
    if ('value' in parsed) return [[name, parsed.value]];
    problems.push(`${given.source} ${parsed.problem}`);
    return [];
  });
  return { ...Object.fromEntries(entries), ...parseLogFormat(inputs, problems) };
}

/** `--json` is short for `--log-format json`; of the two, a flag beats a variable. */
function parseLogFormat(inputs: Sources, problems: string[]): Pick<Partial<Settings>, 'logFormat'> {
  const [json, format] = [findGiven(inputs, 'json'), findGiven(inputs, 'logFormat')];
  const parsed = json && SETTINGS.json.parse(json.raw);
  if (json === undefined || parsed === undefined || 'problem' in parsed || !parsed.value) return {};
  if (format !== undefined && format.rank < json.rank) return {};
  if (format !== undefined && format.rank === json.rank && format.raw !== 'json') {
    problems.push(`${json.source} and ${format.source} are both given: keep one of them`);
  }
  return { logFormat: 'json' };
}
