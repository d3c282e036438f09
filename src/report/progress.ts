// One line on a terminal while a run is at work: how far it is, how fast, and why it waits. It ticks each second, and is
// left out, never waited for, where the terminal does not take it.
import type { Wait } from '../cleanup/port.js';
import { type OutputStream, write } from '../world.js';
import { capitalised, number, wholeSeconds } from './wording.js';

export interface ProgressLine {
  /** The deleting begins. */
  begin(expected: Expected | undefined): void;
  /** @param count committed or not */
  deleted(count: number): void;
  /** Undefined: it goes on. */
  waiting(wait: Wait | undefined): void;
  /** Takes the line off the terminal; resolves when it has been taken off. */
  stop(): Promise<void>;
}

/** How many rows there are to delete, as far as that was cheap to find out. */
export interface Expected {
  readonly count: number;
  /** There are more than that. */
  readonly isLeast: boolean;
}

export interface Progressing {
  /** Undefined until it begins. */
  readonly deleting: Deleting | undefined;
  /** What is waited for, and for how long so far. */
  readonly wait: { readonly on: Wait; readonly tookMs: number } | undefined;
}

interface Deleting {
  readonly expected: Expected | undefined;
  readonly deletedCount: number;
  readonly tookMs: number;
}

const TICK_MS = 1_000;
// More often than this nobody can read it.
const DRAW_MS = 100;
const CLEAR = '\r\u001b[2K';
const COLUMNS = 80;

/** @param now in milliseconds, of a clock that only goes forward */
export function createProgressLine(stream: OutputStream, now: () => number): ProgressLine {
  let began: { readonly at: number; readonly expected: Expected | undefined } | undefined;
  let deletedCount = 0;
  let wait: { readonly on: Wait; readonly since: number } | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let later: NodeJS.Timeout | undefined;

  const draw = (): void => {
    clearTimeout(later);
    later = undefined;
    drawnAt = now();
    // The terminal has not taken the last line yet: somebody has stopped it with Ctrl-S.
    if (stream.writableNeedDrain) return;
    stream.write(CLEAR + progressText(state()).slice(0, (stream.columns || COLUMNS) - 1));
  };
  const state = (): Progressing => ({
    deleting: began && { expected: began.expected, deletedCount, tookMs: now() - began.at },
    wait: wait && { on: wait.on, tookMs: now() - wait.since },
  });
  const drawSoon = (): void => {
    const dueMs = drawnAt + DRAW_MS - now();
    if (dueMs <= 0) draw();
    else later ??= setTimeout(draw, dueMs);
  };
  const ticking = setInterval(draw, TICK_MS);
  draw();
  return {
    begin(expected) {
      began = { at: now(), expected };
      drawSoon();
    },
    deleted(count) {
      deletedCount = count;
      drawSoon();
    },
    waiting(on) {
      if (on?.kind !== wait?.on.kind) wait = on && { on, since: now() };
      else if (on !== undefined && wait !== undefined) wait = { on, since: wait.since };
      drawSoon();
    },
    stop() {
      clearInterval(ticking);
      // The last count is seen, if only for a moment.
      if (later !== undefined) draw();
      return write(stream, CLEAR);
    },
  };
}

/** A wait that is shorter, or has only begun, is not worth a word. */
const WORTH_TELLING_MS = 1_000;

/** Such as "Deleting 188,778 of about 300,000 (63 %), 32,765 rows/s, 4 s left". */
export function progressText({ deleting, wait }: Progressing): string {
  const isLong = wait?.on.kind === 'pause' ? wait.on.ms >= WORTH_TELLING_MS : Number(wait?.tookMs) >= WORTH_TELLING_MS;
  const waiting = wait !== undefined && isLong ? [waitText(wait)] : undefined;
  if (deleting === undefined) return capitalised(waiting?.[0] ?? 'connecting');
  return [`Deleting ${countText(deleting)}`, ...(waiting ?? paceText(deleting))].join(', ');
}

function countText({ deletedCount, expected }: Deleting): string {
  if (expected === undefined || deletedCount > expected.count) return `${number(deletedCount)} rows`;
  if (expected.isLeast) return `${number(deletedCount)} of more than ${number(expected.count)}`;
  const isAll = deletedCount === expected.count;
  const percent = isAll ? 100 : Math.min(99, Math.round((100 * deletedCount) / expected.count));
  return `${number(deletedCount)} of about ${number(expected.count)} (${percent} %)`;
}

function paceText({ deletedCount, expected, tookMs }: Deleting): string[] {
  const perMs = deletedCount / Math.max(1, tookMs);
  if (perMs === 0) return [];
  const left = expected === undefined || expected.isLeast ? -1 : expected.count - deletedCount;
  const rate = `${number(Math.round(perMs * 1000))} rows/s`;
  return left < 0 ? [rate] : [rate, `${wholeSeconds(Math.ceil(left / perMs / 1000) * 1000)} left`];
}

function waitText({ on, tookMs }: NonNullable<Progressing['wait']>): string {
  switch (on.kind) {
    case 'pause':
      return `pausing ${wholeSeconds(Math.max(0, on.ms - tookMs))}`;
    case 'lock':
      return `waiting ${wholeSeconds(tookMs)} for a lock`;
    case 'others':
      return `waiting ${wholeSeconds(tookMs)}: ${on.reason}`;
  }
}
