// A text in UTC, written into a TIMESTAMP over a connection ahead of UTC, is an instant too early: a live session looks
// expired. Only a server of the test's own can be given another time zone.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { type Database, engineAt } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { findServer, startPrivateServer } from '../support/mysql-servers.js';
import type { PrivateServer } from '../support/server-process.js';
import { remaining } from '../support/sessions.js';

const skip = findServer() === undefined && 'this machine has no server of its own';

describe('a store that writes texts without a zone, on a server ahead of UTC', { skip }, () => {
  let server: PrivateServer;
  let database: Database;
  const text = (minutes: number): string =>
    new Date(Date.now() + minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
  const flags = (command: string, ...more: string[]): string[] => [
    ...[command, '--db-url', database.url, '--store', 'authjs-drizzle', '--table', 'sessions'],
    ...['--expires-column', 'expires_at', ...more],
  ];

  before(async () => {
    server = await startPrivateServer();
    const engine = engineAt(server.url);
    const admin = await engine.create();
    // The connections that come later start with it.
    await admin.run("SET GLOBAL time_zone = '+02:30'");
    await admin.drop();
    database = await engine.create();
    await database.run('CREATE TABLE sessions (id VARCHAR(10) PRIMARY KEY, expires_at TIMESTAMP NOT NULL)');
    const rows = [
      ['expired', text(-60)],
      ['soon', text(60)],
      ['live', text(6_000)],
    ] as const;
    for (const row of rows) await database.run('INSERT INTO sessions VALUES (?, ?)', row);
  });

  after(async () => {
    await database?.drop();
    server?.remove();
  });

  test('is refused by run and by check, and nothing is deleted', async () => {
    for (const command of ['run', 'check']) {
      const line = failureLine(await runCommand(flags(command, '--older-than', '149m')), 3, 'refused');
      assert.deepEqual([line.error_code, line.hint], ['ZONE_AHEAD', 'Give --older-than 150m, or more.']);
    }
    assert.deepEqual(await remaining(database), ['expired', 'live', 'soon']);
  });

  test('loses no live session with what the hint says', async () => {
    assert.equal((await runCommand(flags('check', '--older-than', '150m'))).status, 0);
    successLine(await runCommand(flags('run', '--older-than', '150m')));
    assert.deepEqual(await remaining(database), ['live', 'soon']);
  });
});
