// Stretches of a key as ranges: together they hold every row between two positions, and none of them twice.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Key } from '../../src/engines/engine.js';
import { type KeyRange, type KeyValue, rangeCondition, rangesBetween } from '../../src/engines/key-ranges.js';

type Row = readonly number[];

const COLUMNS = 3;
const key = (...names: string[]): Key => ({
  index: '',
  columns: names.map((name) => ({ name, sql: `[${name}]`, isWholeNumber: false })),
});
const condition = (range: KeyRange, ...names: string[]) => rangeCondition(range, key(...names));

const compare = (a: Row, b: Row): number => {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : Number(a[at]) - Number(b[at]);
};
const holds = ({ equal, after, end }: KeyRange, row: Row): boolean => {
  const value = Number(row[equal.length]);
  return (
    equal.every((wanted, at) => row[at] === wanted) &&
    (after === undefined || value > Number(after)) &&
    (end === undefined || (end.inclusive ? value <= Number(end.value) : value < Number(end.value)))
  );
};

const row = (columns: number): fc.Arbitrary<Row> => fc.array(fc.nat(3), { minLength: columns, maxLength: columns });
/** All rows there can be. */
const rows = (columns: number): Row[] =>
  columns === 0 ? [[]] : rows(columns - 1).flatMap((rest) => [0, 1, 2, 3].map((value) => [...rest, value]));

/** As a search for the row after `a` finds it: the last column is never shared. */
const sharedBy = (a: Row | undefined, b: Row | undefined): number => {
  const at = a?.slice(0, -1).findIndex((value, index) => value !== b?.[index]) ?? 0;
  return at < 0 ? (a?.length ?? 1) - 1 : at;
};

describe('the ranges between two positions', () => {
  for (let columns = 1; columns <= COLUMNS; columns++) {
    test(`hold exactly the rows between them, once each: ${columns} columns`, () => {
      const position = fc.option(row(columns), { nil: undefined });
      fc.assert(
        fc.property(position, position, (a, b) => {
          const [after, upTo] = a !== undefined && b !== undefined && compare(a, b) > 0 ? [b, a] : [a, b];
          const ranges = rangesBetween(after, upTo, sharedBy(after, upTo));
          for (const each of rows(columns)) {
            const between =
              (after === undefined || compare(each, after) > 0) && (upTo === undefined || compare(each, upTo) <= 0);
            const times = ranges.filter((range) => holds(range, each)).length;
            assert.equal(times, between ? 1 : 0, JSON.stringify({ each, ranges }));
          }
        }),
      );
    });

    test(`come in the order of the key: ${columns} columns`, () => {
      fc.assert(
        fc.property(row(columns), row(columns), (a, b) => {
          const [after, upTo] = compare(a, b) > 0 ? [b, a] : [a, b];
          const inOrder = rangesBetween(after, upTo, sharedBy(after, upTo)).flatMap((range) =>
            rows(columns).filter((each) => holds(range, each)),
          );
          assert.deepEqual(inOrder, inOrder.toSorted(compare));
        }),
      );
    });
  }

  test('are one range without an end where there is no position', () => {
    assert.deepEqual(rangesBetween(undefined, undefined, 0), [{ equal: [], after: undefined, end: undefined }]);
  });

  test('hold every row once where a collation holds two spellings for the same', () => {
    // Every spelling of a letter is the same to the database: a is 0, b is 1.
    const spelling = fc.constantFrom('a', 'A', 'b', 'B');
    const spelt = fc.tuple(spelling, fc.nat(3)) as unknown as fc.Arbitrary<readonly [string, number]>;
    const rank = ([letter, number]: readonly [string, number]): Row => [letter.toLowerCase() === 'a' ? 0 : 1, number];
    const holdsSpelt = ({ equal, after, end }: KeyRange, each: readonly [string, number]): boolean => {
      const ranked = (value: KeyValue | undefined) =>
        typeof value === 'string' ? (value.toLowerCase() === 'a' ? 0 : 1) : (value as number | undefined);
      return holds(
        {
          equal: equal.map((value) => ranked(value) ?? 0),
          after: ranked(after),
          end: end && { value: ranked(end.value) ?? 0, inclusive: end.inclusive },
        },
        rank(each),
      );
    };
    fc.assert(
      fc.property(spelt, spelt, spelt, (a, b, each) => {
        const [after, upTo] = compare(rank(a), rank(b)) > 0 ? [b, a] : [a, b];
        const between = compare(rank(each), rank(after)) > 0 && compare(rank(each), rank(upTo)) <= 0;
        const ranges = rangesBetween(after, upTo, sharedBy(rank(after), rank(upTo)));
        assert.equal(ranges.filter((range) => holdsSpelt(range, each)).length, between ? 1 : 0);
      }),
    );
  });
});

describe('a range as a condition', () => {
  test('is nothing at all for the whole key', () => {
    assert.equal(condition({ equal: [] }, 'a'), undefined);
  });

  test('names the columns in order, with a binding for each value', () => {
    const range: KeyRange = { equal: ['x', 2n], after: 3, end: { value: Buffer.from('y'), inclusive: false } };
    assert.deepEqual(condition(range, 'a', 'b', 'c'), {
      sql: '[a] = ? AND [b] = ? AND [c] > ? AND [c] < ?',
      bindings: ['x', 2n, 3, Buffer.from('y')],
    });
  });

  test('leaves out what is not bounded', () => {
    assert.deepEqual(condition({ equal: [], after: 1 }, 'a', 'b'), { sql: '[a] > ?', bindings: [1] });
    assert.deepEqual(condition({ equal: [], end: { value: 1, inclusive: true } }, 'a', 'b'), {
      sql: '[a] <= ?',
      bindings: [1],
    });
  });
});
