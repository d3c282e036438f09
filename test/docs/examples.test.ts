// The examples are run: the demo, the crontab's lines as cron would, and the grants on every server.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { cronExpression } from '../../src/crontab/times.js';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { successLine } from '../support/lines.js';
import { beginTransaction, createSessions, remaining } from '../support/sessions.js';
import { install } from './installed.js';
import { ROOT, read } from './markdown.js';

test('the demo shows a run, and that the live sessions remain', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['examples/demo.js'], { cwd: ROOT, encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^app\.db, table sessions: 3 live and 1000 expired sessions$/m);
  assert.match(stdout, /^Deleted 1,000 expired rows of sessions in \d+\.\d s\.$/m);
  assert.match(stdout, /^app\.db, table sessions: 3 live and 0 expired sessions$/m);
  const commands = [...stdout.matchAll(/^\$ node (\S+) run /gm)].map(([, path]) => path);
  assert.deepEqual(commands, ['bin/session-cleanup.js', 'bin/session-cleanup.js']);
});

describe('the crontab', () => {
  const lines = read('examples/crontab')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const variables = lines.flatMap((line) => /^(\w+)=(.*)$/.exec(line) ?? []);
  const entries = lines.filter((line) => !/^\w+=/.test(line));

  test('sets PATH, and has an entry that is not at a full hour', () => {
    assert.equal(variables[1], 'PATH');
    assert.ok(entries.length > 0);
    for (const entry of entries) {
      const fields = entry.split(' ').slice(0, 5);
      assert.deepEqual(cronExpression(fields.join(' ')), {
        value: { expression: '17 */6 * * *', intervalSeconds: 21_600 },
      });
    }
    // In a command, cron makes a line end of a percent sign; none at all is simplest to keep.
    assert.ok(!read('examples/crontab').includes('%'));
  });

  for (const entry of entries) {
    test(`runs: ${entry}`, async (t) => {
      const [sqlite] = engines;
      assert.equal(sqlite?.family, 'sqlite');
      const database = await createSessions(t, sqlite as (typeof engines)[0], { expired: ['a'], live: ['z'] });
      const installed = install(t);
      const url = join(installed.folder, 'url');
      const command = entry.split(' ').slice(5).join(' ').replace('/etc/session-cleanup/url', url);
      const path = String(variables[2]).replace('/usr/local/bin', installed.bin);
      assert.notEqual(path, variables[2]);
      const env = { PATH: path, HOME: installed.folder };

      writeFileSync(url, `${database.url}\n`, { mode: 0o600 });
      assert.deepEqual(await installed.shell(command, env), { status: 0, stdout: '', stderr: '' });
      assert.deepEqual(await remaining(database), ['z']);

      writeFileSync(url, 'sqlite:/nowhere/app.db\n');
      const failed = await installed.shell(command, env);
      assert.deepEqual([failed.status, failed.stdout], [4, '']);
      assert.match(failed.stderr, /"outcome":"unavailable"/);
    });
  }
});

// From "localhost" too, or an anonymous account for it would be preferred where the server has one.
const HOSTS = ['%', 'localhost'];
let accounts = 0;

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  test(`the grants are enough for a run, and for no more, ${engine.name}`, async (t) => {
    const database = await createSessions(t, engine, { expired: ['a', 'b'], live: ['z'], indexed: true });
    const url = new URL(database.url);
    const schema = url.pathname.slice(1);
    const credentials = `${url.username}:${url.password}`;
    const name = `session_cleanup_doc_${process.pid}_${accounts++}`;
    t.after(async () => {
      // A connection of its own: those of the database are closed by now.
      const connection = await createConnection(`${url.protocol}//${credentials}@${url.host}`);
      for (const host of HOSTS) await connection.query('DROP USER IF EXISTS ?@?', [name, host]);
      await connection.end();
    });
    const sql = read('examples/mysql-grants.sql').replace(/^--.*$/gm, '');
    const statements = sql.split(/;\s*$/m).filter((statement) => statement.trim() !== '');
    assert.equal(statements.length, 2);
    for (const host of HOSTS) {
      for (const statement of statements) {
        const own = statement
          .replace(`'session_cleanup'@'%'`, `'${name}'@'${host}'`)
          .replace(' app.', ` \`${schema}\`.`);
        assert.ok(own.includes(name));
        await database.run(own);
      }
    }
    const [, password = ''] = /IDENTIFIED BY '(.+)'/.exec(sql) ?? [];
    url.username = name;
    url.password = password;
    const as = (...args: readonly string[]) => runCommand([...args, '--db-url', url.href]);

    assert.deepEqual((await as('check')).line.outcome, 'ready');
    assert.equal(successLine(await as('run')).deleted_count, 2);
    assert.deepEqual(await remaining(database), ['z']);
    await database.run('CREATE TABLE others (id INT PRIMARY KEY, expires_at DATETIME)');
    assert.equal((await as('run', '--table', 'others')).line.error_code, 'NO_TABLE');
  });
}

for (const engine of engines.filter(({ family }) => family === 'postgresql')) {
  test(`the grants are enough for a run past a locked row, and for no more, ${engine.name}`, async (t) => {
    const database = await createSessions(t, engine, { expired: ['a', 'b', 'c'], live: ['z'], indexed: true });
    const url = new URL(database.url);
    const name = `session_cleanup_doc_${process.pid}_${accounts++}`;
    const sql = read('examples/postgresql-grants.sql').replace(/^--.*$/gm, '');
    const statements = sql.split(/;\s*$/m).filter((statement) => statement.trim() !== '');
    assert.equal(statements.length, 4);
    for (const statement of statements) {
      const own = statement
        .replace('session_cleanup', name)
        .replace('DATABASE app', `DATABASE ${url.pathname.slice(1)}`);
      assert.ok(own.includes(name));
      await database.run(own);
    }
    await database.run('CREATE TABLE others (id INT PRIMARY KEY, expires_at TIMESTAMP)');
    const [, password = ''] = /PASSWORD '(.+)'/.exec(sql) ?? [];
    url.username = name;
    url.password = password;
    const as = (...args: readonly string[]) => runCommand([...args, '--db-url', url.href]);

    const checked = await as('check');
    const other = await beginTransaction(database);
    await other.raw("SELECT * FROM sessions WHERE id = 'b' FOR UPDATE");
    const line = successLine(await as('run'));
    await other.rollback();
    const refused = await as('run', '--table', 'others');
    await database.run(`DROP OWNED BY ${name}`);
    await database.run(`DROP ROLE ${name}`);
    assert.equal(checked.line.outcome, 'ready');
    assert.deepEqual([line.deleted_count, line.locked_count], [2, 1]);
    assert.deepEqual(await remaining(database), ['b', 'z']);
    assert.equal(refused.line.error_code, 'NO_RIGHT');
  });
}
