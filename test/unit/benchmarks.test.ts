// BENCHMARKS.md is made from figures: which are kept when a part is measured anew, and what the page says of them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderPage } from '../bench/page.js';
import { merge, type Result, type Results, readResults, writeResults } from '../bench/results.js';
import { ROOT, read } from '../docs/markdown.js';

const deletion = (engine: string, contender: Result['contender'], values: readonly number[], rows = 1_000): Result => ({
  question: 'deletion',
  engine,
  rows,
  data: 'half expired',
  contender,
  figure: 's',
  values,
});

const FIRST: Results = {
  about: { machine: 'one', 'MySQL 9.7': 'read', 'MariaDB 11.4': 'read' },
  measured: [
    deletion('MySQL 9.7', 'run --batch-size 5000', [2, 3, 9]),
    deletion('MySQL 9.7', 'pt-archiver --limit 5000', [1, 2, 3]),
    deletion('MariaDB 11.4', 'run --batch-size 5000', [1, 1, 1]),
    deletion('MariaDB 11.4', 'pt-archiver --limit 5000', [2, 2, 2]),
  ],
};

test('a part that is measured anew leaves the figures of the others', () => {
  const again = [deletion('MySQL 9.7', 'run', [5], 2_000)];
  const merged = merge(FIRST, { about: { machine: 'two', 'MySQL 9.7': 'anew' }, measured: again });
  assert.deepEqual(merged, {
    about: { machine: 'two', 'MySQL 9.7': 'anew', 'MariaDB 11.4': 'read' },
    measured: [...FIRST.measured.slice(2), ...again],
  });
});

test('a size of a scale that is measured anew leaves the others', () => {
  const of = (rows: number, values: readonly number[]): Result => ({
    ...deletion('MySQL 9.7', 'run', values, rows),
    question: 'scale',
    figure: 'MiB',
  });
  const merged = merge({ about: {}, measured: [of(10, [1]), of(20, [2])] }, { about: {}, measured: [of(20, [3])] });
  assert.deepEqual(merged.measured, [of(10, [1]), of(20, [3])]);
});

test('figures are read as they were written', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'results.tsv');
  writeResults(path, FIRST);
  assert.deepEqual(readResults(path), FIRST);
});

test('goals are judged by the figures, turn by turn', () => {
  const page = renderPage(FIRST);
  assert.ok(page.includes('**met**: 0.50 times on MariaDB 11.4; **missed**: 2.00 times on MySQL 9.7 ('), page);
  assert.match(page, /\| `pt-archiver`, 5,000 rows each: `run --batch-size 5000` \| 2\.00 times \| 0\.50 times \|/);
  assert.match(page, /\| memory: .+ \| not measured \|/);
});

test('BENCHMARKS.md is what its figures make', () => {
  assert.equal(read('BENCHMARKS.md'), renderPage(readResults(join(ROOT, 'BENCHMARKS.tsv'))));
});
