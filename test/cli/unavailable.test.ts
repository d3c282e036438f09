// Status 4: there is no database to be reached. Nothing is deleted, and nothing is made.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createAccount, trustsEverybody } from '../support/accounts.js';
import { runCommand } from '../support/command.js';
import { type Engine, servers } from '../support/databases.js';
import { assertGoneAfterTimeout, failureLine, type Line } from '../support/lines.js';
import { freePort } from '../support/server-process.js';
import { createSessions, remaining } from '../support/sessions.js';

async function unavailable(url: string, ...args: string[]): Promise<Line> {
  const line = failureLine(await runCommand(['run', '--db-url', url, ...args]), 4, 'unavailable');
  assert.deepEqual([line.deleted_count, line.cutoff_time], [0, null]);
  assert.equal(typeof line.error_code, 'string');
  return line;
}

describe('unavailable, sqlite', { concurrency: 2 }, () => {
  function folder(t: TestContext): string {
    const path = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    t.after(() => rmSync(path, { recursive: true }));
    return path;
  }

  test('is a file that is missing, and it is not created', async (t) => {
    const path = folder(t);
    const line = await unavailable(`sqlite:${path}/app.db`);
    assert.equal(line.error_code, 'ENOENT');
    assert.match(String(line.hint), /never creates a database/);
    assert.deepEqual(readdirSync(path), []);
  });

  test('is a folder that is missing, and it is not created', async (t) => {
    const path = folder(t);
    await unavailable(`sqlite:${path}/data/app.db`);
    assert.deepEqual(readdirSync(path), []);
  });

  test('is a relative path that names nothing where the command runs', async (t) => {
    const path = folder(t);
    const ended = await runCommand(['run', '--db-url', 'sqlite:app.db'], { cwd: path });
    const line = failureLine(ended, 4, 'unavailable');
    assert.deepEqual(
      [line.database, line.error],
      ['sqlite:app.db', `sqlite:app.db, which is ${path}/app.db, cannot be opened`],
    );
    assert.deepEqual(readdirSync(path), []);
  });

  test('is a folder', async (t) => {
    const path = folder(t);
    const line = await unavailable(`sqlite:${path}`);
    assert.match(String(line.error), /is not a file/);
    assert.deepEqual(readdirSync(path), []);
  });

  test('is a file that is no database, and it stays as it is', async (t) => {
    const path = folder(t);
    const text = 'these are the passwords of the company\n'.repeat(100);
    writeFileSync(`${path}/app.db`, text);
    await unavailable(`sqlite:${path}/app.db`);
    assert.deepEqual(readdirSync(path), ['app.db']);
    assert.equal(readFileSync(`${path}/app.db`, 'utf8'), text);
  });
});

/** What a server says: to a wrong password, to an account that may not use the database, to a database that there is none of. */
const CODES: Readonly<Record<Engine['family'], Readonly<Record<'password' | 'denied' | 'missing', string>>>> = {
  sqlite: { password: '', denied: '', missing: '' },
  mysql: {
    password: 'ER_ACCESS_DENIED_ERROR',
    denied: 'ER_DBACCESS_DENIED_ERROR',
    missing: 'ER_BAD_DB_ERROR',
  },
  postgresql: { password: '28P01', denied: '42501', missing: '3D000' },
};
const SOCKETS = [
  'mysql://root@localhost/app?socketPath=/nowhere/mysqld.sock',
  'postgres://postgres@/app?host=/nowhere',
];

for (const scheme of ['mysql', 'postgres']) {
  describe(`unavailable, any server of ${scheme}://`, { concurrency: 2 }, () => {
    async function listen(t: TestContext, answer: (socket: Socket) => void): Promise<number> {
      const listener = createServer((socket) => {
        socket.on('error', () => {});
        answer(socket);
      }).listen(0, '127.0.0.1');
      await once(listener, 'listening');
      t.after(() => void listener.close());
      return (listener.address() as AddressInfo).port;
    }

    test('is a port where nothing listens', async () => {
      const line = await unavailable(`${scheme}://root@127.0.0.1:${await freePort()}/app`);
      assert.equal(line.error_code, 'ECONNREFUSED');
      assert.equal(line.hint, 'Check that the server is running, and the host and the port in the URL.');
    });

    test('is a host that has no address', async () => {
      // .invalid is reserved by RFC 2606.
      const line = await unavailable(`${scheme}://root@no-such-host.invalid/app`, '--timeout', '5s');
      assert.match(String(line.error_code), /^(ENOTFOUND|EAI_AGAIN|ETIMEDOUT)$/);
      assert.match(String(line.hint), /^Check .*the host( and the port)? in the URL/);
    });

    test('is a socket that is missing', async () => {
      const line = await unavailable(String(SOCKETS.find((url) => url.startsWith(scheme))));
      assert.equal(line.error_code, 'ENOENT');
      assert.equal(line.hint, 'Check that the server is running, and the path of the socket in the URL.');
    });

    test('is a port where something listens that says nothing: for as long as the timeout', async (t) => {
      const port = await listen(t, () => {});
      const startedAt = performance.now();
      await unavailable(`${scheme}://root@127.0.0.1:${port}/app`, '--timeout', '1s');
      assertGoneAfterTimeout(startedAt, 1_000);
    });

    test('is a port where something else than a database answers', async (t) => {
      const port = await listen(t, (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
      await unavailable(`${scheme}://root@127.0.0.1:${port}/app`, '--timeout', '10s');
    });
  });
}

for (const engine of servers) {
  const codes = CODES[engine.family];

  describe(`unavailable, ${engine.name}`, { concurrency: 2 }, () => {
    test('is a login with a wrong password', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const account = await createAccount(t, database, { password: 'right', grants: ['ALL'] });
      if (await trustsEverybody(database)) return t.skip('the server asks for no password');
      const line = await unavailable(account.url.replace(':right@', ':wrong-one@'));
      assert.equal(line.error_code, codes.password);
      assert.doesNotMatch(JSON.stringify(line), /wrong-one/);
      assert.deepEqual(await remaining(database), ['a']);
    });

    test('is an account that does not exist', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      await unavailable(database.url.replace(/\/\/[^@]*@/, '//session-cleanup-nobody:x@'));
      assert.deepEqual(await remaining(database), ['a']);
    });

    test('is a database that does not exist', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const line = await unavailable(`${database.url}_not`);
      assert.equal(line.error_code, codes.missing);
    });

    test('is a database that the account may not use', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const account = await createAccount(t, database, { password: 'right', grants: [] });
      // By itself, PostgreSQL lets every account into every database.
      const name = new URL(database.url).pathname.slice(1);
      if (engine.family === 'postgresql') await database.run(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
      const line = await unavailable(account.url);
      assert.equal(line.error_code, codes.denied);
      assert.match(String(line.hint), /Grant the account (SELECT and DELETE on the table|CONNECT on the database)/);
      assert.deepEqual(await remaining(database), ['a']);
    });
  });
}
