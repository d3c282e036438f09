// A name or a balancer that leads to several servers: the second connection of a run may come to another one.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { engineAt } from '../support/databases.js';
import { failureLine } from '../support/lines.js';
import { startPrivateServer } from '../support/mysql-servers.js';
import { startPrivatePostgresql } from '../support/postgres-servers.js';
import { startProxy } from '../support/proxy.js';
import {
  createSessions,
  FOREVER_MS,
  ids,
  remaining,
  slowDeletes,
  start,
  statementsAtWork,
  until,
  untilDeleting,
} from '../support/sessions.js';

const idOf = async (connection: Connection): Promise<number> => {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
  return Number(rows[0]?.id);
};

/** A connection that has the wanted number on its server. */
async function connectAs(url: string, wanted: number): Promise<Connection> {
  for (;;) {
    const connection = await createConnection(url);
    const id = await idOf(connection);
    if (id === wanted) return connection;
    await connection.end();
    assert.ok(id < wanted, `${id} is beyond ${wanted}`);
  }
}

test('MySQL or MariaDB: nobody else is killed for a run that times out, and its own statement ends where it is', {
  timeout: 120_000,
}, async (t) => {
  const [server, other] = [await startPrivateServer(), await startPrivateServer()];
  t.after(() => {
    server.remove();
    other.remove();
  });
  const connection = await createConnection(server.url);
  t.after(() => connection.end());
  for (const { url } of [server, other]) {
    const each = await createConnection(url);
    await each.query('CREATE DATABASE app');
    await each.end();
  }
  await connection.query('CREATE TABLE app.sessions (id INT PRIMARY KEY, expires_at DATETIME NOT NULL)');
  await connection.query("INSERT INTO app.sessions VALUES (1, '2020-01-01'), (2, '2099-01-01')");
  await connection.query('CREATE TRIGGER app.slow BEFORE DELETE ON app.sessions FOR EACH ROW DO SLEEP(15)');
  for (let more = 0; more < 60; more++) await (await createConnection(server.url)).end();
  const proxy = await startProxy(`${server.url}/app`);
  t.after(() => proxy.close());
  const running = start(t, ['run', '--db-url', proxy.url, '--timeout', '6s', '--correlation-id', randomUUID()]);
  let threadId = 0;
  await until(async () => {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW FULL PROCESSLIST');
    threadId = Number(rows.find(({ State }) => State === 'User sleep')?.Id ?? 0);
    return threadId > 0;
  });
  const application = await connectAs(other.url, threadId);
  t.after(() => application.end());
  // SLEEP returns 1 where it is interrupted.
  const asking = application.query<RowDataPacket[]>('SELECT SLEEP(14) AS interrupted');
  proxy.route(`${other.url}/app`);
  assert.equal(failureLine(await running.ended, 124, 'timed_out').deleted_count, 0);
  const [[answer]] = await asking;
  assert.deepEqual(answer, { interrupted: 0 });
  await until(async () => {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW FULL PROCESSLIST');
    return !rows.some(({ State }) => State === 'User sleep');
  });
  const [left] = await connection.query('SELECT id FROM app.sessions ORDER BY id FOR UPDATE');
  assert.deepEqual(left, [{ id: 1 }, { id: 2 }]);
});

/** What asks to end the statement of a process, by the key that this process alone has: nobody logs in for it. */
function isCancelRequest(sent: string): boolean {
  const request = Buffer.from(sent, 'latin1');
  return request.length === 16 && request.readInt32BE(4) === 80_877_102;
}

test("PostgreSQL: another server is asked for nothing that it could grant, and the run's own statement ends where it is", {
  timeout: 120_000,
}, async (t) => {
  const [server, other] = [await startPrivatePostgresql(), await startPrivatePostgresql()];
  const database = await createSessions(t, engineAt(server.url), { expired: ids(2), live: ['z'] });
  // After the database is dropped.
  t.after(() => {
    server.remove();
    other.remove();
  });
  await slowDeletes(database, FOREVER_MS, 'r0001');
  const proxy = await startProxy(database.url);
  t.after(() => proxy.close());
  const running = start(t, ['run', '--db-url', proxy.url, '--timeout', '6s']);
  await untilDeleting(database, running);
  proxy.route(other.url);
  const sent: string[] = [];
  void proxy.when({ test: (packet) => sent.push(packet) === 0 }, 'before', () => {});
  assert.equal(failureLine(await running.ended, 124, 'timed_out').deleted_count, 0);
  // What opens a connection has no letter in front.
  const opening = sent.filter((packet) => packet.startsWith('\0'));
  assert.notEqual(opening.length, 0);
  assert.ok(opening.every(isCancelRequest), JSON.stringify(opening));
  await until(async () => (await statementsAtWork(database)).length === 0);
  assert.deepEqual(await remaining(database), ['r0000', 'r0001', 'z']);
});
