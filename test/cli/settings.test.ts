// Where a setting may come from, and which source beats which.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { SETTINGS } from '../../src/settings/settings.js';
import { type CommandOptions, runCommand } from '../support/command.js';
import { type Database, engines } from '../support/databases.js';
import { inTime } from '../support/in-time.js';
import { failureLine, type Line, successLine } from '../support/lines.js';
import { namedPipe } from '../support/pipes.js';
import { createSessions, remaining } from '../support/sessions.js';
import { runAtTerminal, type Shown } from '../support/terminal.js';

const UNUSABLE = 'sqlite:/nowhere/else.db';

/** A run that has to find the database by itself; that it did shows in the rows. */
async function runAndFind(database: Database, args: readonly string[], options: CommandOptions): Promise<Line> {
  const line = successLine(await runCommand(['run', ...args], options));
  assert.deepEqual([line.deleted_count, await remaining(database)], [1, ['z']]);
  return line;
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function writeUrl(t: TestContext, url: string, mode = 0o600): string {
  const file = join(temporaryFolder(t), 'url');
  writeFileSync(file, url);
  chmodSync(file, mode);
  return file;
}

const ROWS = { expired: ['a'], live: ['z'] };

for (const engine of engines) {
  describe(`the database URL, ${engine.name}`, { concurrency: 2 }, () => {
    test('comes from SESSION_CLEANUP_DB_URL', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await runAndFind(database, [], { env: { SESSION_CLEANUP_DB_URL: database.url } });
    });

    test('comes from DATABASE_URL where nothing else is given', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await runAndFind(database, [], { env: { SESSION_CLEANUP_DB_URL: '', DATABASE_URL: database.url } });
    });

    test('comes from a file, whose last line may end', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      const line = await runAndFind(database, ['--db-url-file', writeUrl(t, `${database.url}\n`)], {});
      assert.equal('warning' in line, false);
    });

    test('comes from standard input as --db-url-file -', async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await runAndFind(database, ['--db-url-file', '-'], { stdin: `${database.url}\n` });
    });
  });
}

// No engine has a say in the rest.
const [engine] = engines;
assert.ok(engine);

describe('the database URL, whatever the engine', { concurrency: 2 }, () => {
  test('is the one of the flag before that of either variable', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const env = { SESSION_CLEANUP_DB_URL: UNUSABLE, DATABASE_URL: UNUSABLE, SESSION_CLEANUP_DB_URL_FILE: '/nowhere' };
    await runAndFind(database, ['--db-url', database.url], { env });
  });

  test('is that of SESSION_CLEANUP_DB_URL before that of DATABASE_URL and DATABASE_URL_FILE', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const env = { SESSION_CLEANUP_DB_URL: database.url, DATABASE_URL: UNUSABLE, DATABASE_URL_FILE: '/nowhere' };
    await runAndFind(database, [], { env });
  });

  for (const variable of ['SESSION_CLEANUP_DB_URL_FILE', 'DATABASE_URL_FILE']) {
    test(`comes from the file of ${variable}`, async (t) => {
      const database = await createSessions(t, engine, ROWS);
      await runAndFind(database, [], { env: { [variable]: writeUrl(t, database.url) } });
    });
  }

  test('comes with a warning from a file that every user may read, and the run goes on', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const line = await runAndFind(database, ['--db-url-file', writeUrl(t, database.url, 0o644)], {});
    assert.match(String(line.warning), /^every user may read the file of --db-url-file\b/);
  });

  const twice = [
    { args: ['--db-url', 'sqlite:a.db', '--db-url-file', 'b'], env: {}, names: ['--db-url', '--db-url-file'] },
    {
      args: [],
      env: { SESSION_CLEANUP_DB_URL: 'sqlite:a.db', SESSION_CLEANUP_DB_URL_FILE: 'b' },
      names: ['SESSION_CLEANUP_DB_URL', 'SESSION_CLEANUP_DB_URL_FILE'],
    },
    {
      args: [],
      env: { DATABASE_URL: 'sqlite:a.db', DATABASE_URL_FILE: 'b' },
      names: ['DATABASE_URL', 'DATABASE_URL_FILE'],
    },
  ];
  for (const { args, env, names } of twice) {
    test(`is refused where ${names.join(' and ')} are both given`, async () => {
      const line = failureLine(await runCommand(['run', ...args], { env }), 2, 'failed');
      assert.match(String(line.error), new RegExp(`${names.join(' and ')} are both given`));
    });
  }

  test('is asked for where there is none', async () => {
    for (const env of [{}, { SESSION_CLEANUP_DB_URL: '', DATABASE_URL: '', DATABASE_URL_FILE: '' }]) {
      const line = failureLine(await runCommand(['run'], { env }), 2, 'failed');
      assert.match(String(line.error), /--db-url is missing/);
    }
  });

  test('is refused where its file cannot be read: the message has the full path, and why', async (t) => {
    const folder = temporaryFolder(t);
    const large = writeUrl(t, 'x'.repeat(70_000));
    for (const [file, path, why] of [
      ['no-such-file', join(folder, 'no-such-file'), 'there is no such file'],
      ['/nowhere/url', '/nowhere/url', 'there is no such file'],
      [join(large, 'url'), join(large, 'url'), 'there is no such file'],
      ['.', folder, 'it is a folder'],
      [large, large, 'it is too large for a URL'],
    ] as const) {
      const line = failureLine(await runCommand(['run', '--db-url-file', file], { cwd: folder }), 2, 'failed');
      assert.equal(line.error, `--db-url-file names ${path}, which cannot be read: ${why}`);
    }
  });

  test('that is given as the file itself is not shown', async () => {
    for (const url of ['mysql://u:hunter2@h/d', 'u:hunter2@h/d']) {
      const ended = await runCommand(['run', '--db-url-file', url]);
      const { error } = failureLine(ended, 2, 'failed');
      assert.equal(error, '--db-url-file names a file, which cannot be read: there is no such file');
      assert.doesNotMatch(ended.stderr, /hunter2/);
    }
  });

  test('is not read for a mistake on the command line, nor for a schedule', async (t) => {
    const env = { DATABASE_URL_FILE: namedPipe(t) };
    for (const args of [
      ['run', '--tabel', 'x'],
      ['schedule', '--db-url', 'sqlite:/app.db'],
      ['schedule', '--db-url-file', '-'],
    ]) {
      const { status } = await runCommand(args, { env, stdin: undefined });
      assert.equal(status, args.includes('sqlite:/app.db') ? 0 : 2);
    }
  });

  test('is waited for at a terminal only after saying so', async (t) => {
    const wait = (timeoutMs: number): Promise<Shown> =>
      runAtTerminal(t, ['run', '--db-url-file', '-', '--timeout', `${timeoutMs}ms`, '--json']);
    const { status, terminal } = await inTime(300, wait, (shown) => shown.terminal.startsWith('{'));
    const [prompt, line = ''] = terminal.split('\r\n');
    assert.equal(prompt, 'Reading the database URL from standard input. Type it, and end with Ctrl-D.');
    assert.deepEqual([status, JSON.parse(line).outcome], [124, 'timed_out']);
    const { stderr } = await runCommand(['run', '--db-url-file', '-'], { stdin: 'sqlite:/nowhere/app.db' });
    assert.equal(JSON.parse(stderr).outcome, 'unavailable');
  });

  test('is refused where it is not what its file holds: the message is about the file', async (t) => {
    const file = writeUrl(t, '');
    for (const [content, problem] of [
      ['', 'is empty'],
      [' \n', 'is empty'],
      ['# of the shop\nmysql://app:hunter2@db/shop\n', 'must hold one line, the URL'],
      ['hunter2', /^must be sqlite:path, /],
      ['mysql://app:hunter2@db\t/shop', /^must not contain a control character/],
      ['mysql://app:hunter2%0a@db', /^must not contain a control character/],
    ] as const) {
      writeFileSync(file, content);
      for (const [ended, name] of [
        [await runCommand(['run', '--db-url-file', file]), 'the file of --db-url-file'],
        [await runCommand(['run'], { env: { DATABASE_URL_FILE: file } }), 'the file of DATABASE_URL_FILE'],
        [await runCommand(['run', '--db-url-file', '-'], { stdin: content }), 'standard input'],
      ] as const) {
        const { error } = failureLine(ended, 2, 'failed');
        const subject = typeof problem === 'string' ? `${name} ` : `the URL in ${name} `;
        assert.ok(String(error).startsWith(subject), String(error));
        const said = String(error).slice(subject.length);
        if (typeof problem === 'string') assert.equal(said, problem);
        else assert.match(said, problem);
        assert.doesNotMatch(ended.stderr, /hunter2/);
      }
    }
  });

  test('comes through a named pipe', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const pipe = namedPipe(t);
    await Promise.all([runAndFind(database, ['--db-url-file', pipe], {}), writeFile(pipe, `${database.url}\n`)]);
  });

  test('is waited for until the timeout', async (t) => {
    const problem = 'timed out after 0.2 s while reading the URL';
    for (const file of ['-', namedPipe(t)]) {
      const ended = await runCommand(['run', '--db-url-file', file, '--timeout', '200ms'], { stdin: undefined });
      assert.equal(failureLine(ended, 124, 'timed_out').error, problem);
    }
  });
});

describe('a setting', { concurrency: 2 }, () => {
  test('comes from its environment variable', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const env = {
      SESSION_CLEANUP_DRY_RUN: 'true',
      SESSION_CLEANUP_CORRELATION_ID: 'from-the-variable',
      SESSION_CLEANUP_EXPIRES_FORMAT: 'datetime',
      SESSION_CLEANUP_OLDER_THAN: '1d',
      SESSION_CLEANUP_TIMEOUT: '1m',
    };
    const line = successLine(await runCommand(['run', '--db-url', database.url], { env }));
    assert.deepEqual(
      [line.outcome, line.dry_run, line.correlation_id, line.expires_format],
      ['counted', true, 'from-the-variable', 'datetime'],
    );
    const age = Date.parse(String(line.timestamp)) - Date.parse(String(line.cutoff_time));
    assert.ok(age >= 86_400_000 && age < 86_400_000 + 60_000, `cutoff ${age} ms ago`);
    assert.deepEqual(await remaining(database), ['a', 'z']);
  });

  test('comes from the flag where the flag and the variable are given', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const env = { SESSION_CLEANUP_CORRELATION_ID: 'variable', SESSION_CLEANUP_TABLE: 'none' };
    const args = ['run', '--db-url', database.url, '--correlation-id', 'flag', '--table', 'sessions'];
    const line = successLine(await runCommand(args, { env }));
    assert.deepEqual([line.correlation_id, line.table], ['flag', 'sessions']);
  });

  test('keeps its default where the variable is empty', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const variables = Object.values(SETTINGS).flatMap((setting) => setting.variables);
    const env = Object.fromEntries(variables.map((variable) => [variable, '']));
    const line = await runAndFind(database, ['--db-url', database.url], { env });
    assert.deepEqual([line.table, line.expires_column, line.dry_run], ['sessions', 'expires_at', false]);
  });

  test('that is a switch is off where its variable says so', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const env = { SESSION_CLEANUP_DRY_RUN: 'false', SESSION_CLEANUP_QUIET: '0' };
    await runAndFind(database, ['--db-url', database.url], { env });
  });

  test('of another program is not looked at', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    const env = { TABLE: 'none', DRY_RUN: '1', TIMEOUT: 'x', EXPIRES_COLUMN: 'none', NODE_ENV: 'test' };
    await runAndFind(database, ['--db-url', database.url], { env });
  });

  test('names the table and the column', async (t) => {
    const database = await createSessions(t, engine, ROWS);
    await database.run('ALTER TABLE sessions RENAME COLUMN expires_at TO ends');
    await database.run('ALTER TABLE sessions RENAME TO logins');
    const args = ['run', '--db-url', database.url, '--table', 'logins', '--expires-column', 'ends'];
    const line = successLine(await runCommand(args));
    assert.deepEqual([line.table, line.expires_column, line.deleted_count], ['logins', 'ends', 1]);
    assert.deepEqual(await database.query('SELECT id FROM logins'), [{ id: 'z' }]);
  });
});
