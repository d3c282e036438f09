// The whole process on a table with nothing to delete, against Node itself doing nothing.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN } from '../support/command.js';
import type { Engine } from '../support/databases.js';
import { createArena, DJANGO, PLAIN } from './arena.js';
import { django, ours, plainDelete, ptArchiver } from './contenders.js';
import { type Command, measure, median, spread, table } from './measure.js';

export async function benchStartup(engines: readonly Engine[], repeat: number): Promise<string> {
  const nothing = { name: '`node -e 0`', file: process.execPath, args: ['-e', '0'] };
  const library = (name: string): Command => ({
    name: `\`require('${name}')\` alone`,
    file: process.execPath,
    args: ['-e', `require('${name}')`],
  });
  const commands: Command[] = [
    nothing,
    { name: '`--help`', file: process.execPath, args: [BIN, '--help'] },
    { name: 'a usage error', file: process.execPath, args: [BIN, 'run', '--timeout', 'x'], statuses: [2] },
    ...['commander', 'knex', 'mysql2', 'sqlite3', 'winston'].map(library),
  ];
  const arenas = [];
  const cache = join(tmpdir(), `session-cleanup-bench-${process.pid}`);
  for (const engine of engines) {
    const small = { rows: 100, expiredShare: 0, order: 'correlated', indexed: true } as const;
    const arena = await createArena(engine, PLAIN, small);
    const djangoArena = await createArena(engine, DJANGO, small);
    arenas.push(arena, djangoArena);
    for (const each of [arena, djangoArena]) await each.reset();
    const run = ours(arena, `\`run\`, ${arena.engine}`);
    const cached = { ...run, name: `${run.name}, with NODE_COMPILE_CACHE`, env: { NODE_COMPILE_CACHE: cache } };
    const peers = [plainDelete(arena), ptArchiver(arena, 1_000), django(djangoArena)];
    commands.push(
      run,
      cached,
      ...peers
        .flatMap((peer) => peer && { ...peer, name: `${peer.name}, ${arena.engine}` })
        .filter((peer) => peer !== undefined),
    );
  }
  const times = new Map(commands.map((command) => [command, [] as number[]]));
  // The first turn warms the disk's cache, and Node's.
  for (let turn = 0; turn <= repeat; turn++) {
    for (const command of commands) {
      const { ms } = await measure(command);
      if (turn > 0) times.get(command)?.push(ms);
    }
  }
  for (const arena of arenas) await arena.drop();
  rmSync(cache, { recursive: true, force: true });
  const base = median(times.get(nothing) ?? []);
  return table(
    ['', 'ms', `times ${nothing.name}`],
    [...times].map(([{ name }, ms]) => [name, spread(ms, 0), spread(ms.map((each) => each / base))]),
  );
}
