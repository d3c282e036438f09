// What only PostgreSQL has: what may hide or keep rows, who may delete, what became of a COMMIT that was not answered.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createAccount } from '../support/accounts.js';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { DELETING, startProxy } from '../support/proxy.js';
import {
  beginTransaction,
  createSessions,
  ids,
  LIVE,
  remaining,
  slowDeletes,
  start,
  until,
} from '../support/sessions.js';

const ROWS = { expired: ids(3), live: ['z'] };

for (const engine of engines.filter(({ family }) => family === 'postgresql')) {
  describe(`refused, ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    const refusals: Readonly<Record<string, readonly [code: string, statements: readonly string[]]>> = {
      'a partitioned table, whose partitions are named': [
        'PARTITIONED',
        [
          'DROP TABLE sessions',
          'CREATE TABLE sessions (id TEXT, expires_at TIMESTAMPTZ) PARTITION BY RANGE (expires_at)',
          "CREATE TABLE past PARTITION OF sessions FOR VALUES FROM ('2000-01-01') TO ('2050-01-01')",
        ],
      ],
      'a table that others inherit from': ['PARTITIONED', ['CREATE TABLE past () INHERITS (sessions)']],
      'a rule that does something else instead of a DELETE': [
        'RULE',
        ['CREATE RULE keep AS ON DELETE TO sessions DO INSTEAD NOTHING'],
      ],
      'a view': ['NOT_A_TABLE', ['ALTER TABLE sessions RENAME TO own', 'CREATE VIEW sessions AS SELECT * FROM own']],
      'a foreign key that brings a deletion back to the table': [
        'CASCADE_BACK',
        ['ALTER TABLE sessions ADD parent VARCHAR(40) REFERENCES sessions (id) ON DELETE CASCADE'],
      ],
      'a column that holds no exact time': [
        'FORMAT_MISMATCH',
        ['ALTER TABLE sessions ALTER expires_at TYPE real USING 0'],
      ],
    };
    // What the server would answer if it were another one: the question is replaced by the answer on the way to it.
    const VERSION = 'pg_catalog.version()';
    const others: readonly (readonly [asked: string, answer: string, code: string, error: RegExp])[] = [
      [VERSION, "'CockroachDB CCL 25'", 'NOT_POSTGRESQL', /^the server is no PostgreSQL but CockroachDB CCL$/],
      [VERSION, "'PostgreSQL 15-YB-2'", 'NOT_POSTGRESQL', /^the server is no PostgreSQL but YugabyteDB$/],
      ["pg_catalog.current_setting('server_version_num')", "'110022'", 'SERVER_TOO_OLD', /older than version 12$/],
    ];
    for (const [asked, answer, code, error] of others) {
      test(`is a server that answers ${answer}`, async (t) => {
        const database = await createSessions(t, engine, ROWS);
        const proxy = await startProxy(database.url);
        t.after(() => proxy.close());
        proxy.replace(asked, answer.padEnd(asked.length));
        for (const command of ['run', 'check']) {
          const line = failureLine(await runCommand([command, '--db-url', proxy.url]), 3, 'refused');
          assert.equal(line.error_code, code);
          assert.match(String(line.error), error);
        }
        assert.equal((await remaining(database)).length, 4);
      });
    }

    for (const [name, [code, statements]] of Object.entries(refusals)) {
      test(`is ${name}`, async (t) => {
        const database = await createSessions(t, engine, ROWS);
        for (const statement of statements) await database.run(statement);
        const line = failureLine(await runCommand(['run', '--db-url', database.url]), 3, 'refused');
        assert.equal(line.error_code, code, JSON.stringify(line));
        if (code === 'PARTITIONED') assert.match(String(line.hint), /\bpast\b/);
      });
    }

    test('is a table that hides rows from the account, instead of nothing being expired', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await database.run('ALTER TABLE sessions ENABLE ROW LEVEL SECURITY');
      const { url } = await createAccount(t, database, { password: 'row by row', grants: ['SELECT', 'DELETE'] });
      const line = failureLine(await runCommand(['run', '--db-url', url]), 3, 'refused');
      assert.equal(line.error_code, 'ROW_SECURITY');
      assert.equal(successLine(await runCommand(['run', '--db-url', database.url])).deleted_count, 3);
    });

    test('is a time without a zone where a zone in force is behind UTC, unless the zone is given', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const name = new URL(database.url).pathname.slice(1);
      await database.run(`ALTER DATABASE ${name} SET timezone = 'America/New_York'`);
      const line = failureLine(await runCommand(['run', '--db-url', database.url]), 3, 'refused');
      assert.equal(line.error_code, 'ZONE_BEHIND');
      assert.match(String(line.error), /up to 300 minutes early/);
      const args = ['run', '--db-url', database.url, '--time-zone', 'America/New_York'];
      assert.equal(successLine(await runCommand(args)).deleted_count, 3);
      assert.deepEqual(await remaining(database), ['z']);
    });
  });

  describe(`what an account has set, ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    /** The table and the URL of its owner, who has these settings. */
    async function createFor(t: TestContext, settings: readonly string[], rows = ROWS) {
      const database = await createSessions(t, engine, rows);
      const { url, name } = await createAccount(t, database, { password: 'with settings', grants: [] });
      await database.run(`ALTER TABLE sessions OWNER TO ${name}`);
      for (const setting of settings) await database.run(`ALTER ROLE ${name} SET ${setting}`);
      return { database, url, name };
    }

    test('a search_path with comparisons of its own before those of the server deletes no live session', async (t) => {
      const { database, url } = await createFor(t, ['search_path = app, pg_catalog, public']);
      await database.run('CREATE SCHEMA app');
      await database.run('GRANT USAGE ON SCHEMA app TO PUBLIC');
      for (const type of ['timestamp', 'timestamptz']) {
        await database.run(`CREATE FUNCTION app.always(${type}, ${type}) RETURNS bool LANGUAGE sql AS 'SELECT true'`);
        await database.run(`CREATE OPERATOR app.<= (leftarg = ${type}, rightarg = ${type}, function = app.always)`);
      }
      await database.run("CREATE FUNCTION app.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS 'SELECT true'");
      assert.equal(successLine(await runCommand(['run', '--db-url', url])).deleted_count, 3);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('a search_path without the schema of the table is told which schema has one', async (t) => {
      const { database, url } = await createFor(t, ['search_path = nowhere']);
      const line = failureLine(await runCommand(['run', '--db-url', url]), 3, 'refused');
      assert.equal(line.error_code, 'NO_TABLE');
      assert.match(String(line.hint), /Check --table and its schema: there is public\.sessions\./);
      const named = ['run', '--db-url', url, '--table', 'public.sessions'];
      assert.equal(successLine(await runCommand(named)).deleted_count, 3);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('timeouts of its own end no run, however long the pause between two batches', async (t) => {
      const timeouts = ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout'];
      const { database, url, name } = await createFor(
        t,
        timeouts.map((timeout) => `${timeout} = '500ms'`),
      );
      const [server] = await database.query('SHOW server_version_num');
      if (Number(server?.server_version_num) >= 140_000) {
        await database.run(`ALTER ROLE ${name} SET idle_session_timeout = '500ms'`);
      }
      await slowDeletes(database, 800, 'r0001');
      const line = successLine(await runCommand(['run', '--db-url', url, '--batch-size', '1', '--pause', '1s']));
      assert.equal(line.deleted_count, 3);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('read only and serializable by default make no difference', async (t) => {
      const settings = ['default_transaction_read_only = on', "default_transaction_isolation = 'serializable'"];
      const { database, url } = await createFor(t, [...settings, "DateStyle = 'German, DMY'", 'row_security = on']);
      assert.equal(successLine(await runCommand(['run', '--db-url', url])).deleted_count, 3);
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('foreign keys that are off are refused: what refers to a session would be left behind', async (t) => {
      const { database, url } = await createFor(t, ['session_replication_role = replica']);
      const line = failureLine(await runCommand(['run', '--db-url', url]), 3, 'refused');
      assert.equal(line.error_code, 'REPLICA_ROLE');
      assert.deepEqual(await remaining(database), [...ids(3), 'z']);
    });

    test('a policy that is forced on the owner, too, is refused', async (t) => {
      const { database, url } = await createFor(t, []);
      await database.run('ALTER TABLE sessions ENABLE ROW LEVEL SECURITY');
      await database.run('ALTER TABLE sessions FORCE ROW LEVEL SECURITY');
      const line = failureLine(await runCommand(['run', '--db-url', url]), 3, 'refused');
      assert.equal(line.error_code, 'ROW_SECURITY');
    });
  });

  describe(`what keeps a row, ${engine.name}`, { concurrency: 3, timeout: 180_000 }, () => {
    test('a trigger that keeps it is no deletion, and it is counted', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const body = "BEGIN IF OLD.id = 'r0001' THEN RETURN NULL; END IF; RETURN OLD; END";
      await database.run(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$`);
      await database.run('CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()');
      const line = successLine(await runCommand(['run', '--db-url', database.url]));
      assert.deepEqual([line.deleted_count, line.locked_count], [2, 1]);
      assert.deepEqual(await remaining(database), ['r0001', 'z']);
    });

    test('a table that is written anew during the run ends it: rows would be passed over', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3_000), live: ['z'] });
      const running = start(t, ['run', '--db-url', database.url, '--batch-size', '500', '--pause', '2s']);
      await until(async () => (await remaining(database)).length < 3_001);
      await database.run('VACUUM FULL sessions');
      const line = failureLine(await running.ended, 3, 'refused');
      assert.equal(line.error_code, 'TABLE_CHANGED');
      const rows = await remaining(database);
      assert.equal(rows.length, 3_001 - Number(line.deleted_count));
      assert.equal(rows.at(-1), 'z');
      successLine(await runCommand(['run', '--db-url', database.url]));
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('an account that may not update either passes over a row that somebody holds', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(900), live: ['z'] });
      const { url } = await createAccount(t, database, { password: 'no update', grants: ['SELECT', 'DELETE'] });
      const renewal = await beginTransaction(database);
      await renewal.raw('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, 'r0700']);
      const line = successLine(await runCommand(['run', '--db-url', url]));
      await renewal.commit();
      assert.deepEqual([line.deleted_count, line.locked_count], [899, 1]);
      assert.deepEqual(await remaining(database), ['r0700', 'z']);
    });
  });

  describe(`a COMMIT that is not answered, ${engine.name}`, { timeout: 180_000 }, () => {
    for (const [moment, what] of [
      ['before', 'did not reach the server: the run failed, and nothing is deleted'],
      ['answered', 'reached the server: the run is done'],
    ] as const) {
      test(what, async (t) => {
        const database = await createSessions(t, engine, ROWS);
        const proxy = await startProxy(database.url);
        t.after(() => proxy.close());
        const cut = proxy.when(/\bCOMMIT\b/, moment, proxy.cut);
        const ended = await runCommand(['run', '--db-url', proxy.url]);
        await cut;
        if (moment === 'answered') {
          assert.equal(successLine(ended).deleted_count, 3);
          assert.deepEqual(await remaining(database), ['z']);
        } else {
          assert.equal(failureLine(ended, 1, 'failed').deleted_count, 0);
          assert.deepEqual(await remaining(database), [...ids(3), 'z']);
        }
      });
    }

    test('is none where the backend was terminated while it deleted: the run failed, and nothing is deleted', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const proxy = await startProxy(database.url);
      t.after(() => proxy.close());
      // Before the run knows that it has deleted.
      const answered = proxy.when(DELETING, 'answered', proxy.freeze);
      const running = start(t, ['run', '--db-url', proxy.url]);
      await answered;
      const others = 'FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
      await database.run(`SELECT pg_terminate_backend(pid) ${others} AND query LIKE '%correlation_id=%'`);
      await until(
        async () => (await database.query(`SELECT ${others} AND query LIKE '%correlation_id=%'`)).length === 0,
      );
      proxy.thaw();
      const line = failureLine(await running.ended, 1, 'failed');
      assert.equal(line.deleted_count, 0);
      assert.deepEqual(await remaining(database), [...ids(3), 'z']);
    });
  });
}
