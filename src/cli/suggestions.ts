// What is wrong with the arguments, in words, and what was most likely meant. Nothing that was typed is repeated but the
// name of a flag: it may hold a secret.
import type { CommanderError } from 'commander';
import { nearestName } from '../nearest.js';
import { nearestSetting } from '../settings/near-miss.js';
import { flagName, SETTINGS } from '../settings/settings.js';
import { alternatives } from '../settings/values.js';
import { storeNames } from '../stores.js';
import { type CommandDescription, parseFlags, spellings } from './command-line.js';
import { COMMAND_LINE } from './description.js';

const COMMANDS = COMMAND_LINE.commands;
const COMMAND_NAMES = COMMANDS.map(({ name }) => name);
const COMMAND_PROBLEM = `the command must be ${alternatives(COMMAND_NAMES)}`;

/**
 * @param command undefined where none was given, or none that there is
 * @param words what was given besides flags, the name of the command included
 */
export function describeProblem(
  { code, message }: CommanderError,
  command: CommandDescription | undefined,
  words: readonly string[],
): string {
  switch (code) {
    case 'commander.unknownOption': {
      // Only the name, and only if it looks like one: `--db-urll=mysql://…` and `-psecret` would show a password.
      const name = /'(--[a-z][a-z-]*(?=['=])|-[a-z])/i.exec(message)?.[1];
      return unknownOption(name, command);
    }
    case 'commander.unknownCommand':
      return unknownCommand(words[0] ?? '');
    case 'commander.help':
      return COMMAND_PROBLEM;
    case 'commander.excessArguments':
      return unexpectedArgument(words[1] ?? '', command);
    case 'commander.missingArgument':
      return argumentProblem(command);
    case 'commander.optionMissingArgument':
      return `${flagName(message)} needs a value`;
    default:
      return 'the arguments cannot be understood';
  }
}

/**
 * commander takes whatever follows for the value: with `--metrics-file --dry-run` the run would delete.
 *
 * @param args after the name of the command
 */
export function missingValue(args: readonly string[], { flags }: CommandDescription): string | undefined {
  const taking = spellings(flags.filter((flag) => parseFlags(flag.flags).value !== undefined));
  for (let at = 0; at < args.length && args[at] !== '--'; at += 1) {
    const flag = args[at] ?? '';
    if (!taking.includes(flag)) continue;
    if (/^--?[a-z]/i.test(args[at + 1] ?? '')) {
      return `${flag} needs a value; one that begins with a dash is written ${flag}=…`;
    }
    at += 1;
  }
  return undefined;
}

export function unknownCommand(word: string): string {
  if (looksLikeDatabase(word)) return 'unexpected argument; did you mean run --db-url …?';
  const nearest = nearestName(word, COMMAND_NAMES);
  return nearest === undefined ? COMMAND_PROBLEM : `unknown command; did you mean ${nearest}?`;
}

/** Of a command that wants one of a few words. */
export function argumentProblem(command: CommandDescription | undefined): string {
  return `${command?.name} must be followed by ${command?.argument?.help}`;
}

/** @param name undefined where it cannot be shown */
function unknownOption(name: string | undefined, command: CommandDescription | undefined): string {
  const others = COMMANDS.filter(({ flags }) => name !== undefined && spellings(flags).includes(name)).map(
    (other) => other.name,
  );
  if (command === undefined) {
    const [first] = others;
    return first === undefined ? COMMAND_PROBLEM : `the command is missing; did you mean ${first} ${name}?`;
  }
  if (name === undefined) return `unknown option of ${command.name}`;
  if (spellings(command.flags).includes(name)) return `${name} takes no value`;
  const problem = `${name} is not an option of ${command.name}`;
  if (others.length > 0) return `${problem}, but of ${alternatives(others)}`;
  const nearest = nearestFlag(name, command);
  return nearest === undefined ? problem : `${problem}; did you mean ${nearest}?`;
}

function unexpectedArgument(word: string, command: CommandDescription | undefined): string {
  const problem = 'unexpected argument';
  const flag = command && nearestFlag(word, command);
  if (flag !== undefined) return `${problem}; did you mean ${flag}?`;
  if (command === undefined || !spellings(command.flags).includes('--db-url')) return problem;
  if (looksLikeDatabase(word)) return `${problem}; did you mean --db-url …?`;
  const store = storeNames.find((name) => name === word);
  return store === undefined ? problem : `${problem}; did you mean --store ${store}?`;
}

function nearestFlag(name: string, { flags }: CommandDescription): string | undefined {
  const known = spellings(flags).filter((spelling) => spelling.startsWith('--'));
  const setting = nearestSetting(name.replace(/^-+/, ''));
  const meant = setting === undefined ? undefined : flagName(SETTINGS[setting].flags);
  return nearestName(name, known) ?? known.find((flag) => flag === meant);
}

/** A URL, or the path of a SQLite file. */
function looksLikeDatabase(word: string): boolean {
  return /^[a-z\d]+:./i.test(word) || /\.(?:db|db3|sqlite|sqlite3)$/i.test(word);
}
