// What is deleted, against an oracle that knows what every row means (test/support/oracle.ts): on every engine, in
// every kind of column, in every spelling, with whatever else may have got into the column, and with wrong settings.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { cleanUp } from '../../src/cleanup/cleanup.js';
import { createDeadline, type Deadline } from '../../src/cleanup/deadline.js';
import type { OpenTable } from '../../src/database/table.js';
import { CleanupError } from '../../src/errors.js';
import { createCutoff } from '../../src/expiry/cutoff.js';
import { runCommand } from '../support/command.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { AS_STORED, openTableAt } from '../support/opened.js';
import {
  CLOCK_CHANGES,
  COLUMNS,
  type Column,
  DAY,
  type Format,
  formatOf,
  HOUR,
  literal,
  MINUTE,
  type Row,
  SECOND,
  type Style,
  TIME_ZONES,
  verdict,
} from '../support/oracle.js';

/** Of about twenty rows each. `npm run test:fuzz` makes it 5,000. */
const CASES_AN_ENGINE = Number(process.env.SESSION_CLEANUP_TEST_CASES ?? 300);

const FIRST_INSTANT = Date.parse('2001-09-10T00:00Z');
/** TIMESTAMP ends in January 2038. */
const LAST_INSTANT = Date.parse('2037-12-31T00:00Z');

const PLAIN: Style = { separator: ' ', suffix: 'Z', digits: 3, seconds: true, timeZone: 'UTC' };

/** A row before its column and the cutoff are known. `which` picks a spelling or a hostile value by its remainder. */
interface Plan {
  readonly from: 'main' | 'others' | 'hostile';
  readonly which: number;
  /** Between the cutoff and the instant that is meant. */
  readonly distanceMs: number;
  readonly nanos: number;
  readonly style: Omit<Style, 'timeZone'>;
  /** Of the writer; undefined: the one that is stated. */
  readonly timeZone: string | undefined;
}

interface Case {
  readonly column: number;
  readonly indexed: boolean;
  readonly format: 'auto' | 'right' | Format;
  /** What of the plans is carried out; the rest becomes rows of the column's own kind. */
  readonly intruders: 'none' | 'hostile' | 'all';
  readonly aim: { readonly cutoff: number; readonly timeZone: string };
  readonly batchSize: number | undefined;
  readonly plans: readonly Plan[];
}

const distance = fc.oneof(
  fc.constantFrom(0, 1, -1, 2, -2, 10, -10, 999, -999, SECOND, -SECOND, MINUTE, -MINUTE, 30 * MINUTE, -30 * MINUTE),
  fc.constantFrom(HOUR, -HOUR, 90 * MINUTE, -90 * MINUTE, 2 * HOUR, -2 * HOUR, DAY, -DAY, 2 * DAY, -2 * DAY),
  fc.integer({ min: -4 * HOUR, max: 4 * HOUR }),
  fc.integer({ min: -3 * DAY, max: 3 * DAY }),
  fc.integer({ min: -9000 * DAY, max: 9000 * DAY }),
);

const plan: fc.Arbitrary<Plan> = fc.record({
  from: fc.constantFrom('main', 'main', 'main', 'main', 'others', 'hostile'),
  which: fc.nat(),
  distanceMs: distance,
  nanos: fc.constantFrom(0, 0, 0, 1, 1000, 400_000, 499_999, 500_000, 999_000, 999_999),
  style: fc.record({
    separator: fc.constantFrom('T', ' '),
    suffix: fc.constantFrom(
      'Z',
      'Z',
      ' Z',
      '+00:00',
      '-00:00',
      ' +00:00',
      '+02:00',
      '-05:00',
      ' -03:30',
      '+14:00',
      ' -12:00',
    ),
    digits: fc.constantFrom(0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 9),
    seconds: fc.constantFrom(true, true, true, true, false),
  }),
  timeZone: fc.option(fc.constantFrom(...TIME_ZONES), { freq: 3, nil: undefined }),
});

const aim = fc.oneof(
  // Around a change of the clock, in the zone that has it.
  {
    weight: 3,
    arbitrary: fc.record({ change: fc.constantFrom(...CLOCK_CHANGES), shift: distance }).map(({ change, shift }) => ({
      cutoff: change.at + Math.sign(shift) * (Math.abs(shift) % (2 * DAY)),
      timeZone: change.timeZone,
    })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      cutoff: fc.oneof(
        fc.integer({ min: FIRST_INSTANT, max: LAST_INSTANT }),
        fc.integer({ min: FIRST_INSTANT / SECOND, max: LAST_INSTANT / SECOND }).map((seconds) => seconds * SECOND),
      ),
      timeZone: fc.constantFrom(...TIME_ZONES),
    }),
  },
  // A very long --older-than: seconds had nine digits once, and were negative before.
  {
    weight: 1,
    arbitrary: fc.record({
      cutoff: fc.integer({ min: Date.parse('1930-01-01'), max: FIRST_INSTANT }),
      timeZone: fc.constantFrom(...TIME_ZONES),
    }),
  },
);

const MOSTLY_RIGHT = Array.from({ length: 7 }, () => 'right' as const);

const isOnWallClock = ({ main }: Column, at: number): number[] =>
  main.spell({ ms: FIRST_INSTANT, nanos: 0 }, PLAIN).meaning.kind === 'instant' ? [] : [at];

const caseFor = (columns: readonly Column[]): fc.Arbitrary<Case> =>
  fc.record({
    // Every other case is about a wall clock, where most can go wrong.
    column: fc.oneof(fc.nat(columns.length - 1), fc.constantFrom(...columns.flatMap(isOnWallClock))),
    indexed: fc.boolean(),
    format: fc.constantFrom(...MOSTLY_RIGHT, 'auto', 'auto', 'auto', 'datetime', 'unix', 'unix-ms', 'julian'),
    intruders: fc.constantFrom('none', 'hostile', 'all'),
    aim,
    batchSize: fc.constantFrom(undefined, undefined, undefined, undefined, 5),
    plans: fc.array(plan, { maxLength: 40, size: 'max' }),
  });

/** Finer than a millisecond, at changes of the clock: what random cases came upon once in thousands. */
const finds = (columns: readonly Column[]): Case[] =>
  columns.flatMap(isOnWallClock).flatMap((column) =>
    [
      { cutoff: '2011-12-30T10:00Z', timeZone: 'Pacific/Apia', writer: '+14:00', distanceMs: -DAY, nanos: 1000 },
      {
        cutoff: '2026-10-25T00:00Z',
        timeZone: 'Europe/Berlin',
        writer: 'Europe/Berlin',
        distanceMs: -2,
        nanos: 999_999,
      },
      { cutoff: '2026-11-01T06:00Z', timeZone: 'America/New_York', writer: '-05:00', distanceMs: -1, nanos: 0 },
    ].map(({ cutoff, timeZone, writer, distanceMs, nanos }): Case => {
      const style = { ...PLAIN, digits: 9 };
      const plan: Plan = { from: 'main', which: 0, distanceMs, nanos, style, timeZone: writer };
      const aim = { cutoff: Date.parse(cutoff), timeZone };
      return { column, indexed: false, format: 'right', intruders: 'none', aim, batchSize: undefined, plans: [plan] };
    }),
  );

function rowOf(plan: Plan, column: Column, { intruders, aim }: Case): Row {
  const { which, distanceMs, nanos, style, timeZone } = plan;
  const from = intruders === 'none' || (intruders === 'hostile' && plan.from === 'others') ? 'main' : plan.from;
  const hostile = column.hostile[which % column.hostile.length];
  if (from === 'hostile' && hostile !== undefined) return { stored: hostile, meaning: { kind: 'never' } };
  const other = column.others[which % Math.max(1, column.others.length)];
  const spelling = from === 'others' && other !== undefined ? other : column.main;
  const ms = Math.min(Math.max(aim.cutoff + distanceMs, FIRST_INSTANT), LAST_INSTANT);
  return spelling.spell({ ms, nanos }, { ...style, timeZone: timeZone ?? aim.timeZone });
}

interface Opened {
  readonly table: string;
  readonly opened: OpenTable;
  readonly deadline: Deadline;
}

/** One table per kind of column, with an index on it and without, and a connection of the command's own to each. */
interface Bench {
  readonly database: Database;
  readonly family: Engine['family'];
  open(column: number, indexed: boolean): Promise<Opened>;
  close(): Promise<void>;
}

async function createBench({ create, family }: Engine): Promise<Bench> {
  const database = await create();
  const opened = new Map<string, Promise<Opened>>();

  async function openTable(table: string, at: number, indexed: boolean): Promise<Opened> {
    if (family === 'sqlite') await database.run('PRAGMA synchronous = OFF');
    await createTable(database, family, table, COLUMNS[family][at]?.declared ?? '', indexed);
    const deadline = createDeadline({ timeoutMs: 0, startedAt: performance.now(), onSignal: () => {} });
    return { table, opened: await openTableAt(database.url, table, deadline), deadline };
  }

  return {
    database,
    family,
    open(at, indexed) {
      const table = `${indexed ? 'indexed' : 'plain'}_${at}`;
      const open = opened.get(table) ?? openTable(table, at, indexed);
      opened.set(table, open);
      return open;
    },
    async close() {
      for (const { opened: table, deadline } of await Promise.all(opened.values())) {
        await table.close();
        deadline.close();
      }
      await database.drop();
    },
  };
}

async function createTable(
  { run }: Database,
  family: Engine['family'],
  table: string,
  declared: string,
  indexed = false,
): Promise<void> {
  await run(`CREATE TABLE ${table} (id INTEGER NOT NULL PRIMARY KEY, expires_at ${declared})`);
  const prefix = family === 'mysql' && declared === 'TEXT' ? '(30)' : '';
  if (indexed) await run(`CREATE INDEX ${table}_expiry ON ${table} (expires_at${prefix})`);
}

/** Replaces what the table holds; the IDs are 1, 2, … */
async function fill({ knex }: Database, family: Engine['family'], table: string, rows: readonly Row[]): Promise<void> {
  await knex.transaction(async (trx) => {
    // Without the modes that would refuse zero dates.
    if (family === 'mysql') await trx.raw("SET SESSION sql_mode = '', time_zone = '+00:00'");
    await trx.raw(`DELETE FROM ${table}`);
    const values = rows.map(({ stored }, at) => `(${at + 1}, ${literal(family, stored)})`);
    if (values.length > 0) await trx.raw(`INSERT INTO ${table} VALUES ${values.join(', ')}`);
  });
}

async function remaining({ query }: Database, table: string): Promise<ReadonlySet<number>> {
  return new Set((await query(`SELECT id FROM ${table}`)).map(({ id }) => Number(id)));
}

interface Outcome {
  /** Undefined where the column holds nothing that can be expired. */
  readonly format: Format | 'refused' | undefined;
  readonly counted: number;
  readonly deleted: number;
}

/** What `run --dry-run` and then `run` do once the settings are valid, with a cutoff of our own. */
async function cleanUpOnce(
  { opened, deadline }: Opened,
  format: Format | 'auto',
  { aim: { cutoff, timeZone }, batchSize }: Case,
): Promise<Outcome> {
  let deleted = 0;
  try {
    const found = await opened.inspect({ ...AS_STORED, expiresFormat: format });
    if (found === undefined) return { format: undefined, counted: 0, deleted: 0 };
    const expired = opened.selectExpired(found, createCutoff(new Date(cutoff), timeZone));
    const counted = await expired.count();
    const sessions = await expired.openSessions();
    await cleanUp(sessions, deadline, { batchSize, pauseMs: 0 }, ({ deletedCount }) => {
      deleted = deletedCount;
    });
    return { format: found.format, counted, deleted };
  } catch (error) {
    if (!(error instanceof CleanupError && error.kind === 'refused')) throw error;
    return { format: 'refused', counted: 0, deleted: 0 };
  }
}

/** Compares what is left with what the rows mean; resolves to how many were deleted. */
async function check(bench: Bench, of: Case): Promise<number> {
  const column = COLUMNS[bench.family][of.column];
  assert.ok(column);
  const rows = of.plans.map((plan) => rowOf(plan, column, of));
  const wanted = of.format === 'right' ? column.main.format : of.format;
  const opened = await bench.open(of.column, of.indexed);
  await fill(bench.database, bench.family, opened.table, rows);
  const { format, counted, deleted } = await cleanUpOnce(opened, wanted, of);
  const left = await remaining(bench.database, opened.table);

  const formats = new Set(rows.flatMap(({ meaning }) => formatOf(meaning) ?? []));
  const setting = `${column.declared}, ${wanted} as ${format}, ${new Date(of.aim.cutoff).toISOString()}, ${of.aim.timeZone}`;
  if (format === 'refused') {
    const isClear = wanted === 'auto' && formats.size === 1 && rows.every(({ meaning }) => meaning.kind !== 'never');
    assert.ok(!isClear && (wanted === 'auto' || !formats.has(wanted)), `refused without a reason: ${setting}`);
  } else if (format === undefined) {
    assert.equal(formats.size, 0, `nothing seen: ${setting}`);
  } else if (wanted === 'auto') {
    assert.deepEqual(
      [...formats].filter((other) => other !== format),
      [],
      `more than ${format}: ${setting}`,
    );
  } else {
    assert.equal(format, wanted);
  }
  assert.equal(deleted, rows.length - left.size, `the count is not what was deleted: ${setting}`);
  assert.equal(counted, deleted, `a dry run counts something else than a run deletes: ${setting}`);
  const wrong = rows.flatMap((row, at) => {
    const should = format === undefined || format === 'refused' ? 'keep' : verdict(row.meaning, { ...of.aim, format });
    const did = left.has(at + 1) ? 'keep' : 'delete';
    return should === 'either' || should === did ? [] : [`should ${should}, did ${did}: ${show(row)}`];
  });
  assert.deepEqual(wrong, [], setting);
  return deleted;
}

function show({ stored, meaning }: Row): string {
  const value = 'value' in stored ? JSON.stringify(stored.value) : 'NULL';
  const ms = meaning.kind === 'never' ? undefined : meaning.kind === 'day' ? meaning.ms : meaning.at.ms;
  const nanos = 'at' in meaning && meaning.at.nanos > 0 ? ` + ${meaning.at.nanos} ns` : '';
  return `${stored.storage} ${value}, ${meaning.kind}${ms === undefined ? '' : ` ${new Date(ms).toISOString()}${nanos}`}`;
}

for (const engine of engines) {
  describe(`what is deleted, on ${engine.name}`, () => {
    let bench: Bench;
    before(async () => {
      bench = await createBench(engine);
    });
    after(() => bench.close());

    test('is exactly what has expired, in every kind of column and whatever the settings', async () => {
      const columns = COLUMNS[engine.family];
      let deleted = 0;
      await fc.assert(
        fc.asyncProperty(caseFor(columns), async (of) => {
          deleted += await check(bench, of);
        }),
        { numRuns: CASES_AN_ENGINE, examples: finds(columns).map((of): [Case] => [of]) },
      );
      // A test that deletes next to nothing would prove next to nothing.
      assert.ok(deleted > CASES_AN_ENGINE, `only ${deleted} rows were deleted`);
    });

    // One column for each way of writing: a process takes longer than all the rest of the test.
    const whole = COLUMNS[engine.family].filter(
      ({ declared }) => !/^(DATETIME|TIMESTAMP|TIMESTAMPTZ)\(/.test(declared),
    );
    const oneEach = new Map(whole.map((column) => [column.main, column])).values();
    for (const [at, column] of [...oneEach].entries()) {
      test(`by the command, from ${column.declared || 'a column without a type'} (${column.main.format}, ${at})`, () =>
        checkCommand(bench, column, `command_${at}`));
    }

    test('by the command, at the changes of the clock', () => checkClockChanges(bench));
  });
}

/** The command's cutoff is its own now: the times keep away from it, and dates from midnight. */
async function checkCommand({ database, family }: Bench, column: Column, table: string): Promise<void> {
  const now = Date.now();
  const { format } = column.main;
  const distances = [-3000 * DAY, -40 * DAY, -2 * DAY, -HOUR, -5 * MINUTE, 5 * MINUTE, HOUR, 2 * DAY, 3000 * DAY];
  const meant = distances.map((distanceMs) => column.main.spell({ ms: now + distanceMs, nanos: 0 }, PLAIN));
  const atEnd = { format, cutoff: now + MINUTE, timeZone: 'UTC' };
  const rows = [
    ...meant.filter(({ meaning }) => verdict(meaning, { ...atEnd, cutoff: now }) === verdict(meaning, atEnd)),
    ...column.hostile.map((stored): Row => ({ stored, meaning: { kind: 'never' } })),
  ];
  const kept = rows.flatMap(({ meaning }, at) => (verdict(meaning, atEnd) === 'keep' ? [at + 1] : []));
  await createTable(database, family, table, column.declared);
  await fill(database, family, table, rows);
  const { status, line } = await runCommand(['run', '--table', table, '--expires-format', format], {
    env: { DATABASE_URL: database.url },
  });
  assert.equal(status, 0, JSON.stringify(line));
  assert.equal(line.deleted_count, rows.length - kept.length);
  assert.deepEqual(
    [...(await remaining(database, table))].sort((a, b) => a - b),
    kept,
  );
}

/** Berlin: at 01:00 UTC the clock goes from 03:00 back to 02:00 in October, and from 02:00 to 03:00 in March. */
async function checkClockChanges({ database, family }: Bench): Promise<void> {
  const declared = { sqlite: 'TEXT', mysql: 'DATETIME', postgresql: 'TIMESTAMP' }[family];
  await createTable(database, family, 'clock_changes', declared);
  const cases = [
    // The first showing of 02:30: every time from 02:00 on is shown again.
    { cutoff: '2024-10-27T00:30Z', expired: ['01:58', '01:59'], live: ['02:00', '02:15', '02:45', '03:00', '03:15'] },
    { cutoff: '2024-10-27T01:30Z', expired: ['01:59', '02:00', '02:28'], live: ['02:32', '03:00'] },
    // What the clock skipped is meant an hour later.
    { cutoff: '2024-03-31T01:10Z', expired: ['01:59', '02:05', '03:00', '03:08'], live: ['02:12', '02:59', '03:12'] },
    { cutoff: '2024-03-31T00:50Z', expired: ['01:30', '01:48'], live: ['01:52', '02:00', '02:59', '03:00'] },
  ];
  for (const { cutoff, expired, live } of cases) {
    const value = (time: string): string => `${cutoff.slice(0, 10)} ${time}:00`;
    await fill(
      database,
      family,
      'clock_changes',
      [...expired, ...live].map((time) => ({
        stored: { storage: 'text', value: value(time) },
        meaning: { kind: 'never' },
      })),
    );
    const olderThan = `${Date.now() - Date.parse(cutoff)}ms`;
    const { status, line } = await runCommand(
      ['run', '--table', 'clock_changes', '--time-zone', 'Europe/Berlin', '--older-than', olderThan],
      { env: { DATABASE_URL: database.url } },
    );
    assert.equal(status, 0, JSON.stringify(line));
    const left = await database.query('SELECT expires_at FROM clock_changes ORDER BY expires_at');
    assert.deepEqual(
      left.map(({ expires_at }) => expires_at),
      live.map(value),
      `at ${cutoff}`,
    );
  }
}
