// The command `check`: what it finds out, what it advises, and that it leaves everything as it was.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createAccount } from '../support/accounts.js';
import { BIN, type Ended, runCommand } from '../support/command.js';
import { type Database, type Engine, engines, shownUrl } from '../support/databases.js';
import { failureLine } from '../support/lines.js';
import {
  analyze,
  createSessions,
  EXPIRED,
  FOREVER_MS,
  fileOf,
  ids,
  LIVE,
  remaining,
  type SessionsOptions,
  slowDeletes,
  start,
  untilDeleting,
} from '../support/sessions.js';
import { steady } from '../support/terminal.js';

const FEW = { expired: ids(3), live: ['z'], indexed: true };

const NO_INDEX = 'no index leads with the column: every run reads the whole table';
const NONE_LIVE = 'not one session is live: the latest expires_at is 2020-01-01 00:00:00 UTC';
const NONE_LIVE_FIX = 'if sessions are in use, check --expires-column, --expires-format, --time-zone and --older-than';
const NO_KEY =
  'advice: the table has no key to walk by: the run is one statement, and a timeout undoes all of it. ' +
  'Fix: give the table a primary key';

/** Of `expires_at`, as the engine calls it. */
const TYPES = { sqlite: 'TEXT', mysql: 'datetime', postgresql: 'timestamp without time zone' } as const;
/** What a walk goes along where there is no index on the expiry. */
const KEYS = { sqlite: 'rowid', mysql: 'id', postgresql: 'ctid' } as const;

/** As `createSessions`, with SQLite's journal as `check` wants it. */
async function createReady(t: TestContext, engine: Engine, options: SessionsOptions = FEW): Promise<Database> {
  const database = await createSessions(t, engine, options);
  if (engine.family === 'sqlite') await database.query('PRAGMA journal_mode = WAL');
  return database;
}

/** What the index is called then: on PostgreSQL, the server finds a name. */
const INDEX_NAMES = {
  sqlite: 'session_cleanup_expiry_sessions',
  mysql: 'session_cleanup_expiry',
  postgresql: 'sessions_expires_at_idx',
} as const;

/** The statement that makes the index while others go on, as the engine has it. */
function createIndex({ engine, url }: Database, table = 'sessions', column = 'expires_at'): string {
  if (engine === 'sqlite') return `CREATE INDEX "session_cleanup_expiry_${table}" ON "${table}" ("${column}")`;
  if (engine === 'postgresql') {
    return `CREATE INDEX CONCURRENTLY ON "public"."${table}" ("${column}")`;
  }
  const name = new URL(url).pathname.slice(1);
  const index = `CREATE INDEX session_cleanup_expiry ON \`${name}\`.\`${table}\` (\`${column}\`)`;
  return `${index} ALGORITHM=INPLACE LOCK=NONE`;
}

const noIndex = (...of: Parameters<typeof createIndex>): string =>
  `advice: ${NO_INDEX}. Fix: create one: ${createIndex(...of)}`;

type Line = Readonly<Record<string, unknown>>;

function readyLine(ended: Ended): Line {
  assert.deepEqual({ status: ended.status, stderr: ended.stderr }, { status: 0, stderr: '' }, ended.stdout);
  const { line } = ended;
  const { level, message, outcome, exit_status, complete, dry_run } = line;
  assert.deepEqual(
    { level, message, outcome, exit_status, complete, dry_run },
    {
      level: 'info',
      message: 'session_cleanup_checked',
      outcome: 'ready',
      exit_status: 0,
      complete: true,
      dry_run: true,
    },
  );
  return line;
}

function refusedLine(ended: Ended): Line {
  assert.deepEqual({ status: ended.status, stdout: ended.stdout }, { status: 3, stdout: '' }, ended.stderr);
  const { line } = ended;
  const { level, message, outcome, exit_status, complete, error_code } = line;
  assert.deepEqual(
    { level, message, outcome, exit_status, complete, error_code },
    {
      level: 'error',
      message: 'session_cleanup_failed',
      outcome: 'refused',
      exit_status: 3,
      complete: false,
      error_code: 'NOT_READY',
    },
  );
  return line;
}

/** A trigger that keeps the IDs of rows in the table `seen`. */
async function insertAfter({ engine, run }: Database, name: string, event: string, row: string): Promise<void> {
  const trigger = `CREATE TRIGGER ${name} AFTER ${event} ON sessions FOR EACH ROW`;
  const insert = `INSERT INTO seen VALUES (${row}.id)`;
  if (engine === 'postgresql') {
    const body = `BEGIN ${insert}; RETURN NULL; END`;
    await run(`CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$`);
    await run(`${trigger} EXECUTE FUNCTION ${name}()`);
  } else {
    await run(`${trigger} ${engine === 'sqlite' ? `BEGIN ${insert}; END` : insert}`);
  }
}

const check = (database: Database, ...more: string[]): Promise<Ended> =>
  runCommand(['check', '--db-url', database.url, ...more]);

const findingsOf = ({ findings }: Line): string[] => (findings === null ? [] : String(findings).split('\n'));

for (const engine of engines) {
  const { family } = engine;
  const isServer = family !== 'sqlite';

  describe(`check, ${engine.name}`, { concurrency: 3 }, () => {
    test('is ready where nothing is left to wish for, and names what it found in order', async (t) => {
      const database = await createReady(t, engine);
      const line = readyLine(await check(database));
      assert.deepEqual(findingsOf(line), []);
      const keys = Object.keys(line);
      assert.deepEqual(keys.slice(0, 8), [
        ...[
          'timestamp',
          'level',
          'message',
          'correlation_id',
          'outcome',
          'exit_status',
          'expired_count',
          'cutoff_time',
        ],
      ]);
      const known = {
        sqlite: ['journal_mode', 'synchronous'],
        mysql: ['log_bin', 'tls'],
        postgresql: ['autovacuum', 'tls'],
      };
      for (const key of ['server', ...known[family]]) assert.notEqual(line[key] ?? '', '', key);
      const details = [
        ...['declared_type', 'row_count', 'estimated_rows', 'table_bytes', 'null_count', 'zero_count', 'smallest'],
        ...['largest', 'oldest_expired', 'used_index', 'walked_by', 'clock_difference_ms', 'estimated_seconds'],
        ...['findings', 'version'],
      ];
      assert.deepEqual(keys.slice(-details.length), details);
    });

    test('counts a column of dates', async (t) => {
      const expired = ids(3);
      const live = Array.from({ length: 300 }, (_, at) => `z${at}`);
      const database = await createReady(t, engine, { expired, live, indexed: true });
      await database.run("INSERT INTO sessions (id, expires_at) VALUES ('never', NULL)");
      await database.run("UPDATE sessions SET expires_at = '2019-05-01 00:00:00' WHERE id = 'r0001'");
      if (isServer) await analyze(database);
      else await database.query('ANALYZE');
      const line = readyLine(await check(database));
      const { row_count, null_count, zero_count, smallest, largest, oldest_expired, expired_count } = line;
      assert.deepEqual(
        { row_count, null_count, zero_count, smallest, largest, oldest_expired, expired_count },
        {
          row_count: 304,
          null_count: 1,
          zero_count: 0,
          smallest: '2019-05-01 00:00:00',
          largest: LIVE,
          oldest_expired: '2019-05-01 00:00:00',
          expired_count: 3,
        },
      );
      assert.ok(
        Number.isInteger(line.estimated_seconds) && Number(line.estimated_seconds) >= 1,
        String(line.estimated_seconds),
      );
      const { used_index, walked_by, expires_index, expires_format, declared_type } = line;
      assert.deepEqual(
        { used_index, walked_by, expires_index, expires_format, declared_type },
        {
          used_index: 'by_expiry',
          walked_by: { sqlite: 'expires_at, rowid', mysql: 'expires_at, id', postgresql: 'expires_at' }[family],
          expires_index: 'by_expiry',
          expires_format: 'datetime',
          declared_type: TYPES[family],
        },
      );
    });

    test('counts a column of seconds, in which zero means never', async (t) => {
      const database = await createReady(t, engine, {});
      await database.run('CREATE TABLE tokens (id VARCHAR(9) NOT NULL PRIMARY KEY, until INT NULL)');
      await database.run(
        "INSERT INTO tokens VALUES ('a', 1500000000), ('b', 1600000000), ('c', 2100000000), ('d', 0), ('e', 0), ('f', NULL)",
      );
      const line = readyLine(await check(database, '--table', 'tokens', '--expires-column', 'until'));
      const { row_count, null_count, zero_count, smallest, largest, oldest_expired, expired_count } = line;
      assert.deepEqual(
        // The driver of a server may give a number as text.
        {
          ...{ row_count, null_count, zero_count, expired_count },
          ...{ smallest: Number(smallest), largest: Number(largest), oldest_expired: Number(oldest_expired) },
        },
        {
          row_count: 6,
          null_count: 1,
          zero_count: 2,
          smallest: 0,
          largest: 2_100_000_000,
          oldest_expired: 1_500_000_000,
          expired_count: 2,
        },
      );
      const { used_index, walked_by, expires_index, expires_format } = line;
      assert.deepEqual(
        { used_index, walked_by, expires_index, expires_format },
        { used_index: null, walked_by: KEYS[family], expires_index: null, expires_format: 'unix' },
      );
      assert.deepEqual(findingsOf(line), [noIndex(database, 'tokens', 'until')]);
    });

    test('of an empty table is ready, with nothing to count', async (t) => {
      const database = await createReady(t, engine, { indexed: true });
      const line = readyLine(await check(database));
      const { row_count, null_count, zero_count, smallest, largest, oldest_expired, expired_count, findings } = line;
      assert.deepEqual(
        [row_count, null_count, zero_count, smallest, largest, oldest_expired, expired_count, findings],
        [0, 0, 0, null, null, null, 0, null],
      );
    });

    test('counts what a run with the same settings deletes', async (t) => {
      const database = await createReady(t, engine, { ...FEW, expired: ids(7) });
      const soon = new Date(Date.now() - 60_000).toISOString().slice(0, 19).replace('T', ' ');
      await database.run('UPDATE sessions SET expires_at = ? WHERE id = ?', [soon, 'r0006']);
      const settings = ['--older-than', '1h'];
      assert.equal(readyLine(await check(database, ...settings)).expired_count, 6);
      const run = await runCommand(['run', '--db-url', database.url, ...settings]);
      assert.equal(run.line.deleted_count, 6);
      assert.deepEqual(await remaining(database), ['r0006', 'z']);
    });

    test('advises an index where there is none, and is content once it was made as advised', async (t) => {
      const database = await createReady(t, engine, { ...FEW, indexed: false });
      const line = readyLine(await check(database));
      assert.deepEqual(findingsOf(line), [noIndex(database)]);
      await database.run(createIndex(database));
      const fixed = readyLine(await check(database));
      assert.deepEqual([fixed.findings, fixed.expires_index], [null, INDEX_NAMES[engine.family]]);
    });

    test('names the zone in which times are read, whatever that of the server is', async (t) => {
      const database = await createReady(t, engine);
      assert.equal(readyLine(await check(database)).time_zone, undefined);
      assert.equal(readyLine(await check(database, '--time-zone', 'Asia/Tokyo')).time_zone, 'Asia/Tokyo');
    });

    test('advises a key where there is none to walk by', async (t) => {
      const database = await createReady(t, engine, {});
      // SQLite walks by the rowid, unless columns have taken all of its names.
      const columns = isServer ? '' : ', rowid TEXT, _rowid_ TEXT, oid TEXT';
      const type = isServer ? 'DATETIME' : 'TEXT';
      await database.run(`CREATE TABLE keyless (expires_at ${type}${columns})`);
      await database.run('INSERT INTO keyless (expires_at) VALUES (?), (?)', [EXPIRED, LIVE]);
      const line = readyLine(await check(database, '--table', 'keyless'));
      // PostgreSQL walks along the blocks of the table.
      const isWalked = family === 'postgresql';
      assert.deepEqual(findingsOf(line), [noIndex(database, 'keyless'), ...(isWalked ? [] : [NO_KEY])]);
      assert.equal(line.walked_by, isWalked ? 'ctid' : null);
    });

    test('is refused where not one session is live, whatever defaults stand in other rows', async (t) => {
      const database = await createReady(t, engine, { expired: ids(3), indexed: true });
      await database.run(
        "INSERT INTO sessions (id, expires_at) VALUES ('never', NULL), ('first', '1970-01-01 00:00:00')",
      );
      const line = refusedLine(await check(database));
      assert.deepEqual(
        [findingsOf(line), line.error, line.hint],
        [[`problem: ${NONE_LIVE}. Fix: ${NONE_LIVE_FIX}`], NONE_LIVE, `${NONE_LIVE_FIX}.`],
      );
      await database.run('UPDATE sessions SET expires_at = ? WHERE id = ?', [LIVE, 'r0000']);
      assert.deepEqual(findingsOf(readyLine(await check(database))), []);
    });

    test('names the rows that go along with a session', async (t) => {
      const database = await createReady(t, engine);
      await database.run(
        'CREATE TABLE carts (id VARCHAR(40), FOREIGN KEY (id) REFERENCES sessions (id) ON DELETE CASCADE)',
      );
      assert.deepEqual(findingsOf(readyLine(await check(database))), [
        'advice: rows of carts refer to this table (ON DELETE CASCADE). ' +
          'Fix: make sure that an index on carts leads with the referring column',
      ]);
    });

    if (family === 'mysql') {
      for (const type of ['DECIMAL(20, 0)', 'DOUBLE', "ENUM('a', 'b')", 'BIT(8)', 'TIME']) {
        test(`asks for no key where there is one of ${type}`, async (t) => {
          const database = await createReady(t, engine, {});
          await database.run(`CREATE TABLE keyed (id ${type} NOT NULL PRIMARY KEY, expires_at DATETIME NOT NULL)`);
          await database.run("INSERT INTO keyed VALUES (1, '2020-01-01'), (2, '2099-01-01')");
          const line = readyLine(await check(database, '--table', 'keyed'));
          assert.deepEqual(findingsOf(line), [noIndex(database, 'keyed')]);
        });
      }

      test('says that a system-versioned table keeps what a run deletes', async (t) => {
        const database = await createReady(t, engine);
        if (database.engine !== 'mariadb') return t.skip('MySQL has no such tables');
        await database.run('ALTER TABLE sessions ADD SYSTEM VERSIONING');
        const findings = findingsOf(readyLine(await check(database)));
        assert.equal(findings.length, 1);
        assert.match(
          String(findings),
          /^advice: the table is system-versioned: what a run deletes stays in its history, and keeps its room\. /,
        );
        const run = await runCommand(['run', '--db-url', database.url]);
        assert.equal(run.line.deleted_count, 3);
        const [{ count } = {}] = await database.query('SELECT COUNT(*) AS count FROM sessions FOR SYSTEM_TIME ALL');
        assert.equal(Number(count), 4);
      });
    }

    test('names the rows that keep a session', async (t) => {
      const database = await createReady(t, engine);
      await database.run(
        'CREATE TABLE carts (id VARCHAR(40) PRIMARY KEY, FOREIGN KEY (id) REFERENCES sessions (id) ON DELETE RESTRICT)',
      );
      assert.deepEqual(findingsOf(readyLine(await check(database))), [
        'advice: rows of carts refer to this table (ON DELETE RESTRICT). Fix: a run leaves the expired rows that are ' +
          'referred to, and counts them; deleting what refers to them frees them',
      ]);
    });

    test('names a trigger that runs for every deleted row, and no other', async (t) => {
      const database = await createReady(t, engine);
      await database.run('CREATE TABLE seen (id VARCHAR(40))');
      await insertAfter(database, 'tell', 'DELETE', 'OLD');
      await insertAfter(database, 'greet', 'INSERT', 'NEW');
      assert.deepEqual(findingsOf(readyLine(await check(database))), [
        'advice: the trigger tell runs for every deleted row. Fix: make sure that it is fast',
      ]);
    });

    test('is a report with --log-format text, and begins with the verdict', async (t) => {
      const database = await createReady(t, engine, { ...FEW, indexed: false });
      const { line } = await check(database);
      const { status, stdout, stderr } = await check(database, '--log-format', 'text');
      assert.deepEqual([status, stderr], [0, '']);
      assert.equal(
        steady(stdout),
        `Ready: a run would delete 3 of 4 rows of sessions (75 %).

What would go
  expired   expires_at up to <time>
  oldest    2020-01-01 00:00:00 UTC
  kept      1 row
How
  along     ${family === 'postgresql' ? 'the rows as they are stored' : 'the primary key'} (${KEYS[family]})
  time      about <duration>; the timeout is 30 s
Where
  database  ${shownUrl(database)}
  server    ${line.server}${!isServer ? '' : line.tls === 'off' ? ', without TLS' : `, ${line.tls}`}
  column    expires_at ${TYPES[family]}, read as datetime
Advice
  index     no index leads with the column: every run reads the whole table;
            create one:
            ${engine.family === 'postgresql' ? createIndex(database) : createIndex(database).replace(/ (?=`.*`\.|ALGORITHM|\("expires)/g, '\n            ')};
`,
      );
    });

    test('tells a refusal in the same form, on stderr', async (t) => {
      const database = await createReady(t, engine, { expired: ids(3), indexed: true });
      const { status, stdout, stderr } = await check(database, '--log-format', 'text');
      assert.deepEqual([status, stdout], [3, '']);
      assert.equal(
        steady(stderr.slice(0, stderr.indexOf('What would go'))),
        `Not ready: not one session is live: the latest expires_at is 2020-01-01 00:00:00
UTC.
  status    3, NOT_READY, ID <uuid>

Problems
  live      not one session is live: the latest expires_at is 2020-01-01
            00:00:00 UTC; if sessions are in use, check --expires-column,
            --expires-format, --time-zone and --older-than
`,
      );
    });

    test('is refused as the run is where the table or the column is missing, or nothing fits', async (t) => {
      const database = await createReady(t, engine);
      for (const [flags, code] of [
        [['--table', 'nowhere'], 'NO_TABLE'],
        [['--expires-column', 'nowhere'], 'NO_COLUMN'],
        [['--expires-format', 'unix'], 'FORMAT_MISMATCH'],
      ] as const) {
        assert.equal(failureLine(await check(database, ...flags), 3, 'refused').error_code, code);
      }
    });

    test('that runs out of time says what it knows by then', async (t) => {
      const database = await createReady(t, engine, { expired: ids(100), live: ['z'] });
      // Reading the rows then takes minutes.
      const slow = {
        sqlite:
          '(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000) SELECT max(i) FROM n) > 0',
        mysql: 'SLEEP(1) = 0',
        postgresql: "pg_sleep(1)::text = ''",
      }[family];
      const flags = ['--where', slow, '--timeout', '12s'];
      const ended = await check(database, ...flags);
      const { line } = ended;
      assert.deepEqual([ended.status, ended.stdout, line.outcome], [124, '', 'timed_out'], ended.stderr);
      const { expires_format, expired_count, row_count, null_count, oldest_expired, estimated_seconds } = line;
      assert.deepEqual(
        { expires_format, expired_count, row_count, null_count, oldest_expired, estimated_seconds },
        {
          expires_format: 'datetime',
          expired_count: null,
          row_count: null,
          null_count: null,
          oldest_expired: null,
          estimated_seconds: null,
        },
      );
      assert.deepEqual(findingsOf(line), [noIndex(database)]);
      assert.match(String(line.server), /^(SQLite|MySQL|MariaDB|PostgreSQL) \d/);
      assert.equal(line.walked_by, { sqlite: 'rowid', mysql: 'id', postgresql: 'ctid' }[family]);
      const { status, stderr } = await check(database, ...flags, '--log-format', 'text');
      assert.equal(status, 124);
      assert.match(stderr, /^Timed out after 12 s while counting\.\n/);
      assert.deepEqual(
        ['Problems', 'What would go', 'How', 'Where', 'Advice'].filter((title) => stderr.includes(`\n${title}\n`)),
        ['How', 'Where', 'Advice'],
      );
    });

    test('goes on while a run is at work, and does not hold it up', async (t) => {
      const database = await createSessions(t, engine, FEW);
      await slowDeletes(database, FOREVER_MS, 'r0001');
      const run = start(t, ['run', '--db-url', database.url, '--timeout', '0']);
      await untilDeleting(database, run);
      const line = readyLine(await check(database));
      assert.deepEqual([line.row_count, line.expired_count], [4, 3]);
      assert.equal(run.child.exitCode, null);
    });

    if (family === 'mysql') {
      test('does not advise an index that the server does not make', async (t) => {
        const database = await createReady(t, engine, {});
        await database.run('CREATE TABLE tokens (id INT NOT NULL PRIMARY KEY, until TEXT)');
        await database.run("INSERT INTO tokens VALUES (1, '2020-01-01T00:00:00Z'), (2, '2099-01-01T00:00:00Z')");
        const line = readyLine(await check(database, '--table', 'tokens', '--expires-column', 'until'));
        assert.deepEqual(findingsOf(line), [
          `advice: ${NO_INDEX}. Fix: change its type, and create one: TEXT cannot be indexed as a whole`,
        ]);
      });
    }

    if (isServer) {
      test('is refused for an account that may only read, and says what to grant', async (t) => {
        const database = await createReady(t, engine);
        const { url } = await createAccount(t, database, { password: 'only-looking', grants: ['SELECT'] });
        const line = refusedLine(await runCommand(['check', '--db-url', url]));
        const name = new URL(database.url).pathname.slice(1);
        const account = new URL(url).username;
        const grant =
          family === 'mysql'
            ? `GRANT SELECT, DELETE ON \`${name}\`.\`sessions\` TO '${account}'@'localhost'`
            : `GRANT SELECT, DELETE, UPDATE ("expires_at") ON "public"."sessions" TO ${account}`;
        const fix = `let an administrator grant it: ${grant}`;
        assert.deepEqual(findingsOf(line), [`problem: the account may not delete from the table. Fix: ${fix}`]);
        assert.deepEqual(
          [line.error, line.hint, line.expired_count],
          ['the account may not delete from the table', `${fix}.`, 3],
        );
        // The plan of a DELETE is shown only to those who may delete.
        const text = await runCommand(['check', '--db-url', url, '--log-format', 'text']);
        assert.match(text.stderr, /^How\n {2}time /m);
        await database.run(grant);
        readyLine(await runCommand(['check', '--db-url', url]));
      });

      test('holds no lock and changes nothing while it looks', async (t) => {
        const database = await createReady(t, engine);
        const holder = await database.knex.transaction();
        await holder.raw('SELECT * FROM sessions FOR UPDATE');
        const ended = await check(database);
        await holder.rollback();
        assert.equal(readyLine(ended).expired_count, 3);
        assert.equal((await remaining(database)).length, 4);
      });
    }
  });
}

const [sqlite] = engines.filter(({ family }) => family === 'sqlite');
assert.ok(sqlite);

describe('check of a SQLite file', { concurrency: 3 }, () => {
  test('advises the journal that lets readers go on', async (t) => {
    const database = await createSessions(t, sqlite, FEW);
    const line = readyLine(await check(database));
    assert.equal(line.journal_mode, 'delete');
    assert.match(
      String(line.findings),
      /^advice: the journal mode is delete: .* Fix: run with --batch-size 500 --pause 50ms .*: PRAGMA journal_mode = WAL$/,
    );
    await database.query('PRAGMA journal_mode = WAL');
    const fixed = readyLine(await check(database));
    assert.deepEqual([fixed.journal_mode, fixed.findings], ['wal', null]);
  });

  test('leaves every byte of the file, and nothing beside it', async (t) => {
    const database = await createSessions(t, sqlite, { ...FEW, indexed: false });
    await database.knex.destroy();
    const path = fileOf(database);
    const folder = dirname(path);
    const bytesOf = () => readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]);
    const before = bytesOf();
    readyLine(await check(database));
    assert.deepEqual(bytesOf(), before);
  });

  test('reads on while somebody holds the write lock', async (t) => {
    const database = await createSessions(t, sqlite, FEW);
    const writer = await database.knex.transaction();
    await writer.raw("INSERT INTO sessions VALUES ('new', '2099-01-01 00:00:00')");
    const ended = await check(database);
    await writer.rollback();
    assert.equal(readyLine(ended).row_count, 4);
  });

  test('is refused where the file and its folder may not be written', async (t) => {
    const database = await createSessions(t, sqlite, FEW);
    const path = fileOf(database);
    chmodSync(path, 0o444);
    chmodSync(dirname(path), 0o555);
    const ended = runWithoutPower(['check', '--db-url', database.url]);
    chmodSync(dirname(path), 0o755);
    const line = refusedLine(ended);
    assert.equal(line.error, 'this user may not write the file; this user may not write its folder');
    const fix = 'run as the user who owns the database: SQLite keeps its journal beside the file';
    const problems = findingsOf(line).filter((text) => text.startsWith('problem: '));
    assert.deepEqual(
      problems,
      ['the file', 'its folder'].map((what) => `problem: this user may not write ${what}. Fix: ${fix}`),
    );
  });

  test('is unavailable where there is no file, and creates none', async (t) => {
    const database = await createSessions(t, sqlite);
    const line = failureLine(await runCommand(['check', '--db-url', `${database.url}x`]), 4, 'unavailable');
    assert.equal(line.error_code, 'ENOENT');
    assert.deepEqual(readdirSync(dirname(fileOf(database))), ['test.db']);
  });

  for (const flag of ['--dry-run', '--batch-size=5', '--pause=1', '--max-lag=1', '--metrics-file=m.prom']) {
    test(`takes no ${flag}, which is of the run alone`, async () => {
      const line = failureLine(await runCommand(['check', '--db-url', 'sqlite:nowhere.db', flag]), 2, 'failed');
      assert.equal(line.error, `${flag.replace(/=.*/, '')} is not an option of check, but of run or schedule`);
    });
  }
});

/** Root may write everything; without that power, it is a user like others. */
function runWithoutPower(args: readonly string[]): Ended {
  const words = [process.execPath, BIN, ...args];
  const [program = '', ...rest] =
    process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override', ...words] : words;
  const { PATH = '', HOME = '' } = process.env;
  const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8', env: { PATH, HOME } });
  return { status, stdout, stderr, line: JSON.parse(stdout + stderr) };
}
