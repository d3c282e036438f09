// What a test reads out of a Markdown file: sections, tables, code blocks, links. No rendering.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../..');

export function read(path: string): string {
  return readFileSync(resolve(ROOT, path), 'utf8');
}

/** What follows the heading `title`, up to the next heading of the same or a higher level. */
export function section(markdown: string, title: string): string {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === title);
  if (start === -1) throw new Error(`no section ${title}`);
  const level = lines[start]?.indexOf(' ') ?? 0;
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= level);
  return lines.slice(start + 1, length === -1 ? undefined : start + 1 + length).join('\n');
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
  const titles = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return titles.map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
