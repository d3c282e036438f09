// What only SQLite has: files and their permissions, journals, tables without a rowid.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { failureLine, successLine } from '../support/lines.js';
import { createSessions, EXPIRED, fileOf, ids, LIVE, remaining } from '../support/sessions.js';

const [sqlite] = engines;
assert.ok(sqlite?.family === 'sqlite');
const engine = sqlite;
/** As whom to run so that file permissions count: they do not bind root. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534 } : {};
const mayRun = await runCommand(['--version'], UNPRIVILEGED).then(
  ({ status }) => status === 0,
  () => false,
);
const skip = mayRun ? false : 'an unprivileged user may not run the program here';

const ROWS = { expired: ids(3), live: ['z'] };

describe('a SQLite database', { concurrency: 2, timeout: 180_000 }, () => {
  test('in WAL mode is cleaned while somebody reads it, and stays in WAL mode', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    await database.run('PRAGMA journal_mode = WAL');
    await database.run('BEGIN');
    assert.equal((await remaining(database)).length, 4);
    assert.equal(successLine(await runCommand(['run', '--db-url', database.url])).deleted_count, 3);
    // The reader still sees what it has begun with.
    assert.equal((await remaining(database)).length, 4);
    await database.run('COMMIT');
    assert.deepEqual(await remaining(database), ['z']);
    assert.deepEqual(await database.query('PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
  });

  test('keeps its journal mode and its settings, and its folder holds nothing new', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const pragmas = [
      'journal_mode',
      'auto_vacuum',
      'page_size',
      'user_version',
      'application_id',
      'encoding',
      'schema_version',
    ];
    const look = async () => Promise.all(pragmas.map(async (name) => (await database.query(`PRAGMA ${name}`))[0]));
    const before = await look();
    successLine(await runCommand(['run', '--db-url', database.url]));
    assert.deepEqual(await look(), before);
    assert.deepEqual(readdirSync(dirname(fileOf(database))), ['test.db']);
  });

  test('of which nothing is expired is not written to', async (t) => {
    const database = await createSessions(t, engine, { live: ['z'] });
    const before = readFileSync(fileOf(database));
    successLine(await runCommand(['run', '--db-url', database.url]));
    successLine(await runCommand(['run', '--db-url', database.url, '--dry-run']));
    assert.deepEqual(readFileSync(fileOf(database)), before);
  });

  test('that may not be written can be counted, and not cleaned: failed, nothing deleted', { skip }, async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const path = fileOf(database);
    chmodSync(dirname(path), 0o755);
    chmodSync(path, 0o444);
    const counted = await runCommand(['run', '--db-url', database.url, '--dry-run'], UNPRIVILEGED);
    assert.equal(successLine(counted).expired_count, 3);
    const line = failureLine(await runCommand(['run', '--db-url', database.url], UNPRIVILEGED), 1, 'failed');
    assert.deepEqual([line.error_code, line.deleted_count], ['SQLITE_READONLY', 0]);
    assert.match(String(line.hint), /may write the file and its folder/);
    assert.deepEqual(await remaining(database), [...ids(3), 'z']);
  });

  test('in a folder that may not be written has no room for its journal: failed, nothing deleted', {
    skip,
  }, async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const path = fileOf(database);
    chmodSync(dirname(path), 0o555);
    chmodSync(path, 0o666);
    const line = failureLine(await runCommand(['run', '--db-url', database.url], UNPRIVILEGED), 1, 'failed');
    assert.deepEqual([line.error_code, line.deleted_count], ['SQLITE_READONLY', 0]);
    assert.match(String(line.hint), /may write the file and its folder/);
    assert.deepEqual(await remaining(database), [...ids(3), 'z']);
  });

  test('that may not be read is unavailable', { skip }, async (t) => {
    const database = await createSessions(t, engine, ROWS);
    chmodSync(dirname(fileOf(database)), 0o755);
    chmodSync(fileOf(database), 0o000);
    const ended = await runCommand(['run', '--db-url', database.url], UNPRIVILEGED);
    assert.equal(failureLine(ended, 4, 'unavailable').error_code, 'SQLITE_CANTOPEN');
  });

  test('is found by each spelling of its URL', async (t) => {
    const database = await createSessions(t, engine, { live: ['z'] });
    const path = fileOf(database);
    for (const url of [`sqlite:${path}`, `sqlite://${path}`, `file:${path}`, `file://${path}`, 'sqlite:./test.db']) {
      await database.run('INSERT INTO sessions VALUES (?, ?)', ['a', EXPIRED]);
      const ended = await runCommand(['run', '--db-url', url], { cwd: dirname(path) });
      assert.equal(successLine(ended).deleted_count, 1, url);
    }
  });

  test('has a table without a rowid, and one whose columns took all names of the rowid', async (t) => {
    const database = await engine.create();
    t.after(() => database.drop());
    const tables = [
      '(app TEXT, id TEXT, expires_at TEXT, PRIMARY KEY (app, id)) WITHOUT ROWID',
      '(app TEXT, id TEXT, rowid TEXT, oid TEXT, _rowid_ TEXT, expires_at TEXT)',
    ];
    for (const [at, columns] of tables.entries()) {
      const table = `sessions${at}`;
      await database.run(`CREATE TABLE ${table} ${columns}`);
      for (const id of ids(1_200)) {
        const expires = id.endsWith('7') ? LIVE : EXPIRED;
        await database.run(`INSERT INTO ${table} (app, id, expires_at) VALUES (?, ?, ?)`, [
          id.slice(0, 3),
          id,
          expires,
        ]);
      }
      const ended = await runCommand(['run', '--db-url', database.url, '--table', table]);
      assert.equal(successLine(ended).deleted_count, 1_080);
      const kept = await database.query(`SELECT id FROM ${table} ORDER BY id`);
      assert.deepEqual(
        kept.map(({ id }) => id),
        ids(1_200).filter((id) => id.endsWith('7')),
      );
    }
  });
});

for (const each of engines) {
  describe(`what hangs on a session, ${each.name}`, () => {
    test('goes with it where the schema says so, and only then', async (t) => {
      const database = await createSessions(t, each, ROWS);
      await database.run(
        'CREATE TABLE carts (id INT PRIMARY KEY, session VARCHAR(40), FOREIGN KEY (session) REFERENCES sessions (id) ON DELETE CASCADE)',
      );
      await database.run("INSERT INTO carts VALUES (1, 'r0000'), (2, 'z'), (3, 'r0002'), (4, NULL)");
      successLine(await runCommand(['run', '--db-url', database.url]));
      assert.deepEqual(await remaining(database), ['z']);
      assert.deepEqual(await database.query('SELECT id FROM carts ORDER BY id'), [{ id: 2 }, { id: 4 }]);
    });
  });
}

test('a SQLite database that is missing is never created', async (t) => {
  const database = await createSessions(t, engine);
  const path = `${fileOf(database)}-other`;
  failureLine(await runCommand(['run', '--db-url', `sqlite:${path}`]), 4, 'unavailable');
  failureLine(await runCommand(['run', '--db-url', `sqlite:${path}`, '--dry-run']), 4, 'unavailable');
  assert.equal(existsSync(path), false);
});
