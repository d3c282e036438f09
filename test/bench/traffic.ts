// What users notice: how long an application's own requests take while a clean-up is at work, and while none is.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Contestant, createArena, type DataName } from './arena.js';
import type { Contender } from './contenders.js';
import { type Command, measure, quantile } from './measure.js';
import type { Result } from './results.js';
import type { Sample, Traffic } from './traffic-worker.js';
import { takeTurns } from './turns.js';

const WORKER = fileURLToPath(new URL('traffic-worker.js', import.meta.url));
const WORKERS = 2;
const PER_SECOND = 100;
const KEYS = 20_000;
/** Until connections are open and caches warm, and the server has written what the reset has left it. */
const WARM_UP_MS = 2_000;

const ROUNDS: readonly (readonly [DataName, readonly Contender[]])[] = [
  [
    'half expired',
    [
      'nobody at work',
      'run',
      'run --batch-size 5000',
      'run --batch-size 500 --pause 50ms',
      'one DELETE',
      'DELETEs of 5000',
      'pt-archiver --limit 5000',
      'Django clearsessions',
    ],
  ],
  ['half expired, of connect-session-knex', ['run', 'connect-session-knex']],
];

export async function benchTraffic(contestant: Contestant, rows: number, repeat: number): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const [data, contenders] of ROUNDS) {
    const arena = await createArena(contestant, data, rows, true);
    const traffic: Traffic = {
      url: arena.url,
      layout: arena.layout,
      live: await arena.keys('live', KEYS),
      expired: await arena.keys('expired', KEYS),
      perSecond: PER_SECOND,
    };
    const round = takeTurns('traffic', arena, contenders, repeat, async (command) => {
      await arena.reset();
      return observe(traffic, command);
    });
    results.push(...(await round.finally(arena.drop)));
  }
  return results;
}

async function observe(traffic: Traffic, command: Command) {
  const workers = Array.from({ length: WORKERS }, () => fork(WORKER));
  try {
    for (const worker of workers) worker.send(traffic);
    await sleep(WARM_UP_MS);
    const from = Date.now();
    const { ms } = await measure(command);
    const to = Date.now();
    const samples: Sample[] = [];
    for (const worker of workers) {
      worker.send('stop');
      const [taken] = (await once(worker, 'message')) as [Sample[]];
      samples.push(...taken.filter(({ dueAt, ms: waited }) => dueAt + waited >= from && dueAt < to));
    }
    return { s: ms / 1_000, ...summarise(samples, 'live'), ...summarise(samples, 'expired') };
  } finally {
    for (const worker of workers) worker.kill();
  }
}

function summarise(all: readonly Sample[], touched: Sample['touched']) {
  const samples = all.filter((each) => each.touched === touched);
  const times = samples.map(({ ms }) => ms);
  return {
    [`${touched} p99 ms`]: quantile(times, 0.99),
    [`${touched} longest ms`]: Math.max(...times),
    [`${touched} failed`]: samples.filter(({ failed }) => failed).length,
  };
}
