// The user's crontab, by way of the `crontab` command. What is in it is block.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Deadline, stoppedError } from '../cleanup/deadline.js';
import { CleanupError } from '../errors.js';

export interface Crontab {
  /** Empty where the user has none. */
  read(): Promise<Buffer>;
  /**
   * Puts `after` in the place of `before`, which is what was read. Once it has begun, a stop does not break it off, and
   * what is in there afterwards decides, not what the command said of it.
   */
  write(before: Buffer, after: Buffer): Promise<void>;
}

/**
 * The crontab of the user. Rejects with CleanupError: `unavailable` where there is no cron, `failed` where it refuses,
 * `timed_out` where it does not end, `interrupted` where a signal came first.
 */
export function openCrontab(
  { stop, drop }: Pick<Deadline, 'stop' | 'drop'>,
  program = 'crontab',
  limitMs = CRONTAB_LIMIT_MS,
): Crontab {
  const read = async (until: AbortSignal): Promise<Buffer> => {
    const { status, stdout, stderr } = await runCrontab(program, '-l', 'reading the crontab', until, limitMs);
    if (status === 0) return stdout;
    // Having none is an error to crontab: the first is the wording of Debian, Red Hat, BSD and macOS, the other busybox's.
    if (/\bno crontab for /i.test(stderr) || /can't open .*No such file or directory/.test(stderr))
      return Buffer.alloc(0);
    throw refusal('read', stderr);
  };
  const write = async (content: Buffer): Promise<void> => {
    const { status, stderr } = await runCrontab(program, '-', 'writing the crontab', drop, limitMs, content);
    if (status !== 0) throw refusal('written', stderr);
  };
  return {
    read: () => read(stop),
    async write(before, after) {
      if (stop.aborted) throw stoppedError(stop, 'reading the crontab');
      // Debian's crontab takes no file whose last line has no end.
      const isUnended = after.length > 0 && after.at(-1) !== 0x0a;
      const content = isUnended ? Buffer.concat([after, Buffer.from('\n')]) : after;
      const failure = await write(content).catch((error: CleanupError) => error);
      // What cannot be read is not known.
      const found = await read(drop).catch(() => undefined);
      if (found?.equals(content)) return;
      throw failure === undefined ? differs() : withState(failure, found?.equals(before) ?? false);
    },
  };
}

function withState({ kind, message, code, hint, signal }: CleanupError, isUnchanged: boolean): CleanupError {
  const state = isUnchanged
    ? 'Nothing was changed.'
    : 'It is not known whether the crontab was changed: look at it with crontab -l.';
  const cause = { kind, message };
  return new CleanupError(kind, message, { code, hint: [hint, state].filter(Boolean).join(' '), signal, cause });
}

function differs(): CleanupError {
  return new CleanupError('failed', 'the crontab does not hold what was written to it', {
    code: 'CRONTAB_DIFFERS',
    hint: 'Look at it with crontab -l: somebody else may have written it at the same time.',
  });
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

const CRONTAB_LIMIT_MS = 30_000;
const LARGEST_CRONTAB_BYTES = 16 * 1024 * 1024;

async function runCrontab(
  program: string,
  argument: string,
  doing: string,
  until: AbortSignal,
  limitMs: number,
  input: Buffer = Buffer.alloc(0),
): Promise<Ended> {
  if (until.aborted) throw stoppedError(until, doing);
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([until, limit]);
  // In a process group of its own: Ctrl-C at a terminal, which goes to all of the group, breaks off no write.
  const child = spawn(program, [argument], { detached: true, signal, killSignal: 'SIGKILL' });
  // It may end without reading; its status then says why.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  try {
    const ended = once(child, 'close') as Promise<[number | null, string | null]>;
    const [[status, endedBy], stdout, stderr] = await Promise.all([
      ended,
      collect(child.stdout),
      collect(child.stderr),
    ]);
    if (status === null) throw unavailable(endedBy, undefined);
    return { status, stdout, stderr: stderr.toString() };
  } catch (error) {
    if (error instanceof CleanupError) throw error;
    if (until.aborted) throw stoppedError(until, doing);
    if (!limit.aborted) throw unavailable((error as NodeJS.ErrnoException).code ?? String(error), error);
    throw new CleanupError('timed_out', `timed out after ${limitMs / 1000} s while ${doing}`, {
      code: 'CRONTAB_TIMEOUT',
      hint: 'Find out what the crontab command waits for.',
    });
  } finally {
    // What it has started may outlive it, and hold them open.
    for (const stream of child.stdio) stream?.destroy();
  }
}

function unavailable(why: string | null, cause: unknown): CleanupError {
  return new CleanupError('unavailable', `the crontab command cannot be run (${why})`, {
    code: 'CRONTAB_UNAVAILABLE',
    hint: 'Install cron, or use a systemd timer or another scheduler instead.',
    cause,
  });
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > LARGEST_CRONTAB_BYTES) throw new Error('too large');
  }
  return Buffer.concat(chunks);
}
