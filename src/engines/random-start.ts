// Where a walk along the row key of a large table starts: anywhere. A run that has not the time to look at every row
// then comes to each of them sooner or later; from the beginning, it would never get past its first million.
import type { Key } from './engine.js';
import type { Position } from './key-ranges.js';
import { found, selectKey, toBinding } from './key-walk.js';
import type { Binding, Query } from './sql.js';

/** Smaller tables are looked through in every run. */
export const LARGE_TABLE_ROWS = 100_000;

/** A place between the first and the last key, not necessarily a row; undefined where the key's type has no middle. */
export async function randomStart(query: Query, key: Key, from: string): Promise<Position | undefined> {
  const [column] = key.columns;
  if (column === undefined) return undefined;
  // A literal has no middle, its value may have one.
  const selected = column.isLiteral ? `${column.sql} AS ${found(0)}` : selectKey({ ...key, columns: [column] });
  const end = async (order: '' | ' DESC'): Promise<Binding | undefined> => {
    const [row] = await query(`SELECT ${selected} FROM ${from} ORDER BY ${column.sql}${order} LIMIT 1`);
    return row && toBinding(column, row[found(0)]);
  };
  const [first, last] = [await end(''), await end(' DESC')];
  // What is a text on its way alone, such as a time of day, has a form that it would lose.
  if (typeof first === 'string' && column.read !== undefined && !column.isLiteral) return undefined;
  const start = first === undefined || last === undefined ? undefined : between(first, last, Math.random);
  return start === undefined ? undefined : [start];
}

/** @param random a number from 0 up to, and without, 1 */
export function between(first: Binding, last: Binding, random: () => number): Binding | undefined {
  if (typeof first === 'bigint' && typeof last === 'bigint') {
    return first + (BigInt(Math.floor(random() * 2 ** 53)) * (last - first)) / 2n ** 53n;
  }
  if (Number.isSafeInteger(first) && Number.isSafeInteger(last)) {
    return Math.floor(Number(first) + random() * (Number(last) - Number(first)));
  }
  if (Buffer.isBuffer(first) && Buffer.isBuffer(last)) {
    const text = textBetween(first.toString('latin1'), last.toString('latin1'), random);
    // Anything else may be the half of a character.
    return text !== undefined && /^[ -~]*$/.test(text) ? Buffer.from(text, 'latin1') : undefined;
  }
  return typeof first === 'string' && typeof last === 'string' ? textBetween(first, last, random) : undefined;
}

const ALPHABETS = ['0123456789', '0123456789abcdef', '0123456789abcdefghijklmnopqrstuvwxyz'].map((letters) => [
  ...letters,
]);
// Enough to tell apart the thousandths of a table of random IDs.
const LETTERS = 3;

/** What the keys begin alike with, and then letters of the kind that they go on with. */
function textBetween(first: string, last: string, random: () => number): string | undefined {
  const at = [...first].findIndex((letter, index) => letter !== last[index]);
  if (at === -1) return undefined;
  const kind = ALPHABETS.find((letters) => [first[at], last[at]].every((letter = '') => letters.includes(letter)));
  const alphabet = kind ?? ALPHABETS.at(-1) ?? [];
  const letters = Array.from({ length: LETTERS }, () => alphabet[Math.floor(random() * alphabet.length)] ?? '');
  return first.slice(0, at) + letters.join('');
}
