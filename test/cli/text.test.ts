// What people read at a terminal of 80 columns, to the letter: every outcome names its count, and nothing is too wide.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { type Database, engines, shownUrl } from '../support/databases.js';
import { inTime, isOutOfTime } from '../support/in-time.js';
import { startProxy } from '../support/proxy.js';
import {
  createSessions,
  FOREVER_MS,
  ids,
  remaining,
  type SessionsOptions,
  slowDeletes,
  start,
  until,
  untilDeleting,
} from '../support/sessions.js';
import { leftOn, runAtTerminal, type Shown, steady, type TerminalOptions } from '../support/terminal.js';

const ID = 'job-1';

function run(
  t: TestContext,
  { url }: Pick<Database, 'url'>,
  more: readonly string[] = [],
  options?: TerminalOptions,
): Promise<Shown> {
  return runAtTerminal(t, ['run', '--db-url', url, '--correlation-id', ID, ...more], options);
}

/** As the engine spells it, such as int(11). */
async function columnType(database: Database): Promise<string> {
  if (database.engine === 'sqlite') return 'INT';
  if (database.engine === 'postgresql') return 'integer';
  const [row] = await database.query("SHOW COLUMNS FROM sessions LIKE 'last_activity'");
  return String(row?.Type);
}

/** What is left on the terminal, as if no time had passed. */
const seen = ({ terminal }: Shown): string => steady(leftOn(terminal));

for (const engine of engines) {
  const create = (t: TestContext, options: SessionsOptions): Promise<Database> => createSessions(t, engine, options);

  describe(`the text, ${engine.name}`, { concurrency: 3 }, () => {
    test('of a run that deletes, and of the next, which has nothing to do', async (t) => {
      const database = await create(t, { expired: ids(1_200), live: ['z'] });
      const first = await run(t, database);
      assert.deepEqual(
        [first.status, seen(first)],
        [
          0,
          'Deleted 1,200 expired rows of sessions in <duration>.\n' +
            `  database  ${shownUrl(database)}\n` +
            '  expired   expires_at up to <time>\n',
        ],
      );
      const second = await run(t, database);
      assert.deepEqual(
        [second.status, seen(second)],
        [
          0,
          'Nothing to delete: no row of sessions has expired.\n' +
            `  database  ${shownUrl(database)}\n` +
            '  expired   expires_at up to <time>\n',
        ],
      );
      assert.deepEqual(await remaining(database), ['z']);
    });

    test('of a run with a lifetime in another zone, and with a warning', async (t) => {
      const database = await create(t, { expired: ['a'], live: ['z'] });
      const shown = await run(t, database, ['--time-zone', 'Europe/Berlin', '--metrics-file', '/dev/null/none']);
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          0,
          'Deleted 1 expired row of sessions in <duration>.\n' +
            `  database  ${shownUrl(database)}\n` +
            '  expired   expires_at up to <time>, read as Europe/Berlin\n' +
            '  warning   the metrics file cannot be written: ENOTDIR: not a directory\n',
        ],
      );
    });

    test('of check is a report: what would go, how, where, and advice with statements to paste', async (t) => {
      const database = await create(t, {});
      await database.run('DROP TABLE sessions');
      await database.run('CREATE TABLE sessions (id VARCHAR(40) NOT NULL PRIMARY KEY, last_activity INT NOT NULL)');
      const rows = Array.from({ length: 1_000 }, (_, at) => ({ id: `r${at}`, last_activity: 1_600_000_000 + at }));
      const now = Math.floor(Date.now() / 1000);
      await database.knex.batchInsert('sessions', [...rows, { id: 'z', last_activity: now }], 200);
      if (engine.family === 'sqlite') await database.query('PRAGMA journal_mode = WAL');
      const args = ['check', '--db-url', database.url, '--store', 'laravel'];
      const shown = await runAtTerminal(t, args, { columns: 100 });
      const [{ version = '' } = {}] = await database.query(
        `SELECT ${{ sqlite: 'sqlite_version()', mysql: 'VERSION()', postgresql: "current_setting('server_version')" }[engine.family]} AS version`,
      );
      const title = { sqlite: 'SQLite', mysql: 'MySQL', mariadb: 'MariaDB', postgresql: 'PostgreSQL' }[database.engine];
      const name = new URL(database.url).pathname.slice(1);
      const isSqlite = engine.family === 'sqlite';
      const along = {
        sqlite: 'the primary key (rowid)',
        mysql: 'the primary key (id)',
        postgresql: 'the rows as they are stored (ctid)',
      }[engine.family];
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          0,
          `Ready: a run would delete 1,000 of 1,001 rows of sessions (99 %).

What would go
  expired   last_activity up to <time>
  lifetime  2 h after last_activity (Laravel's default; --older-than for another)
  oldest    2020-09-13 12:26:40 UTC (1600000000)
  kept      1 row
How
  along     ${along}
  time      about <duration>; the timeout is 30 s
Where
  database  ${shownUrl(database)}
  server    ${title} ${/^[\w.]+/.exec(String(version))?.[0]}${isSqlite ? '' : ', without TLS'}
  column    last_activity ${await columnType(database)}, read as unix
Advice
  index     no index leads with the column: every run reads the whole table; create one:
${
  isSqlite
    ? '            CREATE INDEX "session_cleanup_expiry_sessions" ON "sessions" ("last_activity");'
    : engine.family === 'postgresql'
      ? '            CREATE INDEX CONCURRENTLY ON "public"."sessions" ("last_activity");'
      : `            CREATE INDEX session_cleanup_expiry ON \`${name}\`.\`sessions\`\n` +
        '            (`last_activity`) ALGORITHM=INPLACE LOCK=NONE;'
}
`,
        ],
      );
    });

    test('of a run that is out of time names what it did and what to do', async (t) => {
      const database = await create(t, { expired: ids(3) });
      const shown = await run(t, database, ['--batch-size', '1', '--pause', '1h']);
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          124,
          'Out of time: deleted 1 expired row of sessions in <duration>; more may remain.\n' +
            `  database  ${shownUrl(database)}\n` +
            '  to do     run it again, or clear it in one go: session-cleanup run … --timeout\n' +
            '            0 --batch-size 5000\n' +
            '  status    124, OUT_OF_TIME, ID job-1\n',
        ],
      );
      assert.deepEqual(await remaining(database), ['r0001', 'r0002']);
    });

    test('of a run that is stuck says that nothing was deleted', async (t) => {
      const database = await create(t, { expired: ['a'] });
      await slowDeletes(database, FOREVER_MS);
      const attempt = async (ms: number) => ({ ms, ...(await run(t, database, ['--timeout', `${ms / 1000}s`])) });
      const isLate = (made: Shown): boolean => isOutOfTime(made) && !/ while deleting\./.test(made.terminal);
      const { ms, ...shown } = await inTime(3_000, attempt, isLate);
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          124,
          `Timed out after ${ms / 1000} s while deleting. Nothing was deleted.\n` +
            `  database  ${shownUrl(database)}\n` +
            '  to do     look for what holds the database up, or allow more time with\n' +
            '            --timeout\n' +
            '  status    124, TIMEOUT, ID job-1\n',
        ],
      );
      assert.deepEqual(await remaining(database), ['a']);
    });

    test('of a run beside another', async (t) => {
      const database = await create(t, { expired: ['a'] });
      await slowDeletes(database, FOREVER_MS);
      const first = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
      await untilDeleting(database, first);
      const shown = await inTime(2_000, (ms) => run(t, database, ['--timeout', `${ms}ms`]), isOutOfTime);
      const isSqlite = engine.family === 'sqlite';
      const [headline, hint, code] = isSqlite
        ? [
            'Busy: failed while beginning the transaction: SQLITE_BUSY: database is locked.\nNothing was deleted.',
            'the database stayed locked: look for what holds the lock',
            'SQLITE_BUSY',
          ]
        : [
            'Busy: another session-cleanup run is at work on this table. Nothing was deleted.',
            'wait for it to end, or make the interval between runs longer than\n            --timeout',
            'LOCK_HELD',
          ];
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          75,
          `${headline}\n  database  ${shownUrl(database)}\n  to do     ${hint}\n  status    75, ${code}, ID job-1\n`,
        ],
      );
    });

    test('of a run that is refused, and of check likewise', async (t) => {
      const database = await create(t, { expired: ['a'] });
      await database.run('CREATE VIEW seen AS SELECT * FROM sessions');
      const details =
        `  database  ${shownUrl(database)}\n` +
        '  to do     name the table behind it with --table\n' +
        '  status    3, NOT_A_TABLE, ID job-1\n';
      const name = new URL(database.url).pathname.slice(1);
      const schema = { sqlite: '', mysql: `${name}.`, postgresql: 'public.' }[engine.family];
      const problem = `Refused: ${schema}seen is not a table but a view.`;
      const ran = await run(t, database, ['--table', 'seen']);
      // Where the lines break depends on the name of the database.
      const words = (text: string): string => text.replace(/\s+/g, ' ');
      assert.deepEqual([ran.status, words(seen(ran))], [3, words(`${problem} Nothing was deleted.\n${details}`)]);
      const args = ['check', '--db-url', database.url, '--correlation-id', ID, '--table', 'seen'];
      const checked = await runAtTerminal(t, args);
      assert.deepEqual([checked.status, seen(checked)], [3, `${problem}\n${details}`]);
    });

    test('of a dry run has the share and the oldest', async (t) => {
      const database = await create(t, { expired: ids(3), live: ['z'] });
      await database.run("UPDATE sessions SET expires_at = '2019-05-01 00:00:00' WHERE id = 'r0001'");
      const shown = await run(t, database, ['--dry-run']);
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          0,
          'Would delete 3 of 4 rows of sessions. Nothing was deleted.\n' +
            `  database  ${shownUrl(database)}\n` +
            '  expired   expires_at up to <time>\n' +
            '  oldest    2019-05-01 00:00:00 UTC\n',
        ],
      );
    });

    test('of a run after which not one session is live warns of it, in yellow', async (t) => {
      const database = await create(t, { expired: ids(3) });
      const shown = await run(t, database);
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          0,
          'Deleted 3 expired rows of sessions in <duration>.\n' +
            `  database  ${shownUrl(database)}\n` +
            '  expired   expires_at up to <time>\n' +
            '  warning   not one session is live; if sessions are in use, check\n' +
            '            --expires-column, --expires-format, --time-zone and --older-than\n',
        ],
      );
      assert.ok(shown.terminal.includes('\u001b[33mDeleted\u001b[39m 3 '), shown.terminal);
    });

    test('of a run that fails has the words of the database', async (t) => {
      const database = await create(t, { expired: ['a'] });
      if (engine.family === 'postgresql') {
        const body = "BEGIN RAISE EXCEPTION 'not today'; END";
        await database.run(`CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$`);
      }
      await database.run(
        engine.family === 'postgresql'
          ? 'CREATE TRIGGER no BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION no()'
          : engine.family === 'sqlite'
            ? "CREATE TRIGGER no BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'not today'); END"
            : "CREATE TRIGGER no BEFORE DELETE ON sessions FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'",
      );
      const shown = await run(t, database);
      const [said, code, toDo] = {
        sqlite: [
          'SQLITE_CONSTRAINT: not today',
          'SQLITE_CONSTRAINT',
          '  to do     the trigger no runs at each DELETE: see whether it failed\n',
        ],
        mysql: [
          'not today',
          'ER_SIGNAL_EXCEPTION',
          '  to do     A trigger of the table raised this. The trigger no runs at each\n' +
            '            DELETE: see whether it failed.\n',
        ],
        postgresql: [
          'not today',
          'P0001',
          '  to do     A trigger of the table, or a function that it calls, raised this.\n' +
            '            The trigger no runs at each DELETE: see whether it failed.\n',
        ],
      }[engine.family];
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          1,
          `Failed while deleting: ${said}. Nothing was deleted.\n` +
            `  database  ${shownUrl(database)}\n` +
            `${toDo}` +
            `  status    1, ${code}, ID job-1\n`,
        ],
      );
    });

    test('of a run whose triggers write into a table that is missing names them', async (t) => {
      const database = await create(t, { expired: ['a'] });
      for (const [name, time] of Object.entries({ first: 'BEFORE', second: 'AFTER' })) {
        const trigger = `CREATE TRIGGER ${name} ${time} DELETE ON sessions FOR EACH ROW`;
        const insert = 'INSERT INTO audit VALUES (OLD.id)';
        if (engine.family === 'postgresql') {
          const body = `BEGIN ${insert}; RETURN OLD; END`;
          await database.run(`CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$`);
          await database.run(`${trigger} EXECUTE FUNCTION ${name}()`);
        } else {
          await database.run(`${trigger} ${engine.family === 'sqlite' ? `BEGIN ${insert}; END` : insert}`);
        }
      }
      const { status, line } = await runCommand(['run', '--db-url', database.url]);
      assert.equal(status, 1);
      assert.match(String(line.error), /^failed while (deleting|reading the plan): .*audit/);
      assert.match(
        String(line.hint),
        /^The triggers first, second run at each DELETE: see whether one of them failed\.$/,
      );
      assert.deepEqual(await remaining(database), ['a']);
    });

    test('of a run that is stopped between its batches counts them', async (t) => {
      const database = await create(t, { expired: ids(9) });
      const pressed = until(async () => (await remaining(database)).length === 7);
      const args = ['--batch-size', '2', '--pause', '1h', '--timeout', '0'];
      const shown = await run(t, database, args, { pressed });
      assert.deepEqual(
        [shown.status, seen(shown)],
        [
          130,
          'Stopped by SIGINT: 2 rows were deleted, more may remain.\n' +
            `  database  ${shownUrl(database)}\n` +
            '  status    130, SIGINT, ID job-1\n',
        ],
      );
      assert.deepEqual(await remaining(database), ids(9).slice(2));
    });

    if (engine.family === 'mysql') {
      test('of a run whose COMMIT was not answered says that the count is not known', async (t) => {
        const database = await create(t, { expired: ids(3) });
        const proxy = await startProxy(database.url);
        t.after(() => proxy.close());
        const cut = proxy.when(/\bcommit\b/i, 'before', proxy.cut);
        const shown = await run(t, proxy);
        await cut;
        assert.deepEqual(
          [shown.status, seen(shown)],
          [
            1,
            'Unknown: the database did not confirm the COMMIT: the rows may be deleted or\nnot.\n' +
              `  database  ${shownUrl(proxy)}\n` +
              '  to do     run it again once the database answers: what is expired then is\n' +
              '            deleted then\n' +
              '  status    1, PROTOCOL_CONNECTION_LOST, ID job-1\n',
          ],
        );
      });
    }
  });
}

// No engine has a say in the rest.
const [engine] = engines;
assert.ok(engine);

describe('the text, whatever the engine', { concurrency: 3 }, () => {
  test('of a database that cannot be reached', async (t) => {
    const shown = await run(t, { url: 'mysql://127.0.0.1:1/app' });
    assert.deepEqual(
      [shown.status, seen(shown)],
      [
        4,
        'Unavailable: cannot connect: connect ECONNREFUSED 127.0.0.1:1. Nothing was\ndeleted.\n' +
          '  database  mysql://127.0.0.1:1/app\n' +
          '  to do     check that the server is running, and the host and the port in the\n' +
          '            URL\n' +
          '  status    4, ECONNREFUSED, ID job-1\n',
      ],
    );
  });

  test('of a mistake on the command line', async (t) => {
    const shown = await runAtTerminal(t, ['run', '--timeout', 'soon', '--correlation-id', ID]);
    assert.deepEqual(
      [shown.status, leftOn(shown.terminal).split('\n').slice(-3)],
      [2, ['  to do     try: session-cleanup run --help', '  status    2, USAGE, ID job-1', '']],
    );
    assert.ok(shown.terminal.startsWith('\u001b[31mError\u001b[39m: --timeout must be a duration'));
  });

  test('is coloured in its first word alone, and only where that is wanted', async (t) => {
    const database = await createSessions(t, engine, { live: ['z'] });
    const rest = ` to delete: no row of sessions has expired.\r\n  database  ${shownUrl(database)}\r\n`;
    for (const [env, first] of [
      [{}, '\u001b[32mNothing\u001b[39m'],
      [{ NO_COLOR: '' }, '\u001b[32mNothing\u001b[39m'],
      [{ NO_COLOR: '1' }, 'Nothing'],
      [{ TERM: 'dumb' }, 'Nothing'],
    ] as const) {
      const { terminal } = await run(t, database, [], { env });
      assert.ok(terminal.includes(first + rest), JSON.stringify([env, terminal]));
    }
  });

  for (const [columns, text] of [
    [
      40,
      'Unavailable: sqlite:/nowhere/none.db\n' +
        'cannot be opened. Nothing was deleted.\n' +
        '  database  sqlite:/nowhere/none.db\n' +
        '  to do     check the path and its\n' +
        '            permissions; session-cleanup\n' +
        '            never creates a database\n' +
        '  status    4, ENOENT, ID job-1\n',
    ],
    [
      120,
      'Unavailable: sqlite:/nowhere/none.db cannot be opened. Nothing was deleted.\n' +
        '  database  sqlite:/nowhere/none.db\n' +
        '  to do     check the path and its permissions; session-cleanup never creates a database\n' +
        '  status    4, ENOENT, ID job-1\n',
    ],
  ] as const) {
    test(`fills a terminal of ${columns} columns`, async (t) => {
      assert.equal(seen(await run(t, { url: 'sqlite:/nowhere/none.db' }, [], { columns })), text);
    });
  }
});
