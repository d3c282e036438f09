// Whether time per row and memory stay flat as the table grows.
import type { Engine } from '../support/databases.js';
import { createArena, PLAIN } from './arena.js';
import { ours } from './contenders.js';
import { measure, median, spread, table } from './measure.js';

export async function benchScale(
  engines: readonly Engine[],
  sizes: readonly number[],
  repeat: number,
): Promise<string> {
  const lines: string[][] = [];
  for (const engine of engines) {
    const perRow = new Map<string, number>();
    for (const rows of sizes) {
      const arena = await createArena(engine, PLAIN, { rows, expiredShare: 0.5, order: 'correlated', indexed: true });
      for (const [name, ...flags] of [['by default'], ['--batch-size 5000', '--batch-size', '5000']] as const) {
        const ms: number[] = [];
        const peakMib: number[] = [];
        for (let turn = 0; turn < repeat; turn++) {
          await arena.reset();
          const measured = await measure(ours(arena, name, ...flags));
          ms.push(measured.ms);
          peakMib.push(measured.peakMib);
        }
        const microseconds = ms.map((each) => (each * 1_000) / (rows - arena.live));
        const key = `${name} ${rows}`;
        perRow.set(key, median(microseconds));
        const million = perRow.get(`${name} 1000000`);
        lines.push([
          arena.engine,
          name,
          rows.toLocaleString('en'),
          spread(microseconds, 1),
          million === undefined ? '' : (median(microseconds) / million).toFixed(2),
          spread(peakMib, 0),
        ]);
      }
      await arena.drop();
    }
  }
  return table(['engine', 'clean-up', 'rows', 'µs a deleted row', 'one million = 1', 'peak MiB'], lines);
}
