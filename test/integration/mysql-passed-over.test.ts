// What a run on MySQL and MariaDB passes over goes at nobody's cost: rows that others refer to, or whose children are locked;
// and what it has deleted, where the statistics of the server are behind.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Database, type Engine, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import { explained } from '../support/statements.js';

const ROWS = 2_000;

async function createDatabase(t: TestContext, engine: Engine): Promise<Database> {
  const database = await engine.create();
  t.after(() => database.drop());
  return database;
}

/** The expired sessions 0 to 1998 that are even, and the live ones between them. */
async function createSessions(database: Database, more = ''): Promise<readonly number[]> {
  await database.run(
    `CREATE TABLE sessions (id INT NOT NULL PRIMARY KEY, note VARCHAR(9) NULL, expires_at DATETIME NOT NULL${more})`,
  );
  const rows = Array.from({ length: ROWS }, (_, id) => `(${id}, '', '${id % 2 === 0 ? 2020 : 2099}-01-01')`);
  await database.run(`INSERT INTO sessions VALUES ${rows.join(', ')}`);
  await database.query('ANALYZE TABLE sessions');
  return Array.from({ length: ROWS / 2 }, (_, at) => at * 2 + 1);
}

async function createChildren(database: Database, rule: string, sessions: readonly number[]): Promise<void> {
  await database.run(
    `CREATE TABLE children (id INT PRIMARY KEY, session_id INT, FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE ${rule})`,
  );
  await database.run(`INSERT INTO children VALUES ${sessions.map((id) => `(${id}, ${id})`).join(', ')}`);
}

async function remaining(database: Database, table = 'sessions'): Promise<readonly number[]> {
  return (await database.query(`SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => Number(id));
}

const sorted = (ids: readonly number[]): readonly number[] => [...ids].sort((a, b) => a - b);
const BY_EXPIRY = ', KEY by_expiry (expires_at)';

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  for (const [along, index] of [
    ['the primary key', ''],
    ['the expiry', BY_EXPIRY],
  ] as const) {
    describe(`${engine.name}: along ${along}`, () => {
      for (const rule of ['RESTRICT', 'NO ACTION']) {
        test(`expired rows that others refer to (${rule}) are left and counted, and the others go`, async (t) => {
          const database = await createDatabase(t, engine);
          const live = await createSessions(database, index);
          const referred = [4, 900, 902, 1_998];
          await createChildren(database, rule, [...referred, 901]);
          const line = await runHere(['run', '--db-url', database.url]);
          assert.deepEqual(
            [line.outcome, line.exit_status, line.deleted_count, line.locked_count],
            ['deleted', 0, ROWS / 2 - referred.length, referred.length],
            JSON.stringify(line),
          );
          assert.deepEqual(await remaining(database), sorted([...live, ...referred]));
          assert.deepEqual(await remaining(database, 'children'), sorted([...referred, 901]));
        });
      }

      test('sixty locked children hold up nobody but their own rows', async (t) => {
        const database = await createDatabase(t, engine);
        const live = await createSessions(database, index);
        const sessions = Array.from({ length: 200 }, (_, at) => at * 10);
        await createChildren(database, 'CASCADE', sessions);
        const held = sessions.slice(0, 60);
        const other = await database.knex.transaction();
        try {
          for (const id of held) await other.raw('SELECT id FROM children WHERE id = ? FOR UPDATE', [id]);
          const line = await runHere(['run', '--db-url', database.url, '--timeout', '20s']);
          assert.deepEqual(
            [line.outcome, line.deleted_count, line.locked_count],
            ['deleted', ROWS / 2 - held.length, held.length],
            JSON.stringify(line),
          );
        } finally {
          await other.rollback();
        }
        assert.deepEqual(await remaining(database), sorted([...live, ...held]));
        assert.deepEqual(await remaining(database, 'children'), held);
      });
    });
  }

  describe(`${engine.name}: no step reads the whole index where the statistics say that there are no rows`, () => {
    const BY_BOTH = 'DROP PRIMARY KEY, ADD PRIMARY KEY (expires_at, id)';
    for (const [along, change] of [
      ['the primary key', 'COMMENT = ""'],
      ['the expiry', 'ADD KEY by_expiry (expires_at)'],
      ['a primary key that leads with the expiry', BY_BOTH],
      ['the expiry, which the primary key has too', `${BY_BOTH}, ADD KEY by_expiry (expires_at)`],
    ]) {
      test(`along ${along}`, async (t) => {
        const database = await createDatabase(t, engine);
        const live = await createSessions(database);
        await database.run(`ALTER TABLE sessions STATS_PERSISTENT = 1, STATS_AUTO_RECALC = 0, ${change}`);
        await database.run('UPDATE mysql.innodb_table_stats SET n_rows = 0 WHERE database_name = ?', [
          new URL(database.url).pathname.slice(1),
        ]);
        await database.run('FLUSH TABLE sessions');
        const sent = await explained(async () => {
          const line = await runHere(['run', '--db-url', database.url, '--batch-size', '50']);
          assert.equal(line.deleted_count, ROWS / 2, JSON.stringify(line));
        });
        const steps = sent.filter(({ sql }) => /AS session_cleanup_0| FOR UPDATE|^delete/i.test(sql));
        assert.ok(steps.length > 20, `only ${steps.length} statements`);
        for (const { sql, plan } of steps.filter(({ sql: text }) => / > \?| IN \(| = \?/.test(text))) {
          const told = `${sql}\n${JSON.stringify(plan)}`;
          for (const { type, table, key } of plan) {
            assert.match(`${table} ${type}`, /^sessions (range|const|ref)$/, told);
            if (!sql.startsWith('SELECT') || / FOR UPDATE/.test(sql)) assert.equal(key, 'PRIMARY', told);
          }
        }
        assert.deepEqual(await remaining(database), live);
      });
    }
  });
}
