// What a run does, seen on a SQLite database in a folder of its own that is removed again: npm run demo
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sqlite3 from 'sqlite3';

const LIVE = 3;
const EXPIRED = 1000;
const COMMAND = 'bin/session-cleanup.js';
const ROOT = fileURLToPath(new URL('..', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-demo-'));
const path = join(folder, 'app.db');
try {
  await makeSessions();
  const before = await countSessions();
  say(`app.db, table sessions: ${describe(before)}`);
  const dryRun = run('--dry-run');
  const afterDryRun = await countSessions();
  const status = run();
  const after = await countSessions();
  say(`\napp.db, table sessions: ${describe(after)}`);

  const isRight =
    dryRun === 0 &&
    afterDryRun.expired === EXPIRED &&
    status === 0 &&
    after.expired === 0 &&
    after.live === LIVE &&
    before.live === LIVE;
  say(isRight ? 'Every expired session is gone, every live one is there.' : 'That is wrong.');
  process.exitCode = isRight ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function makeSessions() {
  const now = Math.floor(Date.now() / 1000);
  await withDatabase(async ({ exec }) => {
    await exec('CREATE TABLE sessions (id INTEGER PRIMARY KEY, user TEXT, expires_at INTEGER)');
    const rows = (count, expiry) =>
      exec(
        `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${count}) ` +
          `INSERT INTO sessions (user, expires_at) SELECT 'user ' || n, ${expiry} FROM n`,
      );
    await rows(EXPIRED, `${now} - 60 * n`);
    await rows(LIVE, `${now} + 3600 * n`);
  });
}

function countSessions() {
  return withDatabase(({ get }) =>
    get(
      'SELECT COUNT(*) FILTER (WHERE expires_at > unixepoch()) AS live, ' +
        'COUNT(*) FILTER (WHERE expires_at <= unixepoch()) AS expired FROM sessions',
    ),
  );
}

async function withDatabase(work) {
  const database = await new Promise((resolve, reject) => {
    const opened = new sqlite3.Database(path, (error) => (error ? reject(error) : resolve(opened)));
  });
  const bound = (name) => promisify(database[name]).bind(database);
  try {
    return await work({ exec: bound('exec'), get: bound('get') });
  } finally {
    await bound('close')();
  }
}

/** The exit status of the real command; what it says is shown. */
function run(...flags) {
  const args = [COMMAND, 'run', '--db-url', `sqlite:${path}`, ...flags];
  say(`\n$ node ${args.join(' ')}`);
  // Nothing of the surroundings, such as a SESSION_CLEANUP_TABLE; text is what it writes at a terminal.
  const options = { cwd: ROOT, env: { SESSION_CLEANUP_LOG_FORMAT: 'text' }, encoding: 'utf8' };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  say((stdout + stderr).trimEnd());
  return status;
}

function describe({ live, expired }) {
  return `${live} live and ${expired} expired sessions`;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
