// commander, and nothing else: commands, flags and help in; raw strings out.
import { Command, CommanderError } from 'commander';
import type { ScheduleFlags } from './schedule-command.js';
import { flagName, SETTINGS, type Setting, type SettingName } from './settings.js';

type Flags = Readonly<Partial<Record<SettingName, string | boolean>>>;

export type Invocation =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'usage'; readonly problem: string }
  | { readonly kind: 'run' | 'check'; readonly flags: Flags }
  | { readonly kind: 'schedule'; readonly flags: Flags; readonly schedule: ScheduleFlags };

const EXAMPLES = `Examples:
  $ session-cleanup run --db-url sqlite:/var/lib/app/app.db
  $ session-cleanup run --db-url-file /etc/session-cleanup/url --timeout 5m
  $ session-cleanup run --db-url-file /etc/session-cleanup/url --dry-run
  $ session-cleanup check --db-url-file /etc/session-cleanup/url
`;

const EXIT_STATUSES = `
Exit status:
    0  done; also when nothing was expired
    1  failed, rolled back (or the COMMIT was not confirmed: the line says "unknown")
    2  usage or configuration; the database was not touched
    3  refused: no such table or column, or its values do not fit the format
    4  unavailable: cannot connect or log in
   75  busy: another run is at work, or the database stayed locked
  124  out of time: what is counted was deleted, run it again
  130, 143, 129  stopped by SIGINT, SIGTERM, SIGHUP; rolled back`;

/** Reads the arguments after the name of the program. What it says of them never repeats one that may hold a secret. */
export function parseArguments(argv: readonly string[], version: string): Invocation {
  let text = '';
  let invocation: Invocation | undefined;
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
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_STATUSES);
  const settingsHelp =
    `\nEach flag has an environment variable, such as ${SETTINGS.timeout.variables[0]} for ${flagName(SETTINGS.timeout.flags)}.\n` +
    `A flag beats the variable; an empty variable is unset.\n${EXIT_STATUSES}`;
  const add = (kind: 'run' | 'check' | 'schedule', description: string): Command => {
    const command = program
      .command(kind)
      .description(description)
      .helpOption('-h, --help', 'print this help')
      .exitOverride()
      .configureOutput(output)
      .allowExcessArguments(false)
      .addHelpText('before', EXAMPLES)
      .addHelpText('after', settingsHelp)
      .action(({ every, cron, install, remove, ...flags }: Flags & ScheduleFlags) => {
        invocation =
          kind === 'schedule' ? { kind, flags, schedule: { every, cron, install, remove } } : { kind, flags };
      });
    for (const setting of Object.values<Setting<unknown>>(SETTINGS)) {
      if (kind === 'check' && setting.runOnly) continue;
      const { flags, help } = setting;
      const described = setting.default === undefined ? help : `${help} (default: ${setting.default})`;
      if (setting === SETTINGS.replica)
        command.option(flags, described, (url, more?: string) => `${more ?? ''} ${url}`);
      else command.option(flags, described);
    }
    return command;
  };
  add('run', 'delete expired sessions, once');
  add('check', 'read only: what run would do here, and whether it is safe and fast');
  add('schedule', 'print, install or remove the crontab entry of a run with these flags')
    .option('--every <duration>', 'interval between runs, such as 15m, 6h or 24h (default: 6h)')
    .option('--cron <expression>', 'five fields of a crontab line, instead of --every')
    .option('--install', "add the entry to the user's crontab, or replace it there")
    .option('--remove', "take the entry out of the user's crontab");
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'help', text };
    return { kind: 'usage', problem: describe(error) };
  }
  return invocation ?? { kind: 'usage', problem: 'a command is missing: run, check or schedule' };
}

function describe({ code, message }: CommanderError): string {
  switch (code) {
    case 'commander.unknownOption': {
      // Only the name, and only if it looks like one: `--db-urll=mysql://…` would show its password.
      const name = /'(--?[a-z][a-z-]*)['=]/i.exec(message)?.[1];
      return name === undefined ? 'an unknown option was given' : `${name} is not an option`;
    }
    case 'commander.unknownCommand':
    case 'commander.help':
      return 'the command must be run, check or schedule';
    case 'commander.excessArguments':
      return 'an argument was given that belongs to no flag';
    case 'commander.optionMissingArgument':
      return `${flagName(message)} needs a value`;
    default:
      return 'the arguments cannot be understood';
  }
}
