// What a test reads out of a Markdown file: sections, tables, code blocks, links. No rendering.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../..');

export function read(path: string): string {
  return readFileSync(resolve(ROOT, path), 'utf8');
}

/** What follows the heading `title`, up to the next heading of the same or a higher level. */
export function section(markdown: string, title: string): string {
  const found = headings(markdown);
  const at = found.findIndex((heading) => heading.title === title);
  const start = found[at];
  if (start === undefined) throw new Error(`no section ${title}`);
  const next = found.slice(at + 1).find(({ level }) => level <= start.level);
  return markdown.slice(markdown.indexOf('\n', start.index), next?.index);
}

function headings(
  markdown: string,
): readonly { readonly title: string; readonly level: number; readonly index: number }[] {
  // A line of a code block may begin with a # too; the blanks keep every index.
  const prose = markdown.replace(/^```.*?^```$/gms, (block) => ' '.repeat(block.length));
  return [...prose.matchAll(/^(#+) (.+)$/gm)].map(({ 1: marks = '', 2: title = '', index }) => ({
    title,
    level: marks.length,
    index,
  }));
}

/** The cells below the header, of the first table that has these columns. */
export function table(markdown: string, ...columns: readonly string[]): readonly (readonly string[])[] {
  const lines = markdown.split('\n');
  const header = lines.findIndex((line) => line.startsWith('|') && cells(line).join() === columns.join());
  if (header === -1) throw new Error(`no table of ${columns.join(', ')}`);
  const rows = lines.slice(header + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end === -1 ? undefined : end).map(cells);
}

function cells(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The pieces in backticks. */
export function code(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, piece = '']) => piece);
}

/** The contents of the code blocks of a language. */
export function blocks(markdown: string, language: string): readonly string[] {
  const fences = markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return [...fences].flatMap(([, name, content = '']) => (name === language ? [content] : []));
}

/** Targets of links, without those of other hosts. */
export function links(markdown: string): readonly string[] {
  const targets = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of a file's headings. */
export function anchors(markdown: string): readonly string[] {
  return headings(markdown).map(({ title }) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
