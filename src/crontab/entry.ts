// The entry of a crontab as text: the block that holds it, and the words of its command, written and read again. Pure:
// what the words are is scheduled-run.ts, when it runs times.ts, the crontab itself crontab.ts.
import { isAbsolute } from 'node:path';
import type { Parsed, Parser } from '../parsing.js';
import { CONTROLS } from '../settings/values.js';
import type { Schedule } from './times.js';

/** What an entry is called unless it is given another name. */
export const DEFAULT_NAME = 'session_cleanup';

/** There is one entry of a name in a crontab: scheduling again replaces it. */
export const entryName: Parser<string> = (raw) =>
  /^[A-Za-z0-9][\w.-]{0,63}$/.test(raw)
    ? { value: raw }
    : { problem: 'must be 1 to 64 characters of A-Z a-z 0-9 . _ -, and begin with a letter or a digit' };

/** A run, as a shell starts it. */
export interface ScheduledCommand {
  /** Absolute path of Node: cron's PATH may hold another one, or none. */
  readonly node: string;
  /** Absolute path of the command. */
  readonly command: string;
  /** What follows `run`. */
  readonly args: readonly string[];
}

export interface Entry extends ScheduledCommand {
  readonly name: string;
  readonly schedule: Schedule;
}

/** The first and the last line of the block begin with these; between them is the entry. */
export function marksOf(name: string): { readonly begin: string; readonly end: string } {
  return { begin: `# BEGIN ${name}`, end: `# END ${name}` };
}

/** The block without the end of its last line. Success is silent; what goes wrong, cron mails. */
export function renderBlock(entry: Entry): Parsed<string> {
  const { name, schedule, node, command, args } = entry;
  if (!isAbsolute(node) || !isAbsolute(command))
    return { problem: 'the paths of Node and of the command must be absolute' };
  // Crons differ on backslashes: Debian's turns two into one, and a control character may end the line.
  if ([node, command, ...args].some((word) => word.includes('\\') || CONTROLS.test(word))) {
    return {
      problem:
        'a crontab cannot hold a backslash, a control character or a mark that turns the direction of text: put the command into a script',
    };
  }
  const line = shellCommand(entry).replaceAll('%', '\\%');
  const { begin, end } = marksOf(name);
  const again = name === DEFAULT_NAME ? 'session-cleanup schedule' : `session-cleanup schedule --name ${name}`;
  return {
    value: [
      `${begin} (${again} replaces all of this, up to END)`,
      `${schedule.expression} ${line} >/dev/null`,
      end,
    ].join('\n'),
  };
}

/** What cron gives to the shell, without where its output goes. */
export function shellCommand({ node, command, args }: ScheduledCommand): string {
  return [node, command, 'run', ...args].map(shellQuote).join(' ');
}

/** Without a backslash, of which cron and the shell would each have a view. */
function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** What follows `run` in the lines of a block; undefined where they are not as `renderBlock` writes them. */
export function argumentsOf(lines: string): readonly string[] | undefined {
  const entry = lines.split('\n').find((line) => /^\s*[^#\s]/.test(line)) ?? '';
  const command = /^\s*(?:@\w+|\S+(?:\s+\S+){4})\s+(.*)$/.exec(entry)?.[1]?.replaceAll('\\%', '%') ?? '';
  const words: readonly string[] = command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  const [from, to] = [words.indexOf('run'), words.findIndex((word) => /^\d?>/.test(word))];
  if (from === -1) return undefined;
  const given = words.slice(from + 1, to === -1 ? undefined : to);
  return given.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}
