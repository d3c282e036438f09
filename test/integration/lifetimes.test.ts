// What is deleted where a second column says how long each row lives, against the oracle: on every engine, in every kind
// of column, at every change of the clock, with whatever else may be in either column.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { cleanUp } from '../../src/cleanup/cleanup.js';
import { createDeadline } from '../../src/cleanup/deadline.js';
import type { OpenTable } from '../../src/database/table.js';
import { createCutoff } from '../../src/expiry/cutoff.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { LIFETIMES, type LifetimeColumn, verdictAfter } from '../support/lifetimes.js';
import { AS_STORED, openTableAt } from '../support/opened.js';
import {
  CLOCK_CHANGES,
  COLUMNS,
  type Column,
  DAY,
  HOUR,
  literal,
  MINUTE,
  type Row,
  SECOND,
  type Stored,
  TIME_ZONES,
} from '../support/oracle.js';

const CASES_AN_ENGINE = Number(process.env.SESSION_CLEANUP_TEST_CASES ?? 150);

// Where seconds have ten digits, and a TIMESTAMP holds it.
const [FIRST_INSTANT, LAST_INSTANT] = [Date.parse('2001-09-10T00:00Z'), Date.parse('2037-12-31T00:00Z')];

/** A row before its column and the cutoff are known. `which` picks a hostile value by its remainder. */
interface Plan {
  readonly time: 'right' | 'hostile';
  readonly lifetime: 'right' | 'half' | 'hostile';
  readonly which: number;
  readonly seconds: number;
  /** Between the cutoff and the end that is meant. */
  readonly distanceMs: number;
  readonly nanos: number;
  readonly isWritten: { readonly separator: 'T' | ' '; readonly suffix: string; readonly digits: number };
}

interface Case {
  readonly column: number;
  readonly aim: { readonly cutoff: number; readonly timeZone: string };
  readonly batchSize: number | undefined;
  readonly plans: readonly Plan[];
}

const distance = fc.oneof(
  fc.constantFrom(0, 0, 1, -1, 2, -2, 10, -10, 500, -500, SECOND, -SECOND, MINUTE, -MINUTE, HOUR, -HOUR, DAY, -DAY),
  fc.integer({ min: -4 * HOUR, max: 4 * HOUR }),
  fc.integer({ min: -40 * DAY, max: 40 * DAY }),
);

const plan: fc.Arbitrary<Plan> = fc.record({
  time: fc.constantFrom('right', 'right', 'right', 'right', 'right', 'hostile'),
  lifetime: fc.constantFrom('right', 'right', 'right', 'right', 'half', 'hostile'),
  which: fc.nat(),
  seconds: fc.oneof(
    fc.constantFrom(1, 60, 1440, 1800, 3600, 7200, 86_400, 1_209_600, 31_536_000),
    fc.integer({ min: 1, max: 100_000_000 }),
  ),
  distanceMs: distance,
  nanos: fc.constantFrom(0, 0, 0, 1, 1000, 499_999, 500_000, 999_999),
  isWritten: fc.record({
    separator: fc.constantFrom('T', ' '),
    suffix: fc.constantFrom('Z', '+00:00', ' +00:00', '+02:00', ' -03:30', '+14:00', '-12:00'),
    digits: fc.constantFrom(0, 3, 3, 6, 9),
  }),
});

const aim = fc.oneof(
  fc.record({ change: fc.constantFrom(...CLOCK_CHANGES), shift: distance }).map(({ change, shift }) => ({
    cutoff: change.at + (shift % (2 * DAY)),
    timeZone: change.timeZone,
  })),
  fc.record({
    cutoff: fc.integer({ min: FIRST_INSTANT + 4000 * DAY, max: LAST_INSTANT }),
    timeZone: fc.constantFrom(...TIME_ZONES),
  }),
);

const isOnWallClock = ({ main }: Column): boolean =>
  main.spell(
    { ms: FIRST_INSTANT, nanos: 0 },
    { separator: ' ', suffix: 'Z', digits: 0, seconds: true, timeZone: 'UTC' },
  ).meaning.kind !== 'instant';

/** Every other case is about a wall clock, where most can go wrong. */
const caseFor = (columns: readonly Column[]): fc.Arbitrary<Case> =>
  fc.record({
    column: fc.oneof(
      fc.nat(columns.length - 1),
      fc.constantFrom(...columns.flatMap((column, at) => (isOnWallClock(column) ? [at] : []))),
    ),
    aim,
    batchSize: fc.constantFrom(undefined, undefined, undefined, 5),
    plans: fc.array(plan, { minLength: 1, maxLength: 40, size: 'max' }),
  });

interface Living extends Row {
  readonly lifetime: Stored;
  /** Undefined for what is no lifetime. */
  readonly seconds: number | undefined;
}

function rowOf(plan: Plan, column: Column, lifetimes: LifetimeColumn, { aim }: Case): Living {
  const { which, nanos, isWritten } = plan;
  const never = lifetimes.hostile[which % lifetimes.hostile.length];
  assert.ok(never);
  const seconds = plan.seconds + (plan.lifetime === 'half' && lifetimes.hasFractions ? 0.5 : 0);
  const living =
    plan.lifetime === 'hostile'
      ? { lifetime: never, seconds: undefined }
      : { lifetime: { storage: Number.isInteger(seconds) ? 'integer' : 'real', value: seconds } as const, seconds };
  const hostile = column.hostile[which % column.hostile.length];
  if (plan.time === 'hostile' && hostile !== undefined) {
    return { stored: hostile, meaning: { kind: 'never' }, ...living };
  }
  const ms = Math.min(Math.max(aim.cutoff + plan.distanceMs - seconds * SECOND, FIRST_INSTANT), LAST_INSTANT);
  return {
    ...column.main.spell({ ms: Math.floor(ms), nanos }, { ...isWritten, seconds: true, timeZone: aim.timeZone }),
    ...living,
  };
}

/** A table for each kind of column, each with one kind of lifetimes, and a connection of the command's own to each. */
interface Bench {
  readonly database: Database;
  readonly family: Engine['family'];
  open(column: number): Promise<OpenTable>;
  close(): Promise<void>;
}

const deadline = createDeadline({ timeoutMs: 0, startedAt: performance.now(), onSignal: () => {} });
after(() => deadline.close());

async function createBench({ create, family }: Engine): Promise<Bench> {
  const database = await create();
  const opened = new Map<number, Promise<OpenTable>>();
  async function openTable(at: number): Promise<OpenTable> {
    const { declared, lifetimes, table } = columnAt(family, at);
    await database.run(
      `CREATE TABLE ${table} (id INTEGER NOT NULL PRIMARY KEY, expires_at ${declared}, lifetime ${lifetimes.declared} ${family === 'sqlite' ? '' : 'NULL'})`,
    );
    if (at % 2 === 1 && declared !== 'TEXT') await database.run(`CREATE INDEX ${table}_ends ON ${table} (expires_at)`);
    return openTableAt(database.url, table, deadline, 'lifetime');
  }
  return {
    database,
    family,
    open(at) {
      const open = opened.get(at) ?? openTable(at);
      opened.set(at, open);
      return open;
    },
    async close() {
      for (const table of await Promise.all(opened.values())) await table.close();
      await database.drop();
    },
  };
}

function columnAt(family: Engine['family'], at: number): Column & { lifetimes: LifetimeColumn; table: string } {
  const column = COLUMNS[family][at];
  const lifetimes = LIFETIMES[family][at % LIFETIMES[family].length];
  assert.ok(column && lifetimes);
  return { ...column, lifetimes, table: `lives_${at}` };
}

/** Resolves to how many rows were deleted. */
async function check({ database, family, open }: Bench, of: Case): Promise<number> {
  const column = columnAt(family, of.column);
  const { table, lifetimes, main } = column;
  const rows = of.plans.map((plan) => rowOf(plan, column, lifetimes, of));
  const opened = await open(of.column);
  await database.knex.transaction(async (trx) => {
    // Without the modes that would refuse zero dates.
    if (family === 'mysql') await trx.raw("SET SESSION sql_mode = '', time_zone = '+00:00'");
    await trx.raw(`DELETE FROM ${table}`);
    const values = rows.map(
      ({ stored, lifetime }, at) => `(${at + 1}, ${literal(family, stored)}, ${literal(family, lifetime)})`,
    );
    await trx.raw(`INSERT INTO ${table} VALUES ${values.join(', ')}`);
  });

  const { cutoff, timeZone } = of.aim;
  const isRight = rows.some(({ meaning }) => meaning.kind !== 'never');
  let deleted = 0;
  if (isRight) {
    const format = await opened.inspect({ ...AS_STORED, expiresFormat: main.format });
    assert.ok(format);
    const expired = opened.selectExpired(format, createCutoff(new Date(cutoff), timeZone));
    const counted = await expired.count();
    await cleanUp(await expired.openSessions(), deadline, { batchSize: of.batchSize, pauseMs: 0 }, (progress) => {
      deleted = progress.deletedCount;
    });
    assert.equal(counted, deleted, 'a dry run counts something else than a run deletes');
  }
  const left = new Set((await database.query(`SELECT id FROM ${table}`)).map(({ id }) => Number(id)));
  assert.equal(deleted, rows.length - left.size, 'the count is not what was deleted');
  const wrong = rows.flatMap((row, at) => {
    const should = verdictAfter(row, row.seconds, { format: main.format, cutoff, timeZone });
    const did = left.has(at + 1) ? 'keep' : 'delete';
    return should === 'either' || should === did ? [] : [`should ${should}, did ${did}: ${JSON.stringify(row)}`];
  });
  const setting = `${column.declared} + ${lifetimes.declared}, ${new Date(cutoff).toISOString()}, ${timeZone}`;
  assert.deepEqual(wrong, [], setting);
  return deleted;
}

for (const engine of engines) {
  describe(`lifetimes in a column, on ${engine.name}`, () => {
    let bench: Bench;
    before(async () => {
      bench = await createBench(engine);
    });
    after(() => bench.close());

    test('delete exactly the rows whose time and lifetime are past', async () => {
      const columns = COLUMNS[engine.family];
      let deleted = 0;
      await fc.assert(
        fc.asyncProperty(caseFor(columns), async (of) => {
          deleted += await check(bench, of);
        }),
        { numRuns: CASES_AN_ENGINE },
      );
      assert.ok(deleted > CASES_AN_ENGINE, `only ${deleted} rows were deleted`);
    });
  });
}
