// What the tests on PostgreSQL rely on: their databases, and a server of a test's own.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { engineAt, engines } from '../support/databases.js';
import { connectionTo, startPrivatePostgresql } from '../support/postgres-servers.js';
import type { PrivateServer } from '../support/server-process.js';

/** Ended after the test. */
async function connect(t: TestContext, url: string, host?: string): Promise<Client> {
  const client = new Client({ ...connectionTo(url), ...(host === undefined ? {} : { host }) });
  // Else the end of the server ends the test.
  client.on('error', () => {});
  await client.connect();
  t.after(() => client.end());
  return client;
}

for (const engine of engines.filter(({ family }) => family === 'postgresql')) {
  describe(`a database on ${engine.name}`, () => {
    test('holds what is written, and gives it back as text', async (t) => {
      const database = await engine.create();
      t.after(() => database.drop());
      await database.run('CREATE TABLE sessions (id bigint PRIMARY KEY, expires_at timestamptz)');
      await database.run('INSERT INTO sessions VALUES (?, ?)', ['9007199254740993', '2020-01-01 00:00:00']);
      await database.knex('sessions').insert({ id: 2, expires_at: null });
      assert.deepEqual(await database.query('SELECT * FROM sessions ORDER BY id'), [
        { id: 2, expires_at: null },
        { id: '9007199254740993', expires_at: '2020-01-01 00:00:00+00' },
      ]);
    });

    test('is gone once it is dropped, also while others are at work in it', async (t) => {
      const witness = await engine.create();
      t.after(() => witness.drop());
      const database = await engine.create();
      const client = await connect(t, database.url);
      const work = assert.rejects(client.query('SELECT pg_sleep(600)'), { code: '57P01' });
      await database.drop();
      await work;
      const name = new URL(database.url).pathname.slice(1);
      assert.deepEqual(await witness.query('SELECT datname FROM pg_database WHERE datname = ?', [name]), []);
    });
  });
}

describe('a PostgreSQL server of the test', () => {
  let server: PrivateServer;
  before(async () => {
    server = await startPrivatePostgresql();
  });
  after(() => server.remove());

  const folderOf = async (t: TestContext): Promise<string> => {
    const { rows } = await (await connect(t, server.url)).query('SHOW unix_socket_directories');
    return rows[0].unix_socket_directories;
  };

  test('asks for the password, over TCP and over its socket', async (t) => {
    const wrong = server.url.replace(/:[^:@]+@/, ':wrong@');
    for (const host of ['127.0.0.1', await folderOf(t)]) {
      const { rows } = await (await connect(t, server.url, host)).query('SELECT usesuper FROM pg_user');
      assert.deepEqual(rows, [{ usesuper: 't' }]);
      await assert.rejects(connect(t, wrong, host), { code: '28P01' });
    }
  });

  test('lets transactions be prepared, and its log of changes be read', async (t) => {
    const client = await connect(t, server.url);
    await client.query("BEGIN; PREPARE TRANSACTION 'a'");
    await client.query("ROLLBACK PREPARED 'a'");
    await client.query("SELECT pg_create_logical_replication_slot('a', 'pgoutput')");
    await client.query("SELECT pg_drop_replication_slot('a')");
  });

  test('keeps what it has confirmed when it is killed, and nothing else', async (t) => {
    const database = await engineAt(server.url).create();
    t.after(() => database.drop());
    await database.run('CREATE TABLE sessions (id integer)');
    await database.run('INSERT INTO sessions VALUES (1)');
    const client = await connect(t, database.url);
    await client.query('BEGIN; INSERT INTO sessions VALUES (2)');
    const work = assert.rejects(client.query('SELECT count(*) FROM generate_series(1, 1000000000)'));
    await server.kill();
    await work;
    await server.restart();
    assert.deepEqual(await database.query('SELECT id FROM sessions'), [{ id: 1 }]);
  });

  test('stays where it is while it is frozen', async (t) => {
    const client = await connect(t, server.url);
    let answered = false;
    server.freeze();
    const answer = client.query('SELECT 1').then(() => {
      answered = true;
    });
    await sleep(300);
    assert.equal(answered, false);
    server.thaw();
    await answer;
  });

  test('leaves nothing behind once it is removed, also while it is frozen', async (t) => {
    const other = await startPrivatePostgresql();
    const { rows } = await (await connect(t, other.url)).query('SHOW unix_socket_directories');
    other.freeze();
    other.remove();
    assert.equal(existsSync(rows[0].unix_socket_directories), false);
    await assert.rejects(connect(t, other.url), { code: 'ECONNREFUSED' });
  });
});
