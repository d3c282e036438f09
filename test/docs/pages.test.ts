// What holds for every page: links lead somewhere, flags and scripts exist, versions are those in use.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { COMMAND_LINE } from '../../src/cli/description.js';
import { misspeltVariables } from '../../src/settings/near-miss.js';
import { SETTINGS } from '../../src/settings/settings.js';
import { createApp } from './app.js';
import { anchors, links, ROOT, read, section, table } from './markdown.js';

/** Compares with other tools, by their flags. */
const COMPARISON = 'BENCHMARKS.md';

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  COMPARISON,
  'examples/README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
];

const FLAGS = new Set(
  COMMAND_LINE.commands
    .flatMap(({ flags }) => flags)
    .concat(COMMAND_LINE.flags)
    .flatMap(({ flags }) => flags.match(/--[a-z-]+/g) ?? []),
);
/** Those of npm, node, the benchmark, mysqldump and rt-clean-sessions. */
const OF_OTHERS = [
  '--allow-scripts',
  '--check',
  '--older',
  '--render',
  '--silent',
  '--single-transaction',
  '--test',
  '--test-name-pattern',
];

for (const page of PAGES) {
  describe(page, () => {
    test('has links that lead somewhere', () => {
      for (const link of links(read(page))) {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? page : join(dirname(page), path);
        assert.ok(existsSync(resolve(ROOT, target)), link);
        if (anchor !== undefined) assert.ok(anchors(read(target)).includes(anchor), link);
      }
    });

    test('names flags that there are', { skip: page === COMPARISON }, () => {
      const named = read(page).match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [];
      assert.deepEqual(
        named.filter((flag) => !FLAGS.has(flag) && !OF_OTHERS.includes(flag)),
        [],
      );
    });

    test('names variables that there are, or says that they are not', () => {
      const known = new Set(Object.values(SETTINGS).flatMap(({ variables }) => variables));
      const named = read(page).match(/\bSESSION_CLEANUP_(?!TEST_)[A-Z_]+\b/g) ?? [];
      assert.deepEqual(
        named.filter((name) => !known.has(name) && misspeltVariables({ [name]: 'true' }).length === 0),
        [],
      );
    });

    test('names scripts that there are', () => {
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };
      const named = [...read(page).matchAll(/npm run ([\w:-]*\w)/g)].map(([, name = '']) => name);
      assert.deepEqual(
        named.filter((name) => !Object.hasOwn(scripts, name)),
        [],
      );
    });
  });
}

describe('what is said of versions', () => {
  const require = createRequire(import.meta.url);

  test('of SQLite is what the driver brings along', async (t) => {
    const { query } = await createApp(t);
    const [row] = await query('SELECT sqlite_version() AS version');
    const { version } = require('sqlite3/package.json') as { version: string };
    const rows = table(section(read('docs/reliability.md'), 'Versions'), 'database', 'tested with');
    assert.deepEqual(rows.at(-1), ['SQLite', `${row?.version}, which sqlite3 ${version} brings along`]);
  });

  test('of Node.js is that of package.json', () => {
    const { engines: wanted } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const said = new RegExp(`Node\\.js ${wanted.node.replace('>=', '')} or later`);
    assert.match(section(read('README.md'), 'Install'), said);
    assert.match(read('CONTRIBUTING.md'), said);
  });

  test('of session-cleanup is that of package.json', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    assert.match(read('CHANGELOG.md'), new RegExp(`^## \\[${version}\\] - `, 'm'));
  });
});
