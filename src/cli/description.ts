// The commands and their flags, described once: for the parser, the help, the completions and the manual page.

import { SETTINGS, type Setting } from '../settings/settings.js';
import { alternatives } from '../settings/values.js';
import type { CommandDescription, CommandLine, FlagDescription } from './command-line.js';
import { SHELLS } from './completion.js';

const HELP: FlagDescription = { flags: '-h, --help', help: 'print this help' };

const ALL = Object.values<Setting<unknown>>(SETTINGS);

const SCHEDULE_FLAGS: readonly FlagDescription[] = [
  {
    flags: '--name <id>',
    help: 'name of the entry: several entries can stand side by side',
    default: 'session_cleanup',
  },
  { flags: '--every <duration>', help: 'interval between runs, such as 15m, 6h or 24h', default: '6h' },
  { flags: '--cron <expression>', help: 'five fields of a crontab line, instead of --every' },
  { flags: '--install', help: "add the entry to the user's crontab, or replace it there" },
  { flags: '--no-check', help: 'with --install, do not check first whether the run would do its job' },
  { flags: '--remove', help: "take the entry out of the user's crontab" },
];

export type CommandName = 'run' | 'check' | 'schedule';

/** Settings and what else their commands take. `--help` and `--version` are in `COMMAND_LINE` only. */
export const COMMANDS: readonly (CommandDescription & { readonly name: CommandName })[] = [
  { name: 'run', help: 'delete expired sessions, once', flags: ALL },
  {
    name: 'check',
    help: 'read only: what run would do here, and whether it is safe and fast',
    flags: ALL.filter(({ runOnly }) => !runOnly),
  },
  {
    name: 'schedule',
    help: 'print, install or remove the crontab entry of a run with these flags',
    flags: [...SCHEDULE_FLAGS, ...ALL],
    note: 'The settings of the run come from flags alone: cron has none of your variables.',
  },
];

export const COMPLETION = {
  name: 'completion',
  help: 'print what completes the command line in bash, zsh or fish',
  argument: { name: 'shell', help: alternatives(SHELLS) },
} as const;

export const COMMAND_LINE: CommandLine = {
  name: 'session-cleanup',
  help: 'deletes the expired rows of a sessions table, and nothing else',
  flags: [{ flags: '-V, --version', help: 'print the version' }, HELP],
  commands: [
    ...COMMANDS.map((command) => ({ ...command, flags: [...command.flags, HELP] })),
    { ...COMPLETION, flags: [HELP] },
  ],
};
