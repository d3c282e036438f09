// Which URLs are read, as what, and what of them can be seen.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { databaseUrl } from '../../src/engines/index.js';
import type { MysqlTarget } from '../../src/engines/mysql/target.js';
import { createRedactor } from '../../src/report/redact.js';

const UNREADABLE =
  /^cannot be read as a URL: special characters in the user name or password must be percent-encoded \(# \/ \? @ : % as %23 %2F %3F %40 %3A %25\)$/;
const UNKNOWN_FORM =
  /^must be sqlite:path, sqlite:\/\/\/absolute\/path, file:path, mysql:\/\/.*mysql2:.*mariadb:.*postgresql:.*postgres:/;

function problemOf(raw: string): string {
  const parsed = databaseUrl(raw);
  assert.ok('problem' in parsed, `read: ${raw}`);
  return parsed.problem;
}

function mysql(raw: string): MysqlTarget {
  const parsed = databaseUrl(raw);
  assert.ok('value' in parsed, `${raw}: ${'problem' in parsed ? parsed.problem : ''}`);
  assert.ok(parsed.value.engine === 'mysql');
  return parsed.value;
}

describe('a SQLite URL', () => {
  const paths: Readonly<Record<string, string>> = {
    'sqlite:app.db': 'app.db',
    'sqlite:./data/app.db': './data/app.db',
    'sqlite:../app.db': '../app.db',
    'sqlite:/var/lib/app.db': '/var/lib/app.db',
    'sqlite:///var/lib/app.db': '/var/lib/app.db',
    'sqlite:////var/lib/app.db': '/var/lib/app.db',
    'sqlite:%2F%2Fvar/app.db': '/var/app.db',
    'SQLite:app.db': 'app.db',
    'file:app.db': 'app.db',
    'file:///var/lib/app.db': '/var/lib/app.db',
    ' sqlite:app.db\n': 'app.db',
    'sqlite:my app.db': 'my app.db',
    'sqlite:my%20app.db': 'my app.db',
    'sqlite:what%3F%23.db': 'what?#.db',
    'sqlite:s%C3%A9ances/s\u00e9ances.db': 's\u00e9ances/s\u00e9ances.db',
    'sqlite:100%.db': '100%.db',
    'sqlite:%zz%2': '%zz%2',
    'sqlite:100%25.db': '100%.db',
    'sqlite:%2541': '%41',
    'sqlite:a@b:c.db': 'a@b:c.db',
    'sqlite:a:b%40c.db': 'a:b@c.db',
    'sqlite:C:\\app.db': 'C:\\app.db',
  };
  for (const [raw, path] of Object.entries(paths)) {
    test(`${JSON.stringify(raw)} is the file ${path}`, () => {
      assert.deepEqual(databaseUrl(raw), {
        value: { engine: 'sqlite', path, shown: `sqlite:${path}`, secrets: [] },
      });
    });
  }

  const problems: Readonly<Record<string, RegExp>> = {
    'sqlite:app.db?mode=ro': /write \? as %3F/,
    'sqlite:app#1.db': /write # as %23/,
    'sqlite:': /must name a SQLite file/,
    'sqlite://': /must name a SQLite file/,
    'sqlite:///': /must name a SQLite file/,
    'file:': /must name a SQLite file/,
    'sqlite::memory:': /in memory/,
    'sqlite:%3Amemory%3A': /in memory/,
    'sqlite://:memory:': /in memory/,
    'sqlite:///:memory:': /in memory/,
    'file::memory:': /in memory/,
    'sqlite://data/app.db': /write sqlite:path or sqlite:\/\/\/absolute\/path/,
    'sqlite://user:hunter2@host/app.db': /write sqlite:path or sqlite:\/\/\/absolute\/path/,
    'file://localhost/app.db': /write sqlite:path or sqlite:\/\/\/absolute\/path/,
    'sqlite:%ff.db': /not UTF-8/,
    'sqlite:mysql://user:hunter2@host/app': /looks like another URL/,
    'sqlite:mysql%3A%2F%2Fuser%3Ahunter2%40host': /looks like another URL/,
    'sqlite:////user:hunter2@host/app': /looks like another URL/,
    'file:mysql:user:hunter2@host/app': /looks like another URL/,
    'sqlite:user:hunter2@host/app': /looks like another URL/,
    'sqlite:a\0b': /control character/,
    'sqlite:a%00b': /control character/,
    'sqlite:a%0Ab': /control character/,
    'sqlite:a%c2%85b': /control character/,
  };
  for (const [raw, problem] of Object.entries(problems)) {
    test(`${JSON.stringify(raw)} is not read`, () => assert.match(problemOf(raw), problem));
  }

  test('reaches any file', () => {
    const path = fc
      .string({ unit: fc.oneof(fc.constantFrom(...'%/?#:@ \\2f'), fc.string({ unit: 'grapheme', maxLength: 1 })) })
      .filter((text) => !/^\/{2}|:\/\/|^\/?:memory:$|^\/?$|\p{Cc}/u.test(text));
    fc.assert(
      fc.property(path, (wanted) => {
        const parsed = databaseUrl(`sqlite:${encodeURIComponent(wanted)}`);
        assert.ok('value' in parsed && parsed.value.engine === 'sqlite');
        assert.equal(parsed.value.path, wanted);
      }),
    );
  });
});

describe('a MySQL URL', () => {
  test('has a user, a password, a host, a port and a database', () => {
    assert.deepEqual(mysql('mysql://app:hunter2@db.example:3307/shop'), {
      engine: 'mysql',
      host: 'db.example',
      port: 3307,
      socketPath: undefined,
      user: 'app',
      password: 'hunter2',
      database: 'shop',
      tls: { mode: 'DISABLED', caPath: undefined },
      shown: 'mysql://db.example:3307/shop',
      secrets: ['hunter2'],
    });
  });

  const shown: Readonly<Record<string, string>> = {
    'mysql://db': 'mysql://db:3306',
    'mysql://db/': 'mysql://db:3306',
    'mysql2://app@db/shop': 'mysql://db:3306/shop',
    'MariaDB://app@db/shop': 'mariadb://db:3306/shop',
    ' mysql://app@db/shop\r\n': 'mysql://db:3306/shop',
    'mysql://app@db:1/shop?': 'mysql://db:1/shop',
    'mysql://app@db:65535/shop': 'mysql://db:65535/shop',
    'mysql://app@127.0.0.1/shop': 'mysql://127.0.0.1:3306/shop',
    'mysql://app@my_db-1/shop': 'mysql://my_db-1:3306/shop',
    'mysql://app@[::1]/shop': 'mysql://[::1]:3306/shop',
    'mysql://app@[2001:db8::1]:3307/shop': 'mysql://[2001:db8::1]:3307/shop',
    'mysql://app@[fe80::1%25eth0]/shop': 'mysql://[fe80::1%25eth0]:3306/shop',
    'mysql://app@db/my%20shop': 'mysql://db:3306/my%20shop',
    'mysql://app@db/a%2Fb%40c%3Fd%25e': 'mysql://db:3306/a%2Fb%40c%3Fd%25e',
    'mysql://app@db/s%C3%A9ances': 'mysql://db:3306/s\u00e9ances',
    'mysql://app:pw@/shop?socketPath=/run/mysqld/mysqld.sock':
      'mysql://localhost/shop?socketPath=/run/mysqld/mysqld.sock',
    'mysql:///shop?socketPath=/run/mysqld/mysqld.sock': 'mysql://localhost/shop?socketPath=/run/mysqld/mysqld.sock',
    'mysql://?socketPath=%2Frun%2Fmysqld.sock': 'mysql://localhost?socketPath=/run/mysqld.sock',
    'mariadb://db:3307/shop?socketPath=/a%26b%40c': 'mariadb://localhost/shop?socketPath=/a%26b%40c',
  };
  for (const [raw, expected] of Object.entries(shown)) {
    test(`${JSON.stringify(raw)} is shown as ${expected}, which reads back as the same place`, () => {
      const target = mysql(raw);
      assert.equal(target.shown, expected);
      assert.equal(createRedactor(target.secrets)(target.shown), expected);
      const again = mysql(expected);
      assert.equal(again.shown, expected);
      assert.equal(again.database, target.database);
      assert.equal(again.socketPath, target.socketPath);
      if (target.socketPath === undefined) assert.deepEqual([again.host, again.port], [target.host, target.port]);
    });
  }

  test('has its IPv6 address in brackets, and the target has it without', () => {
    assert.equal(mysql('mysql://[fe80::1%25eth0]').host, 'fe80::1%eth0');
    assert.match(problemOf('mysql://app@::1/shop'), /in brackets/);
  });

  test('needs no host beside a socket', () => {
    const target = mysql('mysql://app@/shop?socketPath=/run/mysqld/mysqld.sock');
    assert.equal(target.socketPath, '/run/mysqld/mysqld.sock');
    assert.equal(target.host, 'localhost');
    assert.equal(target.user, 'app');
    assert.equal(mysql('mysql:///shop?socketPath=/run/x').user, '');
  });

  test('has its credentials percent-decoded, where + is no space', () => {
    const target = mysql('mysql://us%3Aer:p%40s+s:w%2Ford@db/shop');
    assert.equal(target.user, 'us:er');
    assert.equal(target.password, 'p@s+s:w/ord');
    assert.deepEqual(target.secrets, ['p%40s+s:w%2Ford', 'p@s+s:w/ord']);
    assert.deepEqual(mysql('mysql://app:@db').secrets, []);
  });

  test('has TLS off unless it is asked for', () => {
    const tls = (query: string) => mysql(`mysql://app@db/shop${query}`).tls;
    assert.deepEqual(tls('?ssl-mode=required'), { mode: 'REQUIRED', caPath: undefined });
    assert.deepEqual(tls('?ssl-mode=VERIFY_CA&ssl-ca=/etc/ca.pem'), { mode: 'VERIFY_CA', caPath: '/etc/ca.pem' });
    assert.deepEqual(tls('?ssl-ca=my%20ca.pem&ssl-mode=Verify_Identity'), {
      mode: 'VERIFY_IDENTITY',
      caPath: 'my ca.pem',
    });
    assert.deepEqual(tls('?ssl-mode=DISABLED'), { mode: 'DISABLED', caPath: undefined });
  });

  const problems: Readonly<Record<string, RegExp>> = {
    'mysql://app:a#b@db/shop': UNREADABLE,
    'mysql://app:a/b@db/shop': UNREADABLE,
    'mysql://app:3306/b@db/shop': UNREADABLE,
    'mysql://app:3306?b@db/shop': UNREADABLE,
    'mysql://app:a?b@db/shop': UNREADABLE,
    'mysql://app:a?ssl-mode=REQUIRED&ssl-ca=b@db/shop': UNREADABLE,
    'mysql://app:a@b@db/shop': UNREADABLE,
    'mysql://app:a%b@db/shop': UNREADABLE,
    'mysql://app:a%ffb@db/shop': UNREADABLE,
    'mysql://app%:a@db/shop': UNREADABLE,
    'mysql://app@db/shop%': UNREADABLE,
    'mysql://app@db/shop#x': UNREADABLE,
    'mysql://app@db/shop?ssl-ca=%': UNREADABLE,
    'mysql://app@db:port/shop': UNREADABLE,
    'mysql://app@db:/shop': UNREADABLE,
    'mysql://app@db:-1/shop': UNREADABLE,
    'mysql://app@db:1:2/shop': UNREADABLE,
    'mysql://app@d b/shop': UNREADABLE,
    'mysql://app@a,b/shop': UNREADABLE,
    'mysql://app@[::1/shop': UNREADABLE,
    'mysql://app@[]/shop': UNREADABLE,
    'mysql://app@[db]/shop': UNREADABLE,
    'mysql://app@:3306/shop?socketPath=/run/x': UNREADABLE,
    'mysql://app@db:0/shop': /port from 1 to 65535/,
    'mysql://app@db:65536/shop': /port from 1 to 65535/,
    'mysql://app@db:99999999999999999999/shop': /port from 1 to 65535/,
    'mysql://': /must name a host/,
    'mysql:///shop': /must name a host/,
    'mysql://app:pw@/shop': /must name a host/,
    'mysql://app@db/shop/': /at most one \//,
    'mysql://app@db//shop': /at most one \//,
    'mysql://app@db/shop?sslmode=require': /only the parameters socketPath, ssl-mode, ssl-ca, each at most once/,
    'mysql://app@db/shop?SSL-MODE=REQUIRED': /only the parameters/,
    'mysql://app@db/shop?ssl-mode=REQUIRED&ssl-mode=REQUIRED': /each at most once/,
    'mysql://app@db/shop?ssl-mode=REQUIRED&': /only the parameters/,
    'mysql://app@db/shop?__proto__=x': /only the parameters/,
    'mysql://app@db/shop?ssl-mode': /DISABLED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY/,
    'mysql://app@db/shop?ssl-mode=PREFERRED': /DISABLED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY/,
    'mysql://app@db/shop?ssl-ca=/etc/ca.pem': /only with an ssl-mode of VERIFY_CA or VERIFY_IDENTITY/,
    'mysql://app@db/shop?ssl-mode=REQUIRED&ssl-ca=/etc/ca.pem': /only with an ssl-mode/,
    'mysql://app@db/shop?ssl-mode=VERIFY_CA&ssl-ca=': /path as ssl-ca/,
    'mysql://app@db/shop?socketPath=run/x': /absolute socketPath/,
    'mysql://app@db/shop?socketPath=': /absolute socketPath/,
    'mysql://app:a\nb@db/shop': /control character/,
    'mysql://app:a%00b@db/shop': /control character/,
    'mysql://app:a%0ab@db/shop': /control character/,
    'mysql://app:a\u0085b@db/shop': /control character/,
    'mysql:app@db/shop': UNKNOWN_FORM,
    'mysql:/app@db/shop': UNKNOWN_FORM,
    'sqlserver://app:hunter2@db/shop': UNKNOWN_FORM,
    'http://app:hunter2@db/shop': UNKNOWN_FORM,
    '"mysql://app:hunter2@db/shop"': UNKNOWN_FORM,
    'DATABASE_URL=mysql://app:hunter2@db/shop': UNKNOWN_FORM,
    '/var/lib/app.db': UNKNOWN_FORM,
    'C:\\app.db': UNKNOWN_FORM,
    'toString:x': UNKNOWN_FORM,
    '://': UNKNOWN_FORM,
    '': UNKNOWN_FORM,
    '  ': UNKNOWN_FORM,
  };
  for (const [raw, problem] of Object.entries(problems)) {
    test(`${JSON.stringify(raw)} is not read`, () => {
      const text = problemOf(raw);
      assert.match(text, problem);
      assert.equal(createRedactor([])(text), text);
    });
  }
});

describe('a hostile password', () => {
  const hostile = fc
    .string({
      unit: fc.oneof(
        fc.constantFrom(...'#/%@:?&=\\\'" +;[]'),
        fc.constantFrom('%2', '%zz', '%41', '%2F', '@db:3306/', '://', '?ssl-mode=', '/shop'),
        fc.string({ unit: 'grapheme', maxLength: 1 }),
      ),
    })
    .filter((text) => !/\p{Cc}/u.test(text));
  const word = fc.string({
    unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'),
    minLength: 8,
    maxLength: 12,
  });
  const runs = { numRuns: 2000 };

  test('that is percent-encoded arrives as it is, and is never shown', () => {
    fc.assert(
      fc.property(hostile, hostile, (user, password) => {
        const raw = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
        const target = mysql(`mysql://${raw}@db.example:3307/shop`);
        assert.equal(target.user, user);
        assert.equal(target.password, password);
        assert.equal(target.host, 'db.example');
        assert.equal(target.database, 'shop');
        assert.equal(target.shown, 'mysql://db.example:3307/shop');
        assert.deepEqual(target.secrets.includes(password), password !== '');
      }),
      runs,
    );
  });

  test('that is not encoded is read exactly or not at all, and never repeated', () => {
    fc.assert(
      fc.property(hostile, word, hostile, (before, middle, after) => {
        const password = before + middle + after;
        const parsed = databaseUrl(`mysql://app:${password}@db.example:3307/shop`);
        if ('problem' in parsed) {
          assert.ok(!parsed.problem.includes(middle));
          return;
        }
        assert.ok(parsed.value.engine === 'mysql');
        // Nobody can tell whether a well-formed escape was meant as one; anything else arrives letter for letter.
        assert.equal(parsed.value.password, decodeURIComponent(password));
        if (!password.includes('%')) assert.equal(parsed.value.password, password);
        assert.equal(parsed.value.user, 'app');
        assert.equal(parsed.value.shown, 'mysql://db.example:3307/shop');
      }),
      runs,
    );
  });

  test('is not repeated with any other scheme either', () => {
    const scheme = fc.constantFrom(
      'sqlserver://',
      'http://',
      'sqlite://',
      'file://',
      'mysql:',
      '',
      '"mysql://',
      'mysql ://',
    );
    fc.assert(
      fc.property(scheme, hostile, word, hostile, (start, before, middle, after) => {
        const parsed = databaseUrl(`${start}app:${before}${middle}${after}@db.example/shop`);
        assert.ok('problem' in parsed);
        assert.ok(!parsed.problem.includes(middle));
      }),
      runs,
    );
  });
});
