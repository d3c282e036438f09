// When cron runs the cleanup, and what the block of the crontab says.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { argumentsOf, renderBlock } from '../../src/crontab/entry.js';
import { scheduledArguments } from '../../src/crontab/scheduled-run.js';
import { cronExpression, every, scheduleEvery } from '../../src/crontab/times.js';
import { databaseUrl } from '../../src/engines/index.js';

const JOB = 'session_cleanup';

describe('--every', () => {
  test('takes what divides an hour or a day', () => {
    const seconds = { '1m': 60, '15m': 900, '30m': 1800, '60m': 3600, '1h': 3600, '6h': 21_600, '360m': 21_600 };
    for (const [raw, value] of Object.entries({ ...seconds, '21600': 21_600, '24h': 86_400, '1d': 86_400 })) {
      assert.deepEqual(every(raw), { value }, raw);
    }
  });

  test('refuses what cron cannot keep, and says what it can', () => {
    for (const raw of ['0', '0m', '30', '90s', '0.5m', '7m', '25m', '45m', '90m', '5h', '7h', '25h', '48h', '2d']) {
      const parsed = every(raw);
      assert.match('problem' in parsed ? parsed.problem : raw, /^must be an interval that cron can keep: 1, 2, /, raw);
    }
    assert.deepEqual(every('often'), { problem: 'must be a duration such as 30, 30s, 5m or 2h' });
  });

  test('becomes an expression that runs exactly so often, on the same minute of the same host', () => {
    const intervals = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440];
    fc.assert(
      fc.property(fc.constantFrom(...intervals), fc.string(), (minutes, host) => {
        const schedule = scheduleEvery(minutes * 60, host, JOB);
        assert.deepEqual(cronExpression(schedule.expression), { value: schedule });
        assert.deepEqual(scheduleEvery(minutes * 60, host, JOB), schedule);
        if (minutes > 1) assert.doesNotMatch(schedule.expression, /^[0*]/);
      }),
      { numRuns: 1000 },
    );
  });

  test('spreads hosts, and the entries of a host, over the hour', () => {
    const names = Array.from({ length: 10 }, (_, at) => `table-${at}`);
    const starts = new Set(names.map((name) => scheduleEvery(21_600, 'web-1', name).expression));
    assert.ok(starts.size >= 8, [...starts].join('\n'));
    const hosts = Array.from({ length: 500 }, (_, at) => `web-${at}`);
    const minutes = new Set(hosts.map((host) => Number(scheduleEvery(21_600, host, JOB).expression.split(' ')[0])));
    assert.equal(minutes.size, 59);
    assert.equal(scheduleEvery(21_600, 'web-1', JOB).expression, '45 */6 * * *');
    assert.equal(scheduleEvery(900, 'web-1', JOB).expression, '4-59/15 * * * *');
    assert.equal(scheduleEvery(86_400, 'web-1', JOB).expression, '45 4 * * *');
  });
});

describe('--cron', () => {
  test('takes five fields, and knows the interval where it is regular', () => {
    const intervals: Readonly<Record<string, number | null>> = {
      '* * * * *': 60,
      '*/15 * * * *': 900,
      '7,22,37,52 * * * *': 900,
      '7-59/15 */1 * * *': 900,
      '*/25 * * * *': null,
      '17 * * * *': 3600,
      '17 */6 * * *': 21_600,
      '17 */5 * * *': null,
      '17 1,13 * * *': 43_200,
      '17 1,14 * * *': null,
      '17 3 * * *': 86_400,
      '17 3 * * 0-7': 86_400,
      '17 3 * * sun-sat': 86_400,
      '17 3 * * 7': 604_800,
      '17 3 * * 0,7': 604_800,
      '17 3 * * Mon-FRI': null,
      '17 3 * * */2': null,
      '17 3 1 * *': null,
      '17 3 1-31 * 1': null,
      '17 3 * jan,Mar,oct-dec *': null,
      '0 4 29 2 *': null,
      '0 4 31 2 1': null,
      '59 23 31 12 6': null,
      '*,5 00 * * *': null,
    };
    for (const [raw, intervalSeconds] of Object.entries(intervals)) {
      assert.deepEqual(cronExpression(raw), { value: { expression: raw, intervalSeconds } }, raw);
    }
    assert.deepEqual(cronExpression(' 17\t*/6  * *\t* '), {
      value: { expression: '17 */6 * * *', intervalSeconds: 21_600 },
    });
  });

  test('names the field that is wrong', () => {
    const fields = {
      'a minute of 0 to 59, as': [
        '60',
        '-1',
        '5/10',
        '*/0',
        '*/61',
        '10-5',
        '1,,2',
        '1,',
        '',
        '~',
        '1.5',
        'a',
        '0x1',
        '007',
      ],
      'an hour of 0 to 23, as': ['24', 'noon', '*/25', '23-24', '1-'],
      'a day of the month of 1 to 31, as': ['0', '32', 'L', '15W', '?', '1-32'],
      'a month of 1 to 12 or jan to dec, as': ['0', '13', 'january', 'mon', 'dec-jan'],
      'a day of the week of 0 to 7 or sun to sat, as': ['8', 'monday', 'fri-sun', '1#2', '5L', '*/9'],
    };
    for (const [at, [problem, texts]] of Object.entries(fields).entries()) {
      for (const text of texts.filter((candidate) => candidate !== '')) {
        const raw = ['1', '2', '3', '4', '5'].with(at, text).join(' ');
        const parsed = cronExpression(raw);
        const expected = `must have ${problem.replace(/^an/, 'a')} *, 5, 1-5, 1,3 or */2`;
        assert.deepEqual(parsed, { problem: expected }, raw);
      }
    }
  });

  test('is five fields and nothing else: no nickname, no command, no second line, no percent sign', () => {
    const raws = [
      '',
      '* * * *',
      '* * * * * *',
      '@daily',
      '* * * * *\n',
      '* * * * *\n* * * * * reboot',
      '* * * *\r*',
      '% * * * *',
    ];
    for (const raw of [...raws, '* * * * *\0', '* * * * * %'])
      assert.ok('problem' in cronExpression(raw), JSON.stringify(raw));
  });

  test('refuses a day that never comes', () => {
    for (const raw of ['0 4 30 2 *', '0 4 31 2,4,jun *', '0 4 31 2 */2']) {
      assert.deepEqual(
        cronExpression(raw),
        { problem: 'must name a day of the month that one of its months has' },
        raw,
      );
    }
  });
});

// Control characters, what breaks a line or turns its direction, and the backslash.
const REFUSED = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\\]/u;

describe('the arguments of the scheduled run', () => {
  const of = (flags: Parameters<typeof scheduledArguments>[0]) => scheduledArguments(flags, () => '/srv/app');

  test('are the flags as they were given', () => {
    assert.deepEqual(of({ '--table': "it's", '--dry-run': true, '--quiet': false }), {
      value: ['--table', "it's", '--dry-run'],
    });
  });

  test('have a value that begins with a dash in one word with its flag', () => {
    assert.deepEqual(of({ '--where': '-n < 0', '--dry-run': true }), { value: ['--where=-n < 0', '--dry-run'] });
  });

  test('have absolute paths', () => {
    const values = {
      '--db-url-file': { 'secret/url': '/srv/app/secret/url', '../url': '/srv/url', '/etc/url': '/etc/url' },
      '--metrics-file': { 'm.prom': '/srv/app/m.prom' },
      '--db-url': {
        'sqlite:app.db': 'sqlite:/srv/app/app.db',
        'file:///var/app.db': 'sqlite:/var/app.db',
        'sqlite:a%3Fb 100%.db': 'sqlite:/srv/app/a%3Fb%20100%25.db',
        'mysql://cleaner@db/app': 'mysql://cleaner@db/app',
        'mysql://cleaner@db/app?ssl-mode=VERIFY_CA&ssl-ca=/etc/ca.pem':
          'mysql://cleaner@db/app?ssl-mode=VERIFY_CA&ssl-ca=/etc/ca.pem',
      },
    };
    for (const [flag, cases] of Object.entries(values)) {
      for (const [raw, value] of Object.entries(cases)) {
        assert.deepEqual(of({ [flag]: raw }), { value: [flag, value] }, raw);
      }
    }
  });

  const part = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc
      .array(fc.constantFrom(...'%?#@:/ .&=+\'"$~', '%40', '%zz', '://', ':memory:', 'é', '\u{feff}', '\u00a0'))
      .map((all) => all.join('')),
  );
  const escaped = part.map((text) => encodeURIComponent(text));
  const sqliteUrl = part.map((path) => `sqlite:${path.replace(/[%?#@]/g, encodeURIComponent)}`);
  const serverUrl = fc
    .tuple(fc.constantFrom('mysql', 'mariadb'), escaped, escaped, fc.option(escaped, { nil: '' }))
    .map(([scheme, user, database, socket]) => {
      const options = socket === '' ? '' : `?socketPath=/${socket}&ssl-mode=REQUIRED`;
      return ` ${scheme}://${user}@db.example:3307/${database}${options}\n`;
    });
  const folder = fc.array(part, { maxLength: 3 }).map((parts) => resolve('/', ...parts));

  test('name the same database as before, when they have been through the crontab', () => {
    fc.assert(
      fc.property(fc.oneof(sqliteUrl, serverUrl), folder, (raw, cwd) => {
        const given = databaseUrl(raw);
        fc.pre('value' in given);
        const target = given.value;
        const path = target.engine === 'sqlite' ? resolve(cwd, target.path) : '';
        const expected = target.engine === 'sqlite' ? { ...target, path, shown: `sqlite:${path}` } : target;
        const args = scheduledArguments({ '--db-url': raw }, () => cwd);
        // No path that a URL can name.
        if ('problem' in args) return assert.match(path, /^\/(:memory:)?$|\p{Cc}/u);
        const schedule = { expression: '1 1 1 1 1', intervalSeconds: null };
        const block = renderBlock({ name: 'x', schedule, node: '/node', command: '/x', args: args.value });
        if ('problem' in block) return assert.match(args.value.join(), REFUSED);
        const [, entry = ''] = block.value.split('\n');
        const [, url = ''] = argumentsOf(entry) ?? [];
        assert.deepEqual(databaseUrl(url), { value: expected }, entry);
      }),
      { numRuns: 3000 },
    );
  });

  test('hold no password, and are no riddle under cron', () => {
    const problems = {
      'mysql://cleaner:s3cret@db/app': /^--db-url has a password.*give --db-url-file$/,
      'mysql://cleaner@db/app?ssl-mode=VERIFY_CA&ssl-ca=ca.pem': /^--db-url must have an absolute ssl-ca/,
      'postgres://cleaner@db/app?sslmode=verify-ca&sslrootcert=ca.pem': /^--db-url must have an absolute sslrootcert/,
      'sqlserver://db/app': /^--db-url must be sqlite:path/,
    };
    for (const [raw, problem] of Object.entries(problems)) {
      const parsed = of({ '--db-url': raw });
      assert.match('problem' in parsed ? parsed.problem : '', problem);
      assert.doesNotMatch(JSON.stringify(parsed), /s3cret/);
    }
    assert.deepEqual(of({ '--db-url-file': '-' }), {
      problem: '--db-url-file must name a file: under cron there is no standard input',
    });
  });
});

describe('the block', () => {
  const schedule = { expression: '49 */6 * * *', intervalSeconds: 21_600 };
  const paths = { name: JOB, schedule, node: '/usr/bin/node', command: '/opt/bin/session-cleanup' };

  test('is one entry between two marks', () => {
    assert.deepEqual(renderBlock({ ...paths, args: ['--db-url-file', '/etc/session-cleanup/url', '--table', 'a b'] }), {
      value: [
        '# BEGIN session_cleanup (session-cleanup schedule replaces all of this, up to END)',
        "49 */6 * * * /usr/bin/node /opt/bin/session-cleanup run --db-url-file /etc/session-cleanup/url --table 'a b' >/dev/null",
        '# END session_cleanup',
      ].join('\n'),
    });
  });

  test('of another name says how to replace it', () => {
    const rendered = renderBlock({ ...paths, name: 'carts', args: [] });
    assert.deepEqual('value' in rendered && rendered.value.split('\n').filter((line) => line.startsWith('#')), [
      '# BEGIN carts (session-cleanup schedule --name carts replaces all of this, up to END)',
      '# END carts',
    ]);
  });

  test('brings every argument through cron and the shell as it was', () => {
    const argument = fc.string({ unit: 'grapheme' }).filter((text) => !REFUSED.test(text));
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 5 }), (args) => {
        const rendered = renderBlock({ ...paths, args });
        assert.ok('value' in rendered);
        const entry = rendered.value.split('\n')[1] ?? '';
        assert.equal(rendered.value.split('\n').length, 3);
        assert.doesNotMatch(entry, /(?<!\\)%/);
        const command = entry.slice(schedule.expression.length + 1, -' >/dev/null'.length).replaceAll('\\%', '%');
        const script = `show() { shift; printf '%s\\0' "$@"; }\nshow ${command}`;
        const shown = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
        assert.deepEqual(shown.split('\0').slice(0, -1), ['/opt/bin/session-cleanup', 'run', ...args]);
        assert.deepEqual(argumentsOf(entry), args);
      }),
      { numRuns: 200 },
    );
  });

  test('is read again, also where somebody has changed it', () => {
    const lines = {
      '# mine\n\n1 1 1 1 1 node x run --table a >/dev/null 2>&1': ['--table', 'a'],
      "@daily  node x run --table 'a b'\t--quiet": ['--table', 'a b', '--quiet'],
      '1 1 1 1 1 node x run': [],
      '1 1 1 1 1 true': undefined,
      '': undefined,
    };
    for (const [text, args] of Object.entries(lines)) assert.deepEqual(argumentsOf(text), args, text);
  });

  test('is refused where a crontab cannot hold it', () => {
    for (const word of ['a\nb', 'a\rb', 'a\0b', 'a\\b', '\u0085', '\u2028', 'a\u202eb', '\u2066']) {
      assert.match(word, REFUSED);
      for (const entry of [
        { ...paths, args: [word] },
        { ...paths, node: `/${word}`, args: [] },
      ]) {
        assert.ok('problem' in renderBlock(entry), JSON.stringify(word));
      }
    }
    assert.deepEqual(renderBlock({ ...paths, node: 'node', args: [] }), {
      problem: 'the paths of Node and of the command must be absolute',
    });
  });
});
