// The user's crontab: our blocks in its bytes, and the `crontab` command. What a block says is entry.ts.
// Bytes, not text: nothing says that what others keep in there is UTF-8.
import { execFile } from 'node:child_process';
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

/** In `rest`, a character is a byte; `at` is where the first block was. */
function cutBlocks(crontab: Buffer, name: string): { readonly rest: string; readonly at: number | undefined } {
  const marks = marksOf(name);
  const text = crontab.toString('latin1');
  let rest = '';
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
    isInside = (isInside || isBegin) && !isEnd;
    wasUnended = isEnd && !line.endsWith('\n');
  }
  if (isInside) throw damaged(marks);
  return { rest: wasUnended ? rest.replace(/\n$/, '') : rest, at };
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

export interface Crontab {
  /** Empty where the user has none. */
  read(): Promise<Buffer>;
  /** Replaces all of it. */
  write(content: Buffer): Promise<void>;
}

/** The crontab of the user. Rejects with CleanupError `unavailable` where there is no cron, `failed` where it refuses. */
export function openCrontab(program = 'crontab'): Crontab {
  const read = async (): Promise<Buffer> => {
    const { status, stdout, stderr } = await run(program, '-l');
    if (status === 0) return stdout;
    // Having none is an error to crontab: the first is the wording of Debian, Red Hat, BSD and macOS, the other busybox's.
    if (/\bno crontab for /i.test(stderr) || /can't open .*No such file or directory/.test(stderr))
      return Buffer.alloc(0);
    throw refusal('read', stderr);
  };
  return {
    read,
    async write(content) {
      // Debian's crontab takes no file whose last line has no end.
      const isUnended = content.length > 0 && content.at(-1) !== 0x0a;
      const ended = isUnended ? Buffer.concat([content, Buffer.from('\n')]) : content;
      const { status, stderr } = await run(program, '-', ended);
      if (status !== 0) throw refusal('written', stderr);
      if (!(await read()).equals(ended)) {
        throw new CleanupError('failed', 'the crontab does not hold what was written to it', {
          code: 'CRONTAB_DIFFERS',
          hint: 'Look at it with crontab -l: somebody else may have written it at the same time.',
        });
      }
    },
  };
}

function refusal(done: 'read' | 'written', stderr: string): CleanupError {
  const why =
    stderr
      .trim()
      .split(/\s*\n\s*/)
      .join('; ') || 'it did not say why';
  return new CleanupError('failed', `the crontab cannot be ${done}: ${why}`, {
    code: 'CRONTAB_REFUSED',
    hint: /not allowed/i.test(why) ? 'cron.allow and cron.deny say who may have a crontab.' : undefined,
  });
}

interface Ended {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const CRONTAB_TIMEOUT_MS = 30_000;
const LARGEST_CRONTAB_BYTES = 16 * 1024 * 1024;

function run(program: string, argument: string, input: Buffer = Buffer.alloc(0)): Promise<Ended> {
  return new Promise((fulfil, reject) => {
    const options = { encoding: 'buffer', timeout: CRONTAB_TIMEOUT_MS, maxBuffer: LARGEST_CRONTAB_BYTES } as const;
    const child = execFile(program, [argument], options, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === 'number') {
        fulfil({ status, stdout, stderr: stderr.toString() });
        return;
      }
      const why = status ?? error?.signal ?? error?.message;
      reject(
        new CleanupError('unavailable', `the crontab command cannot be run (${why})`, {
          code: 'CRONTAB_UNAVAILABLE',
          hint: 'Install cron, or use a systemd timer or another scheduler instead.',
          cause: error,
        }),
      );
    });
    // It may end without reading; its status then says why.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
