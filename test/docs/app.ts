// The application of the documentation: its database, and its commands as the pages show them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Database, type Engine, engines } from '../support/databases.js';
import type { Installed } from './installed.js';

const sqlite = (): Engine => {
  const found = engines.find(({ family }) => family === 'sqlite');
  assert.ok(found);
  return found;
};

/** An app with 1000 expired sessions and two live ones, as the pages have it, unless told otherwise. */
export async function createApp(
  t: TestContext,
  on: Engine = sqlite(),
  { expired, live } = { expired: 1000, live: 2 },
): Promise<Database> {
  const database = await on.create();
  t.after(() => database.drop());
  const type = on.family === 'sqlite' ? 'INTEGER' : 'DATETIME NOT NULL';
  await database.run(`CREATE TABLE sessions (id VARCHAR(40) NOT NULL PRIMARY KEY, expires_at ${type})`);
  await database.run('CREATE INDEX sessions_expires_at ON sessions (expires_at)');
  const session = (id: string, seconds: number) => {
    const dateTime = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
    return { id, expires_at: on.family === 'sqlite' ? seconds : dateTime };
  };
  const rows = [
    ...Array.from({ length: expired }, (_, at) => session(`expired ${at}`, 1_700_000_060 + at * 60)),
    ...Array.from({ length: live }, (_, at) => session(`live ${at}`, 4_000_000_000)),
  ];
  await database.knex.batchInsert('sessions', rows, 200);
  return database;
}

/** The same as `app.db` in the folder where the commands are run, with these statements run on it. */
export async function createAppFile(
  t: TestContext,
  { folder }: Installed,
  statements: readonly string[] = [],
): Promise<void> {
  const database = await createApp(t);
  for (const statement of statements) await database.run(statement);
  await database.run('VACUUM INTO ?', [join(folder, 'app.db')]);
}

/** As at a terminal, where the log is text. */
export const TERMINAL = { SESSION_CLEANUP_LOG_FORMAT: 'text' };

/** Without what differs from run to run. */
export function steady(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\d{4}-\d\d-\d\d [\d:]+ UTC/g, '<time>')
    .replace(/\d{4}-\d\d-\d\d [\d:.]+'/g, "<time>'")
    .replace(/\b\d{10}\.\d+\b/g, '<time>')
    .replace(/\b[\d.]+ s\b/g, '<duration>')
    .replace(/[\da-f]{8}-[\da-f-]{27}/g, '<uuid>')
    .replace(/session-cleanup-demo-\w{6}/g, 'session-cleanup-demo-<random>')
    .replace(/session_cleanup:[\da-f]{32}/g, 'session_cleanup:<hash>')
    .replace(/\b_(latin1|utf8mb4) X'/g, "<charset> X'")
    .replace(/wait_timeout = (?!1\b)\d+/g, 'wait_timeout = <seconds>')
    .trim();
}

export interface Shown {
  readonly line: string;
  readonly output: string;
}

/** The commands of a console block, each with what it prints. */
export function commands(block: string): readonly Shown[] {
  // The demo shows commands of its own, in the output of the one that runs it.
  return block
    .split(/^\$ (?=npm |session-cleanup )/m)
    .slice(1)
    .map((text) => {
      const [line = '', ...output] = text.split('\n');
      return { line, output: output.join('\n') };
    });
}

/** The lines of a shell block, without their comments. */
export function lines(block: string): readonly string[] {
  return block
    .split('\n')
    .map((line) => line.replace(/ +# .*$/, ''))
    .filter((line) => line !== '');
}

/** In the place of the machine's, over a file of the folder. */
const CRONTAB = `#!/bin/sh
[ "$1" = - ] && exec cat >table
[ -f table ] || { echo 'no crontab for tester' >&2; exit 1; }
exec cat table
`;

export function stubCrontab({ bin }: Installed): void {
  writeFileSync(join(bin, 'crontab'), CRONTAB, { mode: 0o755 });
}
