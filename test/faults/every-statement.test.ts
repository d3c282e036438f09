// Whatever statement the connection is cut or the server frozen at, the line is true, and the next run ends the work.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertEndsWork, assertTrue } from '../support/claims.js';
import { type Ended, runCommand } from '../support/command.js';
import { type Database, type Engine, servers } from '../support/databases.js';
import { inTime } from '../support/in-time.js';
import { assertGoneAfterTimeout, failureLine, type Line, successLine } from '../support/lines.js';
import { measureTimeout } from '../support/pace.js';
import { type Moment, type ServerProxy, startProxy } from '../support/proxy.js';
import { createSessions, EXPIRED, ids } from '../support/sessions.js';
import { nth, type Phase, recordTraffic, type Sent } from '../support/traffic.js';

const ROWS = { expired: ids(4), live: ['z'] };
const MANNERS = [
  { title: 'in one transaction', options: [], unit: ROWS.expired.length },
  { title: 'in batches', options: ['--batch-size', '2'], unit: 2 },
];
// Just after it was sent is one of these two.
const MOMENTS = ['before', 'answered'] as const;
// While a server is frozen, nobody computes.
const FROZEN_AT_ONCE = 4;
const TIMEOUT_MS = await measureTimeout();

/** The ending that a loss at each phase has to have. */
type Endings = Readonly<Record<Phase, (ended: Ended) => Line>>;
const WHEN_CUT: Endings = {
  login: (ended) => failureLine(ended, 4, 'unavailable'),
  // Knex tries a connection before it hands it out, and opens another where it is lost.
  probe: successLine,
  work: (ended) => failureLine(ended, 1, 'failed'),
  commit: (ended) => failureLine(ended, 1, 'unknown'),
  look: successLine,
  quit: successLine,
};
/** Of PostgreSQL, which numbers its transactions, a run asks over another connection what became of its COMMIT. */
const WHEN_TOLD: Readonly<Record<Moment, Endings>> = {
  before: { ...WHEN_CUT, commit: WHEN_CUT.work },
  after: { ...WHEN_CUT, commit: WHEN_CUT.work },
  // The batches that would come after it are lost with the connection.
  answered: { ...WHEN_CUT, commit: (ended) => (ended.status === 0 ? successLine(ended) : WHEN_CUT.work(ended)) },
};
const WHEN_FROZEN: Endings = {
  ...WHEN_CUT,
  probe: WHEN_CUT.login,
  work: (ended) => failureLine(ended, 124, 'timed_out'),
};

for (const engine of servers) {
  for (const { title, options, unit } of MANNERS) {
    const argsFor = ({ url }: ServerProxy): string[] => ['run', '--db-url', url, ...options];

    async function createBehindProxy(t: TestContext): Promise<{ database: Database; proxy: ServerProxy }> {
      const database = await createSessions(t, engine, ROWS);
      const proxy = await startProxy(database.url);
      t.after(() => proxy.close());
      return { database, proxy };
    }

    /** What a run sends, one after the other; it cannot be otherwise in the runs that are then interfered with. */
    async function record(t: TestContext): Promise<readonly Sent[]> {
      const { proxy } = await createBehindProxy(t);
      const traffic = await recordTraffic(proxy, argsFor(proxy));
      const commits = traffic.filter(({ phase }) => phase === 'commit');
      assert.ok(commits.length >= ROWS.expired.length / unit, JSON.stringify(traffic));
      return traffic;
    }

    /** The line is true, and where it does not know of a COMMIT it is known here on which side of it the cut came. */
    async function assertTold(database: Database, line: Line, moment: Moment): Promise<void> {
      const gone = await assertTrue(line, database, ROWS, unit);
      const committed = Number(line.batches ?? 0) * unit;
      // The last transaction in batches finds nothing more.
      const inHand = Math.min(unit, ROWS.expired.length - committed);
      if (line.outcome === 'unknown') assert.equal(gone - committed, moment === 'answered' ? inHand : 0);
      await assertEndsWork(database.url, database, ROWS, gone);
    }

    describe(`${engine.name}, ${title}`, { concurrency: 2, timeout: 600_000 }, () => {
      for (const moment of MOMENTS) {
        test(`the connection is cut at every statement, ${moment}`, async (t) => {
          const { database, proxy } = await createBehindProxy(t);
          const traffic = await record(t);
          for (const sent of interferable(traffic, moment)) {
            const rows = ROWS.expired.map((id) => ({ id, expires_at: EXPIRED }));
            await database.knex('sessions').insert(rows).onConflict('id').merge();
            await t.test(nameOf(sent), async () => {
              const target = nth(sent.at);
              const reached = proxy.when(target, moment, proxy.cut);
              const ended = await runCommand(argsFor(proxy));
              await reached;
              await assertTold(database, endings(engine, moment)[target.phase()](ended), moment);
            });
          }
        });
      }

      for (const moment of MOMENTS) {
        test(`the server is frozen at every statement, ${moment}`, { concurrency: FROZEN_AT_ONCE }, async (t) => {
          const sample = interferable(await record(t), moment).filter(
            // A sample, for each takes the timeout and five seconds: some at one moment and others at the other.
            ({ at, phase }) => phase === 'commit' || at % 4 === MOMENTS.indexOf(moment),
          );
          await Promise.all(
            sample.map((sent) =>
              t.test(nameOf(sent), async (t) => {
                const attempt = async (timeoutMs: number) => {
                  const { database, proxy } = await createBehindProxy(t);
                  const target = nth(sent.at);
                  const reached = proxy.when(target, moment, proxy.freeze).then(() => true);
                  const startedAt = performance.now();
                  const ended = await runCommand([...argsFor(proxy), '--timeout', `${timeoutMs}ms`]);
                  assertGoneAfterTimeout(startedAt, timeoutMs);
                  const isReached = await Promise.race([reached, sleep(1_000).then(() => false)]);
                  proxy.cut();
                  return { database, target, ended, isReached };
                };
                const { database, target, ended } = await inTime(TIMEOUT_MS, attempt, ({ isReached }) => !isReached);
                await assertTold(database, WHEN_FROZEN[target.phase()](ended), moment);
              }),
            ),
          );
        });
      }
    });
  }
}

function endings({ family }: Engine, moment: Moment): Endings {
  return family === 'postgresql' ? WHEN_TOLD[moment] : WHEN_CUT;
}

function interferable(traffic: readonly Sent[], moment: Moment): readonly Sent[] {
  return traffic.filter(({ phase }) => moment !== 'answered' || phase !== 'quit');
}

function nameOf({ at, text }: Sent): string {
  return `${at}: ${text.slice(0, 60)}`;
}
