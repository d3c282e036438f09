// The questions that one process answers: how fast rows go, what a start costs, whether it stays so as the table grows.
import { type Contestant, createArena, type DataName } from './arena.js';
import type { Contender } from './contenders.js';
import { measure } from './measure.js';
import type { Question, Result } from './results.js';
import { takeTurns } from './turns.js';

const BOTH_IN_ONE = ['run, one transaction', 'one DELETE'] as const;
const BOTH_IN_BATCHES = ['run --batch-size 5000', 'DELETEs of 5000'] as const;

type Races = readonly (readonly [DataName, readonly Contender[]])[];

const RACES: Races = [
  [
    'half expired',
    [
      'run',
      ...BOTH_IN_ONE,
      ...BOTH_IN_BATCHES,
      'pt-archiver --limit 5000',
      'run --batch-size 1000',
      'pt-archiver --limit 1000',
      'Django clearsessions',
    ],
  ],
  ['half expired, of connect-session-knex', ['run', 'connect-session-knex']],
];

/** Each against the engine's own statements, as people would send them. */
const BACKLOGS: Readonly<Record<Contestant['family'], Races>> = {
  sqlite: [
    ['half expired', BOTH_IN_ONE],
    ['half expired, no index', BOTH_IN_ONE],
    ['half expired, by numbers', BOTH_IN_ONE],
    ['half expired, by numbers, no index', BOTH_IN_ONE],
  ],
  mysql: [
    ['half expired', BOTH_IN_BATCHES],
    ['5 % expired', BOTH_IN_BATCHES],
  ],
  postgresql: [
    ['half expired', BOTH_IN_ONE],
    ['half expired, no index', BOTH_IN_ONE],
  ],
};

export async function benchDeletion(contestant: Contestant, rows: number, repeat: number): Promise<readonly Result[]> {
  return takeRaces('deletion', RACES, contestant, rows, repeat);
}

export async function benchBacklog(contestant: Contestant, rows: number, repeat: number): Promise<readonly Result[]> {
  return takeRaces('backlog', BACKLOGS[contestant.family], contestant, rows, repeat);
}

async function takeRaces(
  question: Question,
  races: Races,
  contestant: Contestant,
  rows: number,
  repeat: number,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const [data, contenders] of races) {
    const arena = await createArena(contestant, data, rows);
    const race = takeTurns(question, arena, contenders, repeat, async (command) => {
      await arena.reset();
      const { ms, peakMib } = await measure(command);
      const left = (await arena.countRows()) - arena.live;
      if (left < 0) throw new Error(`${command.file} deleted ${-left} live rows`);
      return { s: ms / 1_000, MiB: peakMib, 'rows expired': rows - arena.live, 'rows left': left };
    });
    results.push(...(await race.finally(arena.drop)));
  }
  return results;
}

export async function benchStartup(contestant: Contestant, repeat: number): Promise<readonly Result[]> {
  const arena = await createArena(contestant, 'nothing expired', 100);
  await arena.reset();
  const contenders = [
    'node -e 0',
    'session-cleanup --help',
    'run',
    'one DELETE',
    'pt-archiver --limit 5000',
    'Django clearsessions',
  ] as const;
  const takeTurnsOf = (turns: number) =>
    takeTurns('startup', arena, contenders, turns, async (command) => ({ ms: (await measure(command)).ms }));
  // The first turn warms the disk's cache, and Node's.
  return takeTurnsOf(1)
    .then(() => takeTurnsOf(repeat))
    .finally(arena.drop);
}

/** The last one only with `--full`. */
export const SIZES = [100_000, 1_000_000, 10_000_000] as const;

export async function benchScale(contestant: Contestant, sizes: readonly number[]): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const rows of sizes) {
    const arena = await createArena(contestant, 'half expired', rows);
    // A copy of the largest would take longer than the run.
    const once = takeTurns('scale', arena, ['run'], 1, async (command) => {
      await arena.reset(true);
      const { ms, peakMib } = await measure(command);
      return { 'µs a row': (ms * 1_000) / (rows - arena.live), MiB: peakMib };
    });
    results.push(...(await once.finally(arena.drop)));
  }
  return results;
}
