// commander, and nothing else: commands, flags and help in; raw strings out.
import { Command, CommanderError } from 'commander';
import type { ScheduleFlags } from '../commands/schedule.js';
import { flagName, SETTINGS, type SettingName } from '../settings/settings.js';
import { alternatives } from '../settings/values.js';
import { type CommandDescription, parseFlags } from './command-line.js';
import { completionScript, SHELLS } from './completion.js';
import { COMMAND_LINE, COMMANDS, COMPLETION } from './description.js';

type Flags = Readonly<Partial<Record<SettingName, string | boolean>>>;

export type Invocation =
  /** A text to print, and that is all. */
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'usage';
      readonly problem: string;
      /** Undefined where none was given, or none that there is. */
      readonly command: string | undefined;
      /** Those that say how the problem is to be told. */
      readonly flags: Flags;
    }
  | { readonly kind: 'run' | 'check'; readonly flags: Flags }
  | { readonly kind: 'schedule'; readonly flags: Flags; readonly schedule: ScheduleFlags };

export const EXAMPLES: readonly string[] = [
  'session-cleanup run --db-url sqlite:/var/lib/app/app.db',
  'session-cleanup run --db-url-file /etc/session-cleanup/url --timeout 5m',
  'session-cleanup run --db-url-file /etc/session-cleanup/url --dry-run',
  'session-cleanup check --db-url-file /etc/session-cleanup/url',
  'session-cleanup schedule --db-url-file /etc/session-cleanup/url --every 6h --install',
];

export const EXIT_STATUSES: readonly (readonly [string, string])[] = [
  ['0', 'done; also when nothing was expired'],
  ['1', 'failed: only committed batches stay (the line says "unknown" where the COMMIT was not confirmed)'],
  ['2', 'usage or configuration; the database was not touched'],
  ['3', 'refused: no such table or column, or its values do not fit the format'],
  ['4', 'unavailable: cannot connect or log in'],
  ['75', 'busy: another run is at work, or the database stayed locked'],
  ['124', 'out of time: what is counted was deleted, run it again'],
  ['130, 143, 129', 'stopped by SIGINT, SIGTERM, SIGHUP: only committed batches stay'],
];

const EXAMPLES_TEXT = ['Examples:', ...EXAMPLES.map((example) => `  $ ${example}`), ''].join('\n');
const EXIT_STATUSES_TEXT = [
  '',
  'Exit status:',
  ...EXIT_STATUSES.map(([status, text]) => `${status.padStart(5)}  ${text}`),
].join('\n');

const COMMAND_PROBLEM = `the command must be ${alternatives(COMMAND_LINE.commands.map(({ name }) => name))}`;
const SHELL_PROBLEM = `completion must be followed by ${COMPLETION.argument.help}`;

/** Reads the arguments after the name of the program. What it says of them never repeats one that may hold a secret. */
export function parseArguments(argv: readonly string[], version: string): Invocation {
  let text = '';
  let invocation: Invocation | undefined;
  const chosen = COMMAND_LINE.commands.find(({ name }) => name === argv[0]);
  const output = {
    writeOut: (part: string) => {
      text += part;
    },
    writeErr: () => {},
  };
  const program = new Command('session-cleanup')
    .description('Deletes the expired rows of a sessions table, and nothing else.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput(output)
    .addHelpText('before', EXAMPLES_TEXT)
    .addHelpText('after', EXIT_STATUSES_TEXT);
  const variablesNote =
    `Each flag has an environment variable, such as ${SETTINGS.timeout.variables[0]} for ${flagName(SETTINGS.timeout.flags)}.\n` +
    'A flag beats the variable; an empty variable is unset.';
  for (const { name, help, flags, note = variablesNote } of COMMANDS) {
    const command = program
      .command(name)
      .description(help)
      .helpOption('-h, --help', 'print this help')
      .exitOverride()
      .configureOutput(output)
      .allowExcessArguments(false)
      .addHelpText('before', EXAMPLES_TEXT)
      .addHelpText('after', `\n${note}\n${EXIT_STATUSES_TEXT}`)
      .action(({ name: entry, every, cron, install, check, remove, ...given }: Flags & ScheduleFlags) => {
        invocation =
          name === 'schedule'
            ? { kind: name, flags: given, schedule: { name: entry, every, cron, install, check, remove } }
            : { kind: name, flags: given };
      });
    for (const flag of flags) {
      const described = flag.default === undefined ? flag.help : `${flag.help} (default: ${flag.default})`;
      if (flag === SETTINGS.replica)
        command.option(flag.flags, described, (url, more?: string) => `${more ?? ''} ${url}`);
      else command.option(flag.flags, described);
    }
  }
  program
    .command(COMPLETION.name)
    .description(COMPLETION.help)
    .argument(`<${COMPLETION.argument.name}>`, COMPLETION.argument.help)
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput(output)
    .action((given: string) => {
      const shell = SHELLS.find((name) => name === given);
      invocation =
        shell === undefined
          ? usage(SHELL_PROBLEM)
          : { kind: 'help', text: `${completionScript(shell, COMMAND_LINE).trimEnd()}\n` };
    });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help is told with a status of its own: that of the process, which is a failure until the end.
    if (text !== '') return { kind: 'help', text };
    return usage(describe(error, chosen));
  }
  return invocation ?? usage(COMMAND_PROBLEM);

  /** With the flags that could be read all the same. */
  function usage(problem: string): Invocation {
    const { logFormat, correlationId }: Flags =
      program.commands.find((known) => known.name() === chosen?.name)?.opts() ?? {};
    const flags = Object.entries({ logFormat, correlationId }).filter(([, value]) => value !== undefined);
    return { kind: 'usage', problem, command: chosen?.name, flags: Object.fromEntries(flags) };
  }
}

function describe({ code, message }: CommanderError, command: CommandDescription | undefined): string {
  switch (code) {
    case 'commander.unknownOption': {
      // Only the name, and only if it looks like one: `--db-urll=mysql://…` would show its password.
      const name = /'(--?[a-z][a-z-]*)['=]/i.exec(message)?.[1];
      if (name === undefined) return 'an unknown option was given';
      const isKnown = command?.flags.some(({ flags }) => parseFlags(flags).names.includes(name));
      if (isKnown) return `${name} takes no value`;
      return `${name} is not an option${command === undefined ? '' : ` of ${command.name}`}`;
    }
    case 'commander.unknownCommand':
    case 'commander.help':
      return COMMAND_PROBLEM;
    case 'commander.excessArguments':
      return 'an argument was given that belongs to no flag';
    case 'commander.missingArgument':
      return SHELL_PROBLEM;
    case 'commander.optionMissingArgument':
      return `${flagName(message)} needs a value`;
    default:
      return 'the arguments cannot be understood';
  }
}
