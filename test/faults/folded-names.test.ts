// A server to which the names of tables are the same in upper and lower case: one table is one table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { runCommand } from '../support/command.js';
import { failureLine, successLine } from '../support/lines.js';
import { startPrivateServer } from '../support/mysql-servers.js';
import { start, until } from '../support/sessions.js';

test('a second run is busy, however it spells the database and the table', { timeout: 120_000 }, async (t) => {
  const server = await startPrivateServer(undefined, ['--lower-case-table-names=1']);
  t.after(() => server.remove());
  const connection = await createConnection(server.url);
  t.after(() => connection.end());
  await connection.query('CREATE DATABASE app');
  await connection.query('CREATE TABLE app.sessions (id INT PRIMARY KEY, expires_at DATETIME NOT NULL)');
  await connection.query("INSERT INTO app.sessions VALUES (1, '2020-01-01'), (2, '2099-01-01')");
  await connection.query('CREATE TRIGGER app.slow BEFORE DELETE ON app.sessions FOR EACH ROW DO SLEEP(8)');
  const deleting = start(t, ['run', '--db-url', `${server.url}/app`]);
  await until(async () => {
    const [rows] = await connection.query('SHOW FULL PROCESSLIST');
    return JSON.stringify(rows).includes('User sleep');
  });
  for (const more of [
    ['--db-url', `${server.url}/app`],
    ['--db-url', `${server.url}/App`],
    ['--db-url', `${server.url}/app`, '--table', 'Sessions'],
    ['--db-url', `${server.url}/APP`, '--table', 'aPP.SESSIONS'],
  ]) {
    assert.equal(failureLine(await runCommand(['run', ...more]), 75, 'busy').error_code, 'LOCK_HELD');
  }
  assert.equal(successLine(await deleting.ended).deleted_count, 1);
  const [left] = await connection.query('SELECT id FROM app.sessions');
  assert.deepEqual(left, [{ id: 2 }]);
});
