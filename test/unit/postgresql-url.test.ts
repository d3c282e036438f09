// Which URLs of PostgreSQL servers are read, as what, and what of them can be seen.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { databaseUrl, engineOf } from '../../src/engines/index.js';
import type { PostgresqlTarget } from '../../src/engines/postgresql/target.js';
import { createRedactor } from '../../src/report/redact.js';

function postgresql(raw: string): PostgresqlTarget {
  const parsed = databaseUrl(raw);
  assert.ok('value' in parsed, `${raw}: ${'problem' in parsed ? parsed.problem : ''}`);
  assert.ok(parsed.value.engine === 'postgresql');
  return parsed.value;
}

function problemOf(raw: string): string {
  const parsed = databaseUrl(raw);
  assert.ok('problem' in parsed, `read: ${raw}`);
  return parsed.problem;
}

describe('a PostgreSQL URL', () => {
  test('has a user, a password, a host, a port and a database', () => {
    assert.deepEqual(postgresql('postgresql://app:hunter2@db.example:5433/shop'), {
      engine: 'postgresql',
      host: 'db.example',
      port: 5433,
      socketFolder: undefined,
      user: 'app',
      password: 'hunter2',
      database: 'shop',
      tls: { mode: 'disable', caPath: undefined },
      shown: 'postgresql://db.example:5433/shop',
      secrets: ['hunter2'],
    });
  });

  const shown: Readonly<Record<string, string>> = {
    'postgres://db': 'postgresql://db:5432',
    'postgres://db/': 'postgresql://db:5432',
    'PostgreSQL://app@db/shop': 'postgresql://db:5432/shop',
    'postgres://app@[::1]/shop': 'postgresql://[::1]:5432/shop',
    'postgres://app@[2001:db8::1]:5433/shop?sslmode=require': 'postgresql://[2001:db8::1]:5433/shop',
    'postgres://app@db/a%2Fb%40c%3Fd%25e': 'postgresql://db:5432/a%2Fb%40c%3Fd%25e',
    'postgresql:///shop?host=/var/run/postgresql': 'postgresql://localhost:5432/shop?host=/var/run/postgresql',
    'postgresql://app:pw@:5433/shop?host=%2Frun%2Fa%26b': 'postgresql://localhost:5433/shop?host=/run/a%26b',
  };
  for (const [raw, expected] of Object.entries(shown)) {
    test(`${JSON.stringify(raw)} is shown as ${expected}, which reads back as the same place`, () => {
      const target = postgresql(raw);
      assert.equal(target.shown, expected);
      assert.equal(createRedactor(target.secrets)(target.shown), expected);
      const again = postgresql(expected);
      const place = ({ shown, host, port, socketFolder, database }: PostgresqlTarget) => ({
        ...{ shown, host, port, socketFolder, database },
      });
      assert.deepEqual(place(again), place(target));
    });
  }

  test('has TLS off unless it is asked for', () => {
    const tls = (query: string) => postgresql(`postgres://app@db/shop${query}`).tls;
    assert.deepEqual(tls('?sslmode=disable'), { mode: 'disable', caPath: undefined });
    assert.deepEqual(tls('?sslmode=require'), { mode: 'require', caPath: undefined });
    assert.deepEqual(tls('?sslmode=verify-full'), { mode: 'verify-full', caPath: undefined });
    assert.deepEqual(tls('?sslrootcert=my%20ca.pem&sslmode=verify-ca'), { mode: 'verify-ca', caPath: 'my ca.pem' });
  });

  const problems: Readonly<Record<string, RegExp>> = {
    'postgres://app:a#b@db/shop': /percent-encoded/,
    'postgres://app:a@b@db/shop': /percent-encoded/,
    'postgres://app@a,b/shop': /percent-encoded/,
    'postgres://app@::1/shop': /in brackets, as in postgresql:\/\//,
    'postgres://app@db:0/shop': /port from 1 to 65535/,
    'postgres://app@db/shop/x': /at most one \//,
    'postgres://': /must name a host, or the folder of a socket/,
    'postgres:///shop': /must name a host, or the folder of a socket/,
    'postgres://app@db/shop?sslmode=prefer': /must not have sslmode=prefer, which leaves it to the server/,
    'postgres://app@db/shop?sslmode=allow': /must not have sslmode=allow, which leaves it to the server/,
    'postgres://app@db/shop?sslmode=REQUIRE': /disable, require, verify-ca, verify-full/,
    'postgres://app@db/shop?sslmode': /disable, require, verify-ca, verify-full/,
    'postgres://app@db/shop?sslrootcert=/ca.pem': /only with an sslmode of verify-ca or verify-full/,
    'postgres://app@db/shop?sslmode=require&sslrootcert=/ca.pem': /only with an sslmode of verify-ca or verify-full/,
    'postgres://app@db/shop?sslmode=verify-ca&sslrootcert=': /path as sslrootcert/,
    'postgres:///shop?host=/run/postgresql&sslmode=require': /no TLS on one/,
    'postgres:///shop?host=db': /host before the database/,
    'postgres://app@db/shop?host=': /host before the database/,
    'postgres://app@db/shop?schema=public': /only the parameters host, sslmode, sslrootcert, each at most once/,
    'postgres://app@db/shop?options=-c%20x=y': /only the parameters/,
    'postgres://app@db/shop?application_name=x': /only the parameters/,
    'postgres:app@db/shop': /^must be sqlite:path/,
  };
  for (const [raw, problem] of Object.entries(problems)) {
    test(`${JSON.stringify(raw)} is not read`, () => assert.match(problemOf(raw), problem));
  }

  test('brings a password of any shape to the driver, and never shows it', () => {
    const hostile = fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text));
    fc.assert(
      fc.property(hostile, hostile, (user, password) => {
        const raw = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
        const target = postgresql(`postgres://${raw}@db.example:5433/shop`);
        assert.deepEqual([target.user, target.password], [user, password]);
        assert.equal(target.shown, 'postgresql://db.example:5433/shop');
        assert.equal(target.secrets.includes(password), password !== '');
      }),
      { numRuns: 1_000 },
    );
  });

  test('gives the driver all that pg would take from its environment otherwise', async () => {
    const stop = new AbortController().signal;
    const configOf = async (raw: string) => {
      const { connection } = await engineOf(postgresql(raw)).createDriver(postgresql(raw)).knexConfig(1_000, stop);
      return connection as Record<string, unknown> & { password: () => string };
    };
    const bare = await configOf('postgres://app@db');
    assert.deepEqual([bare.host, bare.port, bare.user, bare.database], ['db', 5432, 'app', 'app']);
    assert.deepEqual([bare.ssl, bare.password(), bare.application_name], [false, '', 'session-cleanup']);
    const socket = await configOf('postgres://app:pw@/shop?host=/run/postgresql');
    assert.deepEqual([socket.host, socket.port, socket.stream], ['/run/postgresql', 5432, undefined]);
    assert.equal(socket.password(), 'pw');
    const encrypted = await configOf('postgres://app@db/shop?sslmode=require');
    assert.deepEqual(encrypted.ssl, { servername: 'db', rejectUnauthorized: false });
    const verified = await configOf('postgres://app@[::1]/shop?sslmode=verify-full');
    assert.deepEqual(verified.ssl, {});
  });
});
