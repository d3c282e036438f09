// The help of a command, or of the whole program, within the width of a terminal. What it says is in the description.
import { wrap } from '../report/layout.js';
import { capitalised, ended } from '../report/wording.js';
import type { CommandDescription, CommandLine, FlagDescription } from './command-line.js';
import { EXIT_STATUSES } from './statuses.js';

/** Terms, and what is said of each, below a heading. */
interface Section {
  readonly heading: string;
  readonly entries: readonly (readonly [string, string])[];
}

/** @param command undefined for the help of the program itself */
export function renderHelp(program: CommandLine, command: CommandDescription | undefined, columns: number): string {
  const { help, examples, flags } = command ?? program;
  const sections = [
    ...(command === undefined ? [commandSection(program)] : argumentSection(command)),
    ...flagSections(flags),
  ];
  const paragraphs = [
    ['Examples:', ...examples.map((example) => `  $ ${example}`)],
    [`Usage: ${usage(program, command)}`],
    wrap(ended(capitalised(help)), columns, ''),
    ...layOutSections(sections, columns),
    ...(command?.note === undefined ? [] : [wrap(command.note, columns, '')]),
    ...(hasAllStatuses(command) ? layOutSections([statusSection()], columns) : []),
  ];
  return `${paragraphs.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function usage({ name }: CommandLine, command: CommandDescription | undefined): string {
  const argument = command?.argument === undefined ? '' : ` <${command.argument.name}>`;
  return `${name} ${command?.name ?? '<command>'}${argument} [options]`;
}

function commandSection({ commands }: CommandLine): Section {
  return { heading: 'Commands', entries: commands.map(({ name, help }) => [name, help]) };
}

function argumentSection({ argument }: CommandDescription): readonly Section[] {
  return argument === undefined ? [] : [{ heading: 'Arguments', entries: [[`<${argument.name}>`, argument.help]] }];
}

function flagSections(flags: readonly FlagDescription[]): readonly Section[] {
  const headings = [...new Set(flags.map(({ group = 'Options' }) => group))];
  return headings.map((heading) => ({
    heading,
    entries: flags.filter(({ group = 'Options' }) => group === heading).map((flag) => [flag.flags, flagHelp(flag)]),
  }));
}

function flagHelp(flag: FlagDescription): string {
  return flag.default === undefined ? flag.help : `${flag.help} (default: ${flag.default})`;
}

function statusSection(): Section {
  return {
    heading: 'Exit status',
    entries: EXIT_STATUSES.map(({ statuses, meaning }) => [statuses.join(', '), meaning]),
  };
}

/** A command that touches no database ends with 0, or with 2 for a mistake. */
function hasAllStatuses(command: CommandDescription | undefined): boolean {
  return command === undefined || command.flags.some(({ flags }) => flags.startsWith('--db-url '));
}

const INDENT = '  ';
const GAP = 2;
/** Where there is less room than this beside a term, what is said stands below it. */
const LEAST_ROOM = 24;

/** What is said begins at the same column in all of them. */
function layOutSections(sections: readonly Section[], columns: number): readonly (readonly string[])[] {
  const terms = sections.flatMap(({ entries }) => entries.map(([term]) => INDENT + term));
  const column = Math.max(...terms.map(({ length }) => length)) + GAP;
  const isBeside = columns - column >= LEAST_ROOM;
  const indent = isBeside ? ' '.repeat(column) : INDENT.repeat(3);
  return sections.map(({ heading, entries }) => [
    `${heading}:`,
    ...entries.flatMap(([term, said]) => {
      const [first = '', ...more] = wrap(said, columns, indent);
      const begun = INDENT + term;
      return isBeside ? [begun.padEnd(column) + first.trimStart(), ...more] : [begun, first, ...more];
    }),
  ]);
}
