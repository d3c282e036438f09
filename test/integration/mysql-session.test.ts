// What a server, its init_connect or a proxy have set for a connection, and what a run makes of it.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { createAccount } from '../support/accounts.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import { startProxy } from '../support/proxy.js';

/** On the server, for accounts without SUPER, until the end of the test. */
async function setInitConnect(t: TestContext, database: Database, sql: string): Promise<void> {
  await database.run('SET GLOBAL init_connect = ?', [sql]);
  t.after(async () => {
    // A connection of its own: those of the database are closed by now.
    const url = new URL(database.url);
    const connection = await createConnection(`${url.protocol}//${url.username}:${url.password}@${url.host}`);
    await connection.query("SET GLOBAL init_connect = ''");
    await connection.end();
  });
}

async function createDatabase(t: TestContext, engine: Engine): Promise<Database> {
  const database = await engine.create();
  t.after(() => database.drop());
  return database;
}

async function accountUrl(t: TestContext, database: Database): Promise<string> {
  return (await createAccount(t, database, { password: 'S3cr3tPw', grants: ['SELECT', 'DELETE'] })).url;
}

async function createSessions(database: Database, rows: Readonly<Record<string, number>>, index = ''): Promise<void> {
  await database.run(
    `CREATE TABLE sessions (id VARCHAR(128) CHARACTER SET utf8mb4 NOT NULL PRIMARY KEY, expires_at BIGINT NOT NULL${index})`,
  );
  await database.knex('sessions').insert(Object.entries(rows).map(([id, expires_at]) => ({ id, expires_at })));
}

async function remaining(database: Database): Promise<readonly string[]> {
  return (await database.query('SELECT id FROM sessions')).map(({ id }) => String(id)).sort();
}

const EXPIRED = 1_700_000_000;
const LIVE = 4_000_000_000;
const LIVE_IDS = Array.from({ length: 40 }, (_, at) => `live${10 + at}`);

/** In each of the character sets, one of the two has a last byte that takes the backslash of an escaped quote with it. */
const BEFORE_QUOTE = ['a涓', 'a中'];
/** What was once behind the value in a DELETE, on MariaDB and on MySQL. */
const HOSTILE = ["') or 1=1)#", "') or 1=1)) as session_cleanup_found join sessions#", "') or 1=1#"];

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  describe(`${engine.name}: a stored key stays a value where the server is told to read`, () => {
    for (const charset of ['gbk', 'sjis', 'cp932', 'big5', 'gb18030', 'latin1', 'ucs2']) {
      for (const index of ['', ', KEY by_expiry (expires_at)']) {
        test(`${charset}, along the ${index === '' ? 'primary key' : 'expiry'}`, async (t) => {
          const database = await createDatabase(t, engine);
          const known = await database.query('SHOW CHARACTER SET LIKE ?', [charset]);
          if (known.length === 0) return t.skip(`there is no ${charset}`);
          const hostile = BEFORE_QUOTE.flatMap((before) => HOSTILE.map((after) => `${before}${after}`));
          const expired = [...hostile, 'José', 'zoë 🦊', 'x1'].map((id) => [id, EXPIRED] as const);
          const live = LIVE_IDS.map((id) => [id, LIVE] as const);
          await createSessions(database, Object.fromEntries([...expired, ...live]), index);
          await database.query('ANALYZE TABLE sessions');
          const url = await accountUrl(t, database);
          // No client can write ucs2: only the answers can be in it.
          const names = charset === 'ucs2' ? 'SET character_set_results = ucs2' : `SET NAMES ${charset}`;
          const untold = database.engine === 'mysql' ? "SET session_track_system_variables = ''; " : '';
          await setInitConnect(t, database, untold + names);
          const line = await runHere(['run', '--db-url', url, '--batch-size', '7']);
          assert.deepEqual([line.outcome, line.deleted_count], ['deleted', expired.length], JSON.stringify(line));
          assert.deepEqual(await remaining(database), LIVE_IDS);
        });
      }
    }

    test('literals without backslashes, names in double quotes, dates as numbers', async (t) => {
      const database = await createDatabase(t, engine);
      await createSessions(database, { "a\\' or 1=1#": EXPIRED, 'b" or 1=1#': EXPIRED, live: LIVE });
      const url = await accountUrl(t, database);
      await setInitConnect(t, database, "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'");
      const line = await runHere(['run', '--db-url', url]);
      assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 2], JSON.stringify(line));
      assert.deepEqual(await remaining(database), ['live']);
    });
  });

  describe(`${engine.name}: a setting of the server does not change what a run does, such as`, () => {
    for (const setting of [
      'SET completion_type = 1',
      'SET completion_type = 2',
      'SET autocommit = 0',
      'SET sql_select_limit = 1',
      'SET sql_auto_is_null = 1',
      'SET sql_safe_updates = 1',
      'SET max_join_size = 1',
      'SET foreign_key_checks = 0',
    ]) {
      test(setting, async (t) => {
        const database = await createDatabase(t, engine);
        const expired = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`expired${at}`, EXPIRED]));
        await createSessions(database, { ...expired, live: LIVE });
        await database.run(
          'CREATE TABLE children (session_id VARCHAR(128) CHARACTER SET utf8mb4, FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE)',
        );
        await database.run("INSERT INTO children VALUES ('expired7'), ('live')");
        const url = await accountUrl(t, database);
        await setInitConnect(t, database, setting);
        const line = await runHere(['run', '--db-url', url, '--batch-size', '10']);
        assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 30], JSON.stringify(line));
        assert.deepEqual(await remaining(database), ['live']);
        assert.deepEqual(await database.query('SELECT session_id FROM children'), [{ session_id: 'live' }]);
      });
    }

    test('a wait_timeout shorter than the pause of a run without a timeout', async (t) => {
      const database = await createDatabase(t, engine);
      await createSessions(database, { a: EXPIRED, b: EXPIRED, live: LIVE });
      const url = await accountUrl(t, database);
      await setInitConnect(t, database, 'SET wait_timeout = 1');
      const line = await runHere(['run', '--db-url', url, '--timeout', '0', '--batch-size', '1', '--pause', '2s']);
      assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 2], JSON.stringify(line));
      assert.deepEqual(await remaining(database), ['live']);
    });

    test('transactions that are read only: nothing goes, and the hint and check say why', async (t) => {
      const database = await createDatabase(t, engine);
      await createSessions(database, { a: EXPIRED, live: LIVE });
      const url = await accountUrl(t, database);
      await setInitConnect(t, database, 'SET SESSION TRANSACTION READ ONLY');
      const line = await runHere(['run', '--db-url', url]);
      assert.deepEqual([line.outcome, line.exit_status], ['failed', 1], JSON.stringify(line));
      assert.match(String(line.hint), /transaction_read_only/);
      const checked = await runHere(['check', '--db-url', url, '--log-format', 'json']);
      assert.deepEqual([checked.outcome, checked.exit_status], ['refused', 3], JSON.stringify(checked));
      assert.match(JSON.stringify(checked.findings), /transactions are read only/);
      assert.deepEqual(await remaining(database), ['a', 'live']);
    });
  });

  test(`${engine.name}: where the server does not take a setting, nothing is read or deleted`, async (t) => {
    const database = await createDatabase(t, engine);
    await createSessions(database, { a: EXPIRED, live: LIVE });
    for (const [text, by] of [
      ['SET NAMES utf8mb4 COLLATE utf8mb4_general_ci', 'SET NAMES gbk'],
      ["sql_mode = 'NO_ENGINE_SUBSTITUTION'", "sql_mode = 'NO_BACKSLASH_ESCAPES'"],
      ["time_zone = '+00:00'", "time_zone = '-05:00'"],
      ['foreign_key_checks = 1', 'foreign_key_checks = 0'],
    ] as const) {
      const proxy = await startProxy(database.url);
      t.after(() => proxy.close());
      proxy.replace(text, by.padEnd(text.length));
      const line = await runHere(['run', '--db-url', proxy.url]);
      assert.deepEqual(
        [line.outcome, line.exit_status, line.error_code],
        ['refused', 3, 'SETTING_NOT_TAKEN'],
        JSON.stringify(line),
      );
      assert.deepEqual(await remaining(database), ['a', 'live']);
    }
  });
}
