// How a text for people is set: aligned, wrapped at the width of the terminal, coloured in its first word. Knows no words.
import { CONTROLS } from '../settings/values.js';

/** A detail: its name of at most eight letters, what there is to say, and a statement to paste. */
export interface Row {
  readonly name: string;
  readonly text: string;
  readonly sql?: string | undefined;
}

export interface Section {
  /** Absent: the rows follow the headline. Not shown without rows. */
  readonly title?: string;
  readonly rows: readonly Row[];
}

export interface Page {
  readonly headline: string;
  readonly mood: Mood;
  readonly sections: readonly Section[];
}

/** Success; to be looked at, or to be tried again; failure. */
export type Mood = 'good' | 'warning' | 'bad';

export interface Look {
  /** Width of the terminal. */
  readonly columns: number;
  readonly colour: boolean;
}

const COLOURS: Readonly<Record<Mood, string>> = { good: '\u001b[32m', warning: '\u001b[33m', bad: '\u001b[31m' };
const COLOUR_ENDS = '\u001b[39m';
const NAME_WIDTH = 8;
const INDENT = ' '.repeat(NAME_WIDTH + 4);

export function layOut({ headline, mood, sections }: Page, { columns, colour }: Look): string {
  const [first = '', ...rest] = wrap(headline, columns, '');
  const firstTitled = sections.findIndex(({ title }) => title !== undefined);
  const below = sections.flatMap(({ title, rows }, at) => [
    ...(at === firstTitled ? [''] : []),
    ...(title === undefined || rows.length === 0 ? [] : [title]),
    ...rows.flatMap((row) => layOutRow(row, columns)),
  ]);
  return [colour ? paint(first, mood) : first, ...rest, ...below].join('\n');
}

function layOutRow({ name, text, sql }: Row, columns: number): string[] {
  const label = `  ${name.padEnd(NAME_WIDTH)}  `;
  const lines = wrap(text, columns, INDENT);
  const statement = sql === undefined ? [] : wrap(`${sql};`, columns, INDENT);
  return [...lines.map((line, at) => (at === 0 ? label + line.slice(INDENT.length) : line)), ...statement];
}

/** Its first word, without what ends it. */
function paint(line: string, mood: Mood): string {
  return line.replace(/^\w+/, (word) => `${COLOURS[mood]}${word}${COLOUR_ENDS}`);
}

/** Lines of at most so many columns, each behind `indent`; a word that is longer has a line of its own. */
export function wrap(text: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  for (const word of escapeControls(text.trim().replace(/\s+/g, ' ')).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(indent + word);
  }
  return lines;
}

/** A row where there is something to say. */
export function given(name: string, text: string | undefined): Row[] {
  return text === undefined ? [] : [{ name, text }];
}

/** Characters that a terminal would act on, and those that turn the direction of writing, as `\u001b`. */
export function escapeControls(text: string): string {
  return text.replace(
    new RegExp(CONTROLS, 'gu'),
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
