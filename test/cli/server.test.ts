// What only a server has: grants, TLS, sockets, schemas, a process list.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { createConnection } from 'mysql2/promise';
import { createAccount } from '../support/accounts.js';
import { runCommand } from '../support/command.js';
import { type Database, engines, servers } from '../support/databases.js';
import { inTime } from '../support/in-time.js';
import { failureLine, successLine } from '../support/lines.js';
import {
  beginTransaction,
  createSessions,
  holdDelete,
  ids,
  remaining,
  start,
  statementsAtWork,
  until,
} from '../support/sessions.js';

const ROWS = { expired: ['a'], live: ['z'] };

/** Whether the server has a certificate to offer. */
async function offersTls(database: Database): Promise<boolean> {
  const url = new URL(database.url);
  try {
    const connection = await createConnection({
      host: url.hostname,
      port: Number(url.port || 3306),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      ssl: { rejectUnauthorized: false },
    });
    await connection.end();
    return true;
  } catch {
    return false;
  }
}

function writeTemporary(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, text);
  return path;
}

for (const engine of servers) {
  describe(`grants, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    test('SELECT and DELETE on the table are enough, even past a locked row', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(5), live: ['z'] });
      const account = await createAccount(t, database, { password: 'of-the-account', grants: ['SELECT', 'DELETE'] });
      const other = await beginTransaction(database);
      await other.raw('SELECT * FROM sessions WHERE id = ? FOR UPDATE', ['r0002']);
      const ended = await runCommand(['run', '--db-url', account.url]);
      await other.rollback();
      const line = successLine(ended);
      assert.deepEqual([line.deleted_count, line.locked_count], [4, 1]);
      assert.deepEqual(await remaining(database), ['r0002', 'z']);
    });

    test('SELECT alone is not: refused, with a hint', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const account = await createAccount(t, database, { password: 'of-the-account', grants: ['SELECT'] });
      const line = failureLine(await runCommand(['run', '--db-url', account.url]), 3, 'refused');
      const code = engine.family === 'mysql' ? 'ER_TABLEACCESS_DENIED_ERROR' : 'NO_RIGHT';
      assert.deepEqual([line.error_code, line.deleted_count], [code, 0]);
      assert.match(String(line.hint), /Grant the account SELECT and DELETE|GRANT DELETE ON "public"."sessions" TO/);
      assert.deepEqual(await remaining(database), ['a', 'z']);
    });

    test('a table that the account may not see is refused, with a hint', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await database.run('CREATE TABLE logins (id INT)');
      const account = await createAccount(t, database, { password: 'of-the-account', grants: ['SELECT', 'DELETE'] });
      const ended = await runCommand(['run', '--db-url', account.url, '--table', 'logins']);
      assert.match(
        String(failureLine(ended, 3, 'refused').hint),
        /grant the account SELECT and DELETE|GRANT SELECT, DELETE ON/i,
      );
    });
  });
}

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  describe(`TLS, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    test('that is required is used, or the run does not begin', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const has = await offersTls(database);
      // Where the server lets in no login without TLS, a login is the proof of it.
      const account = await createAccount(t, database, {
        password: 'of-the-account',
        grants: ['ALL'],
        requireTls: has,
      });
      const ended = await runCommand(['run', '--db-url', `${account.url}?ssl-mode=REQUIRED`]);
      if (has) {
        assert.equal(successLine(ended).deleted_count, 1);
        failureLine(await runCommand(['run', '--db-url', account.url]), 4, 'unavailable');
      } else {
        failureLine(ended, 4, 'unavailable');
        assert.deepEqual(await remaining(database), ['a', 'z']);
      }
    });

    test("with another authority's certificate is unavailable", async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const authority = writeTemporary(t, String(rootCertificates[0]));
      for (const mode of ['VERIFY_CA', 'VERIFY_IDENTITY']) {
        const url = `${database.url}?ssl-mode=${mode}&ssl-ca=${authority}`;
        failureLine(await runCommand(['run', '--db-url', url]), 4, 'unavailable');
      }
      failureLine(await runCommand(['run', '--db-url', `${database.url}?ssl-mode=VERIFY_CA`]), 4, 'unavailable');
      assert.deepEqual(await remaining(database), ['a', 'z']);
    });

    test("with the server's own authority works, unless the name has to fit too", async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const [row] = await database.query('SELECT LOAD_FILE(CONCAT(@@datadir, @@ssl_ca)) AS pem');
      if (row?.pem == null || !(await offersTls(database))) return t.skip('the server does not show its authority');
      const authority = writeTemporary(t, String(row.pem));
      const identity = `${database.url}?ssl-mode=VERIFY_IDENTITY&ssl-ca=${authority}`;
      failureLine(await runCommand(['run', '--db-url', identity]), 4, 'unavailable');
      const url = `${database.url}?ssl-mode=VERIFY_CA&ssl-ca=${authority}`;
      assert.equal(successLine(await runCommand(['run', '--db-url', url])).deleted_count, 1);
    });

    test('with a file of authorities that cannot be read is a usage error', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const url = `${database.url}?ssl-mode=VERIFY_CA&ssl-ca=/nowhere/ca.pem`;
      failureLine(await runCommand(['run', '--db-url', url]), 2, 'failed');
      assert.deepEqual(await remaining(database), ['a', 'z']);
    });
  });

  describe(`a server, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    test('is reached by its socket', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const [row] = await database.query('SELECT @@socket AS path');
      const socketPath = String(row?.path);
      const url = new URL(database.url);
      const name = url.pathname.slice(1);
      // The path may belong to another host's file system, or to another server.
      const reached = await createConnection({ socketPath, user: url.username, password: url.password, database: name })
        .then((connection) => connection.end().then(() => true))
        .catch(() => false);
      if (!reached) return t.skip('its socket cannot be reached from here');
      const bySocket = `mysql://${url.username}@localhost/${name}?socketPath=${encodeURIComponent(socketPath)}`;
      const line = successLine(await runCommand(['run', '--db-url', bySocket]));
      assert.deepEqual([line.deleted_count, line.database], [1, `mysql://localhost/${name}?socketPath=${socketPath}`]);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('has its table in the schema that --table names, with and without a database in the URL', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const other = await createSessions(t, engine, ROWS);
      const schema = new URL(database.url).pathname.slice(1);
      for (const url of [other.url, database.url.replace(`/${schema}`, '')]) {
        await database.run("UPDATE sessions SET expires_at = '2020-01-01 00:00:00' WHERE id = 'a'");
        const ended = await runCommand(['run', '--db-url', url, '--table', `${schema}.sessions`]);
        const line = successLine(ended);
        assert.deepEqual([line.deleted_count, line.table], [1, `${schema}.sessions`]);
        assert.deepEqual(await remaining(database), ['z']);
        await database.run("INSERT INTO sessions (id) VALUES ('a')");
      }
      assert.deepEqual(await remaining(other), ['a', 'z']);
    });

    for (const [scheme, shown] of [
      ['mariadb', 'mariadb'],
      ['mysql2', 'mysql'],
    ]) {
      test(`may be written with ${scheme}://`, async (t) => {
        const database = await createSessions(t, engine, ROWS);
        const url = database.url.replace(/^mysql:/, `${scheme}:`);
        const line = successLine(await runCommand(['run', '--db-url', url]));
        assert.equal(line.deleted_count, 1);
        assert.match(String(line.database), new RegExp(`^${shown}://`));
      });
    }

    test('whose clock is set to another zone is read right', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await database.run('ALTER TABLE sessions ADD ends TIMESTAMP NULL');
      const other = await beginTransaction(database);
      await other.raw("SET time_zone = '+13:00'");
      await other.raw("UPDATE sessions SET ends = NOW() - INTERVAL 1 HOUR WHERE id = 'a'");
      await other.raw("UPDATE sessions SET ends = NOW() + INTERVAL 1 HOUR WHERE id = 'z'");
      await other.raw('SET time_zone = DEFAULT');
      await other.commit();
      const ended = await runCommand(['run', '--db-url', database.url, '--expires-column', 'ends']);
      assert.equal(successLine(ended).deleted_count, 1);
      assert.deepEqual(await remaining(database), ['z']);
    });
  });
}

for (const engine of servers) {
  describe(`who is at work, ${engine.name}`, { timeout: 180_000 }, () => {
    test('shows the correlation ID in its process list while it deletes', async (t) => {
      // Without a key, MySQL cannot pass over a row that is locked: while it waits, for a second, the list has the DELETE
      // itself. A machine that stands still for as long misses that.
      const look = async (): Promise<boolean> => {
        const database = await createSessions(t, engine, { ...ROWS, indexed: true, keyed: false });
        const goOn = await (engine.family === 'postgresql' ? holdDelete(database, 'a') : lockRow(database, 'a'));
        const running = start(t, ['run', '--db-url', database.url, '--correlation-id', 'job:4711', '--timeout', '0']);
        let isSeen = false;
        await until(async () => {
          isSeen = (await statementsAtWork(database)).some(({ info }) =>
            /correlation_id=job:4711\b.*delete /i.test(`${info}`),
          );
          return isSeen || running.child.exitCode !== null;
        });
        await goOn();
        successLine(await running.ended);
        return isSeen;
      };
      await inTime(1, look, (isSeen) => !isSeen);
    });
  });
}

async function lockRow(database: Database, id: string): Promise<() => Promise<void>> {
  const other = await beginTransaction(database);
  await other.raw('SELECT * FROM sessions WHERE id = ? FOR UPDATE', [id]);
  return async () => void (await other.rollback());
}
