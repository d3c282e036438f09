// The use case over a table in memory: what is committed, what is undone and what is told, whatever happens on the way.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CleanupOptions, cleanUp, type Progress } from '../../src/cleanup/cleanup.js';
import { createDeadline, type Deadline, stoppedError } from '../../src/cleanup/deadline.js';
import type { ExpiredSessions } from '../../src/cleanup/port.js';
import { CleanupError, type FailureKind, type StopSignal } from '../../src/errors.js';
import { inTime } from '../support/in-time.js';

interface Step {
  readonly from: number;
  readonly to: number;
}

/** What goes on at a moment of the run, such as waiting or throwing. */
type Happening = (step: Step) => Promise<void> | void;

/** A table of expired rows 0 to `count` - 1. `calls` names what was asked of it; `steps` are the rows asked for. */
function createTable(count: number, { onDelete, onCommit }: { onDelete?: Happening; onCommit?: () => void } = {}) {
  const numbers = Array.from({ length: count }, (_, row) => row);
  let committed = new Set(numbers);
  let rows = new Set(numbers);
  const calls: string[] = [];
  const steps: number[] = [];
  const repository: ExpiredSessions<Step> = {
    async begin() {
      calls.push('begin');
      rows = new Set(committed);
    },
    async commit() {
      calls.push('commit');
      onCommit?.();
      committed = new Set(rows);
    },
    async rollback() {
      calls.push('rollback');
    },
    stepTargetMs: 200,
    transactionMs: Infinity,
    restMs: 0,
    async nextStep(previous, wanted) {
      steps.push(wanted);
      const from = previous?.to ?? 0;
      return from < count ? { from, to: Math.min(count, from + wanted) } : undefined;
    },
    async *deleteExpired(step) {
      await onDelete?.(step);
      let deleted = 0;
      for (let row = step.from; row < step.to; row++) if (rows.delete(row)) deleted++;
      yield { deleted, locked: 0 };
    },
  };
  return { repository, calls, steps, left: () => committed.size };
}

/** A real deadline, and the signal that ends it. */
function createClock(t: TestContext, timeoutMs: number): { deadline: Deadline; signal: (name: StopSignal) => void } {
  let signal: (name: StopSignal) => void = () => {};
  const deadline = createDeadline({
    timeoutMs,
    startedAt: performance.now(),
    onSignal: (listener) => {
      signal = listener;
    },
  });
  t.after(() => deadline.close());
  return { deadline, signal: (name) => signal(name) };
}

/** Runs it to the end; `told` is the last progress. */
async function run(
  repository: ExpiredSessions<Step>,
  deadline: Deadline,
  options: Partial<CleanupOptions> = {},
): Promise<{ complete: boolean | CleanupError; told: Progress }> {
  let told: Progress | undefined;
  const complete = await cleanUp(repository, deadline, { batchSize: undefined, pauseMs: 0, ...options }, (progress) => {
    told = progress;
  }).catch((error: unknown) => {
    if (error instanceof CleanupError) return error;
    throw error;
  });
  assert.ok(told);
  return { complete, told };
}

function failure(kind: FailureKind, rolledBack: boolean): CleanupError {
  return new CleanupError(kind, 'made up', { rolledBack });
}

/** Throws at the first `times` stepes that begin at `from` or later. */
function failAt(from: number, error: () => CleanupError, times = 1): Happening {
  let left = times;
  return (step) => {
    if (step.from < from || left-- <= 0) return;
    throw error();
  };
}

const AMPLE_MS = 60_000;

describe('in one transaction', () => {
  test('all expired rows are deleted, and committed once', async (t) => {
    const table = createTable(3_000);
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal(complete, true);
    assert.deepEqual(told, { deletedCount: 3_000, lockedCount: 0, batches: 1, attempts: 1 });
    assert.deepEqual(table.calls, ['begin', 'commit']);
    assert.equal(table.left(), 0);
  });

  test('a table without rows is one empty transaction', async (t) => {
    const table = createTable(0);
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal(complete, true);
    assert.deepEqual(told, { deletedCount: 0, lockedCount: 0, batches: 0, attempts: 1 });
  });

  test('locked rows are counted over all steps', async (t) => {
    const { repository } = createTable(3_000);
    const locked = {
      ...repository,
      deleteExpired: async function* () {
        yield { deleted: 1, locked: 2 };
      },
    };
    const { told } = await run(locked, createClock(t, AMPLE_MS).deadline);
    assert.ok(told.deletedCount > 1);
    assert.equal(told.lockedCount, 2 * told.deletedCount);
  });

  test('the steps grow while they are quick, and shrink when one is slow', async (t) => {
    const { deadline } = createClock(t, AMPLE_MS);
    let nowMs = Math.floor(performance.now());
    t.mock.method(performance, 'now', () => nowMs);
    const table = createTable(12_000, {
      onDelete: ({ from }) => {
        nowMs += from === 2_500 ? 500 : 1;
      },
    });
    await run(table.repository, deadline);
    // Of the step target: 200 ms.
    assert.deepEqual(table.steps, [500, 2_000, 8_000, 3_200, 12_800]);
  });

  test('one that takes longer than it may is committed, and another begun', async (t) => {
    const { deadline } = createClock(t, AMPLE_MS);
    let nowMs = Math.floor(performance.now());
    t.mock.method(performance, 'now', () => nowMs);
    const table = createTable(2_000, {
      onDelete: () => {
        nowMs += 60;
      },
    });
    const { told } = await run({ ...table.repository, transactionMs: 100 }, deadline);
    assert.ok(told.batches > 2, `${told.batches} transactions`);
    assert.deepEqual([told.deletedCount, table.left()], [2_000, 0]);
  });

  test('no step is of more than 100,000 rows', async (t) => {
    const table = createTable(300_000);
    await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal(Math.max(...table.steps), 100_000);
  });
});

describe('what the engine gave up is begun anew', () => {
  test('after a deadlock, and counted once', async (t) => {
    const table = createTable(3_000, { onDelete: failAt(500, () => failure('busy', true)) });
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal(complete, true);
    assert.deepEqual(told, { deletedCount: 3_000, lockedCount: 0, batches: 1, attempts: 2 });
    // Rolled back all the same: the engine may have given up a statement alone.
    assert.deepEqual(table.calls, ['begin', 'rollback', 'begin', 'commit']);
    assert.equal(table.left(), 0);
  });

  test('when it is the COMMIT that fails', async (t) => {
    let commits = 0;
    const table = createTable(3_000, {
      onCommit: () => {
        if (++commits === 1) throw failure('busy', true);
      },
    });
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal(complete, true);
    assert.deepEqual(told, { deletedCount: 3_000, lockedCount: 0, batches: 1, attempts: 2 });
    assert.equal(table.left(), 0);
  });

  test('with batches, from the last committed one on', async (t) => {
    const seen: number[] = [];
    const deadlock = failAt(300, () => failure('busy', true));
    const table = createTable(500, {
      onDelete: (step) => {
        seen.push(step.from);
        return deadlock(step);
      },
    });
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline, { batchSize: 100 });
    assert.equal(complete, true);
    assert.deepEqual(told, { deletedCount: 500, lockedCount: 0, batches: 5, attempts: 2 });
    assert.deepEqual(seen, [0, 100, 200, 300, 300, 400]);
  });

  test('but not for ever: the last deadlock is the outcome when the time is nearly used up', async (t) => {
    const table = createTable(3_000, { onDelete: failAt(0, () => failure('busy', true), Infinity) });
    const attempt = (timeoutMs: number) => run(table.repository, createClock(t, timeoutMs).deadline);
    const { complete, told } = await inTime(1_000, attempt, ({ told: { attempts } }) => attempts === 1);
    assert.ok(complete instanceof CleanupError);
    assert.equal(complete.kind, 'busy');
    assert.equal(told.deletedCount, 0);
    assert.equal(table.left(), 3_000);
  });
});

describe('when the time is used up', () => {
  test('the walk stops before a step that would leave too little time, and what is done is kept', async (t) => {
    const table = createTable(100_000, { onDelete: () => sleep(120) });
    const { complete, told } = await run(table.repository, createClock(t, 800).deadline);
    assert.equal(complete, false);
    assert.ok(told.deletedCount > 0 && told.deletedCount < 100_000);
    assert.equal(table.left(), 100_000 - told.deletedCount);
    assert.deepEqual(table.calls, ['begin', 'commit']);
  });

  test('at least one step is made, however little time there was', async (t) => {
    const { deadline } = createClock(t, 50);
    await sleep(48);
    const table = createTable(3_000);
    const { complete, told } = await run(table.repository, deadline);
    assert.equal(complete, false);
    assert.equal(told.deletedCount, 500);
    assert.equal(table.left(), 2_500);
  });

  test('a walk that has come to its end by then is complete', async (t) => {
    const table = createTable(400, { onDelete: () => sleep(190) });
    const { complete } = await run(table.repository, createClock(t, 200).deadline);
    assert.equal(complete, true);
  });

  test('in the middle of a step, what earlier steps did is kept', async (t) => {
    const table = createTable(3_000, { onDelete: failAt(500, () => failure('timed_out', false)) });
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal(complete, false);
    assert.equal(told.deletedCount, 500);
    assert.deepEqual(table.calls, ['begin', 'commit']);
    assert.equal(table.left(), 2_500);
  });

  test('between two statements of a step, what the first did is kept and counted', async (t) => {
    const table = createTable(3_000);
    const halfway: ExpiredSessions<Step> = {
      ...table.repository,
      async *deleteExpired({ from, to }) {
        yield* table.repository.deleteExpired({ from, to: (from + to) / 2 });
        throw failure('timed_out', false);
      },
    };
    const { complete, told } = await run(halfway, createClock(t, AMPLE_MS).deadline);
    assert.equal(complete, false);
    assert.equal(told.deletedCount, 250);
    assert.deepEqual(table.calls, ['begin', 'commit']);
    assert.equal(table.left(), 2_750);
  });

  test('waiting for a lock that nothing passes, what earlier steps did is kept', async (t) => {
    const table = createTable(3_000, { onDelete: failAt(500, () => failure('busy', false)) });
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal(complete, false);
    assert.equal(told.deletedCount, 500);
    assert.equal(table.left(), 2_500);
  });

  test('in the middle of the first step, there is nothing to keep', async (t) => {
    for (const kind of ['timed_out', 'busy'] as const) {
      const table = createTable(3_000, { onDelete: failAt(0, () => failure(kind, false)) });
      const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
      assert.equal((complete as CleanupError).kind, kind);
      assert.equal(told.deletedCount, 0);
      assert.deepEqual(table.calls, ['begin', 'rollback']);
    }
  });

  test('and the transaction with it, nothing is kept, and nothing is rolled back twice', async (t) => {
    const table = createTable(3_000, { onDelete: failAt(500, () => failure('timed_out', true)) });
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal((complete as CleanupError).kind, 'timed_out');
    assert.equal(told.deletedCount, 0);
    assert.deepEqual(table.calls, ['begin']);
    assert.equal(table.left(), 3_000);
  });
});

describe('a signal', () => {
  const interruptAt = (from: number, clock: { deadline: Deadline; signal: (name: StopSignal) => void }): Happening =>
    failAt(from, () => {
      clock.signal('SIGTERM');
      return stoppedError(clock.deadline.stop, 'deleting');
    });

  test('rolls the one transaction back', async (t) => {
    const clock = createClock(t, AMPLE_MS);
    const table = createTable(3_000, { onDelete: interruptAt(500, clock) });
    const { complete, told } = await run(table.repository, clock.deadline);
    assert.equal((complete as CleanupError).exitStatus, 143);
    assert.equal(told.deletedCount, 0);
    assert.deepEqual(table.calls, ['begin', 'rollback']);
    assert.equal(table.left(), 3_000);
  });

  test('undoes only the step in hand where there are batches', async (t) => {
    const clock = createClock(t, AMPLE_MS);
    const table = createTable(3_000, { onDelete: interruptAt(250, clock) });
    const { complete, told } = await run(table.repository, clock.deadline, { batchSize: 100 });
    assert.equal((complete as CleanupError).exitStatus, 143);
    assert.equal(told.deletedCount, 300);
    assert.equal(table.left(), 2_700);
  });

  test('during the pause between batches ends the pause', async (t) => {
    const clock = createClock(t, AMPLE_MS);
    const table = createTable(3_000, { onCommit: () => setTimeout(() => clock.signal('SIGINT'), 50) });
    const startedAt = performance.now();
    const { complete, told } = await run(table.repository, clock.deadline, { batchSize: 100, pauseMs: AMPLE_MS / 2 });
    assert.equal((complete as CleanupError).exitStatus, 130);
    assert.equal(told.deletedCount, 100);
    assert.equal(table.left(), 2_900);
    assert.ok(performance.now() - startedAt < AMPLE_MS / 2, 'waited for its end');
  });

  test('that comes while the COMMIT is on its way changes nothing', async (t) => {
    const clock = createClock(t, AMPLE_MS);
    const table = createTable(3_000, { onCommit: () => clock.signal('SIGTERM') });
    const { complete, told } = await run(table.repository, clock.deadline);
    assert.equal(complete, true);
    assert.equal(told.deletedCount, 3_000);
    assert.equal(table.left(), 0);
  });
});

describe('any other fault', () => {
  test('rolls back and is the outcome', async (t) => {
    const fault = failure('failed', false);
    const table = createTable(3_000, { onDelete: failAt(500, () => fault) });
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline);
    assert.equal(complete, fault);
    assert.deepEqual(told, { deletedCount: 0, lockedCount: 0, batches: 0, attempts: 1 });
    assert.deepEqual(table.calls, ['begin', 'rollback']);
    assert.equal(table.left(), 3_000);
  });

  test('of a later batch leaves the earlier ones counted', async (t) => {
    const table = createTable(3_000, { onDelete: failAt(300, () => failure('failed', false)) });
    const { told } = await run(table.repository, createClock(t, AMPLE_MS).deadline, { batchSize: 100 });
    assert.equal(told.deletedCount, 300);
    assert.equal(table.left(), 2_700);
  });

  test('a COMMIT that is not confirmed is not tried again, and not counted', async (t) => {
    let commits = 0;
    const table = createTable(3_000, {
      onCommit: () => {
        if (++commits === 3) throw failure('unknown', false);
      },
    });
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline, { batchSize: 100 });
    assert.equal((complete as CleanupError).kind, 'unknown');
    assert.equal(told.deletedCount, 200);
    assert.equal(commits, 3);
  });
});

describe('in batches', () => {
  test('no commit holds more rows than asked for, and all go', async (t) => {
    for (const batchSize of [1, 7, 100, 499, 500, 501]) {
      const sizes: number[] = [];
      const table = createTable(1_234);
      let before = 1_234;
      const commit = async (): Promise<void> => {
        await table.repository.commit();
        sizes.push(before - table.left());
        before = table.left();
      };
      const { deadline } = createClock(t, AMPLE_MS);
      const { complete, told } = await run({ ...table.repository, commit }, deadline, { batchSize });
      assert.equal(complete, true);
      assert.equal(told.deletedCount, 1_234);
      assert.equal(table.left(), 0);
      assert.ok(Math.max(...sizes) <= batchSize, `${Math.max(...sizes)} rows in a batch of ${batchSize}`);
      assert.equal(told.batches, sizes.filter((size) => size > 0).length);
    }
  });

  // What is asked for last is beyond the end of the table.
  for (const { expired, rows, steps, deleted } of [
    { expired: 2, rows: 3_687, steps: [[500, 750, 375, 187], [1_000, 500, 250, 125], [1_000]], deleted: 907 + 938 },
    { expired: 4, rows: 4_343, steps: [[500, 875, 656], [1_000, 750, 562], [1_000]], deleted: 508 + 579 },
  ]) {
    test(`a batch is filled up as far as it pays, and begins with the pace of the last: 1 in ${expired} expired`, async (t) => {
      const { deadline } = createClock(t, AMPLE_MS);
      t.mock.method(performance, 'now', () => 0);
      const table = createTable(rows);
      const someExpired = {
        ...table.repository,
        async *deleteExpired({ from, to }: Step) {
          yield { deleted: Math.ceil((to - from) / expired), locked: 0 };
        },
      };
      const { told } = await run(someExpired, deadline, { batchSize: 1_000 });
      assert.deepEqual(table.steps, steps.flat());
      assert.deepEqual([told.batches, told.deletedCount], [2, deleted]);
    });
  }

  test('there is a pause between two, and none after the last', async (t) => {
    const table = createTable(300);
    const startedAt = performance.now();
    await run(table.repository, createClock(t, AMPLE_MS).deadline, { batchSize: 100, pauseMs: 100 });
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs >= 290, `${tookMs} ms`);
  });

  test('a pause that the time does not allow for ends the run', async (t) => {
    const table = createTable(300);
    const { deadline } = createClock(t, AMPLE_MS);
    const { complete, told } = await run(table.repository, deadline, { batchSize: 100, pauseMs: AMPLE_MS });
    assert.equal(complete, false);
    assert.equal(told.deletedCount, 100);
    assert.ok(!deadline.stop.aborted, 'paused until the time was up');
  });

  test('the next one waits for as long as there is a reason to', async (t) => {
    const reasons = ['a replica is behind', undefined];
    const table = createTable(200);
    const { complete, told } = await run(table.repository, createClock(t, AMPLE_MS).deadline, {
      batchSize: 100,
      reasonToWait: async () => reasons.shift(),
    });
    assert.equal(complete, true);
    assert.equal(told.waitedFor, 'a replica is behind');
    assert.ok((told.waitedMs ?? 0) > 0);
    assert.equal(told.deletedCount, 200);
  });

  test('a reason that does not go away ends the run in time', async (t) => {
    const table = createTable(300);
    const { complete, told } = await run(table.repository, createClock(t, 1_500).deadline, {
      batchSize: 100,
      reasonToWait: async () => 'a replica is behind',
    });
    assert.equal(complete, false);
    assert.equal(told.deletedCount, 100);
    assert.equal(table.left(), 200);
  });

  test('every step is told of', async (t) => {
    const seen: number[] = [];
    const onStep = (deletedCount: number): void => void seen.push(deletedCount);
    await run(createTable(300).repository, createClock(t, AMPLE_MS).deadline, { batchSize: 100, onStep });
    assert.deepEqual(seen, [100, 200, 300]);
  });
});
