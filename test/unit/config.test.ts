// What becomes of flags, variables and presets together.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import type { EngineName } from '../../src/engines/engine.js';
import { CleanupError } from '../../src/errors.js';
import { type Config, readBasics, resolveConfig } from '../../src/settings/config.js';
import type { SettingName } from '../../src/settings/settings.js';
import { presetOf, storeNames } from '../../src/stores.js';

type Flags = Partial<Record<SettingName, string | boolean>>;

const URLS: Readonly<Record<EngineName, string>> = {
  sqlite: 'sqlite:app.db',
  mysql: 'mysql://h/app',
  postgresql: 'postgresql://h/app',
};

function resolve(flags: Flags, env: Record<string, string> = {}): Promise<Config | CleanupError> {
  return resolveConfig({
    command: 'run',
    flags: { dbUrl: 'sqlite:app.db', ...flags },
    env,
    stdin: () => Readable.from([]),
    prompt: () => {},
    cwd: () => '/here',
    stop: new AbortController().signal,
  });
}

async function configOf(flags: Flags, env?: Record<string, string>): Promise<Config> {
  const config = await resolve(flags, env);
  if (config instanceof CleanupError) assert.fail(config.message);
  return config;
}

async function problemOf(flags: Flags, env?: Record<string, string>): Promise<string> {
  const config = await resolve(flags, env);
  assert.ok(config instanceof CleanupError);
  return config.message;
}

test('a replica is a server of the same kind as the database', async () => {
  const flags = { dbUrl: 'mysql://h/app', batchSize: '10', maxLag: '5s', replica: 'postgresql://h/app' };
  const config = await resolve(flags);
  assert.ok(config instanceof CleanupError);
  assert.equal(config.message, '--replica must be a server of the same kind as that of --db-url');
});

describe('a store', () => {
  for (const [engine, dbUrl] of Object.entries(URLS) as [EngineName, string][]) {
    for (const store of storeNames) {
      const preset = presetOf(store, engine);
      if (preset === undefined) continue;
      test(`named ${store} gives its table, column, format and lifetime on ${engine}`, async () => {
        const config = await configOf({
          dbUrl,
          store,
          ...(preset.lifetimeMs === 'required' ? { olderThan: '3d' } : {}),
          ...(preset.writes === 'local' ? { timeZone: 'Europe/Berlin' } : {}),
        });
        const [schema, table] =
          preset.table.includes('.') && engine !== 'sqlite' ? preset.table.split('.') : [undefined, preset.table];
        const lifetimeMs = preset.lifetimeMs === 'required' ? 3 * 86_400_000 : (preset.lifetimeMs ?? 0);
        assert.deepEqual(
          [config.store, config.schema, config.table, config.expiresColumn, config.expiresFormat, config.olderThanMs],
          [store, schema, table, preset.expiresColumn, preset.expiresFormat, lifetimeMs],
        );
        assert.equal(config.lifetimeIsGiven, true);
      });
    }
  }

  test('whose rows hold their own lifetimes names the column, and gives way to another', async () => {
    const dbUrl = 'mysql://h/app';
    assert.equal((await configOf({ dbUrl, store: 'matomo' })).lifetimeColumn, 'lifetime');
    assert.equal((await configOf({ dbUrl, store: 'matomo', lifetimeColumn: 'ttl' })).lifetimeColumn, 'ttl');
  });

  test('whose table holds more than sessions keeps the others, whatever --where says', async () => {
    const own = 'type = 0 AND remember = 0';
    assert.equal((await configOf({ store: 'nextcloud' })).where, own);
    const both = await configOf({ store: 'nextcloud', where: "uid = 'a' OR uid = 'b'" });
    assert.equal(both.where, `(${own}) AND (uid = 'a' OR uid = 'b')`);
  });

  test('gives way to a flag and to a variable', async () => {
    const config = await configOf(
      { store: 'laravel', table: 'logins', olderThan: '1d' },
      { SESSION_CLEANUP_EXPIRES_FORMAT: 'unix-ms' },
    );
    assert.deepEqual(
      [config.table, config.expiresColumn, config.expiresFormat, config.olderThanMs],
      ['logins', 'last_activity', 'unix-ms', 86_400_000],
    );
  });
});

test('it is known whether somebody has said how long a session lives', async () => {
  for (const [flags, isGiven] of [
    [{}, false],
    [{ expiresColumn: 'last_activity' }, false],
    [{ expiresColumn: 'last_activity', olderThan: '0' }, true],
    [{ expiresColumn: 'last_activity', olderThan: '2h' }, true],
    [{ store: 'laravel' }, true],
    [{ store: 'laravel', expiresColumn: 'seen' }, true],
    [{ store: 'django' }, true],
    [{ store: 'django', expiresColumn: 'expire_date' }, true],
    [{ store: 'django', expiresColumn: 'last_login' }, false],
    [{ store: 'django', table: 'old_session' }, true],
  ] as const) {
    assert.equal((await configOf(flags)).lifetimeIsGiven, isGiven, JSON.stringify(flags));
  }
  const { lifetimeIsGiven } = await configOf({}, { SESSION_CLEANUP_OLDER_THAN: '0' });
  assert.equal(lifetimeIsGiven, true);
});

test('--json is --log-format json, and of the two a flag beats a variable', async () => {
  for (const [flags, env, format] of [
    [{}, {}, 'auto'],
    [{ json: true }, {}, 'json'],
    [{}, { SESSION_CLEANUP_JSON: 'true' }, 'json'],
    [{}, { SESSION_CLEANUP_JSON: 'false' }, 'auto'],
    [{ logFormat: 'text' }, { SESSION_CLEANUP_JSON: 'false' }, 'text'],
    [{ json: true }, { SESSION_CLEANUP_LOG_FORMAT: 'text' }, 'json'],
    [{ logFormat: 'text' }, { SESSION_CLEANUP_JSON: 'true' }, 'text'],
    [{ json: true, logFormat: 'json' }, {}, 'json'],
  ] as const) {
    const { logging } = readBasics({ flags, env });
    assert.equal(logging.format, format, JSON.stringify([flags, env]));
  }
  assert.equal(
    await problemOf({ json: true, logFormat: 'text' }),
    '--json and --log-format are both given: keep one of them',
  );
});
