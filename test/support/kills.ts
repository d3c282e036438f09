// Runs killed at random moments: what every one of them has to leave behind, and that the next run ends its work.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, runCommand, startCommand } from './command.js';
import { type Engine, engines, openSqlite } from './databases.js';
import { successLine } from './lines.js';
import { createRandom, seed } from './random.js';
import { createSessions, fileOf, type SessionsOptions, settled, until } from './sessions.js';

interface Manner {
  readonly title: string;
  readonly batchSize: number;
  readonly expired: number;
}

const MANNERS: readonly Manner[] = [
  { title: 'in one transaction: it is as before, or clean', expired: 20_000, batchSize: 1_000_000 },
  // However slow a step is, a batch of two is never ended with fewer.
  { title: 'in batches: a whole number of them is gone', expired: 100, batchSize: 2 },
];
const JOURNALS = { sqlite: ['DELETE', 'WAL'], mysql: [''], postgresql: [''] } as const;

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${letter}${String(at).padStart(5, '0')}`);

/** The table that is killed on: what is in it can be seen without being touched. */
interface Field {
  readonly url: string;
  restore(): Promise<void>;
  remaining(): Promise<readonly unknown[]>;
}

/** Declares the tests: about so many kills on each engine, in every manner alike. */
export function describeKills(kills: number): void {
  for (const engine of engines) {
    describe(`a table on ${engine.name} after kill -9 at a random moment`, { timeout: 900_000 }, () => {
      for (const journal of JOURNALS[engine.family]) {
        for (const { title, expired, batchSize } of MANNERS) {
          const times = Math.ceil(kills / (MANNERS.length * JOURNALS[engine.family].length));
          test(`${journal && `journal ${journal}, `}${title} (${times} times)`, async (t) => {
            const rows = { expired: numbered('r', expired), live: numbered('z', 1_000) };
            const field = await createField(t, engine, journal, rows);
            const args = ['run', '--db-url', field.url, '--batch-size', String(batchSize), '--timeout', '5m'];
            await killAtRandom(t, field, args, rows, { times, unit: Math.min(batchSize, expired) });
          });
        }
      }
    });
  }
}

async function killAtRandom(
  t: TestContext,
  field: Field,
  args: readonly string[],
  { expired, live }: { readonly expired: readonly string[]; readonly live: readonly string[] },
  { times, unit }: { readonly times: number; readonly unit: number },
): Promise<void> {
  await field.restore();
  const startedAt = performance.now();
  successLine(await runCommand(args));
  const lengthMs = performance.now() - startedAt;
  const random = createRandom(t.name);
  const found = { before: 0, between: 0, clean: 0 };
  for (let kill = 1; kill <= times; kill++) {
    await field.restore();
    const momentMs = random() * lengthMs;
    const said = `kill ${kill}, ${Math.round(momentMs)} of ${Math.round(lengthMs)} ms, seed ${seed}`;
    const { child, ended } = startCommand(args);
    await sleep(momentMs);
    child.kill('SIGKILL');
    await ended;

    const left = await field.remaining();
    const gone = expired.length + live.length - left.length;
    assert.equal(gone % unit, 0, `${gone} rows gone: ${said}`);
    assert.deepEqual(left, [...expired.slice(gone), ...live], said);
    found[gone === 0 ? 'before' : gone === expired.length ? 'clean' : 'between']++;

    // Its session on the server, and with it the lock, may live on for a moment.
    let next: Ended | undefined;
    await until(async () => {
      next = await runCommand(args);
      return next.status !== 75;
    });
    assert.ok(next);
    assert.equal(successLine(next).deleted_count, expired.length - gone, said);
    assert.deepEqual(await field.remaining(), live, said);
  }
  t.diagnostic(`found ${JSON.stringify(found)}, run length ${Math.round(lengthMs)} ms, seed ${seed}`);
}

async function createField(t: TestContext, engine: Engine, journal: string, rows: SessionsOptions): Promise<Field> {
  const database = await createSessions(t, engine, rows);
  if (engine.family !== 'sqlite') {
    await database.run('CREATE TABLE origin AS SELECT * FROM sessions');
    return {
      url: database.url,
      async restore() {
        await database.run('TRUNCATE TABLE sessions');
        await database.run('INSERT INTO sessions SELECT * FROM origin');
      },
      remaining: () => settled(database),
    };
  }
  // Every run works on a copy that only it has open: another connection would recover the file in its place.
  await database.run(`PRAGMA journal_mode = ${journal}`);
  await database.knex.destroy();
  // In memory where possible: what a killed process has written stays written, synced to a disk or not.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const copy = (from: string, to: string): string => {
    rmSync(join(folder, to), { recursive: true, force: true });
    execFileSync('cp', ['-R', from, join(folder, to)]);
    return join(folder, to, basename(fileOf(database)));
  };
  return {
    url: `sqlite:${join(folder, 'work', basename(fileOf(database)))}`,
    restore: async () => void copy(dirname(fileOf(database)), 'work'),
    async remaining() {
      const seen = await openSqlite(copy(join(folder, 'work'), 'seen'));
      const ids = await settled(seen);
      await seen.drop();
      return ids;
    },
  };
}
