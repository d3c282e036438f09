// Whatever is on the command line and in the environment: a status of the table, one line, no stack, no secret, nothing
// that a terminal would obey, and an untouched database where the status is 2.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { SETTINGS, type SettingName } from '../../src/settings/settings.js';
import { type Database, engines } from '../support/databases.js';
import { type Input, runMain } from '../support/in-process.js';

/** `npm run test:fuzz` makes it 100,000. */
const RUNS = Number(process.env.SESSION_CLEANUP_TEST_RUNS ?? 1_000);

const STATUSES = [0, 1, 2, 3, 4, 75, 124];
const SECRET = 'hunter2secret';
const LIVE = '2099-01-01 00:00:00';

// C0 but the line feed that ends a line, DEL, C1, and what turns or breaks lines.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

let database: Database;
let folder: string;
const path = process.env.PATH;

before(async () => {
  const sqlite = engines.find(({ family }) => family === 'sqlite');
  if (sqlite === undefined) throw new Error('no SQLite');
  database = await sqlite.create();
  folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  await database.run('CREATE TABLE sessions (id TEXT PRIMARY KEY, expires_at TEXT, expires INTEGER)');
  await database.run('INSERT INTO sessions VALUES (?, ?, ?)', ['live', LIVE, 4_000_000_000]);
  // schedule --install must not find the crontab of whoever runs the tests.
  process.env.PATH = folder;
});

after(async () => {
  process.env.PATH = path;
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const noise = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({
    unit: fc.constantFrom(...'\u001b\u0007\r\n\t\u0000\u009b\u202e\u2028[]31m;"\'`\\%$#/@:?&=* -'),
    maxLength: 12,
  }),
);

const urls = fc.oneof(
  fc.constant('DATABASE'),
  fc.constantFrom('sqlite:missing.db', 'sqlite:/', 'file:', 'sqlite:', 'mysql://127.0.0.1:1/app', ''),
  fc
    .tuple(fc.constantFrom('mysql', 'mariadb', 'postgres', 'sqlite', 'http', ''), noise, noise, noise)
    .map(
      ([scheme, a, b, rest]) =>
        `${scheme}://${encodeURIComponent(a)}:${SECRET}${encodeURIComponent(b)}@127.0.0.1:1/${rest}`,
    ),
  fc.tuple(noise, noise).map(([a, b]) => `mysql://u:${a}${SECRET}${b}@127.0.0.1:1/app?ssl-ca=${b}`),
);

const durations = fc.oneof(fc.constantFrom('0', '1', '30s', '100ms', '5m', '6h', '-1', '1e9', '99999d'), noise);
const names = fc.oneof(
  fc.constantFrom('sessions', 'expires_at', 'expires', 'nowhere', 'a.b', 'x;DROP TABLE sessions', 'a`b', '"'),
  noise,
);

const VALUES: Readonly<Partial<Record<SettingName, fc.Arbitrary<string>>>> = {
  dbUrl: urls,
  dbUrlFile: fc.oneof(fc.constantFrom('-', '/', '/nowhere'), noise),
  replica: urls,
  timeout: durations,
  olderThan: durations,
  pause: durations,
  maxLag: durations,
  batchSize: fc.oneof(fc.constantFrom('1', '5000', '0', '1.5'), noise),
  table: names,
  expiresColumn: names,
  lifetimeColumn: names,
  where: fc.oneof(fc.constantFrom('1 = 1', "id <> 'x'", '1 = 1) OR (1 = 1', "1 = 1 OR 'a' = 'a'", '1 = 1 --'), noise),
  maxDelete: fc.oneof(fc.constantFrom('0', '5000', '10%', '0%', '101%'), noise),
  metricsFile: fc.constantFrom('/nowhere/x.prom', '', '/', 'METRICS'),
};

const option = fc.constantFrom(...(Object.keys(SETTINGS) as SettingName[])).chain((name) => {
  const { flags, choices = [], variables } = SETTINGS[name] as (typeof SETTINGS)['store'];
  const flag = /--[a-z-]+/.exec(flags)?.[0] ?? '';
  const value = VALUES[name] ?? fc.oneof(noise, choices.length > 0 ? fc.constantFrom(...choices) : noise);
  return fc.tuple(fc.constant({ flag, isSwitch: !flags.includes('<'), variables }), value);
});

const words = fc.oneof(
  { weight: 6, arbitrary: option.map(([{ flag, isSwitch }, value]) => (isSwitch ? [flag] : [flag, value])) },
  { weight: 2, arbitrary: option.map(([{ flag }, value]) => [`${flag}=${value}`]) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('--', '-n', '-q', '-h', '-V', '--install', '--remove', '--every', '15m', '--cron')
      .map((word) => [word]),
  },
  { weight: 1, arbitrary: noise.map((word) => [word]) },
);

const input: fc.Arbitrary<Input> = fc
  .record({
    command: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('run', 'run', 'check', 'schedule', 'stores') },
      { weight: 1, arbitrary: fc.oneof(fc.constantFrom('completion', 'help', 'RUN', ''), noise) },
    ),
    given: fc.array(words, { maxLength: 5 }),
    variables: fc.array(option, { maxLength: 3 }),
    stdin: urls,
    // Most of them would otherwise end at the missing URL.
    ending: fc.constantFrom(
      [],
      ['--db-url', 'DATABASE'],
      ['--db-url', 'DATABASE', '--table', 'nowhere'],
      ['--db-url', 'mysql://127.0.0.1:1/app'],
    ),
  })
  .map(({ command, given, variables, stdin, ending }) => ({
    argv: [command, ...given.flat(), ...ending],
    env: Object.fromEntries(
      variables.map(
        ([
          {
            variables: [name = ''],
          },
          value,
        ]) => [name, value],
      ),
    ),
    stdin,
  }));

test('whatever is given, the answer is one of the documented ones', { timeout: 3_600_000 }, async () => {
  const file = database.url.slice('sqlite:'.length);
  const seen = new Map<number, number>();
  const fill = (text: string): string =>
    text.replace('DATABASE', database.url).replace('METRICS', join(folder, 'metrics.prom'));
  const property = fc.asyncProperty(input, async ({ argv, env = {}, stdin = '' }) => {
    const contents = readFileSync(file);
    const { status, stdout, stderr } = await runMain({
      argv: argv.map(fill),
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)])),
      stdin: fill(stdin),
    });
    seen.set(status, (seen.get(status) ?? 0) + 1);
    assert.ok(STATUSES.includes(status), `status ${status}`);
    const output = `${stdout}${stderr}`;
    assert.ok(!output.includes(SECRET), `a secret: ${output}`);
    assert.ok(!OBEYED.test(output), `control characters: ${JSON.stringify(output)}`);
    assert.doesNotMatch(output, /^\s+at \S+ \(?\S+:\d+:\d+/m, 'a stack');
    if (status !== 0) {
      const told = stderr
        .split('\n')
        .filter((line) => !/"level":"debug"|^session-cleanup: (driver|session_cleanup_batch)/.test(line))
        .join('\n');
      assert.equal(stdout, '');
      if (told.startsWith('{')) {
        assert.match(told, /^.*\n$/, 'not one line');
        assert.equal(JSON.parse(told).exit_status, status);
      } else {
        assert.match(told, new RegExp(`^[A-Z].*\\n {2}status {4}${status}, .*ID \\S+\\n$`, 's'));
      }
      assert.doesNotMatch(told, /INTERNAL|This is a defect/);
    }
    if (status === 2) assert.deepEqual(readFileSync(file), contents);
  });
  await fc.assert(property, { numRuns: RUNS });
  assert.deepEqual(await database.query('SELECT id FROM sessions'), [{ id: 'live' }]);
  // Where it never gets beyond the command line, little is shown.
  for (const status of [0, 2, 3, 4]) assert.ok((seen.get(status) ?? 0) > 0, `never status ${status}: ${[...seen]}`);
});
