// Our blocks in the bytes of a crontab. What a block says is entry.ts.
// Bytes, not text: nothing says that what others keep in there is UTF-8.
import { CleanupError } from '../errors.js';
import { marksOf } from './entry.js';

/**
 * The crontab with `block` in the place of the one of that name, else at the end, where the variables that are set in it
 * apply. Every other byte is kept.
 *
 * @throws CleanupError `refused` where the marks of the block do not pair up.
 */
export function upsertBlock(crontab: Buffer, name: string, block: string): Buffer {
  const { rest, at } = cutBlocks(crontab, name);
  const bytes = Buffer.from(block).toString('latin1');
  const [before, after] = [rest.slice(0, at), rest.slice(at ?? rest.length)];
  // A last line without an end stays one, so that removing gives back what was there.
  const isUnended = after === '' && before !== '' && !before.endsWith('\n');
  return Buffer.from(isUnended ? `${before}\n${bytes}` : `${before}${bytes}\n${after}`, 'latin1');
}

/** The crontab without the block of that name. @throws CleanupError `refused` where its marks do not pair up. */
export function removeBlock(crontab: Buffer, name: string): Buffer {
  return Buffer.from(cutBlocks(crontab, name).rest, 'latin1');
}

/** The lines of the block of that name, without its marks; empty where there is none. */
export function findBlock(crontab: Buffer, name: string): string {
  return Buffer.from(cutBlocks(crontab, name).inside, 'latin1').toString();
}

/** What a variable is set to where the block stands; undefined where it is not set. */
export function variableAt(crontab: Buffer, name: string, variable: string): string | undefined {
  const { rest, at } = cutBlocks(crontab, name);
  const before = rest.slice(0, at).split('\n');
  const pattern = new RegExp(`^[ \\t]*(["']?)${variable}\\1[ \\t]*=[ \\t]*(.*?)[ \\t\\r]*$`);
  const value = before.map((line) => pattern.exec(line)?.[2]).findLast((found) => found !== undefined);
  return value?.replace(/^(["'])(.*)\1$/, '$2');
}

/** In the texts, a character is a byte; `at` is where in `rest` the first block was. */
interface Cut {
  readonly rest: string;
  readonly at: number | undefined;
  readonly inside: string;
}

function cutBlocks(crontab: Buffer, name: string): Cut {
  const marks = marksOf(name);
  const text = crontab.toString('latin1');
  let rest = '';
  let inside = '';
  let at: number | undefined;
  let isInside = false;
  let wasUnended = false;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const isBegin = isMark(line, marks.begin);
    const isEnd = isMark(line, marks.end);
    // Cutting to the next END, or to the end of the file, would take lines along that are not ours.
    if (isInside ? !isEnd && /^# (?:BEGIN|END) /.test(line) : isEnd) throw damaged(marks);
    if (isBegin) at ??= rest.length;
    if (!isInside && !isBegin) rest += line;
    if (isInside && !isEnd) inside += line;
    isInside = (isInside || isBegin) && !isEnd;
    wasUnended = isEnd && !line.endsWith('\n');
  }
  if (isInside) throw damaged(marks);
  return { rest: wasUnended ? rest.replace(/\n$/, '') : rest, at, inside };
}

/** Other words after the name are another tool's mark: `# BEGIN ANSIBLE MANAGED BLOCK`. */
function isMark(line: string, mark: string): boolean {
  return line.startsWith(mark) && /^\s*(?:$|\()/.test(line.slice(mark.length));
}

function damaged({ begin, end }: ReturnType<typeof marksOf>): CleanupError {
  return new CleanupError('refused', `the crontab has a "${begin}" or "${end}" without its other half`, {
    code: 'CRONTAB_DAMAGED',
    hint: 'Nothing was changed: repair or remove the block with crontab -e.',
  });
}
