// docs/settings.md and docs/formats.md: URLs can be read, the examples run, and the formats are those of the settings.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { databaseUrl } from '../../src/engines/index.js';
import { SETTINGS } from '../../src/settings/settings.js';
import { createAppFile, lines, TERMINAL } from './app.js';
import { install } from './installed.js';
import { blocks, code, read, section, table } from './markdown.js';

const PAGE = read('docs/settings.md');

test('the formats are those of --expires-format', () => {
  const rows = table(section(read('docs/formats.md'), 'Formats'), 'format', 'accepts', 'never expired');
  assert.deepEqual(['auto', ...rows.flatMap(([format = '']) => code(format))], SETTINGS.expiresFormat.choices);
});

test('the URLs can be read', () => {
  const rows = table(section(PAGE, 'URLs'), 'database', 'URL');
  const urls = rows.flatMap(([, url = '']) => code(url)).filter((piece) => !piece.endsWith('://'));
  assert.equal(urls.length, 5);
  for (const url of urls) assert.ok('value' in databaseUrl(url.replace(':port', ':3306')), url);
});

describe('the examples', () => {
  const shown = blocks(section(PAGE, 'Some rows only'), 'sh').flatMap(lines);
  const statements = [
    'ALTER TABLE sessions ADD COLUMN remember_me INTEGER NOT NULL DEFAULT 0',
    "UPDATE sessions SET remember_me = 1 WHERE id = 'expired 0'",
    'CREATE TABLE oauth_tokens (id INTEGER PRIMARY KEY, issued_at INTEGER, expires_in INTEGER)',
    'INSERT INTO oauth_tokens SELECT n, unixepoch() - 7200, s FROM (SELECT 1 AS n, 3600 AS s UNION SELECT 2, 9000 UNION SELECT 3, NULL UNION SELECT 4, 0)',
    'CREATE TABLE visits (id INTEGER PRIMARY KEY, last_seen INTEGER)',
    'INSERT INTO visits VALUES (1, unixepoch() - 3 * 3600), (2, unixepoch() - 3600)',
  ];
  const expected: Readonly<Record<string, readonly [number, RegExp]>> = {
    '--where': [0, /^Deleted 999 expired rows of sessions /],
    '--lifetime-column': [0, /^Deleted 1 expired row of oauth_tokens /],
    '--max-delete': [3, /^Refused: 1000 rows have expired, more than --max-delete 10% allows\. Nothing was\ndeleted\./],
    '--older-than': [0, /^Deleted 1 expired row of visits /],
  };

  for (const [flag, [status, says]] of Object.entries(expected)) {
    test(`of ${flag} does what the page says`, async (t) => {
      const installed = install(t);
      await createAppFile(t, installed, statements);
      writeFileSync(join(installed.folder, 'url'), 'sqlite:app.db\n', { mode: 0o600 });
      const [line = '', ...others] = shown.filter((candidate) => candidate.includes(flag));
      assert.deepEqual(others, []);
      const ended = await installed.shell(line, { ...TERMINAL, PATH: installed.bin });
      assert.equal(ended.status, status, ended.stderr);
      assert.match(ended.stdout + ended.stderr, says);
    });
  }

  test('are all of the page', () => assert.equal(shown.length, Object.keys(expected).length));
});
