// commander, and nothing else: what was typed in; a command with its raw flags, a text to print, or a problem out.
import { Command, CommanderError } from 'commander';
import type { ScheduleFlags } from '../commands/schedule.js';
import { listStores } from '../commands/stores.js';
import { SETTINGS, type SettingName } from '../settings/settings.js';
import type { CommandDescription, FlagDescription } from './command-line.js';
import { completionScript, SHELLS } from './completion.js';
import { COMMAND_LINE, type CommandName } from './description.js';
import { renderHelp } from './help.js';
import { argumentProblem, describeProblem, missingValue, unknownCommand } from './suggestions.js';

type Flags = Readonly<Partial<Record<SettingName, string | boolean>>>;

export type Invocation =
  /** A text to print, and that is all: to stdout, or where no command was given to stderr. */
  | { readonly kind: 'help'; readonly text: string; readonly exitStatus: 0 | 2 }
  | {
      readonly kind: 'usage';
      readonly problem: string;
      /** Undefined where none was given, or none that there is. */
      readonly command: CommandName | undefined;
      /** Those that say how the problem is to be told. */
      readonly flags: Flags;
    }
  | { readonly kind: 'run' | 'check'; readonly flags: Flags }
  | { readonly kind: 'schedule'; readonly flags: Flags; readonly schedule: ScheduleFlags };

/** Of a terminal that does not tell its width, and of what is no terminal. */
const DEFAULT_COLUMNS = 80;

interface Program {
  readonly version: string;
  /** Width of the terminal that the help is for; undefined where there is none. */
  readonly columns: number | undefined;
}

/** Reads the arguments after the name of the program. */
export function parseArguments(argv: readonly string[], { version, columns }: Program): Invocation {
  const width = columns || DEFAULT_COLUMNS;
  if (argv.length === 0) return { kind: 'help', text: renderHelp(COMMAND_LINE, undefined, width), exitStatus: 2 };
  let printed = '';
  let invocation: Invocation | undefined;
  const program = createProgram(version, width, {
    print(text) {
      printed += text;
    },
    invoke(name, args, flags) {
      invocation = invocationOf(name, args, flags, { version, columns });
    },
  });
  const chosen = COMMAND_LINE.commands.find(({ name }) => name === argv[0]);
  const withoutValue = chosen && missingValue(argv.slice(1), chosen);
  const used = program.commands.find((command) => command.name() === chosen?.name);
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help is told with a status of its own: that of the process, which is a failure until the end.
    if (printed !== '') return { kind: 'help', text: printed, exitStatus: 0 };
    const words = [argv[0] ?? '', ...(used?.args ?? [])];
    const flags = used === undefined ? flagsOfRun(program, argv) : used.opts();
    return usage(withoutValue ?? describeProblem(error, chosen, words), chosen?.name, flags);
  }
  if (withoutValue !== undefined) return usage(withoutValue, chosen?.name, used?.opts());
  return invocation ?? usage(unknownCommand(''), undefined);
}

/** Of a command that there is none of: as `run` has them, up to one that has no value. */
function flagsOfRun({ commands }: Command, argv: readonly string[]): Flags {
  const run = commands.find((command) => command.name() === 'run');
  try {
    run?.parseOptions([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  return run?.opts() ?? {};
}

interface Told {
  print(text: string): void;
  invoke(name: CommandName, args: readonly string[], flags: Flags & ScheduleFlags): void;
}

function createProgram(version: string, width: number, { print, invoke }: Told): Command {
  const prepare = (command: Command, described: CommandDescription | undefined): Command =>
    command
      .helpOption('-h, --help')
      .exitOverride()
      .configureOutput({ writeOut: print, writeErr: () => {} })
      .configureHelp({ formatHelp: () => renderHelp(COMMAND_LINE, described, width) });
  const program = prepare(new Command(COMMAND_LINE.name), undefined).version(version, '-V, --version');
  for (const described of COMMAND_LINE.commands) {
    const { name, argument, flags } = described;
    const command = prepare(program.command(name), described).allowExcessArguments(false);
    if (argument !== undefined) command.argument(`<${argument.name}>`);
    for (const flag of flags) if (!flag.flags.startsWith('-h')) addOption(command, flag);
    command.action(() => invoke(name, command.args, command.opts()));
  }
  return program;
}

function addOption(command: Command, flag: FlagDescription): void {
  // Given more than once, all of them count.
  if (flag === SETTINGS.replica) command.option(flag.flags, '', (url, more?: string) => `${more ?? ''} ${url}`);
  else command.option(flag.flags);
}

function invocationOf(
  name: CommandName,
  [argument]: readonly string[],
  { name: entry, every, cron, install, check, remove, ...flags }: Flags & ScheduleFlags,
  { version, columns }: Program,
): Invocation {
  switch (name) {
    case 'run':
    case 'check':
      return { kind: name, flags };
    case 'schedule':
      return { kind: name, flags, schedule: { name: entry, every, cron, install, check, remove } };
    case 'stores':
      return printing(listStores({ json: flags.json === true, columns }));
    case 'version':
      return printing(version);
    case 'completion': {
      const shell = SHELLS.find((known) => known === argument);
      if (shell !== undefined) return printing(completionScript(shell, COMMAND_LINE));
      return usage(argumentProblem(COMMAND_LINE.commands.find((command) => command.name === name)), name);
    }
  }
}

function printing(text: string): Invocation {
  return { kind: 'help', text: `${text.trimEnd()}\n`, exitStatus: 0 };
}

/** With the flags that could be read all the same. */
function usage(
  problem: string,
  command: CommandName | undefined,
  { logFormat, json, correlationId }: Flags = {},
): Invocation {
  const flags = Object.entries({ logFormat, json, correlationId }).filter(([, value]) => value !== undefined);
  return { kind: 'usage', problem, command, flags: Object.fromEntries(flags) };
}
