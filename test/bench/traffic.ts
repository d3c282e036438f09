// What users notice: the latency of an application's own statements, idle and while a clean-up is at work.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../support/databases.js';
import { type Arena, createArena, DJANGO, firstLiveRow, KNEX_STORE, PLAIN } from './arena.js';
import { django, knexStore, ONE_TRANSACTION, ours, plainDelete, ptArchiver } from './contenders.js';
import { BATCH_ROWS } from './deletion.js';
import { type Command, measure, median, quantile, spread, table } from './measure.js';
import type { Sample, Traffic } from './traffic-worker.js';

const WORKER = fileURLToPath(new URL('traffic-worker.js', import.meta.url));
const WORKERS = 2;
const PER_SECOND = 100;
const IDLE_MS = 10_000;

interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

export async function benchTraffic(engines: readonly Engine[], rows: number, repeat: number): Promise<string> {
  const shape = { rows, expiredShare: 0.5, order: 'correlated', indexed: true } as const;
  const lines: string[][] = [];
  for (const engine of engines) {
    const onServer = engine.family === 'mysql';
    const plain = (arena: Arena): readonly (Command | undefined)[] => [
      ours(arena, 'by default'),
      ours(arena, 'one transaction', ...ONE_TRANSACTION),
      ours(arena, `--batch-size ${BATCH_ROWS}`, '--batch-size', String(BATCH_ROWS)),
      ...(onServer ? [] : [ours(arena, '--batch-size 500 --pause 50ms', '--batch-size', '500', '--pause', '50ms')]),
      plainDelete(arena),
      ptArchiver(arena, 1_000),
    ];
    const layouts = [
      [PLAIN, plain],
      [DJANGO, (arena: Arena) => [ours(arena, 'one transaction', ...ONE_TRANSACTION), django(arena)]],
      [KNEX_STORE, (arena: Arena) => [ours(arena, 'one transaction', ...ONE_TRANSACTION), knexStore(arena)]],
    ] as const;
    for (const [layout, contenders] of layouts) {
      const arena = await createArena(engine, layout, shape, true);
      const commands = contenders(arena).filter((command) => command !== undefined);
      const results = commands.map((command) => ({
        command,
        turns: [] as { idle: Figures; during: Figures; ms: number }[],
      }));
      for (let turn = 0; turn < repeat; turn++) {
        for (const { command, turns } of results) turns.push(await observe(arena, command));
      }
      await arena.drop();
      for (const { command, turns } of results) {
        const of = (figure: (turn: (typeof turns)[number]) => number): number[] => turns.map(figure);
        lines.push([
          arena.engine === 'sqlite' ? 'sqlite, WAL' : arena.engine,
          layout.name,
          command.name,
          (median(of(({ ms }) => ms)) / 1_000).toFixed(1),
          `${median(of(({ idle }) => idle.p50)).toFixed(0)} / ${median(of(({ idle }) => idle.p99)).toFixed(0)} / ${median(of(({ idle }) => idle.longest)).toFixed(0)}`,
          spread(
            of(({ during }) => during.p50),
            0,
          ),
          spread(
            of(({ during }) => during.p99),
            0,
          ),
          spread(of(({ during, idle }) => during.p99 / Math.max(1, idle.p99))),
          spread(
            of(({ during }) => during.longest),
            0,
          ),
        ]);
      }
    }
  }
  return table(
    [
      'engine',
      'table',
      'clean-up',
      'it took, s',
      'idle p50 / p99 / longest, ms',
      'p50, ms',
      'p99, ms',
      'p99, idle = 1',
      'longest stall, ms',
    ],
    lines,
  );
}

async function observe(arena: Arena, command: Command): Promise<{ idle: Figures; during: Figures; ms: number }> {
  await arena.reset();
  const traffic: Traffic = {
    url: arena.url,
    layout: arena.layout,
    rows: [firstLiveRow(arena.shape), arena.shape.rows],
    perSecond: PER_SECOND,
  };
  const workers = Array.from({ length: WORKERS }, () => fork(WORKER));
  for (const worker of workers) worker.send(traffic);
  // Until connections are open and caches warm; and after loading a million rows, the server has work of its own.
  await sleep(8_000);
  const idleFrom = Date.now();
  await sleep(IDLE_MS);
  const from = Date.now();
  const { ms } = await measure(command);
  const to = Date.now();
  const samples: Sample[] = [];
  for (const worker of workers) {
    worker.send('stop');
    const [taken] = (await once(worker, 'message')) as [Sample[]];
    samples.push(...taken);
  }
  return { idle: figures(samples, idleFrom, from), during: figures(samples, from, to), ms };
}

function figures(samples: readonly Sample[], from: number, to: number): Figures {
  const times = samples.filter(([dueAt]) => dueAt >= from && dueAt < to).map(([, ms]) => ms);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), longest: Math.max(...times) };
}
