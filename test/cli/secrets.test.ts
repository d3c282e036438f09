// Passwords: hostile ones work, and none is ever shown, whatever the URL and whatever goes wrong.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createAccount, trustsEverybody } from '../support/accounts.js';
import { type Ended, runCommand } from '../support/command.js';
import { servers } from '../support/databases.js';
import { runMain } from '../support/in-process.js';
import { failureLine } from '../support/lines.js';
import { startProxy } from '../support/proxy.js';
import { createSessions, remaining, start, until } from '../support/sessions.js';

const HOSTILE = 'hunter2#/%@:?&=;$"\'\\ é+%41';

/** What a server says to an account that it does not know: it names the account. */
const DENIALS = {
  sqlite: /^$/,
  mysql: /cannot connect: Access denied for user '\*\*\*'@/,
  postgresql: /cannot connect: (password authentication failed for user|role) "\*\*\*"/,
} as const;

for (const engine of servers) {
  describe(`a password, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    test('of the most hostile characters works when it is percent-encoded, and is not shown', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const account = await createAccount(t, database, { password: HOSTILE, grants: ['ALL'] });
      const ended = await runCommand(['run', '--db-url', account.url, '--log-level', 'debug']);
      assert.deepEqual([ended.status, JSON.parse(ended.stdout).deleted_count], [0, 1]);
      assert.deepEqual(await remaining(database), ['z']);
      assertHidden(ended, [HOSTILE, encodeURIComponent(HOSTILE), 'hunter2']);
    });

    test('that is wrong is not shown', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const account = await createAccount(t, database, { password: 'right', grants: ['ALL'] });
      if (await trustsEverybody(database)) return t.skip('the server asks for no password');
      const url = account.url.replace(':right@', `:${encodeURIComponent(HOSTILE)}@`);
      for (const format of ['json', 'text']) {
        const args = ['run', '--db-url', url, '--log-format', format, '--log-level', 'debug'];
        const ended = await runCommand(args);
        assert.equal(ended.status, 4);
        assertHidden(ended, [HOSTILE, encodeURIComponent(HOSTILE), 'hunter2']);
      }
    });

    test('that the server quotes is masked there, and only there', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const url = new URL(database.url);
      url.username = 'hunter2';
      url.password = 'hunter2';
      for (const format of ['json', 'text']) {
        const args = ['run', '--db-url', url.href, '--log-format', format, '--correlation-id', 'not-hunter'];
        const ended = await runCommand(args);
        assert.equal(ended.status, 4);
        // In JSON, quotes are escaped.
        assert.match(ended.stderr.replaceAll('\\"', '"'), DENIALS[engine.family]);
        assert.doesNotMatch(ended.stderr, /hunter2/);
      }
    });

    test('that is a word of our own leaves our words as they are', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const lines = [];
      for (const password of ['unlike-any-word', 't', 'session', 'table', 'the account may not']) {
        const { url } = await createAccount(t, database, { password, grants: ['ALL'] });
        const { error, hint } = failureLine(
          await runCommand(['run', '--db-url', url, '--table', 'none']),
          3,
          'refused',
        );
        lines.push({ error, hint });
      }
      const [first] = lines;
      assert.match(String(first?.error), /^there is no table (\S+\.)?none\b/);
      for (const line of lines) assert.deepEqual(line, first);
    });

    test('that is empty is no secret: the line stays readable', async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const url = database.url.replace(/(:\/\/[^:@]*)[^@]*@/, '$1:@');
      const ended = await runCommand(['run', '--db-url', url, '--table', 'none']);
      assert.doesNotMatch(ended.stderr, /\*\*\*/);
      // Where the account has a password, it is not let in.
      if (ended.status === 4) failureLine(ended, 4, 'unavailable');
      else failureLine(ended, 3, 'refused');
    });

    test('is soon gone from what ps shows', { skip: !existsSync('/proc/self/cmdline') }, async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'] });
      const account = await createAccount(t, database, { password: 'hunter2', grants: ['ALL'] });
      const proxy = await startProxy(account.url);
      t.after(() => proxy.close());
      // It waits for an answer for as long as is needed to look.
      const frozen = proxy.when(/information_schema|pg_attribute/i, 'before', proxy.freeze);
      const { child } = start(t, ['run', '--db-url', proxy.url, '--timeout', '0']);
      const shown = () => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
      await until(() => /^session-cleanup\0*$/.test(shown().trim()));
      await frozen;
      assert.doesNotMatch(shown(), /hunter2/);
      assert.equal(child.exitCode, null);
    });
  });
}

function assertHidden({ stdout, stderr }: Pick<Ended, 'stdout' | 'stderr'>, secrets: readonly string[]): void {
  const output = `${stdout}${stderr}`;
  for (const secret of secrets) {
    for (const spelling of [secret, JSON.stringify(secret).slice(1, -1)]) {
      assert.ok(!output.toLowerCase().includes(spelling.toLowerCase()), `${secret} is shown: ${output}`);
    }
  }
}

/** A password of two words with hostile characters around them; either word would give it away. */
const hostilePassword = (() => {
  const word = (prefix: string) =>
    fc
      .string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789'), minLength: 8, maxLength: 8 })
      .map((rest) => `${prefix}${rest}`);
  const noise = fc.string({ unit: fc.constantFrom(...'#/%@:?&=;$"\'\\ <>[]{}|^`é日\t'), maxLength: 4 });
  return fc
    .tuple(noise, word('hunter'), noise, word('secret'), noise)
    .map(([a, first, b, second, c]) => ({ password: `${a}${first}${b}${second}${c}`, words: [first, second] }));
})();

/** Port 1, where nothing listens: a URL that can be read ends as unavailable. */
const URLS: readonly ((password: string) => string)[] = [
  (password) => `mysql://user:${password}@127.0.0.1:1/app`,
  (password) => `mariadb://user:${password}@127.0.0.1:1/app`,
  (password) => `mysql://:${password}@127.0.0.1:1/app`,
  (password) => `mysql2://user:${password}@127.0.0.1:1`,
  (password) => `mysql://user:${password}@127.0.0.1:99999/app`,
  (password) => `mysql://user:${password}@127.0.0.1:1/app?ssl-mode=NONE`,
  (password) => `mysql://user:${password}@127.0.0.1:1/app?password=${password}`,
  (password) => `mysql://user:${password}`,
  (password) => `mysql:user:${password}@127.0.0.1:1/app`,
  (password) => `postgres://user:${password}@127.0.0.1:1/app`,
  (password) => `postgresql://:${password}@127.0.0.1:1`,
  (password) => `postgres://user:${password}@127.0.0.1:1/app?sslmode=prefer`,
  (password) => `postgres://user:${password}@127.0.0.1:1/app?password=${password}`,
  (password) => `sqlite://user:${password}@127.0.0.1:1/app`,
  (password) => `sqlite:mysql://user:${password}@127.0.0.1:1/app`,
  (password) => `file:user:${password}@127.0.0.1:1/app`,
  (password) => `user:${password}@127.0.0.1:1/app`,
];

const hostileUrl = hostilePassword.chain(({ password, words }) =>
  fc
    .tuple(
      fc.constantFrom(...URLS),
      fc.constantFrom(password, encodeURIComponent(password), encodeURIComponent(password), encodeURI(password)),
    )
    .map(([urlWith, spelling]) => ({ url: urlWith(spelling), words })),
);

const given = fc.constantFrom(
  (url: string) => ({ argv: ['run', '--db-url', url], env: {}, stdin: '' }),
  (url: string) => ({ argv: ['run', `--db-url=${url}`, '--log-format', 'text'], env: {}, stdin: '' }),
  (url: string) => ({ argv: ['run', '--log-level', 'debug'], env: { SESSION_CLEANUP_DB_URL: url }, stdin: '' }),
  (url: string) => ({ argv: ['run', '--timeout', 'x'], env: { DATABASE_URL: url }, stdin: '' }),
  (url: string) => ({ argv: ['run', '--db-url-file', '-'], env: {}, stdin: url }),
  (url: string) => ({ argv: ['run', '--db-url-file', url], env: {}, stdin: '' }),
  (url: string) => ({ argv: ['run', '--dburl', url], env: {}, stdin: '' }),
  (url: string) => ({ argv: ['run', `--db-urll=${url}`], env: {}, stdin: '' }),
  (url: string) => ({ argv: ['run', url], env: {}, stdin: '' }),
  (url: string) => ({ argv: [url], env: {}, stdin: '' }),
  (url: string) => ({ argv: ['check', '--db-url', url], env: {}, stdin: '' }),
  // A name is told from a URL by its ://.
  ...['--timeout', '--correlation-id', '--table', '--expires-column', '--store', '--time-zone', '--replica'].map(
    (flag) => (url: string) => ({
      argv: ['run', '--db-url', 'mysql://127.0.0.1:1/app', flag, url.includes('://') ? url : `mysql://${url}`],
      env: {},
      stdin: '',
    }),
  ),
);

describe('no output has a password in it', { timeout: 180_000 }, () => {
  test('whatever the URL, and wherever it is given', async () => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(hostileUrl, given, async ({ url, words }, give) => {
        const { status, ...output } = await runMain(give(url));
        assert.ok(status === 2 || status === 4, `status ${status}: ${output.stderr}`);
        if (status === 4) read += 1;
        assert.notEqual(output.stderr, '');
        assertHidden(output, words);
      }),
      { numRuns: 400 },
    );
    assert.notEqual(read, 0);
  });

  test('of the spawned command either', async () => {
    const property = fc.asyncProperty(hostileUrl, given, async ({ url, words }, give) => {
      const { argv, env, stdin } = give(url);
      const ended = await runCommand(argv, { env, stdin });
      assert.ok(ended.status === 2 || ended.status === 4, `status ${ended.status}: ${ended.stderr}`);
      assertHidden(ended, words);
    });
    await fc.assert(property, { numRuns: 15, endOnFailure: true });
  });
});
