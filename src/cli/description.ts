// The commands and their flags, described once: for the parser, the help, the completions and the manual page.
import { GROUPS, SETTINGS, type Setting } from '../settings/settings.js';
import { alternatives } from '../settings/values.js';
import type { CommandDescription, CommandLine, FlagDescription } from './command-line.js';
import { SHELLS } from './completion.js';

const HELP: FlagDescription = { flags: '-h, --help', help: 'print this help' };

const ALL = Object.values<Setting<unknown>>(SETTINGS).sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));

const ENTRY = 'Entry of the crontab';
const SCHEDULE_FLAGS: readonly FlagDescription[] = [
  {
    flags: '--name <id>',
    group: ENTRY,
    help: 'name of the entry: several can stand side by side',
    detail: 'each is replaced and removed by its name',
    default: 'session_cleanup',
  },
  {
    flags: '--every <duration>',
    group: ENTRY,
    help: 'interval between runs, such as 15m, 6h or 24h',
    detail: 'the minute is made from the names of the host and of the entry, so that they do not all start at once',
    default: '6h',
  },
  { flags: '--cron <expression>', group: ENTRY, help: 'five fields of a crontab line, instead of --every' },
  {
    flags: '--install',
    group: ENTRY,
    help: "add the entry to the user's crontab, or replace it there",
    detail:
      'a `check` of the run in the bare environment of cron comes first; where that refuses, nothing is installed',
  },
  {
    flags: '--no-check',
    group: ENTRY,
    help: 'with --install, do not check first whether the run would do its job',
  },
  { flags: '--remove', group: ENTRY, help: "take the entry out of the user's crontab" },
];

const VARIABLES =
  `Each flag has an environment variable, such as ${SETTINGS.timeout.variables[0]} for --timeout. ` +
  'A flag beats its variable. An empty variable is unset.';

const URL_FILE = '--db-url-file /etc/session-cleanup/url';

const DESCRIBED = {
  run: {
    help: 'delete expired sessions, once',
    examples: ['run --db-url sqlite:app.db --dry-run', `run ${URL_FILE} --store laravel`],
    flags: ALL,
    note: VARIABLES,
  },
  check: {
    help: 'read only: what run would do here, and whether it is safe and fast',
    examples: ['check --db-url sqlite:app.db', `check ${URL_FILE} --store django`],
    flags: ALL.filter(({ runOnly }) => !runOnly),
    note: VARIABLES,
  },
  schedule: {
    help: 'print, install or remove the crontab entry of a run with these flags',
    examples: [`schedule ${URL_FILE} --every 6h`, `schedule ${URL_FILE} --install`],
    flags: [...SCHEDULE_FLAGS, ...ALL],
    note: 'The settings of the run come from flags alone: cron has none of your variables.',
  },
  stores: {
    help: 'list the session stores that --store knows',
    examples: ['stores', 'stores --json'],
    flags: [
      {
        flags: '--json',
        group: 'What it says',
        help: 'print an array of JSON, one object for each store and database',
      },
    ],
  },
  completion: {
    help: 'print the script that completes the command line in bash, zsh or fish',
    examples: ['completion bash > /etc/bash_completion.d/session-cleanup', 'completion fish | source'],
    argument: { name: 'shell', help: alternatives(SHELLS), choices: SHELLS },
    flags: [],
  },
  version: {
    help: 'print the version',
    examples: ['version', '--version'],
    flags: [],
  },
} as const satisfies Readonly<Record<string, Omit<CommandDescription, 'name'>>>;

export type CommandName = keyof typeof DESCRIBED;

const NAME = 'session-cleanup';

interface SessionCleanup extends CommandLine {
  readonly commands: readonly (CommandDescription & { readonly name: CommandName })[];
}

export const COMMAND_LINE: SessionCleanup = {
  name: NAME,
  help: 'deletes the expired rows of a sessions table, and nothing else',
  examples: [`${NAME} check --db-url sqlite:app.db`, `${NAME} run ${URL_FILE}`],
  flags: [{ flags: '-V, --version', help: 'print the version' }, HELP],
  commands: Object.entries<Omit<CommandDescription, 'name'>>(DESCRIBED).map(([name, command]) => ({
    ...command,
    name: name as CommandName,
    examples: command.examples.map((example) => `${NAME} ${example}`),
    flags: [...command.flags, { ...HELP, group: 'What it says' }],
  })),
};
