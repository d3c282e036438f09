// What is left of a text once its credentials are masked.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createRedactor, maskUrls } from '../../src/report/redact.js';

describe('a known secret is masked', () => {
  test('wherever it occurs', () => {
    assert.equal(createRedactor(['s3cret'])('s3cret, as3cretb and s3crets3cret'), '***, a***b and ******');
  });

  test('the longest first, so that no rest of it is left', () => {
    const redact = createRedactor(['pass', 'pass%2Fword', 'pass/word']);
    assert.equal(redact('pass%2Fword pass/word pass'), '*** *** ***');
  });

  test('also with characters that mean something in a pattern or in a replacement', () => {
    assert.equal(createRedactor(['$&.*(['])('x$&.*([y'), 'x***y');
    assert.equal(createRedactor(['.*'])('nothing here'), 'nothing here');
  });

  test('also inside quoted JSON', () => {
    const text = `got ${JSON.stringify({ password: 'a"b\\c' })}`;
    assert.equal(createRedactor(['a"b\\c'])(text), 'got {"password":"***"}');
  });

  test('and an empty one masks nothing', () => {
    assert.equal(createRedactor(['', ''])('abc'), 'abc');
  });

  test('in any text', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'ab"\\$. ') });
    fc.assert(
      fc.property(fc.array(letters), letters, letters, letters, (others, before, secret, after) => {
        fc.pre(secret !== '');
        const redacted = createRedactor([...others, secret])(before + secret + after);
        assert.ok(!redacted.includes(secret), redacted);
      }),
    );
  });
});

describe('the password of a URL is masked although nobody named it, in the words of others and in our own', () => {
  const redact = (text: string): string => {
    const masked = maskUrls(text);
    assert.equal(createRedactor([])(text), masked);
    return masked;
  };
  const masked: Readonly<Record<string, string>> = {
    'mysql://app:hunter2@db:3306/shop': 'mysql://app:***@db:3306/shop',
    'cannot read "mysql://app:hunter2@db/shop" here': 'cannot read "mysql://app:***@db/shop" here',
    'mysql://app:a/b#c?d@e:f@db/shop': 'mysql://app:***@db/shop',
    'mysql://app@server:hunter2@db/shop': 'mysql://app@server:***@db/shop',
    'mysql://us/er:hunter2@db/shop': 'mysql://us/er:***@db/shop',
    'mysql://:hunter2@db': 'mysql://:***@db',
    'mysql://app:a://b@db': 'mysql://app:***@db',
    'redis+tls://u:p@h and https://u:p@h\nftp://u:p@h': 'redis+tls://u:***@h and https://u:***@h\nftp://u:***@h',
  };
  for (const [text, expected] of Object.entries(masked)) {
    test(`in ${JSON.stringify(text)}`, () => assert.equal(redact(text), expected));
  }

  test('and what has no password is kept', () => {
    for (const text of [
      '',
      'mysql://db:3306/shop',
      'mysql://app@db:3306/shop',
      'mysql://app@[::1]:3306/shop',
      'http://localhost:8080/ and root@localhost',
      'root@localhost: access denied',
      'see https://example.com/a?b=c#d',
    ]) {
      assert.equal(redact(text), text);
    }
  });

  test('in any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => !/\s/.test(text)),
        (password) => {
          assert.equal(redact(`at mysql://app:${password}@db/shop: refused`), 'at mysql://app:***@db/shop: refused');
        },
      ),
    );
  });

  test('in a long text without hanging', () => {
    const started = performance.now();
    redact('://a:'.repeat(200_000));
    redact('a'.repeat(1_000_000));
    assert.ok(performance.now() - started < 5000);
  });
});
