// How fast expired rows go: this command and its peers on the same data, in turn.
import type { Engine } from '../support/databases.js';
import { type Arena, createArena, DJANGO, KNEX_STORE, PLAIN, type Shape } from './arena.js';
import { django, knexStore, ONE_TRANSACTION, ours, plainDelete, ptArchiver } from './contenders.js';
import { type Command, measure, median, spread, table } from './measure.js';

/** The size of a commit in the README's command for a backlog. */
export const BATCH_ROWS = 5_000;

type Contenders = (arena: Arena) => readonly (Command | undefined)[];

const PLAIN_CONTENDERS: Contenders = (arena) => [
  ours(arena, 'by default'),
  ours(arena, 'one transaction', ...ONE_TRANSACTION),
  ours(arena, `--batch-size ${BATCH_ROWS}`, '--batch-size', String(BATCH_ROWS)),
  ours(arena, '--batch-size 1000', '--batch-size', '1000'),
  plainDelete(arena),
  ptArchiver(arena, BATCH_ROWS),
  ptArchiver(arena, 1_000),
];

/** Every contender's rows a second, and its time as a ratio to that of this command's one transaction. */
export async function benchDeletion(
  engines: readonly Engine[],
  rows: number,
  repeat: number,
  full: boolean,
): Promise<string> {
  const shape = (expiredShare: number, order: Shape['order'], indexed: boolean): Shape => ({
    rows,
    expiredShare,
    order,
    indexed,
  });
  const all = [0.01, 0.5, 0.99].flatMap((share) =>
    (['correlated', 'shuffled'] as const).flatMap((order) =>
      [true, false].map((indexed) => shape(share, order, indexed)),
    ),
  );
  const some = [shape(0.5, 'correlated', true), shape(0.5, 'correlated', false), shape(0.5, 'shuffled', true)];
  const lines: string[][] = [];
  for (const engine of engines) {
    for (const each of full ? all : some) lines.push(...(await race(engine, PLAIN, each, repeat, PLAIN_CONTENDERS)));
    const half = shape(0.5, 'correlated', true);
    lines.push(
      ...(await race(engine, DJANGO, half, repeat, (arena) => [
        ours(arena, 'one transaction', ...ONE_TRANSACTION),
        django(arena),
      ])),
    );
    lines.push(
      ...(await race(engine, KNEX_STORE, half, repeat, (arena) => [
        ours(arena, 'one transaction', ...ONE_TRANSACTION),
        knexStore(arena),
      ])),
    );
  }
  return table(
    [
      'engine',
      'table',
      'expired',
      'order',
      'index',
      'contender',
      'rows/s',
      'time, one transaction = 1',
      'peak MiB',
      'expired left',
    ],
    lines,
  );
}

async function race(
  engine: Engine,
  layout: typeof PLAIN,
  shape: Shape,
  repeat: number,
  contenders: Contenders,
): Promise<string[][]> {
  const arena = await createArena(engine, layout, shape);
  const commands = contenders(arena).filter((command) => command !== undefined);
  const results = commands.map((command) => ({ command, ms: [] as number[], peakMib: [] as number[], left: 0 }));
  for (let turn = 0; turn < repeat; turn++) {
    for (const result of results) {
      await arena.reset();
      const { ms, peakMib } = await measure(result.command);
      result.ms.push(ms);
      result.peakMib.push(peakMib);
      result.left = (await arena.countRows()) - arena.live;
      if (result.left < 0) throw new Error(`${result.command.name} deleted ${-result.left} live rows`);
    }
  }
  await arena.drop();
  const base = results[0]?.ms ?? [];
  return results.map(({ command, ms, peakMib, left }) => [
    arena.engine,
    layout.name,
    `${shape.expiredShare * 100} %`,
    shape.order,
    shape.indexed ? 'yes' : 'no',
    command.name,
    ((shape.rows - arena.live) / (median(ms) / 1_000)).toFixed(0),
    spread(ms.map((each, turn) => each / (base[turn] ?? Number.NaN))),
    median(peakMib).toFixed(0),
    String(left),
  ]);
}
