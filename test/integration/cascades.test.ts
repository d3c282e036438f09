// A deletion that would come back to the table by ON DELETE CASCADE is refused, by `run` and by `check`, and nothing goes.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createAccount } from '../support/accounts.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';

async function createDatabase(t: TestContext, engine: Engine): Promise<Database> {
  const database = await engine.create();
  t.after(() => database.drop());
  return database;
}

/** The expired sessions 1 and 2, and the live ones 3 and 4. */
async function addSessions(database: Database, columns: string, values: (id: number) => string): Promise<void> {
  await database.run(`CREATE TABLE sessions (id INT NOT NULL PRIMARY KEY, expires_at DATETIME NOT NULL, ${columns})`);
  const rows = [1, 2, 3, 4].map((id) => `(${id}, '${id <= 2 ? 2020 : 2099}-01-01', ${values(id)})`);
  await database.run(`INSERT INTO sessions VALUES ${rows.join(', ')}`);
}

async function remaining(database: Database): Promise<readonly number[]> {
  return (await database.query('SELECT id FROM sessions ORDER BY id')).map(({ id }) => Number(id));
}

async function assertRefused(database: Database, constraint: string, url = database.url): Promise<void> {
  for (const command of ['run', 'check']) {
    const line = await runHere([command, '--db-url', url, '--log-format', 'json']);
    assert.deepEqual(
      [line.outcome, line.exit_status, line.error_code],
      ['refused', 3, 'CASCADE_BACK'],
      JSON.stringify(line),
    );
    assert.match(String(line.error), new RegExp(`\\b${constraint}\\b`));
    assert.match(String(line.hint), /ON DELETE SET NULL/);
  }
  assert.deepEqual(await remaining(database), [1, 2, 3, 4]);
}

async function assertDeleted(database: Database): Promise<void> {
  const line = await runHere(['run', '--db-url', database.url]);
  assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 2], JSON.stringify(line));
  assert.deepEqual(await remaining(database), [3, 4]);
}

const refersTo = (column: string, table: string, rule: string): string =>
  `FOREIGN KEY (${column}) REFERENCES ${table} (id) ON DELETE ${rule}`;

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  describe(`${engine.name}: a foreign key that is ON DELETE CASCADE`, () => {
    test('and refers to the table itself', async (t) => {
      const database = await createDatabase(t, engine);
      const rotated = `previous INT NULL, CONSTRAINT rotated ${refersTo('previous', 'sessions', 'CASCADE')}`;
      await addSessions(database, rotated, (id) => (id === 1 ? 'NULL' : String(id - 1)));
      await assertRefused(database, 'rotated');
    });

    test('is seen by an account that may only read the table and delete from it', async (t) => {
      const database = await createDatabase(t, engine);
      const rotated = `previous INT NULL, CONSTRAINT rotated ${refersTo('previous', 'sessions', 'CASCADE')}`;
      await addSessions(database, rotated, (id) => (id === 1 ? 'NULL' : String(id - 1)));
      const account = await createAccount(t, database, { password: 'S3cr3tPw', grants: ['SELECT', 'DELETE'] });
      await assertRefused(database, 'rotated', account.url);
    });

    test('over another table', async (t) => {
      const database = await createDatabase(t, engine);
      await database.run('CREATE TABLE users (id INT NOT NULL PRIMARY KEY, session INT NULL)');
      await database.run('INSERT INTO users VALUES (7, NULL)');
      await addSessions(
        database,
        `user INT NULL, CONSTRAINT of_user ${refersTo('user', 'users', 'CASCADE')}`,
        () => '7',
      );
      await database.run(`ALTER TABLE users ADD CONSTRAINT last_one ${refersTo('session', 'sessions', 'CASCADE')}`);
      await database.run('UPDATE users SET session = 1');
      await assertRefused(database, 'last_one');
    });

    test('over a table of another database', async (t) => {
      const database = await createDatabase(t, engine);
      const other = await createDatabase(t, engine);
      const [mine, theirs] = [database, other].map(({ url }) => new URL(url).pathname.slice(1));
      await other.run('CREATE TABLE users (id INT NOT NULL PRIMARY KEY, session INT NULL)');
      await other.run('INSERT INTO users VALUES (7, NULL)');
      const ofUser = refersTo('user', `${theirs}.users`, 'CASCADE');
      await addSessions(database, `user INT NULL, CONSTRAINT of_user ${ofUser}`, () => '7');
      const lastOne = refersTo('session', `${mine}.sessions`, 'CASCADE');
      await other.run(`ALTER TABLE users ADD CONSTRAINT last_one ${lastOne}`);
      await other.run('UPDATE users SET session = 1');
      await assertRefused(database, 'last_one');
      // The databases are dropped in the order in which they were made.
      await other.run('ALTER TABLE users DROP FOREIGN KEY last_one');
    });
  });

  describe(`${engine.name}: expired rows go, and no others, where a foreign key`, () => {
    test('to the table itself is ON DELETE SET NULL', async (t) => {
      const database = await createDatabase(t, engine);
      const rotated = `previous INT NULL, CONSTRAINT rotated ${refersTo('previous', 'sessions', 'SET NULL')}`;
      await addSessions(database, rotated, (id) => (id === 1 ? 'NULL' : String(id - 1)));
      await assertDeleted(database);
    });

    test('cascades to the table from users, which nothing comes back to', async (t) => {
      const database = await createDatabase(t, engine);
      await database.run('CREATE TABLE users (id INT NOT NULL PRIMARY KEY)');
      await database.run('INSERT INTO users VALUES (7)');
      await addSessions(database, `user INT NULL, ${refersTo('user', 'users', 'CASCADE')}`, () => '7');
      await assertDeleted(database);
    });

    test('is a text in the comment of a column only', async (t) => {
      const database = await createDatabase(t, engine);
      const comment = '\\n  CONSTRAINT `a` FOREIGN KEY (`id`) REFERENCES `sessions` (`id`) ON DELETE CASCADE';
      await addSessions(database, `note INT NULL COMMENT '${comment}'`, () => 'NULL');
      await assertDeleted(database);
    });
  });
}

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  test(`${engine.name}: check says what it cannot see of the foreign keys`, async (t) => {
    const database = await createDatabase(t, engine);
    await database.run('CREATE TABLE users (id INT NOT NULL PRIMARY KEY)');
    await database.run('INSERT INTO users VALUES (7)');
    await addSessions(database, `user INT NULL, ${refersTo('user', 'users', 'CASCADE')}`, () => '7');
    const account = await createAccount(t, database, { password: 'S3cr3tPw', grants: ['SELECT', 'DELETE'] });
    const unseen = async (url: string) =>
      JSON.stringify((await runHere(['check', '--db-url', url, '--log-format', 'json'])).findings).includes(
        'may not see',
      );
    assert.deepEqual([await unseen(account.url), await unseen(database.url)], [true, false]);
  });
}

for (const engine of engines) {
  for (const rule of ['RESTRICT', 'NO ACTION']) {
    test(`${engine.name}: rows that others refer to by ON DELETE ${rule} are left and counted, the others go`, async (t) => {
      const database = await createDatabase(t, engine);
      const time = engine.family === 'postgresql' ? 'TIMESTAMP' : 'DATETIME';
      await database.run(`CREATE TABLE sessions (id INT NOT NULL PRIMARY KEY, expires_at ${time} NOT NULL)`);
      const sessions = [1, 2, 3, 4, 5, 6].map((id) => `(${id}, '${id <= 4 ? 2020 : 2099}-01-01 00:00:00')`);
      await database.run(`INSERT INTO sessions VALUES ${sessions.join(', ')}`);
      await database.run(
        `CREATE TABLE tokens (id INT NOT NULL PRIMARY KEY, session INT, ${refersTo('session', 'sessions', rule)})`,
      );
      await database.run('INSERT INTO tokens VALUES (1, 2), (2, 3), (3, 6), (4, NULL)');

      const line = await runHere(['run', '--db-url', database.url]);
      assert.deepEqual(
        [line.outcome, line.exit_status, line.deleted_count, line.locked_count, line.complete],
        ['deleted', 0, 2, 2, true],
        JSON.stringify(line),
      );
      assert.deepEqual(await remaining(database), [2, 3, 5, 6]);
      const [{ count } = {}] = await database.query('SELECT COUNT(*) AS count FROM tokens');
      assert.equal(Number(count), 4);

      const checked = await runHere(['check', '--db-url', database.url, '--log-format', 'json']);
      const advice = String(checked.findings)
        .split('\n')
        .filter((finding) => finding.includes('tokens'));
      assert.equal(advice.length, 1, JSON.stringify(checked));
      assert.match(String(advice), new RegExp(`\\(ON DELETE (${rule}|NO ACTION|RESTRICT)\\)\\. Fix: a run leaves`));
      assert.doesNotMatch(JSON.stringify([line, checked]), /CASCADE/);
    });
  }
}
