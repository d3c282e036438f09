// Mistakes on the command line and in the environment: status 2, every one of them named, no value repeated, and the
// database untouched.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { flagName, SETTINGS } from '../../src/settings/settings.js';
import { type Ended, runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { failureLine, type Line } from '../support/lines.js';
import { createSessions, fileOf } from '../support/sessions.js';
import { runAtTerminal } from '../support/terminal.js';

const NAMES = ['run', 'check', 'schedule', 'stores', 'completion', 'version'];

const [sqlite] = engines;
assert.ok(sqlite?.family === 'sqlite');

/** Runs what is given on a database with an expired row, which must not be touched: its bytes, its time, its folder. */
async function runUntouched(t: TestContext, run: (url: string) => Promise<Ended>): Promise<Ended> {
  const database = await createSessions(t, sqlite as (typeof engines)[0], { expired: ['a'] });
  const path = fileOf(database);
  const look = () => ({
    bytes: readFileSync(path),
    modified: statSync(path).mtimeMs,
    folder: readdirSync(dirname(path)),
  });
  const before = look();
  const ended = await run(database.url);
  assert.deepEqual(look(), before);
  return ended;
}

function usageLine(ended: Ended, help = 'session-cleanup run --help'): Line {
  const line = failureLine(ended, 2, 'failed');
  assert.deepEqual(
    [line.error_code, line.hint, line.deleted_count, line.cutoff_time, line.database],
    ['USAGE', `Try: ${help}`, 0, null, null],
  );
  return line;
}

// Every value is one that must not be repeated: it may be a secret that was given to the wrong flag.
const BAD_VALUES: Readonly<Record<keyof typeof SETTINGS, readonly string[]>> = {
  dbUrl: [
    'oracle://u:hunter2@h/db',
    'mysql://u:hunter2/3@h/db',
    'sqlite::memory:',
    'hunter2',
    'mysql://u@h/d?hunter2=1',
    'sqlite:mysql://u:hunter2@h/d',
    'sqlite://u:hunter2@h/d',
    'file:mysql://u:hunter2@h/d',
    'sqlite:u:hunter2@h/d',
  ],
  dbUrlFile: ['/nowhere/sqlite:hunter2@', 'mysql://u:hunter2@h/d'],
  store: ['hunter2', 'CONNECT-PG'],
  table: ['  ', 'y'.repeat(130)],
  expiresColumn: ['  ', 'y'.repeat(130)],
  expiresFormat: ['hunter2', 'UNIX'],
  timeZone: ['hunter2', 'Mars/Olympus', '+25:00'],
  olderThan: ['hunter2', '-7', '36501d'],
  lifetimeColumn: ['  ', 'mysql://u:hunter2@h/d'],
  where: ['  ', "hunter2 = 'a", 'hunter2)', 'hunter2;'],
  maxDelete: ['hunter2', '-7', '101%', '1.5', '10 %'],
  dryRun: ['hunter2', '2'],
  timeout: ['hunter2', '-7', '7,5', '25d'],
  batchSize: ['hunter2', '0', '1.5'],
  pause: ['hunter2', '-7', '25d'],
  maxLag: ['hunter2', '-7'],
  replica: ['hunter2', 'mysql://u:hunter2/3@h', 'sqlite:hunter2', 'sqlite:mysql://u:hunter2@h'],
  logFormat: ['hunter2', 'xml'],
  json: ['hunter2', '2'],
  logLevel: ['hunter2', 'loud'],
  quiet: ['hunter2', '2'],
  correlationId: ['hunter2 7', 'é', 'y'.repeat(129)],
  // Any path may do, except for the empty one.
  metricsFile: [],
};

describe('a bad value', { concurrency: 2 }, () => {
  test('has a case here for every setting', () => {
    assert.deepEqual(Object.keys(BAD_VALUES), Object.keys(SETTINGS));
  });

  for (const [name, values] of Object.entries(BAD_VALUES)) {
    const { flags, variables } = SETTINGS[name as keyof typeof SETTINGS];
    const flag = flagName(flags);
    const [variable = ''] = variables;
    const takesValue = flags.includes('<');
    const isSource = name === 'dbUrl' || name === 'dbUrlFile';

    test(`of ${takesValue ? `${flag} and ` : ''}${variable} is a usage error that names it`, async (t) => {
      for (const [at, value] of values.entries()) {
        const byFlag = takesValue && at % 2 === 0;
        const ended = await runUntouched(t, (url) =>
          runCommand(['run', ...(isSource ? [] : ['--db-url', url]), ...(byFlag ? [`${flag}=${value}`] : [])], {
            env: byFlag ? {} : { [variable]: value },
          }),
        );
        const { error } = usageLine(ended);
        assert.ok(String(error).startsWith(`${byFlag ? flag : variable} `), `${error}`);
        const telling = ['hunter2', value].filter((text) => text.trim().length > 4);
        for (const text of telling) assert.ok(!ended.stderr.includes(text), ended.stderr);
      }
    });

    if (takesValue) {
      test(`that is empty, of ${flag}, is a usage error`, async (t) => {
        const ended = await runUntouched(t, (url) =>
          runCommand(['run', ...(isSource ? [] : ['--db-url', url]), flag, '']),
        );
        assert.ok(String(usageLine(ended).error).startsWith(`${flag} `), ended.stderr);
      });
    }
  }
});

describe('a mistake', { concurrency: 2 }, () => {
  test('does not hide another one: all are reported at once', async (t) => {
    const bad = ['--timeout', 'soon', '--expires-format', 'iso', '--time-zone', 'Mars/Olympus', '--older-than', 'x'];
    const ended = await runUntouched(t, () =>
      runCommand(['run', '--db-url', 'oracle://h/d', ...bad], { env: { SESSION_CLEANUP_DRY_RUN: 'maybe' } }),
    );
    const problems = String(usageLine(ended).error).split('; ');
    const named = [
      '--timeout',
      '--expires-format',
      '--time-zone',
      '--older-than',
      'SESSION_CLEANUP_DRY_RUN',
      '--db-url',
    ];
    assert.deepEqual(problems.map((problem) => problem.split(' ')[0]).sort(), [...named].sort());
  });

  const COMMANDS = 'the command must be run, check, schedule, stores, completion or version';
  const COMPLETION = 'completion must be followed by bash, zsh or fish';
  const arguments_: readonly {
    readonly what: string;
    readonly args: readonly string[];
    readonly error: string | RegExp;
  }[] = [
    {
      what: 'a mistyped flag',
      args: ['run', '--tabel'],
      error: '--tabel is not an option of run; did you mean --table?',
    },
    {
      what: 'a mistyped flag with a value',
      args: ['run', '--tabel=hunter2'],
      error: '--tabel is not an option of run; did you mean --table?',
    },
    {
      what: 'another word for a flag',
      args: ['run', '--column', 'hunter2'],
      error: '--column is not an option of run; did you mean --expires-column?',
    },
    { what: 'half a flag', args: ['run', '--dry'], error: '--dry is not an option of run; did you mean --dry-run?' },
    { what: 'a flag like no other', args: ['run', '--verbose'], error: '--verbose is not an option of run' },
    { what: 'a password behind a short flag', args: ['run', '-phunter'], error: '-p is not an option of run' },
    { what: 'a password in the name of a flag', args: ['run', '--p4-hunter2'], error: 'unknown option of run' },
    { what: 'an unknown short flag', args: ['run', '-x'], error: '-x is not an option of run' },
    {
      what: "a flag of another command's",
      args: ['check', '--batch-size', '5'],
      error: '--batch-size is not an option of check, but of run or schedule',
    },
    {
      what: 'a mistyped flag of a schedule',
      args: ['schedule', '--evry=6h'],
      error: '--evry is not an option of schedule; did you mean --every?',
    },
    {
      what: 'an unknown flag of the completion',
      args: ['completion', '--zsh'],
      error: '--zsh is not an option of completion',
    },
    {
      what: 'a flag of a run for the stores',
      args: ['stores', '--table', 'x'],
      error: '--table is not an option of stores, but of run, check or schedule',
    },
    { what: 'a completion without a shell', args: ['completion'], error: COMPLETION },
    { what: 'a completion for another shell', args: ['completion', 'hunter2'], error: COMPLETION },
    { what: 'a value where a flag takes none', args: ['run', '--dry-run=hunter2'], error: '--dry-run takes no value' },
    { what: 'a bad value for a check', args: ['check', '--timeout', 'hunter2'], error: /^--timeout must be / },
    {
      what: 'a bad value for a schedule',
      args: ['schedule', '--db-url=sqlite:a', '--every', 'hunter2'],
      error: /^--every must be /,
    },
    {
      what: 'a mistyped store',
      args: ['run', '--store', 'laravell'],
      error: '--store names an unknown store; did you mean laravel?',
    },
    {
      what: 'a store like no other',
      args: ['run', '--store', 'hunter2'],
      error: '--store names an unknown store: session-cleanup stores lists them all',
    },
    {
      what: 'a part of the names of four stores',
      args: ['run', '--store', 'Auth.js'],
      error: '--store names an unknown store; did you mean authjs-drizzle, authjs-pg, authjs-prisma or authjs-typeorm?',
    },
    {
      what: 'a part of the names of two stores',
      args: ['run', '--store', 'flask'],
      error: '--store names an unknown store; did you mean flask-session or flask-session-postgresql?',
    },
    { what: 'a mistyped command', args: ['chekc'], error: 'unknown command; did you mean check?' },
    { what: 'an unknown command', args: ['hunter2'], error: COMMANDS },
    { what: 'help for an unknown command', args: ['help', 'hunter2'], error: COMMANDS },
    { what: 'an extra argument', args: ['run', 'hunter2'], error: 'unexpected argument' },
    {
      what: 'a URL as an argument',
      args: ['run', 'mysql://u:hunter2@h/d'],
      error: 'unexpected argument; did you mean --db-url …?',
    },
    {
      what: 'a URL as a command',
      args: ['mysql://u:hunter2@h/d'],
      error: 'unexpected argument; did you mean run --db-url …?',
    },
    {
      what: 'a SQLite file as an argument',
      args: ['check', '/var/hunter2.sqlite'],
      error: 'unexpected argument; did you mean --db-url …?',
    },
    {
      what: 'a store as an argument',
      args: ['run', 'laravel'],
      error: 'unexpected argument; did you mean --store laravel?',
    },
    {
      what: 'a flag without its dashes',
      args: ['run', 'dry-run'],
      error: 'unexpected argument; did you mean --dry-run?',
    },
    { what: 'an argument for the version', args: ['version', 'sqlite:hunter2'], error: 'unexpected argument' },
    { what: 'a flag without its value', args: ['run', '--table'], error: '--table needs a value' },
    ...['--dry-run', '-n', '-nq', '--dryrun', '--help', '--max-delete=5'].map((next) => ({
      what: `${next} in the place of a value`,
      args: ['run', '--metrics-file', next],
      error: '--metrics-file needs a value; one that begins with a dash is written --metrics-file=…',
    })),
    {
      what: 'a flag in the place of a value, and what is then one too many',
      args: ['run', '--table', '--log-format', 'json'],
      error: '--table needs a value; one that begins with a dash is written --table=…',
    },
    {
      what: 'a flag of another command in the place of a value',
      args: ['schedule', '--table', '--install'],
      error: '--table needs a value; one that begins with a dash is written --table=…',
    },
    {
      what: 'a flag without a command',
      args: ['--dry-run'],
      error: 'the command is missing; did you mean run --dry-run?',
    },
    { what: 'an unknown flag without a command', args: ['--hunter2'], error: COMMANDS },
  ];
  for (const { what, args, error } of arguments_) {
    test(`such as ${what} is a usage error`, async (t) => {
      const ended = await runUntouched(t, (url) => runCommand(args, { env: { SESSION_CLEANUP_DB_URL: url } }));
      const command = NAMES.find((name) => name === args[0]);
      const line = usageLine(ended, `session-cleanup ${command === undefined ? '' : `${command} `}--help`);
      if (typeof error === 'string') assert.equal(line.error, error);
      else assert.match(String(line.error), error);
      assert.doesNotMatch(ended.stderr, /hunter2/);
    });
  }

  test('such as a URL given as an argument or to an unknown flag shows nothing of it', async (t) => {
    for (const args of [
      ['run', 'mysql://u:hunter2@h/d'],
      ['run', '--db-urll=mysql://u:hunter2@h/d'],
      ['mysql://hunter2@h'],
    ]) {
      const ended = await runUntouched(t, (url) => runCommand(args, { env: { SESSION_CLEANUP_DB_URL: url } }));
      usageLine(ended, `session-cleanup ${args[0] === 'run' ? 'run ' : ''}--help`);
      assert.doesNotMatch(ended.stderr, /hunter2|mysql/);
    }
  });

  test('is told in words with --log-format text, and even with --quiet', async (t) => {
    const ended = await runUntouched(t, (url) =>
      runCommand(['run', '--db-url', url, '--timeout', 'x', '--log-format', 'text', '-q', '--correlation-id', 'job-1']),
    );
    assert.equal(
      ended.stderr,
      'Error: --timeout must be a duration such as 30, 30s, 5m or 2h. Nothing was\n' +
        'deleted.\n' +
        '  to do     try: session-cleanup run --help\n' +
        '  status    2, USAGE, ID job-1\n',
    );
    assert.deepEqual([ended.status, ended.stdout], [2, '']);
  });

  test('is told as JSON with --json', async (t) => {
    for (const args of [
      ['run', '--json', '--tabel'],
      ['run', '--timeout', 'x', '--json'],
    ]) {
      const { status, terminal } = await runAtTerminal(t, args);
      assert.deepEqual([status, JSON.parse(terminal).error_code], [2, 'USAGE']);
    }
  });

  test('in the name of a flag or command is told in the format that the other flags say, and with their correlation ID', async () => {
    const logging = ['--log-format', 'text', '--correlation-id', 'job-1'];
    for (const [command, ...mistake] of [
      ['run', '--tabel', 'x'],
      ['run', '--dry-run=yes'],
      ['check', 'x'],
      ['schedule', '--evry'],
      ['rnu'],
      ['rnu', '--tabel', 'x'],
    ] as const) {
      for (const args of [
        [command, ...logging, ...mistake],
        [command, ...mistake, ...logging],
      ]) {
        const { status, stdout, stderr } = await runCommand(args);
        assert.deepEqual([status, stdout], [2, '']);
        assert.match(stderr, /^Error: .*\n {2}status {4}2, USAGE, ID job-1\n$/s);
      }
    }
  });

  test('in the correlation ID gets a new one, and the line still carries an ID', async () => {
    const line = failureLine(await runCommand(['run', '--correlation-id', 'a b']), 2, 'failed');
    assert.match(String(line.correlation_id), /^[\da-f-]{36}$/);
  });

  test('keeps the correlation ID that was given', async () => {
    const line = failureLine(await runCommand(['run', '--correlation-id', 'job-1', '--timeout', 'x']), 2, 'failed');
    assert.equal(line.correlation_id, 'job-1');
  });

  test('in the table of a server is told without connecting', async () => {
    // Nothing listens at the port: were it tried, the status would be 4.
    for (const [url, table] of [
      ['mysql://u@127.0.0.1:1/db', 'a.b.c'],
      ['mysql://u@127.0.0.1:1/db', '.a'],
      ['mysql://u@127.0.0.1:1', 'sessions'],
    ] as const) {
      failureLine(await runCommand(['run', '--db-url', url, '--table', table]), 2, 'failed');
    }
  });
});

describe('a misspelt variable', { concurrency: 2 }, () => {
  test('is a usage error that names the right one', async (t) => {
    for (const command of ['run', 'check']) {
      const ended = await runUntouched(t, (url) =>
        runCommand([command, '--db-url', url], { env: { SESSION_CLEANUP_DRYRUN: 'true', SESSION_CLEANUP_TABEL: 'x' } }),
      );
      assert.equal(
        usageLine(ended, `session-cleanup ${command} --help`).error,
        'SESSION_CLEANUP_DRYRUN is unknown; did you mean SESSION_CLEANUP_DRY_RUN? ' +
          'SESSION_CLEANUP_TABEL is unknown; did you mean SESSION_CLEANUP_TABLE?',
      );
    }
  });

  test('is none where Kubernetes has set it for a service of our name', async (t) => {
    const database = await createSessions(t, sqlite, { expired: ['a'] });
    const env = {
      SESSION_CLEANUP_SERVICE_HOST: '10.0.0.1',
      SESSION_CLEANUP_SERVICE_PORT: '80',
      SESSION_CLEANUP_PORT: 'tcp://10.0.0.1:80',
      SESSION_CLEANUP_PORT_80_TCP: 'tcp://10.0.0.1:80',
      SESSION_CLEANUP_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    const { line } = await runCommand(['run', '--db-url', database.url], { env });
    assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 1]);
  });
});

const HELPS: readonly (readonly string[])[] = [[], ...NAMES.map((name) => [name])];

describe('help', { concurrency: 2 }, () => {
  test('goes to stdout with status 0, and opens with two examples of the command', async () => {
    for (const command of HELPS) {
      for (const flag of ['--help', '-h']) {
        const { status, stdout, stderr } = await runCommand([...command, flag]);
        assert.deepEqual([status, stderr], [0, ''], command.join());
        const [heading, ...examples] = stdout.split('\n').slice(0, 4);
        assert.equal(heading, 'Examples:');
        const own =
          command.length === 0
            ? /^ {2}\$ session-cleanup (run|check) /
            : new RegExp(`^  \\$ session-cleanup (--)?${command[0]}`);
        for (const example of examples.slice(0, 2)) assert.match(example, own);
        assert.equal(examples[2], '');
      }
    }
  });

  test('of a command is the same by help as by --help', async () => {
    for (const command of HELPS) {
      const asked = await runCommand([...command, '--help']);
      const { status, stdout, stderr } = await runCommand(['help', ...command]);
      assert.deepEqual([status, stdout, stderr], [0, asked.stdout, '']);
    }
  });

  test('is what the bare command prints, as a mistake: to stderr, with status 2', async () => {
    const { status, stdout, stderr } = await runCommand([]);
    assert.deepEqual([status, stdout, stderr], [2, '', (await runCommand(['--help'])).stdout]);
  });

  test('of run names every flag, in its group', async () => {
    const { stdout } = await runCommand(['run', '--help']);
    const [, ...groups] = stdout.split(/\n\n(?=Database:|Which rows:|How it runs:|What it says:)/);
    assert.deepEqual(
      groups.map((group) => group.slice(0, group.indexOf(':'))),
      ['Database', 'Which rows', 'How it runs', 'What it says'],
    );
    for (const { flags, group } of Object.values(SETTINGS)) {
      const found = groups.find((text) => text.startsWith(group));
      assert.ok(found?.includes(`\n  ${flags}  `), flags);
    }
  });

  test('leaves the stores to the command that lists them', async () => {
    const { stdout } = await runCommand(['run', '--help']);
    assert.doesNotMatch(stdout, /connect-session-knex|spring-session/);
    assert.match(stdout, /session-cleanup stores/);
  });

  test('is within 80 columns, and within those of a terminal', async (t) => {
    const widest = (text: string) =>
      Math.max(
        ...text
          .split(/\r?\n/)
          .filter((line) => !line.startsWith('  $ '))
          .map(({ length }) => length),
      );
    for (const command of HELPS) {
      const { stdout } = await runCommand([...command, '--help']);
      assert.ok(widest(stdout) <= 80, `${command}: ${widest(stdout)}`);
    }
    for (const columns of [120, 60, 40]) {
      const { terminal, status } = await runAtTerminal(t, ['run', '--help'], { columns });
      assert.equal(status, 0);
      assert.ok(widest(terminal) <= columns && widest(terminal) > columns - 12, `${columns}: ${widest(terminal)}`);
      assert.ok(terminal.includes('--db-url-file <path>'));
    }
  });

  test('says of which commands the flags have variables', async () => {
    for (const command of NAMES) {
      const { stdout } = await runCommand([command, '--help']);
      const hasVariables = command === 'run' || command === 'check';
      assert.equal(stdout.includes('Each flag has an environment variable'), hasVariables, command);
    }
  });

  test('ends with the statuses, where there is a database', async () => {
    for (const command of HELPS) {
      const { stdout } = await runCommand([...command, '--help']);
      const hasStatuses = ['run', 'check', 'schedule', undefined].includes(command[0]);
      const [, listed = ''] = stdout.split('\nExit status:\n');
      const statuses = [...listed.matchAll(/^ {2}((?:\d+, )*\d+) {2}/gm)].map(([, some]) => some);
      assert.deepEqual(
        statuses,
        hasStatuses ? ['0', '1', '2', '3', '4', '75', '124', '130, 143, 129'] : [],
        `${command}`,
      );
    }
  });

  test('says what an interrupted or failed run in batches leaves: what is committed', async () => {
    const { stdout } = await runCommand(['--help']);
    const said = stdout.replace(/\s+/g, ' ');
    assert.match(said, / 1 failed: rolled back, except for committed batches;/);
    assert.match(said, / 130, 143, 129 stopped by [^:]*: rolled back, except for committed batches $/);
  });

  test('is not needed for the version', async () => {
    for (const args of [['--version'], ['-V'], ['version']]) {
      const { status, stdout, stderr } = await runCommand(args);
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
      assert.deepEqual([status, stderr], [0, '']);
    }
  });
});
