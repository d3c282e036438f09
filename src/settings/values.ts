// Pure parsers of the settings' values: raw text in, a value or a problem out.
// A problem never repeats the raw text: a URL with its password may have been given to the wrong flag.

import { nearNames } from '../nearest.js';
import type { Parser } from '../parsing.js';

/** What a terminal obeys instead of showing it, and what breaks or turns a line: controls, and marks of direction. */
export const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LONGEST_MS = 36_500 * UNITS_MS.d;

/** A duration in milliseconds: `30` is seconds; the units are ms, s, m, h and d. `max` is in milliseconds. */
export function duration({ max = LONGEST_MS }: { readonly max?: number } = {}): Parser<number> {
  return (raw) => {
    const match = /^(\d+)(?:\.(\d+))?(ms|s|m|h|d)?$/.exec(raw);
    if (match === null) return { problem: 'must be a duration such as 30, 30s, 5m or 2h' };
    const [, whole = '', fraction = '', unit = 's'] = match;
    // In floating point 1.1 * 1000 is not 1100, and 1.1s would be no whole number of milliseconds.
    const scaled = BigInt(whole + fraction) * BigInt(UNITS_MS[unit as keyof typeof UNITS_MS]);
    const divisor = 10n ** BigInt(fraction.length);
    if (scaled % divisor !== 0n) return { problem: 'must be a whole number of milliseconds' };
    const milliseconds = scaled / divisor;
    if (milliseconds > max) return { problem: `must be at most ${inLargestUnit(max)}` };
    return { value: Number(milliseconds) };
  };
}

export const correlationId: Parser<string> = (raw) =>
  /^[A-Za-z0-9._:-]{1,128}$/.test(raw)
    ? { value: raw }
    : { problem: 'must be 1 to 128 characters of A-Z a-z 0-9 . _ : -' };

/** The name of a table or column, of which 129 characters hold MySQL's longest `schema.table`. */
export const identifier: Parser<string> = (raw) => {
  // The line shows the names: a URL given to the wrong flag would be there with its password.
  if (raw.includes('://')) return { problem: 'must be a name, but looks like a URL' };
  return raw.trim() !== '' && !raw.includes('\0') && [...raw].length <= 129
    ? { value: raw }
    : { problem: 'must be a name of 1 to 129 characters, not blank and without a NUL character' };
};

export function choice<V extends string>(...values: readonly V[]): Parser<V> {
  return (raw) => {
    const value = values.find((candidate) => candidate === raw);
    return value === undefined ? { problem: `must be ${alternatives(values)}` } : { value };
  };
}

/** One of many names of a thing such as a store; `listed` says where they all are. */
export function knownName<V extends string>(thing: string, names: readonly V[], listed: string): Parser<V> {
  return (raw) => {
    const value = names.find((name) => name === raw);
    if (value !== undefined) return { value };
    const near = nearNames(raw, names);
    const problem = `names an unknown ${thing}`;
    return { problem: near.length === 0 ? `${problem}: ${listed}` : `${problem}; did you mean ${alternatives(near)}?` };
  };
}

export function count({ min }: { readonly min: number }): Parser<number> {
  return (raw) => {
    const value = /^\d+$/.test(raw) ? Number(raw) : Number.NaN;
    if (Number.isNaN(value) || value < min) return { problem: `must be a whole number, ${min} or more` };
    if (!Number.isSafeInteger(value)) return { problem: `must be at most ${Number.MAX_SAFE_INTEGER}` };
    return { value };
  };
}

/** So many rows, or so many in a hundred of all rows. */
export type RowLimit = { readonly rows: number } | { readonly percent: number };

/** `5000` or `10%`. */
export const rowLimit: Parser<RowLimit> = (raw) => {
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(raw)?.[1];
  if (percent !== undefined && Number(percent) <= 100) return { value: { percent: Number(percent) } };
  const rows = /^\d+$/.test(raw) ? Number(raw) : Number.NaN;
  return Number.isSafeInteger(rows)
    ? { value: { rows } }
    : { problem: 'must be a number of rows such as 5000, or a share of all rows such as 10%' };
};

const TRUE_WORDS: readonly string[] = ['1', 'true', 'yes', 'on'];
const FALSE_WORDS: readonly string[] = ['0', 'false', 'no', 'off'];

/** The value of an environment variable that stands for a flag without a value. */
export const flag: Parser<boolean> = (raw) => {
  const word = raw.toLowerCase();
  if (TRUE_WORDS.includes(word)) return { value: true };
  if (FALSE_WORDS.includes(word)) return { value: false };
  return { problem: `must be ${alternatives([...TRUE_WORDS, ...FALSE_WORDS])}` };
};

/** `UTC`, an IANA name as it was given, or a fixed offset as `+HH:MM` or `-HH:MM`. */
export const timeZone: Parser<string> = (raw) => {
  const zone = /^[a-z]/i.test(raw) ? namedZone(raw) : offset(raw);
  return zone === undefined
    ? { problem: 'must be UTC, a time zone such as Europe/Berlin, or an offset from -14:00 to +14:00' }
    : { value: zone };
};

/** What it may hold depends on the engine: `conditionProblem` judges it. */
export const condition: Parser<string> = (raw) =>
  raw.trim() === '' ? { problem: 'must be a condition, not an empty text' } : { value: raw };

export const path: Parser<string> = (raw) =>
  raw !== '' && !raw.includes('\0')
    ? { value: raw }
    : { problem: 'must be a path, not empty and without a NUL character' };

// All three-letter names of the IANA database. Intl also takes abbreviations of its own, some of them for another
// place than the reader's: BST is Asia/Dhaka, IST Asia/Calcutta, CST America/Chicago.
const SHORT_ZONES: readonly string[] = 'CET EET EST GMT HST MET MST PRC ROC ROK UCT UTC WET'.split(' ');

/** Not left to Intl: that of Node 20 takes no offset, that of Node 24 takes even one with a U+2212 minus. */
function offset(text: string): string | undefined {
  // MySQL refuses -00:00.
  if (text === '-00:00') return '+00:00';
  return /^[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)$/.test(text) ? text : undefined;
}

function namedZone(text: string): string | undefined {
  if (text.toUpperCase() === 'UTC') return 'UTC';
  if (text.length === 3 && !SHORT_ZONES.includes(text.toUpperCase())) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return text;
  } catch {
    return undefined;
  }
}

function inLargestUnit(milliseconds: number): string {
  const [unit, size] = Object.entries(UNITS_MS).findLast(([, ms]) => milliseconds % ms === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}

/** `a, b or c`. */
export function alternatives(values: readonly string[]): string {
  return [values.slice(0, -1).join(', '), ...values.slice(-1)].filter((part) => part !== '').join(' or ');
}
