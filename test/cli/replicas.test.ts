// --max-lag and --replica: a run waits between batches for those who are behind, and says for whom.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { createAccount } from '../support/accounts.js';
import { type Ended, runCommand, startCommand } from '../support/command.js';
import { type Database, type Engine, engines, shownUrl } from '../support/databases.js';
import { inTime, isNotForWaiting, isOutOfTime } from '../support/in-time.js';
import { failureLine, successLine } from '../support/lines.js';
import { createReplicated, pauseReplay, untilReplicated } from '../support/postgres-pair.js';
import { type PostgresqlPair, startPostgresqlPair } from '../support/postgres-servers.js';
import { occurrence, startProxy } from '../support/proxy.js';
import { freePort } from '../support/server-process.js';
import { createSessions, ids, remaining, start, until } from '../support/sessions.js';

const watching = ({ url }: Pick<Database, 'url'>, ...more: string[]): string[] => [
  ...['run', '--db-url', url, '--batch-size', '1', '--max-lag', '1s', ...more],
];

for (const engine of engines.filter(({ family }) => family !== 'sqlite')) {
  describe(`replicas, ${engine.name}`, { concurrency: 2 }, () => {
    test('that are none are refused before anything is deleted', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      const ended = await runCommand(watching(database, '--replica', database.url));
      const line = failureLine(ended, 3, 'refused');
      assert.equal(line.error_code, 'NO_REPLICA');
      assert.equal(line.error, `${shownUrl(database)} is not a replica`);
      assert.deepEqual([line.deleted_count, await remaining(database)], [0, ids(3)]);
    });

    test('whose status the account may not see fail the run before anything is deleted, with a hint', {
      skip: engine.family !== 'mysql',
    }, async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      const account = await createAccount(t, database, { password: 'of-the-account', grants: ['SELECT'] });
      const line = failureLine(await runCommand(watching(database, '--replica', account.url)), 1, 'failed');
      assert.equal(line.error_code, 'ER_SPECIFIC_ACCESS_DENIED_ERROR');
      assert.equal(line.hint, 'Grant the account of --replica REPLICATION CLIENT, or on MariaDB REPLICA MONITOR.');
      assert.deepEqual(await remaining(database), ids(3));
    });

    test('that cannot be reached are unavailable, and nothing is deleted', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      const nowhere = `${schemeOf(engine)}://watcher:hunter2@127.0.0.1:${await freePort()}`;
      const ended = await runCommand(watching(database, '--replica', nowhere));
      const line = failureLine(ended, 4, 'unavailable');
      assert.equal(line.error_code, 'ECONNREFUSED');
      assert.ok(
        String(line.error).startsWith(`--replica ${nowhere.replace('watcher:hunter2@', '')}: cannot connect: `),
      );
      assert.doesNotMatch(ended.stderr, /hunter2/);
      assert.deepEqual(await remaining(database), ids(3));
    });

    // A PostgreSQL server that trusts whoever comes asks for no password.
    test('that let nobody in by this password are named, not the primary', {
      skip: engine.family !== 'mysql',
    }, async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3) });
      const account = await createAccount(t, database, { password: 'of-the-account', grants: ['ALL'] });
      const wrong = account.url.replace('of-the-account', 'hunter2');
      const ended = await runCommand(watching(database, '--replica', wrong));
      const line = failureLine(ended, 4, 'unavailable');
      const { host, pathname } = new URL(wrong);
      assert.ok(String(line.error).startsWith(`--replica mysql://${host}${pathname}: cannot connect: Access denied`));
      assert.doesNotMatch(ended.stderr, /hunter2/);
    });

    test('that are neither named nor seen are not waited for, with a warning', async (t) => {
      const database = await createSessions(t, engine, { expired: ids(3), live: ['z'] });
      const line = successLine(await runCommand(watching(database)));
      assert.deepEqual([line.deleted_count, line.batches], [3, 3]);
      assert.equal(line.warning, `--max-lag has nothing to watch: ${NOTHING[schemeOf(engine)]}`);
    });
  });
}

/** Of its URLs in the line. */
function schemeOf({ family }: Pick<Engine, 'family'>): 'mysql' | 'postgresql' {
  return family === 'postgresql' ? 'postgresql' : 'mysql';
}

const NOTHING = {
  mysql: 'give --replica, or connect to a Galera node',
  postgresql:
    'give --replica, or let the account see the replicas of the server that it may have (GRANT pg_monitor TO it)',
};

describe('watching replicas', () => {
  const batches = ['run', '--db-url', 'mysql://app@db/app', '--batch-size', '9'];
  for (const [what, flags, problem] of [
    ['without --max-lag', ['--replica', 'mysql://db2'], /^--replica is watched only with --max-lag: give it too$/],
    ['of SQLite', ['--max-lag', '1s', '--replica', 'sqlite:app.db'], /^--replica /],
    ['by what is no URL', ['--max-lag', '1s', '--replica', 'db2'], /^--replica /],
    ['with one good and one bad URL', ['--max-lag=1s', '--replica=mysql://db2', '--replica=x:hunter2'], /^--replica /],
  ] as const) {
    test(`${what} is a usage error`, async () => {
      const ended = await runCommand([...batches, ...flags]);
      assert.match(String(failureLine(ended, 2, 'failed').error), problem);
      assert.doesNotMatch(ended.stderr, /hunter2/);
    });
  }

  test('for a SQLite file is a usage error, and no other flag would help', async () => {
    const problem = '--max-lag and --replica do not apply: SQLite has no replicas';
    for (const flags of [
      ['--batch-size', '1', '--max-lag', '1s'],
      ['--max-lag', '1s'],
      ['--replica', 'mysql://db2'],
    ]) {
      const ended = await runCommand(['run', '--db-url', 'sqlite:nowhere.db', ...flags]);
      assert.equal(failureLine(ended, 2, 'failed').error, problem);
    }
  });
});

const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];
const mariadbd = folders.map((folder) => join(folder, 'mariadbd')).find((path) => existsSync(path));

// Where the machine has no MariaDB of its own, no pair can be started.
for (const server of mariadbd === undefined ? [] : [mariadbd]) {
  describe('a private MariaDB and its replica', () => {
    const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    const children: ChildProcess[] = [];
    const stop = (): void => {
      for (const child of children) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    };
    process.once('exit', stop);
    let primary: Connection;
    let replica: Connection;
    let url: string;
    let replicaUrl: string;

    before(async () => {
      const common = ['--no-defaults', ...(process.getuid?.() === 0 ? ['--user=root'] : [])];
      const made = spawnSync('mariadb-install-db', [
        ...[...common, `--datadir=${join(folder, 'primary')}`, '--auth-root-authentication-method=normal'],
        ...['--force', '--skip-test-db'],
      ]);
      assert.equal(made.status, 0, String(made.stderr));
      cpSync(join(folder, 'primary'), join(folder, 'replica'), { recursive: true });
      const open = async (name: string, id: number): Promise<{ admin: Connection; port: number }> => {
        const port = await freePort();
        const socketPath = join(folder, `${name}.socket`);
        const options = [
          ...[`--datadir=${join(folder, name)}`, `--socket=${socketPath}`, `--pid-file=${join(folder, `${name}.pid`)}`],
          ...['--bind-address=127.0.0.1', `--port=${port}`, `--server-id=${id}`, '--log-bin=log', `--tmpdir=${folder}`],
          ...['--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=16M', '--binlog-format=ROW'],
        ];
        children.push(spawn(server, [...common, ...options], { stdio: 'ignore' }));
        let admin: Connection | undefined;
        await until(async () => {
          admin = await createConnection({ socketPath, user: 'root' }).catch(() => undefined);
          return admin !== undefined;
        });
        assert.ok(admin);
        return { admin, port };
      };
      const [first, second] = await Promise.all([open('primary', 1), open('replica', 2)]);
      primary = first.admin;
      replica = second.admin;
      url = `mysql://app:app@127.0.0.1:${first.port}/app`;
      replicaUrl = `mysql://app:app@127.0.0.1:${second.port}`;
      await primary.query('CREATE DATABASE app');
      for (const host of ['%', 'localhost']) {
        await primary.query("CREATE USER app@? IDENTIFIED BY 'app'", [host]);
        await primary.query('GRANT ALL ON *.* TO app@?', [host]);
      }
      await replicateAs('');
      for (const connection of [primary, replica]) await connection.query('SET SESSION autocommit = 1');
    });

    after(async () => {
      await primary?.end();
      await replica?.end();
      process.off('exit', stop);
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
      stop();
    });

    /** Replicates by a channel of that name. */
    const replicateAs = async (channel: string): Promise<void> => {
      await replica.query('STOP ALL SLAVES');
      await replica.query('SET default_master_connection = ?', [channel]);
      await replica.query(
        "CHANGE MASTER TO master_host = '127.0.0.1', master_port = ?, master_user = 'app', master_password = 'app', master_use_gtid = slave_pos, master_connect_retry = 1",
        [Number(new URL(url).port)],
      );
      await replica.query('START SLAVE');
    };

    const count = async (connection: Connection): Promise<number> => {
      const [rows] = await connection.query('SELECT COUNT(*) AS n FROM app.sessions WHERE id > 0');
      return Number((rows as { n: number }[])[0]?.n);
    };

    /** Ten expired sessions and a live one, on both servers. `count` is of the expired ones. */
    const createOnBoth = async (): Promise<void> => {
      await primary.query('CREATE OR REPLACE TABLE app.sessions (id INT PRIMARY KEY, expires_at DATETIME)');
      await primary.query("INSERT INTO app.sessions VALUES (0, '2999-01-01')");
      await primary.query("INSERT INTO app.sessions SELECT seq, '2020-01-01' FROM app.seq_1_to_10");
      await until(async () => (await count(replica).catch(() => 0)) === 10);
    };

    test('that keeps up is not waited for', async () => {
      await createOnBoth();
      const line = successLine(await runCommand(watching({ url }, '--replica', replicaUrl)));
      assert.deepEqual([line.deleted_count, line.batches, line.warning], [10, 10, undefined]);
      await until(async () => (await count(replica)) === 0);
    });

    test('that is behind is waited for, and the line says so', async () => {
      await createOnBoth();
      await replica.query('START TRANSACTION');
      await replica.query('SELECT * FROM app.sessions FOR UPDATE');
      const pace = ['--pause', '500ms', '--timeout', '0'];
      const run = startCommand(watching({ url }, '--replica', replicaUrl, ...pace, '--log-level', 'error'));
      let left = 10;
      await until(async () => {
        // Nothing in three pauses: it waits.
        const earlier = left;
        await sleep(1_500);
        left = await count(primary);
        return left === earlier && left < 10;
      });
      assert.ok(left > 0, 'not waited');
      assert.equal(run.child.exitCode, null);
      await replica.query('COMMIT');
      const { status, stdout, stderr } = await run.ended;
      assert.deepEqual([status, stdout, stderr, await count(primary)], [0, '', '', 0]);
    });

    /** Runs while the replica applies nothing, with a timeout in which it comes to wait for it. */
    const runWhileStopped = (): Promise<Ended> => {
      const attempt = async (timeoutMs: number): Promise<Ended> => {
        await createOnBoth();
        await replica.query('STOP SLAVE SQL_THREAD');
        const ended = await runCommand(watching({ url }, '--replica', replicaUrl, '--timeout', `${timeoutMs}ms`));
        await replica.query('START SLAVE SQL_THREAD');
        return ended;
      };
      return inTime(4_000, attempt, isNotForWaiting);
    };

    test('that is stopped is waited for until the time is used up', async () => {
      const { status, stdout, line } = await runWhileStopped();
      assert.deepEqual([status, stdout], [124, '']);
      const { outcome, complete, deleted_count, batches, waited_for } = line;
      const reason = `replica mysql://${new URL(replicaUrl).host} does not replicate`;
      assert.deepEqual(
        { outcome, complete, deleted_count, batches, waited_for },
        { outcome: 'incomplete', complete: false, deleted_count: 1, batches: 1, waited_for: reason },
      );
      assert.ok(String(line.error).includes(`(waited for others: ${reason})`), String(line.error));
      assert.equal(await count(primary), 9);
    });

    test('by a channel with a name is one too', async () => {
      await createOnBoth();
      await replica.query('STOP SLAVE');
      await replica.query('RESET SLAVE ALL');
      await replicateAs('second');
      const line = successLine(await runCommand(watching({ url }, '--replica', replicaUrl)));
      await until(async () => (await count(replica)) === 0);
      const stopped = await runWhileStopped();
      await replica.query('STOP SLAVE');
      await replica.query('RESET SLAVE ALL');
      await replicateAs('');
      assert.equal(line.deleted_count, 10);
      assert.deepEqual([stopped.status, stopped.line.deleted_count], [124, 1]);
      assert.match(String(stopped.line.waited_for), /does not replicate$/);
    });

    test('that is lost in the middle ends the run, and what was committed is counted', async (t) => {
      await createOnBoth();
      const proxy = await startProxy(replicaUrl);
      t.after(() => proxy.close());
      void proxy.when(occurrence(4, /SHOW ALL SLAVES STATUS/), 'before', proxy.cut);
      const ended = await runCommand(watching({ url }, '--replica', proxy.url, '--timeout', '0'));
      const line = failureLine(ended, 1, 'failed');
      const left = await count(primary);
      assert.ok(left > 0, 'went on without the replica');
      assert.deepEqual([line.deleted_count, line.batches], [10 - left, 10 - left]);
    });

    test("under a backup's read lock at the COMMIT: the run begins anew, and says deleted of nothing that is not", async (t) => {
      await createOnBoth();
      const proxy = await startProxy(url);
      t.after(() => proxy.close());
      const attempt = async (timeoutMs: number): Promise<Ended> => {
        const reached = proxy.when(/COMMIT$/, 'before', proxy.freeze);
        const run = startCommand(['run', '--db-url', proxy.url, '--timeout', `${timeoutMs}ms`]);
        await Promise.race([reached, run.ended]);
        await primary.query('FLUSH TABLES WITH READ LOCK');
        proxy.thaw();
        const ended = await run.ended;
        await primary.query('UNLOCK TABLES');
        return ended;
      };
      const isLate = (ended: Ended): boolean => isOutOfTime(ended) || ended.line.attempts === 1;
      const line = failureLine(await inTime(6_000, attempt, isLate), 75, 'busy');
      assert.deepEqual([line.deleted_count, await count(primary)], [0, 10]);
    });

    test('is no place to clean: check says so', async () => {
      await createOnBoth();
      await replica.query('SET GLOBAL read_only = ON');
      const { status, line } = await runCommand(['check', '--db-url', `${replicaUrl}/app`]);
      await replica.query('SET GLOBAL read_only = OFF');
      assert.deepEqual(
        [status, line.error, line.hint],
        [3, 'the server is read only', 'name the primary in --db-url.'],
      );
    });

    test('written to as statements cannot be cleaned at READ COMMITTED: check says so, and run fails', async () => {
      await createOnBoth();
      await primary.query("SET GLOBAL binlog_format = 'STATEMENT'");
      const checked = await runCommand(['check', '--db-url', url]);
      const ran = await runCommand(['run', '--db-url', url]);
      await primary.query("SET GLOBAL binlog_format = 'ROW'");
      assert.equal(checked.status, 3, checked.stderr);
      assert.match(String(checked.line.error), /^the binary log is written as statements/);
      assert.match(String(failureLine(ran, 1, 'failed').hint), /binlog_format/);
      assert.equal(await count(primary), 10);
    });
  });
}

describe('a private PostgreSQL and its replica', { timeout: 300_000 }, () => {
  let pair: PostgresqlPair;
  before(async () => {
    pair = await startPostgresqlPair();
  });
  after(() => pair.remove());

  test('that keeps up is not waited for, named or seen by the primary', async (t) => {
    for (const isNamed of [true, false]) {
      const replicated = await createReplicated(t, pair);
      const { database, replicaUrl } = replicated;
      const line = successLine(await runCommand(watching(database, ...(isNamed ? ['--replica', replicaUrl] : []))));
      assert.deepEqual([line.deleted_count, line.batches, line.warning], [10, 10, undefined]);
      await untilReplicated(replicated, ['z']);
    }
  });

  test('that is behind is waited for until it has caught up, and the line says so', async (t) => {
    const replicated = await createReplicated(t, pair);
    const { database, replicaUrl } = replicated;
    const resume = await pauseReplay(t, replicated);
    const run = start(t, watching(database, '--replica', replicaUrl, '--pause', '100ms', '--timeout', '0'));
    await until(async () => {
      // Nothing in three looks at the replica: it waits.
      const earlier = await remaining(database);
      await sleep(1_500);
      return earlier.length < 11 && (await remaining(database)).length === earlier.length;
    });
    assert.ok((await remaining(database)).length > 1, 'not waited');
    await resume();
    const line = successLine(await run.ended);
    assert.equal(line.deleted_count, 10);
    assert.match(String(line.waited_for), new RegExp(`^replica ${shownUrl({ url: replicaUrl })} is up to`));
    await untilReplicated(replicated, ['z']);
  });

  test('that applies nothing is waited for until the time is used up, named or seen by the primary', async (t) => {
    const names = {
      named: /^replica postgresql:\S+ (?:is up to \S+ s behind|still lacks what was written before the run)$/,
      seen: /^replica standby at 127\.0\.0\.1 \(\d+\) (?:is|still lacks) /,
    };
    for (const [how, waitedFor] of Object.entries(names)) {
      const attempt = async (
        timeoutMs: number,
      ): Promise<{ readonly ended: Ended; readonly left: readonly unknown[] }> => {
        const replicated = await createReplicated(t, pair);
        const { database, replicaUrl } = replicated;
        const resume = await pauseReplay(t, replicated);
        const named = how === 'named' ? ['--replica', replicaUrl] : [];
        const ended = await runCommand(watching(database, ...named, '--pause', '300ms', '--timeout', `${timeoutMs}ms`));
        await resume();
        return { ended, left: await remaining(database) };
      };
      const { ended, left } = await inTime(6_000, attempt, (made) => isNotForWaiting(made.ended));
      const { status, stdout, line } = ended;
      assert.deepEqual([status, stdout, line.outcome, line.complete], [124, '', 'incomplete', false]);
      assert.match(String(line.waited_for), waitedFor);
      assert.deepEqual([line.deleted_count, line.batches], [11 - left.length, 11 - left.length]);
      assert.ok(left.length > 1, 'did not wait');
    }
  });

  test('that is lost in the middle ends the run, and what was committed is counted', async (t) => {
    const { database, replicaUrl } = await createReplicated(t, pair);
    const proxy = await startProxy(replicaUrl);
    t.after(() => proxy.close());
    void proxy.when(occurrence(4, /pg_last_wal_replay_lsn/), 'before', proxy.cut);
    const ended = await runCommand(watching(database, '--replica', proxy.url, '--timeout', '0'));
    const line = failureLine(ended, 1, 'failed');
    const left = (await remaining(database)).length - 1;
    assert.ok(left > 0, 'went on without the replica');
    assert.deepEqual([line.deleted_count, line.batches], [10 - left, 10 - left]);
  });

  test('is no place to clean: run and check refuse, and name the primary as what to do', async (t) => {
    const { database, replicaUrl } = await createReplicated(t, pair);
    for (const command of ['run', 'check']) {
      const line = failureLine(await runCommand([command, '--db-url', replicaUrl]), 3, 'refused');
      assert.deepEqual(
        [line.error_code, line.error, line.hint],
        ['STANDBY', 'the server is a standby, which takes no writes', 'Name the primary in --db-url.'],
      );
    }
    assert.equal((await remaining(database)).length, 11);
  });
});
