// What was aimed at. Whether a goal is met is judged from the figures; why one is missed, a person writes down here.
import { DATA_NAMES, type DataName } from './arena.js';
import { SIZES } from './benches.js';
import type { Contender } from './contenders.js';
import { median } from './measure.js';
import { divide, type Look, type Pair, times, timesWithoutStart } from './results.js';

interface Goal {
  readonly goal: string;
  /** Those that it holds for, by the beginnings of their names. */
  readonly engines: readonly string[];
  readonly limit: number;
  readonly unit: 'ms' | 'times' | 'MB';
  /** What must not be above the limit: of several, the worst counts. What was not measured is not finite. */
  readonly figures: (look: Look) => readonly number[];
  /** Said where it is missed. */
  readonly why: string;
}

const SERVERS = ['MariaDB', 'MySQL', 'PostgreSQL'];

/** What a backlog is measured against. */
export const IN_ONE = { question: 'backlog', contender: 'run, one transaction', base: 'one DELETE' } as const;
export const IN_BATCHES = { question: 'backlog', contender: 'run --batch-size 5000', base: 'DELETEs of 5000' } as const;

const withoutStart = (look: Look, pair: Omit<Pair, 'data'>, datas: readonly DataName[]): readonly number[] =>
  datas.map((data) => median(timesWithoutStart(look, { ...pair, data })));

const longestWaits = (look: Look, contender: Contender): readonly number[] =>
  (['live longest ms', 'expired longest ms'] as const).map((figure) => Math.max(...look('traffic', contender, figure)));

export const GOALS: readonly Goal[] = [
  {
    goal: 'SQLite, one transaction, times as texts and as numbers, with an index and without: 0.9 times the shell, the start aside',
    engines: ['SQLite'],
    limit: 0.9,
    unit: 'times',
    figures: (look) =>
      withoutStart(look, IN_ONE, [
        'half expired',
        'half expired, no index',
        'half expired, by numbers',
        'half expired, by numbers, no index',
      ]),
    why: 'every row is judged by its type and shape, which the shell does not do',
  },
  {
    goal: 'MySQL and MariaDB, batches of 5,000, along the key and along the expiry: 1.1 times plain DELETEs of as many rows, the start aside',
    engines: ['MariaDB', 'MySQL'],
    limit: 1.1,
    unit: 'times',
    figures: (look) => withoutStart(look, IN_BATCHES, ['half expired', '5 % expired']),
    why: 'rows are read without a lock, then locked and deleted by their key, so that no request waits',
  },
  {
    goal: 'MySQL and MariaDB: as fast as `pt-archiver --bulk-delete`, at every size of a commit',
    engines: ['MariaDB', 'MySQL'],
    limit: 1,
    unit: 'times',
    figures: (look) =>
      ([5000, 1000] as const).map((rows) =>
        median(
          times(look, {
            question: 'deletion',
            contender: `run --batch-size ${rows}`,
            base: `pt-archiver --limit ${rows}`,
            data: 'half expired',
          }),
        ),
      ),
    why: 'rows are read without a lock, then locked and deleted by their key; pt-archiver locks what it comes upon',
  },
  {
    goal: 'PostgreSQL, one transaction: 1.3 times one DELETE of psql, the start aside',
    engines: ['PostgreSQL'],
    limit: 1.3,
    unit: 'times',
    figures: (look) => withoutStart(look, IN_ONE, ['half expired', 'half expired, no index']),
    why: 'it deletes in steps and passes over rows that others hold, so that it ends in time and nobody waits',
  },
  {
    goal: 'a start on SQLite: 60 ms more than Node alone',
    engines: ['SQLite'],
    limit: 60,
    unit: 'ms',
    figures: (look) => {
      const node = look('startup', 'node -e 0', 'ms', 'nothing expired');
      return [median(look('startup', 'run', 'ms', 'nothing expired')) - median(node)];
    },
    why: 'what is left is the code of the libraries, and twenty statements that look before anything is deleted',
  },
  {
    goal: 'a request on a server, to a live session or an expired one: waits 250 ms at the longest, beside `run`',
    engines: SERVERS,
    limit: 250,
    unit: 'ms',
    figures: (look) => longestWaits(look, 'run'),
    why: 'a request that wants a row which is being deleted waits for the next commit',
  },
  {
    goal: 'a request on SQLite in WAL mode: waits 100 ms at the longest, beside `run --batch-size 500 --pause 50ms`',
    engines: ['SQLite'],
    limit: 100,
    unit: 'ms',
    figures: (look) => longestWaits(look, 'run --batch-size 500 --pause 50ms'),
    why: 'a commit waits for the disk, and a checkpoint writes all that came since the last',
  },
  {
    goal: 'time a row at 10,000,000 rows: 1.3 times that at 1,000,000',
    engines: ['SQLite', ...SERVERS],
    limit: 1.3,
    unit: 'times',
    figures: (look) => {
      const [, million, tenMillion] = SIZES.map((rows) => look('scale', 'run', 'µs a row', 'half expired', rows));
      return [median(divide(tenMillion ?? [], million ?? []))];
    },
    why: 'the indexes have outgrown the cache: random session IDs lie on a page each',
  },
  {
    goal: 'memory: 100 MB at the most, at every size, in one transaction and in batches',
    engines: ['SQLite', ...SERVERS],
    limit: 100,
    unit: 'MB',
    figures: (look) => {
      const MiB = [
        ...SIZES.map((rows) => look('scale', 'run', 'MiB', 'half expired', rows)),
        ...[IN_ONE, IN_BATCHES].flatMap(({ question, contender }) =>
          DATA_NAMES.map((data) => look(question, contender, 'MiB', data)),
        ),
      ];
      return MiB.map((turns) => Math.max(...turns) * 1.048576);
    },
    why: 'Node itself takes half of it, and MySQL needs the keys of the rows before it can delete them',
  },
];

/** Such as `**met**: 0.92 times on MariaDB 10.11; **missed**: 1.31 times on MySQL 9.7 (why)`. */
export function judge({ engines, limit, unit, figures, why }: Goal, looks: ReadonlyMap<string, Look>): string {
  const judged = [...looks].flatMap(([engine, look]) => {
    const known = figures(look).filter(Number.isFinite);
    if (known.length === 0 || !engines.some((each) => engine.startsWith(each))) return [];
    const worst = Math.max(...known);
    return [{ isMet: worst <= limit, text: `${worst.toFixed(unit === 'times' ? 2 : 0)} ${unit} on ${engine}` }];
  });
  const [met, missed] = [true, false].map((isMet) =>
    judged
      .filter((each) => each.isMet === isMet)
      .map(({ text }) => text)
      .join(', '),
  );
  const verdicts = [met && `**met**: ${met}`, missed && `**missed**: ${missed} (${why})`];
  return verdicts.filter((verdict) => verdict).join('; ') || 'not measured';
}
