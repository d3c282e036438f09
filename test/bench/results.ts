// What was measured: a line for each figure of a contender, with the value of every turn, in the file that the page is made from.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { DataName } from './arena.js';
import type { Contender } from './contenders.js';
import { median } from './measure.js';

export type Question = 'startup' | 'deletion' | 'backlog' | 'traffic' | 'scale';

/** `s` and `ms` are the whole process. `live` and `expired` are the sessions that a request touches. */
export type Figure =
  | ('s' | 'ms' | 'MiB' | 'µs a row' | 'rows expired' | 'rows left')
  | `${'live' | 'expired'} ${'p99 ms' | 'longest ms' | 'failed'}`;

export interface Result {
  readonly question: Question;
  readonly engine: string;
  readonly rows: number;
  readonly data: DataName;
  readonly contender: Contender;
  readonly figure: Figure;
  /** In the order of the turns: those of one turn can be compared. */
  readonly values: readonly number[];
}

export interface Results {
  /** What was read of the machine, and of each engine by its name. */
  readonly about: Readonly<Record<string, string>>;
  readonly measured: readonly Result[];
}

const HEAD = ['question', 'engine', 'rows', 'data', 'contender', 'figure', 'values'];

export function readResults(path: string): Results {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(1) : [];
  const cells = lines.map((line) => line.split('\t'));
  const isAbout = ([first]: readonly string[]) => first === 'about';
  return {
    about: Object.fromEntries(cells.filter(isAbout).map(([, name, , , , , text]) => [name, text])),
    measured: cells
      .filter((line) => !isAbout(line))
      .map(([question, engine, rows, data, contender, figure, values = '']) => {
        return { question, engine, rows: Number(rows), data, contender, figure, values: values.split(' ').map(Number) };
      }) as unknown as Result[],
  };
}

export function writeResults(path: string, { about, measured }: Results): void {
  const lines = [
    HEAD,
    ...Object.entries(about).map(([name, text]) => ['about', name, '', '', '', '', text]),
    ...measured.map(({ question, engine, rows, data, contender, figure, values }) => {
      const shown = values.map((value) => Number(value.toPrecision(4))).join(' ');
      return [question, engine, rows, data, contender, figure, shown];
    }),
  ];
  writeFileSync(path, lines.map((line) => `${line.join('\t')}\n`).join(''));
}

/** The new ones in the place of those that answer the same question on the same engine; of a scale, with as many rows. */
export function merge({ about, measured }: Results, more: Results): Results {
  const partOf = ({ question, engine, rows }: Result) => `${question} ${engine} ${question === 'scale' ? rows : ''}`;
  const anew = new Set(more.measured.map(partOf));
  return {
    about: { ...about, ...more.about },
    measured: [...measured.filter((each) => !anew.has(partOf(each))), ...more.measured],
  };
}

/** The turns' values on one engine; none where it was not measured. `rows` tells sizes of a scale apart. */
export type Look = (
  question: Question,
  contender: Contender,
  figure: Figure,
  data?: DataName,
  rows?: number,
) => readonly number[];

export function looksAt({ measured }: Results): ReadonlyMap<string, Look> {
  const engines = [...new Set(measured.map(({ engine }) => engine))];
  return new Map(
    engines.map((engine) => {
      const ofEngine = measured.filter((each) => each.engine === engine);
      const look: Look = (question, contender, figure, data = 'half expired', rows) =>
        ofEngine.find(
          (each) =>
            each.question === question &&
            each.contender === contender &&
            each.figure === figure &&
            each.data === data &&
            (rows === undefined || each.rows === rows),
        )?.values ?? [];
      return [engine, look];
    }),
  );
}

/** Turn by turn. */
export function divide(values: readonly number[], by: readonly number[]): readonly number[] {
  return by.length === 0 ? [] : values.map((value, turn) => value / (by[turn] ?? Number.NaN));
}

/** Two contenders on the same data. */
export interface Pair {
  readonly question: 'deletion' | 'backlog';
  readonly contender: Contender;
  readonly base: Contender;
  readonly data: DataName;
}

/** How many times as long the contender takes as its base, turn by turn. */
export function times(look: Look, { question, contender, base, data }: Pair): readonly number[] {
  return divide(look(question, contender, 's', data), look(question, base, 's', data));
}

/** The same, with what a start costs taken from both. */
export function timesWithoutStart(look: Look, { question, contender, base, data }: Pair): readonly number[] {
  const net = (each: Contender, start: Contender): readonly number[] => {
    const starts = look('startup', start, 'ms', 'nothing expired');
    return starts.length === 0 ? [] : look(question, each, 's', data).map((s) => s - median(starts) / 1_000);
  };
  return divide(net(contender, 'run'), net(base, 'one DELETE'));
}
