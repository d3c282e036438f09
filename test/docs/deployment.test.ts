// The examples of deployment: that their commands run, and that they agree with the settings and the exit statuses.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CleanupError, type FailureKind } from '../../src/errors.js';
import { flagName, SETTINGS, type Setting } from '../../src/settings/settings.js';
import { duration } from '../../src/settings/values.js';
import { BIN, runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { successLine } from '../support/lines.js';
import { createSessions, ids, remaining, TIME_TYPES } from '../support/sessions.js';

const ROOT = join(import.meta.dirname, '../../..');
const EXAMPLES = join(ROOT, 'examples');
/** What a run may take after its timeout, in seconds. */
const AFTERWARDS = 6;
const DAY_MS = 86_400_000;

const OF_SCHEDULE = ['--name', '--every', '--cron', '--install', '--no-check', '--remove'];
/** Those of npm, docker, kubectl, systemctl and what is in the images. */
const OF_OTHERS = [
  '--connect',
  '--detach',
  '--failed',
  '--from-file',
  '--ignore-scripts',
  '--innodb_initialized',
  '--now',
  '--rm',
  '--silent',
  '--volumes',
  '--wait',
];

const example = (path: string): string => readFileSync(join(EXAMPLES, path), 'utf8');
const files = readdirSync(EXAMPLES, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(EXAMPLES.length + 1))
  .sort();

const SERVICE = example('systemd/session-cleanup.service');
const TEMPLATE = example('systemd/session-cleanup@.service');
const CRONJOB = example('kubernetes/cronjob.yaml');
const WORKFLOW = example('github-actions/session-cleanup.yml');
const COMPOSE = example('docker-compose.yml');
const SCRIPT = example('dead-mans-switch.sh');

/** The only match of the pattern's first group. */
function only(text: string, pattern: RegExp): string {
  const found = [...text.matchAll(new RegExp(pattern, 'gm'))];
  assert.equal(found.length, 1, `${pattern} is there ${found.length} times`);
  return found[0]?.[1] ?? '';
}

function seconds(text: string): number {
  const parsed = duration({})(text);
  assert.ok('value' in parsed, text);
  return parsed.value / 1000;
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const EXEC_START = only(SERVICE, /^ExecStart=(.*)$/);
const ARGS: readonly string[] = JSON.parse(only(CRONJOB, /^ +args: (\[.*\])$/));
const STEP = only(WORKFLOW, /^ +run: (session-cleanup .*)$/);

test('every flag in the examples is one that the command has', () => {
  const flags = Object.values<Setting<unknown>>(SETTINGS).map((setting) => flagName(setting.flags));
  const known = new Set([...flags, ...OF_SCHEDULE, ...OF_OTHERS]);
  const used = files.flatMap((file) => example(file).match(/(?<![\w-])--[a-z][\w-]*/g) ?? []);
  assert.deepEqual(
    [...new Set(used)].filter((flag) => !known.has(flag)),
    [],
  );
  assert.ok(used.includes('--db-url-file'));
});

test('every variable in the examples is one that the command reads', () => {
  const known = Object.values<Setting<unknown>>(SETTINGS).flatMap(({ variables }) => variables);
  const used = files.flatMap((file) => example(file).match(/\bSESSION_CLEANUP_[A-Z_]+/g) ?? []);
  assert.deepEqual(
    used.filter((variable) => !known.includes(variable)),
    [],
  );
  assert.ok(used.includes('SESSION_CLEANUP_DB_URL'));
});

test('the examples install and name the version of this package', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const named = files.flatMap((file) => [...example(file).matchAll(/\bsession-cleanup[@:-](\d+\.\d+\.\d+)/g)]);
  assert.ok(named.length > 0);
  for (const [text, shown] of named) assert.equal(shown, version, text);
});

test('the README of the examples names each of them', () => {
  const linked = [...example('README.md').matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => path);
  const isLinked = (file: string) => linked.some((path) => file === path || file.startsWith(`${path}/`));
  assert.deepEqual(
    files.filter((file) => !isLinked(file)),
    ['README.md'],
  );
});

test('each limit of time leaves the run its timeout and what may follow it', () => {
  const timeoutOf = (command: string) => seconds(only(command, /--timeout[ ",]+(\w+)/)) + AFTERWARDS;
  for (const service of [SERVICE, TEMPLATE]) {
    const command = only(service, /^ExecStart=(.*)$/);
    assert.ok(seconds(only(service, /^TimeoutStartSec=(\w+)$/)) > timeoutOf(command));
    assert.ok(seconds(only(service, /^TimeoutStopSec=(\w+)$/)) > AFTERWARDS);
  }
  assert.ok(Number(only(WORKFLOW, /timeout-minutes: (\d+)$/)) * 60 > timeoutOf(STEP));
  assert.ok(Number(only(CRONJOB, /terminationGracePeriodSeconds: (\d+)$/)) > AFTERWARDS);
  const tries = 1 + Number(only(CRONJOB, /backoffLimit: (\d+)$/));
  const BACK_OFF = 10;
  const needed = tries * timeoutOf(ARGS.join(' ')) + (tries - 1) * BACK_OFF;
  assert.ok(Number(only(CRONJOB, /activeDeadlineSeconds: (\d+)$/)) > needed);
});

describe('the CronJob', () => {
  const statuses = (...kinds: FailureKind[]) =>
    [...new Set(kinds.map((kind) => new CleanupError(kind, '').exitStatus))].sort((a, b) => a - b);

  test('fails for what would end the same again, and tries what may not', () => {
    const rules = [...CRONJOB.matchAll(/- action: (\w+)\n(?: +\w+:.*\n)*? +values: (\[.*\])$/gm)];
    assert.deepEqual(
      rules.map(([, action, values = '']) => [action, JSON.parse(values)]),
      [
        ['FailJob', statuses('usage', 'refused')],
        ['Count', statuses('unavailable', 'busy', 'incomplete', 'timed_out')],
      ],
    );
  });

  test('judges the container that it has', () => {
    const container = only(CRONJOB, /^ +- name: (\S+)\n +image:/);
    const judged = [...CRONJOB.matchAll(/containerName: (\S+)$/gm)].map(([, name]) => name);
    assert.deepEqual(judged, [container, container]);
  });

  test('never has two runs at work', () => {
    assert.equal(only(CRONJOB, /concurrencyPolicy: (\w+)$/), 'Forbid');
    assert.equal(only(CRONJOB, /restartPolicy: (\w+)$/), 'Never');
  });
});

describe('the systemd units', () => {
  const ANALYZE = 'systemd-analyze';
  const version = Number(
    /^systemd (\d+)/.exec(spawnSync(ANALYZE, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0,
  );
  const skip = version < 250 && 'systemd-analyze 250 or later is not installed';

  /** What systemd-analyze says of a service and its timer, with the command where it is here. */
  function verify(
    t: TestContext,
    name: string,
    service: string,
  ): { readonly status: number | null; readonly said: string } {
    const folder = folderFor(t);
    const units = [join(folder, `${name}.service`), join(folder, `${name}.timer`)] as const;
    writeFileSync(units[0], service.replace('=/usr/local/bin/session-cleanup', `=${process.execPath} ${BIN}`));
    writeFileSync(units[1], example(`systemd/${name}.timer`));
    const args = ['verify', '--man=no', '--recursive-errors=no', ...units];
    const { status, stdout, stderr } = spawnSync(ANALYZE, args, { encoding: 'utf8', timeout: 60_000 });
    return { status, said: stdout + stderr };
  }

  const services = { 'session-cleanup': SERVICE, 'session-cleanup@': TEMPLATE };
  for (const [name, service] of Object.entries(services)) {
    test(`are units to systemd, ${name}`, { skip }, (t) => {
      assert.deepEqual(verify(t, name, service), { status: 0, said: '' });
    });

    test(`are looked at: a misspelt setting does not pass, ${name}`, { skip }, (t) => {
      assert.match(verify(t, name, service.replace('\nProtectHome=', '\nProtectHouse=')).said, /ProtectHouse/);
    });

    test(`show every failure, and let Node compile, ${name}`, () => {
      assert.doesNotMatch(service, /^(SuccessExitStatus|MemoryDenyWriteExecute|RuntimeMaxSec)=/m);
      // Said of the one that somebody may want to count as a success.
      const [status] = only(service, /^#SuccessExitStatus=(.*)$/)
        .split(' ')
        .map(Number);
      assert.equal(status, new CleanupError('busy', '').exitStatus);
    });
  }

  test('of one table and of several have the same limits and rights', () => {
    const settings = (service: string) =>
      service
        .split('\n')
        .filter((line) => /^[A-Z]\w+=/.test(line) && !/^(Description|LoadCredential|EnvironmentFile)=/.test(line));
    assert.deepEqual(settings(TEMPLATE), settings(SERVICE));
  });
});

for (const engine of engines) {
  describe(`the commands of the examples run, ${engine.name}`, { concurrency: 2 }, () => {
    const commands: readonly (readonly [string, readonly string[]])[] = [
      ['systemd/session-cleanup.service', EXEC_START.split(' ').slice(1)],
      [
        'systemd/session-cleanup@.service',
        only(TEMPLATE, /^ExecStart=(.*)$/)
          .split(' ')
          .slice(1),
      ],
      ['kubernetes/cronjob.yaml', ARGS],
      ['github-actions/session-cleanup.yml', STEP.split(' ').slice(1)],
    ];
    for (const [file, args] of commands) {
      test(file, async (t) => {
        const database = await createSessions(t, engine, { expired: ids(3), live: ['z'] });
        const url = join(folderFor(t), 'url');
        writeFileSync(url, `${database.url}\n`, { mode: 0o400 });
        const env: Record<string, string> = file.startsWith('github') ? { SESSION_CLEANUP_DB_URL: database.url } : {};
        const here = args.map((arg) => (/^(%d|\/etc\/session-cleanup)\/url$/.test(arg) ? url : arg));
        assert.equal(successLine(await runCommand(here, { env })).deleted_count, 3);
        assert.deepEqual(await remaining(database), ['z']);
      });
    }
  });
}

describe('the settings of carts.env', () => {
  const settings = Object.fromEntries(
    example('systemd/carts.env')
      .split('\n')
      .flatMap((line) => (/^[^#].*=/.test(line) ? [line.split('=')] : [])),
  );

  for (const engine of engines) {
    test(`are those of a run, ${engine.name}`, async (t) => {
      const database = await engine.create();
      t.after(() => database.drop());
      const type = TIME_TYPES[engine.family];
      await database.run(`CREATE TABLE carts (id VARCHAR(9) NOT NULL PRIMARY KEY, expires ${type} NULL)`);
      const rows = { a: -2 * DAY_MS, b: -2 * DAY_MS, grace: -DAY_MS / 2, live: DAY_MS };
      for (const [id, age] of Object.entries(rows)) {
        const expires = new Date(Date.now() + age).toISOString().slice(0, 19).replace('T', ' ');
        await database.run('INSERT INTO carts (id, expires) VALUES (?, ?)', [id, expires]);
      }
      const url = join(folderFor(t), 'url');
      writeFileSync(url, `${database.url}\n`, { mode: 0o400 });
      const args = only(TEMPLATE, /^ExecStart=(.*)$/)
        .split(' ')
        .slice(1)
        .map((arg) => (arg === '%d/url' ? url : arg));
      assert.equal(successLine(await runCommand(args, { env: settings })).deleted_count, 2);
      const left = await database.query('SELECT id FROM carts ORDER BY id');
      assert.deepEqual(
        left.map(({ id }) => id),
        ['grace', 'live'],
      );
    });
  }
});

describe('docker-compose.yml', () => {
  test('opens its ports to this machine alone', () => {
    const ports = [...COMPOSE.matchAll(/^ +- "(.*):\d+:(?:3306|5432)"$/gm)].map(([, host]) => host);
    assert.deepEqual(ports, ['127.0.0.1', '127.0.0.1', '127.0.0.1']);
  });

  const contents = {
    mysql: only(COMPOSE, /^ {2}sessions:\n {4}content: \|\n((?: {6}.*\n)+)/),
    postgresql: only(COMPOSE, /^ {2}sessions-postgresql:\n {4}content: \|\n((?: {6}.*\n)+)/),
  };
  const commandsOf = { mysql: commandsFor(/ (?:mysql|mariadb):/), postgresql: commandsFor(/ postgresql:/) };
  for (const engine of engines) {
    if (engine.family === 'sqlite') continue;
    const [content, commands] = [contents[engine.family], commandsOf[engine.family]];
    test(`makes sessions for its commands to find, ${engine.name}`, async (t) => {
      const database = await engine.create();
      t.after(() => database.drop());
      for (const statement of content.split(/;\n/).filter((text) => text.trim() !== '')) await database.run(statement);
      const lines = [];
      for (const words of commands) {
        const args = words.map((word) => word.replace(/^(mysql|mariadb|postgresql):.*$/, database.url));
        lines.push(successLine(await runCommand(args)));
      }
      assert.deepEqual(
        lines.map((line) => [line.expired_count, line.deleted_count, line.expires_index]),
        [
          [1000, undefined, 'sessions_expires_at'],
          [undefined, 1000, 'sessions_expires_at'],
        ],
      );
      assert.equal((await remaining(database)).length, 3);
    });
  }
});

function commandsFor(url: RegExp): readonly (readonly string[])[] {
  return [...COMPOSE.matchAll(/^# +session-cleanup (run .*)$/gm)]
    .map(([, words = '']) => words)
    .filter((words) => url.test(words))
    .map((words) => words.split(' '));
}

test('each script is one to the shell', () => {
  for (const file of files.filter((path) => path.endsWith('.sh'))) {
    const { status, stderr } = spawnSync('sh', ['-n', join(EXAMPLES, file)], { encoding: 'utf8' });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, file);
  }
});

describe('ten-tables.sh', () => {
  const TEN = example('ten-tables.sh');
  const jobs = only(TEN, /^done <<'JOBS'\n((?:.*\n)+?)JOBS$/)
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', ...flags] = line.split(/ +/);
      const wordAfter = (flag: string) => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : undefined);
      return { name, table: wordAfter('--table') ?? 'django_session', column: wordAfter('--expires-column') };
    });

  test('installs ten entries, again ten after a second time, and each of them deletes', async (t) => {
    const [sqlite] = engines;
    assert.ok(sqlite);
    const database = await sqlite.create();
    t.after(() => database.drop());
    for (const { table, column = table === 'django_session' ? 'expire_date' : 'expires_at' } of jobs) {
      await database.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, ${column} TEXT)`);
      await database.run(`INSERT INTO ${table} (${column}) VALUES ('2020-01-01 00:00:00'), ('2099-01-01 00:00:00')`);
    }
    const folder = folderFor(t);
    const put = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o700 });
    put('url', database.url);
    put('session-cleanup', `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
    put('crontab', `#!/bin/sh\ncd '${folder}'\n[ "$1" = - ] && exec cat >tab\n[ ! -e tab ] || exec cat tab\n`);
    put('ten-tables.sh', TEN.replace('=/etc/session-cleanup/url', `=${join(folder, 'url')}`));
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const install = () => {
      const { status, stderr } = spawnSync(join(folder, 'ten-tables.sh'), { env, encoding: 'utf8', timeout: 120_000 });
      assert.deepEqual([status, stderr], [0, '']);
      return readFileSync(join(folder, 'tab'), 'utf8');
    };
    const tab = install();
    assert.equal(jobs.length, 10);
    assert.deepEqual(
      [...tab.matchAll(/^# BEGIN (\S+) /gm)].map(([, name]) => name),
      jobs.map(({ name }) => name),
    );
    assert.equal(install(), tab);
    for (const line of tab.split('\n').filter((text) => text !== '' && !text.startsWith('#'))) {
      const command = line.split(' ').slice(5).join(' ').replaceAll('\\%', '%');
      const { status, stderr } = spawnSync('/bin/sh', ['-c', command], {
        env: { PATH: '/usr/bin:/bin' },
        encoding: 'utf8',
      });
      assert.deepEqual([status, stderr], [0, ''], command);
    }
    for (const { table } of jobs) {
      const [row] = await database.query(`SELECT COUNT(*) AS rows_left FROM ${table}`);
      assert.equal(row?.rows_left, 1, table);
    }
  });
});

describe('dead-mans-switch.sh', () => {
  /** Runs it with a curl that notes its arguments, and ends with a status. */
  function run(t: TestContext, url: string, curlStatus = 0) {
    const folder = folderFor(t);
    const put = (name: string, text: string) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      chmodSync(path, 0o700);
      return path;
    };
    put('curl', `#!/bin/sh\necho "$@" >>"$0.noted"\nexit ${curlStatus}\n`);
    put('session-cleanup', `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
    put('dead-mans-switch.sh', SCRIPT.replaceAll('/etc/session-cleanup/url', put('url', url)));
    const entry = only(SCRIPT, /^# +17 \S+ \S+ \S+ \S+ (.+)$/)
      .replace('/usr/local/bin', folder)
      .replace('https://…', `'https://ping.example/?a=1&b=2'`);
    // As cron runs it.
    const env = { PATH: '/usr/bin:/bin', HOME: folder };
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', entry], { env, encoding: 'utf8', timeout: 60_000 });
    const noted = join(folder, 'curl.noted');
    return { status, stdout, stderr, pinged: existsSync(noted) ? readFileSync(noted, 'utf8') : '' };
  }

  const [sqlite] = engines;
  assert.ok(sqlite);
  const PINGED = '-fsS -m 10 -o /dev/null https://ping.example/?a=1&b=2\n';

  test('pings once after a run that did its job, and says nothing', async (t) => {
    const database = await createSessions(t, sqlite, { expired: ids(2), live: ['z'] });
    assert.deepEqual(run(t, database.url), { status: 0, stdout: '', stderr: '', pinged: PINGED });
    assert.deepEqual(await remaining(database), ['z']);
  });

  test('does not ping after a failure, whose line and status are those of the run', async (t) => {
    const database = await sqlite.create();
    t.after(() => database.drop());
    await database.run('CREATE TABLE other (id INTEGER)');
    const { status, stdout, stderr, pinged } = run(t, database.url);
    assert.deepEqual({ status, stdout, pinged }, { status: 3, stdout: '', pinged: '' });
    assert.equal(JSON.parse(stderr).outcome, 'refused');
  });

  test('fails where the ping does', async (t) => {
    const database = await createSessions(t, sqlite, { live: ['z'] });
    assert.equal(run(t, database.url, 22).status, 22);
  });
});
