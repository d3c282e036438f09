// The time line of a stop: what is given up in which order, and which reason counts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDeadline, type Deadline, stoppedError } from '../../src/cleanup/deadline.js';
import type { StopSignal } from '../../src/errors.js';
import { orGivenUp } from '../../src/waiting.js';

const MARKS = ['stop', 'drop', 'skip', 'leave'] as const;

function abortedOf(deadline: Deadline): string[] {
  return MARKS.filter((mark) => deadline[mark].aborted);
}

describe('what is to be written last', () => {
  const late = AbortSignal.abort();

  test('gets a moment, however late it is', async () => {
    assert.equal(await orGivenUp(sleep(20, 'out'), late), 'out');
    await assert.rejects(
      orGivenUp(
        sleep(20).then(() => Promise.reject(new Error('broken'))),
        late,
      ),
      /broken/,
    );
  });

  test('is given up where it does not end', async () => {
    assert.equal(await orGivenUp(new Promise(() => {}), late), undefined);
  });
});

describe('a deadline', () => {
  for (const when of ['while it is there', 'before it was made']) {
    test(`with a signal that comes ${when}: over bit by bit, first the database, then files, then the line`, (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      let signal: (name: StopSignal) => void = () => {};
      const deadline = createDeadline({
        startedAt: performance.now(),
        onSignal: (listener) => {
          signal = listener;
          if (when === 'before it was made') listener('SIGTERM');
        },
      });
      t.mock.timers.tick(when === 'before it was made' ? 0 : 600_000);
      signal('SIGTERM');
      const seen = [abortedOf(deadline)];
      for (let ms = 0; ms < 6_000; ms += 100) {
        t.mock.timers.tick(100);
        const now = abortedOf(deadline);
        if (now.length > (seen.at(-1)?.length ?? 0)) seen.push(now);
      }
      assert.deepEqual(
        seen,
        MARKS.map((_, at) => MARKS.slice(0, at + 1)),
      );
      for (const mark of MARKS) assert.deepEqual(deadline[mark].reason, { kind: 'signal', signal: 'SIGTERM' });
    });
  }

  test('keeps its first reason, also of a signal that came before it', () => {
    const deadline = createDeadline({
      startedAt: performance.now(),
      onSignal: (listener) => {
        listener('SIGHUP');
        listener('SIGINT');
      },
    });
    deadline.limit(1);
    deadline.close();
    const { kind, exitStatus, message } = stoppedError(deadline.stop, 'connecting');
    assert.deepEqual([kind, exitStatus, message], ['interrupted', 129, 'stopped by SIGHUP while connecting']);
  });

  test('has no end without a limit, and none with a limit of 0', () => {
    const deadline = createDeadline({ startedAt: performance.now(), onSignal: () => {} });
    assert.equal(deadline.remainingMs(), Infinity);
    deadline.limit(0);
    assert.equal(deadline.remainingMs(), Infinity);
    assert.equal(deadline.isNearlyUsedUp(1e9), false);
    deadline.limit(60_000);
    assert.ok(deadline.remainingMs() <= 60_000);
    assert.equal(deadline.isNearlyUsedUp(60_000), true);
    deadline.close();
  });
});
