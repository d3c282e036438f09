// The line of progress: its words, and how it behaves on a terminal that is quick, slow, or narrow.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { createProgressLine, type Progressing, progressText } from '../../src/report/progress.js';
import type { OutputStream } from '../../src/world.js';

describe('progress says', () => {
  const FEW = { expected: undefined, deletedCount: 0, tookMs: 0 };
  const MANY = { expected: { count: 300_000, isLeast: false }, deletedCount: 188_778, tookMs: 5_761.6 };
  const LAG = { kind: 'others', reason: 'replica mysql://db2:3306 is 12 s behind' } as const;
  const cases: readonly (readonly [string, Progressing['deleting'], Progressing['wait'], string])[] = [
    [
      'how much of it is done, how fast, and for how long yet',
      MANY,
      undefined,
      'Deleting 188,778 of about 300,000 (63 %), 32,765 rows/s, 4 s left',
    ],
    [
      'a longer time in minutes',
      { ...MANY, tookMs: 576_160 },
      undefined,
      'Deleting 188,778 of about 300,000 (63 %), 328 rows/s, 5 min 40 s left',
    ],
    [
      'not that all is done before it is',
      { ...MANY, deletedCount: 299_999, tookMs: 10_000 },
      undefined,
      'Deleting 299,999 of about 300,000 (99 %), 30,000 rows/s, 1 s left',
    ],
    [
      'no share of what is not known',
      { ...MANY, expected: undefined },
      undefined,
      'Deleting 188,778 rows, 32,765 rows/s',
    ],
    [
      'no share of what was counted only in part',
      { ...MANY, expected: { count: 1_000_000, isLeast: true } },
      undefined,
      'Deleting 188,778 of more than 1,000,000, 32,765 rows/s',
    ],
    [
      'no share where there turn out to be more',
      { ...MANY, expected: { count: 10, isLeast: false } },
      undefined,
      'Deleting 188,778 rows, 32,765 rows/s',
    ],
    ['nothing of a pace before there is one', FEW, undefined, 'Deleting 0 rows'],
    [
      'how long it pauses yet',
      MANY,
      { on: { kind: 'pause', ms: 12_000 }, tookMs: 2_000 },
      'Deleting 188,778 of about 300,000 (63 %), pausing 10 s',
    ],
    [
      'nothing of a pause that nobody notices',
      { ...FEW, deletedCount: 50, tookMs: 1_000 },
      { on: { kind: 'pause', ms: 50 }, tookMs: 20 },
      'Deleting 50 rows, 50 rows/s',
    ],
    [
      'for how long it has waited for a lock',
      FEW,
      { on: { kind: 'lock' }, tookMs: 5_000 },
      'Deleting 0 rows, waiting 5 s for a lock',
    ],
    ['the same before it deletes', undefined, { on: { kind: 'lock' }, tookMs: 5_000 }, 'Waiting 5 s for a lock'],
    ['nothing of a lock that is soon free', undefined, { on: { kind: 'lock' }, tookMs: 900 }, 'Connecting'],
    ['whom it waits for', FEW, { on: LAG, tookMs: 3_000 }, `Deleting 0 rows, waiting 3 s: ${LAG.reason}`],
  ];
  for (const [what, deleting, wait, text] of cases) {
    test(what, () => assert.equal(progressText({ deleting, wait }), text));
  }
});

interface Terminal {
  readonly stream: OutputStream;
  readonly written: string[];
  /** Takes what it has been given. */
  take(): void;
}

function createTerminal(columns: number, isStopped = false): Terminal {
  const written: string[] = [];
  let taken: (() => void) | undefined;
  const stream = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      if (isStopped) taken = done;
      else done();
    },
  });
  return { stream: Object.assign(stream, { isTTY: true, columns }), written, take: () => taken?.() };
}

const CLEAR = '\r\u001b[2K';

describe('the line of progress', () => {
  test('ticks each second, also where nothing happens, and is taken away', (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    let now = 0;
    const { stream, written } = createTerminal(80);
    const line = createProgressLine(stream, () => now);
    const pass = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 100) {
        now += 100;
        t.mock.timers.tick(100);
      }
    };
    line.begin(undefined);
    line.waiting({ kind: 'lock' });
    pass(3_000);
    void line.stop();
    pass(5_000);
    assert.deepEqual(written, [
      `${CLEAR}Connecting`,
      `${CLEAR}Deleting 0 rows`,
      `${CLEAR}Deleting 0 rows, waiting 1 s for a lock`,
      `${CLEAR}Deleting 0 rows, waiting 2 s for a lock`,
      `${CLEAR}Deleting 0 rows, waiting 3 s for a lock`,
      CLEAR,
    ]);
  });

  test('is drawn at most ten times a second, and the last that is known is drawn', (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    const { stream, written } = createTerminal(80);
    const line = createProgressLine(stream, () => 0);
    line.begin(undefined);
    for (let count = 1; count <= 50; count++) line.deleted(count);
    t.mock.timers.tick(100);
    void line.stop();
    assert.deepEqual(written, [`${CLEAR}Connecting`, `${CLEAR}Deleting 50 rows, 50,000 rows/s`, CLEAR]);
  });

  test('is no wider than the terminal, whose last column would begin the next line', (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    const { stream, written } = createTerminal(8);
    void createProgressLine(stream, () => 0).stop();
    assert.deepEqual(written, [`${CLEAR}Connect`, CLEAR]);
  });

  test('is left out while the terminal does not take it', (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    const { stream, written, take } = createTerminal(80, true);
    const line = createProgressLine(stream, () => 0);
    line.begin(undefined);
    t.mock.timers.tick(60_000);
    assert.deepEqual([written, stream.writableLength], [[`${CLEAR}Connecting`], `${CLEAR}Connecting`.length]);
    take();
    void line.stop();
  });
});
