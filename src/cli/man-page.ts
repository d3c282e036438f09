// The manual page of a command line, as roff with the man macros. What the page says is in the description.
import { type CommandDescription, type CommandLine, type FlagDescription, parseFlags } from './command-line.js';

export interface Section {
  /** Such as `EXIT STATUS`. */
  readonly heading: string;
  readonly paragraphs?: readonly string[];
  /** A term and what it means. */
  readonly terms?: readonly (readonly [string, string])[];
  /** Lines that are shown as they are. */
  readonly code?: readonly string[];
}

export interface ManPage {
  readonly commandLine: CommandLine;
  readonly version: string;
  /** As YYYY-MM-DD. */
  readonly date: string;
  /** What follows the options. */
  readonly sections: readonly Section[];
}

/** The source of the page in section 1. Plain ASCII, so that no formatter has to guess an encoding. */
export function renderManPage({ commandLine, version, date, sections }: ManPage): string {
  const { name, help, flags, commands } = commandLine;
  const title = [name.toUpperCase(), `${name} ${version}`].map(macroArgument);
  return [
    // mandoc reads the date, and knows no escapes in it.
    `.TH ${title[0]} 1 ${date} ${title[1]} "User Commands"`,
    // Neither spaces to even out the lines nor hyphens of its own, which a reader would copy.
    '.nh',
    '.ad l',
    '.SH NAME',
    `${text(name)} \\- ${text(help)}`,
    '.SH SYNOPSIS',
    ...commands
      .flatMap(({ name: command, argument }) => [
        `.B ${text(name)} ${text(command)}`,
        argument === undefined ? '.RI [ options ]' : `.I ${text(argument.name)}`,
        '.br',
      ])
      .slice(0, -1),
    '.SH COMMANDS',
    ...commands.flatMap((command) => ['.TP', `.B ${text(command.name)}`, line(command.help)]),
    '.SH OPTIONS',
    ...flags.flatMap(describeFlag),
    ...commands.flatMap((command, at) => describeCommand(command, commands.slice(0, at), name)),
    ...sections.flatMap(describeSection),
    '',
  ].join('\n');
}

/** A flag that an earlier command has too is only named. */
function describeCommand(command: CommandDescription, earlier: readonly CommandDescription[], name: string): string[] {
  const known = new Set(earlier.flatMap(({ flags }) => flags.map((flag) => flag.flags)));
  const again = command.flags
    .filter((flag) => known.has(flag.flags))
    .map((flag) => parseFlags(flag.flags).names.at(-1));
  return [
    `.SS ${macroArgument(`${name} ${command.name}`)}`,
    ...(again.length === 0 ? [] : [line(`Of the options above: ${again.join(', ')}.`)]),
    ...(command.note === undefined ? [] : [line(command.note)]),
    ...(command.argument === undefined
      ? []
      : ['.TP', `\\fI${text(command.argument.name)}\\fR`, line(command.argument.help)]),
    ...command.flags.filter((flag) => !known.has(flag.flags)).flatMap(describeFlag),
  ];
}

function describeFlag(flag: FlagDescription): string[] {
  const { names, value } = parseFlags(flag.flags);
  const spelled = names.map((spelling) => `\\fB${text(spelling)}\\fR`).join(', ');
  const facts = [
    ...(flag.default === undefined ? [] : [`Default: ${flag.default}.`]),
    ...(flag.variables === undefined || flag.variables.length === 0
      ? []
      : [`Environment: ${flag.variables.join(', ')}.`]),
  ];
  return [
    '.TP',
    `${spelled}${value === undefined ? '' : ` \\fI${text(value)}\\fR`}`,
    line(flag.help),
    ...facts.flatMap((fact) => ['.br', line(fact)]),
  ];
}

function describeSection({ heading, paragraphs = [], terms = [], code = [] }: Section): string[] {
  const parts = [
    ...paragraphs.map((paragraph) => ['.PP', line(paragraph)]),
    ...terms.map(([term, meaning]) => ['.TP', `\\fB${text(term)}\\fR`, line(meaning)]),
    ...(code.length === 0 ? [] : [['.PP', '.RS 4', '.nf', ...code.map(line), '.fi', '.RE']]),
  ].flat();
  // A heading begins a paragraph by itself.
  return [`.SH ${macroArgument(heading)}`, ...(parts[0] === '.PP' ? parts.slice(1) : parts)];
}

/** A line of its own, which a leading point or apostrophe would turn into a request. */
function line(words: string): string {
  return text(words).replace(/^\./, '\\&.');
}

function macroArgument(words: string): string {
  return `"${text(words)}"`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\(rs',
  // A bare one is a typographic hyphen, which nobody can paste into a shell; so with the marks below.
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
};

function text(words: string): string {
  return words
    .replace(/[\\\-'`^~"]/g, (mark) => ESCAPES[mark] ?? mark)
    .replace(/[\n\r\t]+/g, ' ')
    .replace(
      /[^\p{ASCII}]/gu,
      (mark) => `\\[u${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}
