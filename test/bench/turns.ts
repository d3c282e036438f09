// Contenders take turns on the same data, so that what the machine does meanwhile meets all of them.
import type { Arena } from './arena.js';
import { CONTENDERS, type Contender } from './contenders.js';
import type { Command } from './measure.js';
import type { Figure, Question, Result } from './results.js';

type Figures = Readonly<Partial<Record<Figure, number>>>;

export async function takeTurns(
  question: Question,
  arena: Arena,
  contenders: readonly Contender[],
  repeat: number,
  takeTurn: (command: Command) => Promise<Figures>,
): Promise<readonly Result[]> {
  const entries = contenders.flatMap((contender) => {
    const command: Command | undefined = CONTENDERS[contender](arena);
    return command === undefined ? [] : [{ contender, command, turns: [] as Figures[] }];
  });
  for (let turn = 0; turn < repeat; turn++) {
    for (const { command, turns } of entries) turns.push(await takeTurn(command));
  }
  const { engine, rows, data } = arena;
  return entries.flatMap(({ contender, turns }) =>
    (Object.keys(turns[0] ?? {}) as Figure[]).map((figure) => {
      const values = turns.map((each) => each[figure] ?? Number.NaN);
      return { question, engine, rows, data, contender, figure, values };
    }),
  );
}
