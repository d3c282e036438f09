// BENCHMARKS.md: the words of page.md, with tables made from the results. No figure is typed.
import { readFileSync } from 'node:fs';
import { DATA_NAMES, type DataName } from './arena.js';
import { CONTENDERS, type Contender } from './contenders.js';
import { GOALS, IN_BATCHES, IN_ONE, judge } from './goals.js';
import { median, spread, table } from './measure.js';
import {
  divide,
  type Look,
  looksAt,
  type Pair,
  type Question,
  type Results,
  times,
  timesWithoutStart,
} from './results.js';

const TEMPLATE = new URL('../../../test/bench/page.md', import.meta.url);
const OF_KNEX = 'half expired, of connect-session-knex';
const ALL = Object.keys(CONTENDERS) as Contender[];

/** What nobody notices. */
const UNNOTICED_MS = 50;

/** What people have, what they could have here, and on which data both are compared. */
const RIVALS: readonly (readonly [instead: string, here: Contender, there: Contender, data: DataName])[] = [
  ['one DELETE of my own', 'run', 'one DELETE', 'half expired'],
  ['my own DELETEs, 5,000 rows each', 'run --batch-size 5000', 'DELETEs of 5000', 'half expired'],
  ['`pt-archiver`, 5,000 rows each', 'run --batch-size 5000', 'pt-archiver --limit 5000', 'half expired'],
  ["Django's `clearsessions`", 'run', 'Django clearsessions', 'half expired'],
  ["`connect-session-knex`'s own timer", 'run', 'connect-session-knex', OF_KNEX],
];

type Looks = ReadonlyMap<string, Look>;
type Line = readonly [label: string, cell: (look: Look) => string];

export function renderPage(results: Results): string {
  const looks = looksAt(results);
  const sizes = (question: Question): readonly number[] => [
    ...new Set(results.measured.filter((each) => each.question === question).map(({ rows }) => rows)),
  ];
  const parts: Readonly<Record<string, string>> = {
    about: Object.entries(results.about)
      .map(([name, text]) => `- **${name}**: ${text}`)
      .join('\n'),
    rows: sizes('deletion').map(count).join(' or '),
    backlogRows: sizes('backlog').map(count).join(' or '),
    instead: pivot(looks, 'instead of: this', RIVALS.map(advise)),
    deletion: deletionLines(looks),
    backlog: backlogLines(looks),
    live: trafficLines(looks, 'live'),
    expired: trafficLines(looks, 'expired'),
    startup: pivot(
      looks,
      'process',
      ALL.map((each): Line => [each, (look) => spread(look('startup', each, 'ms', 'nothing expired'), 0)]),
    ),
    scale: scaleLines(looks, sizes('scale')),
    goals: table(
      ['at most', 'result'],
      GOALS.map((goal) => [goal.goal, judge(goal, looks)]),
    ),
  };
  return readFileSync(TEMPLATE, 'utf8').replace(/{{(\w+)}}/g, (_, name: string) => parts[name] ?? '');
}

/** A column for each engine, and the lines that have a figure of any. */
function pivot(looks: Looks, head: string, lines: readonly Line[]): string {
  const rows = lines.map(([label, cell]) => [label, ...[...looks.values()].map(cell)]);
  return table(
    [head, ...looks.keys()],
    rows.filter(([, ...cells]) => cells.some((cell) => cell !== '')),
  );
}

function deletionLines(looks: Looks): string {
  const ratio =
    (contender: Contender, data: DataName, base: Contender = 'one DELETE') =>
    (look: Look): string =>
      spread(times(look, { question: 'deletion', contender, base, data }));
  const perSecond = (look: Look): string => {
    const rows = divide(look('deletion', 'one DELETE', 'rows expired'), look('deletion', 'one DELETE', 's'));
    return rows.length === 0 ? '' : `${count(median(rows))} rows/s`;
  };
  return pivot(looks, 'contender', [
    ['one DELETE', perSecond],
    ...ALL.filter((each) => each !== 'one DELETE').map((each): Line => [each, ratio(each, 'half expired')]),
    ['run: half expired, `connect-session-knex` = 1', ratio('run', OF_KNEX, 'connect-session-knex')],
  ]);
}

function backlogLines(looks: Looks): string {
  return pivot(
    looks,
    'contender and table',
    [IN_ONE, IN_BATCHES].flatMap((backlog) =>
      DATA_NAMES.map((data): Line => {
        const pair: Pair = { ...backlog, data };
        const cell = (look: Look): string => {
          const whole = times(look, pair);
          return whole.length === 0
            ? ''
            : `${spread(whole)}; ${median(timesWithoutStart(look, pair)).toFixed(2)} without the start`;
        };
        return [`${backlog.contender}: ${data}`, cell];
      }),
    ),
  );
}

function trafficLines(looks: Looks, touched: 'live' | 'expired'): string {
  const waits =
    (contender: Contender, data: DataName) =>
    (look: Look): string => {
      const [p99, longest, failed] = (['p99 ms', 'longest ms', 'failed'] as const).map((figure) =>
        look('traffic', contender, `${touched} ${figure}`, data),
      ) as [readonly number[], readonly number[], readonly number[]];
      if (!Number.isFinite(median(p99))) return '';
      const failures = Math.max(...failed);
      return `${count(median(p99))} / ${count(Math.max(...longest))}${failures > 0 ? `, ${failures} failed` : ''}`;
    };
  return pivot(looks, 'at work', [
    ...ALL.map((each): Line => [each, waits(each, 'half expired')]),
    ...(['run', 'connect-session-knex'] as const).map((each): Line => [`${each}, on its table`, waits(each, OF_KNEX)]),
  ]);
}

function scaleLines(looks: Looks, sizes: readonly number[]): string {
  const cell = (rows: number) => (look: Look) => {
    const [perRow, mib] = (['µs a row', 'MiB'] as const).map((figure) =>
      look('scale', 'run', figure, 'half expired', rows),
    );
    return perRow?.length ? `${spread(perRow, 1)} µs, ${spread(mib ?? [], 0)} MiB` : '';
  };
  return pivot(
    looks,
    'rows',
    sizes.map((rows): Line => [count(rows), cell(rows)]),
  );
}

/** For a person who has something else already: whether to change, and the figures that say so. */
function advise([instead, here, there, data]: (typeof RIVALS)[number]): Line {
  const worst = (look: Look, contender: Contender, figure: 'longest ms' | 'failed'): number =>
    Math.max(
      ...(['live', 'expired'] as const).flatMap((each) => look('traffic', contender, `${each} ${figure}`, data)),
    );
  const advice = (look: Look): string => {
    const ratios = times(look, { question: 'deletion', contender: here, base: there, data });
    const [wait, itsWait] = [worst(look, here, 'longest ms'), worst(look, there, 'longest ms')];
    if (ratios.length === 0) return '';
    const ratio = `${median(ratios).toFixed(2)} times`;
    if (!Number.isFinite(wait + itsWait)) return ratio;
    const waits = Math.max(wait, UNNOTICED_MS) / Math.max(itsWait, UNNOTICED_MS);
    const failsLess = worst(look, here, 'failed') < worst(look, there, 'failed');
    const isCalmer = waits <= 0.5 || (failsLess && waits <= 1);
    const answer = isCalmer ? 'yes' : waits <= 2 && median(ratios) <= 1.1 ? 'either' : 'no';
    return `**${answer}**: ${ratio}; ${count(wait)}, not ${count(itsWait)} ms`;
  };
  return [`${instead}: \`${here}\``, advice];
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
