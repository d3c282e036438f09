// A walk that starts in the middle of the key: every row is in exactly one step, wherever it starts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeadline } from '../../src/cleanup/deadline.js';
import { rangeCondition } from '../../src/engines/key-ranges.js';
import { type KeyStep, type KeyWay, nextKeyStep } from '../../src/engines/key-walk.js';
import { between, randomStart } from '../../src/engines/random-start.js';
import { all, type Binding, type Query, whereClause } from '../../src/engines/sql.js';
import { engines } from '../support/databases.js';
import { openTableAt } from '../support/opened.js';
import { seed } from '../support/random.js';

const KEYS = {
  number: { type: 'INTEGER', key: 'id', value: (n: number) => n * 3 },
  'random ID': { type: 'VARCHAR(32)', key: 'id', value: (n: number) => hexOf(n) },
  'tenant and random ID': { type: 'VARCHAR(32)', key: 'tenant, id', value: (n: number) => hexOf(n) },
};
const ROWS = 300;

function hexOf(n: number): string {
  return ((n * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0');
}

for (const engine of engines) {
  describe(`a walk from the middle of the key, ${engine.name}`, () => {
    for (const [name, { type, key, value }] of Object.entries(KEYS)) {
      test(`comes to every row once: ${name}`, async (t) => {
        const database = await engine.create();
        t.after(() => database.drop());
        await database.run(
          `CREATE TABLE sessions (tenant VARCHAR(20) NOT NULL, id ${type} NOT NULL, expires_at INTEGER, PRIMARY KEY (${key}))`,
        );
        const rows = Array.from({ length: ROWS }, (_, n) => `('t${n % 7}', '${value(n)}', 1700000000)`);
        await database.run(`INSERT INTO sessions VALUES ${rows.join(', ')}`);
        const deadline = createDeadline({ timeoutMs: 60_000, startedAt: performance.now(), onSignal: () => {} });
        const table = await openTableAt(database.url, 'sessions', deadline);
        t.after(async () => {
          await table.close();
          deadline.close();
        });
        const { rowKey, sql } = table.facts;
        assert.ok(rowKey);
        for (let tries = 0; tries < 5; tries++) {
          const start = await randomStart(table.query, rowKey, sql);
          assert.ok(start, 'the key has no middle');
          const seen = await walk(
            table.query,
            { key: rowKey, from: sql, walkedOver: undefined, start },
            1 + tries * 20,
          );
          assert.equal(seen.length, ROWS, `started at ${start}, seed ${seed}`);
          assert.equal(new Set(seen).size, ROWS);
        }
      });
    }
  });
}

/** The rows in the order of the steps. */
async function walk(query: Query, way: KeyWay, rows: number): Promise<string[]> {
  const seen: string[] = [];
  let step: KeyStep | undefined;
  for (;;) {
    step = await nextKeyStep(query, way, step, rows);
    if (step === undefined) return seen;
    for (const range of step.ranges) {
      const condition = all(rangeCondition(range, way.key));
      const found = await query(`SELECT tenant, id FROM ${way.from}${whereClause(condition)}`, condition.bindings);
      seen.push(...found.map(({ tenant, id }) => `${tenant}/${id}`));
    }
  }
}

describe('a place between two keys', () => {
  const cases: readonly (readonly [Binding, Binding, number, Binding | undefined])[] = [
    [0, 1_000, 0.5, 500],
    [10n, 2n ** 62n, 0, 10n],
    ['00aa', 'ffaa', 0.999, 'fff'],
    ['00aa', '99aa', 0.999, '999'],
    ['Abc', 'xyz', 0, '000'],
    ['session:a', 'session:f', 0.5, 'session:888'],
    ['same', 'same', 0.5, undefined],
    [Buffer.from('a'), Buffer.from('b'), 0.5, Buffer.from('888')],
    [Buffer.from('ä'), Buffer.from('ö'), 0.5, undefined],
  ];
  for (const [first, last, random, expected] of cases) {
    test(`${first} and ${last}: ${expected}`, () =>
      assert.deepEqual(
        between(first, last, () => random),
        expected,
      ));
  }
});
