// The command that lists the stores: a table for people, JSON for programs.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { presetOf, storeNames } from '../../src/stores.js';
import { runCommand } from '../support/command.js';
import { runAtTerminal } from '../support/terminal.js';

const SORTED = [...storeNames].sort();

describe('stores', { concurrency: 2 }, () => {
  test('lists every store with its table, column and kind, in the order of their names', async () => {
    const { status, stdout, stderr } = await runCommand(['stores']);
    assert.deepEqual([status, stderr], [0, '']);
    const [header = '', ...lines] = stdout.trimEnd().split('\n');
    assert.match(header, /^STORE +TABLE +COLUMN +KIND +DATABASES$/);
    assert.deepEqual([...new Set(lines.map((line) => line.split(' ')[0]))], SORTED);
    const cells = lines.map((line) => line.split(/ {2,}/));
    for (const expected of [
      ['django', 'django_session', 'expire_date', 'end', 'SQLite, MySQL, PostgreSQL'],
      ['laravel', 'sessions', 'last_activity', 'last activity + 2 h', 'SQLite, MySQL, PostgreSQL'],
      ['request-tracker', 'sessions', 'LastUpdated', 'last activity; needs --older-than', 'MySQL'],
      ['matomo', 'matomo_session', 'modified', 'last activity + lifetime seconds', 'MySQL'],
      [
        'redaxo',
        'rex_user_session',
        'last_activity',
        'last activity + 2 h; only rows where cookie_key IS NULL; needs --time-zone',
        'MySQL',
      ],
      ['phpauth', 'phpauth_sessions', 'expiredate', 'end; needs --time-zone', 'MySQL'],
      ['spring-session', 'SPRING_SESSION', 'EXPIRY_TIME', 'end', 'SQLite, MySQL'],
      ['spring-session', 'spring_session', 'expiry_time', 'end', 'PostgreSQL'],
    ]) {
      assert.deepEqual(
        cells.find(([store, table]) => store === expected[0] && table === expected[1]),
        expected,
      );
    }
  });

  test('lists them within the width of a terminal', async (t) => {
    const { status, terminal } = await runAtTerminal(t, ['stores'], { columns: 80 });
    const lines = terminal.trimEnd().split('\r\n');
    assert.equal(status, 0);
    assert.ok(Math.max(...lines.map(({ length }) => length)) <= 80);
    const at = lines.indexOf('laravel');
    assert.equal(lines[at + 1], '  sessions.last_activity: last activity + 2 h (SQLite, MySQL, PostgreSQL)');
    const wide = await runAtTerminal(t, ['stores'], { columns: 200 });
    assert.equal(wide.terminal.replaceAll('\r\n', '\n'), (await runCommand(['stores'])).stdout);
  });

  test('tells with --json what --store stands for on each engine', async () => {
    const { status, stdout, stderr } = await runCommand(['stores', '--json']);
    assert.deepEqual([status, stderr], [0, '']);
    const engines = ['sqlite', 'mysql', 'postgresql'] as const;
    const expected = SORTED.flatMap((store) =>
      engines.flatMap((engine) => {
        const preset = presetOf(store, engine);
        return preset === undefined ? [] : [[store, engine, preset.table, preset.expiresColumn, preset.expiresFormat]];
      }),
    );
    const listed = JSON.parse(stdout) as readonly Record<string, unknown>[];
    assert.deepEqual(
      listed.map(({ store, engine, table, expires_column, expires_format }) => [
        store,
        engine,
        table,
        expires_column,
        expires_format,
      ]),
      expected,
    );
    assert.deepEqual(
      listed.find(({ store }) => store === 'dolibarr'),
      {
        store: 'dolibarr',
        engine: 'mysql',
        table: 'llx_session',
        expires_column: 'last_accessed',
        expires_format: 'datetime',
        older_than_ms: 0,
        lifetime_column: null,
        where: null,
        needs: ['--older-than', '--time-zone'],
      },
    );
    assert.equal(listed.find(({ store }) => store === 'laravel')?.older_than_ms, 7_200_000);
    assert.equal(listed.find(({ store }) => store === 'matomo')?.lifetime_column, 'lifetime');
    assert.equal(listed.find(({ store }) => store === 'redaxo')?.where, 'cookie_key IS NULL');
  });
});
