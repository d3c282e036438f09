// What a user installs: the files that are packed, and the packed command in a folder of its own, without SQLite.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { engines } from '../support/databases.js';
import { createSessions, remaining } from '../support/sessions.js';
import { links, ROOT, read } from './markdown.js';

const run = promisify(execFile);
const SOURCES = [
  'bin',
  'docs',
  'examples',
  'man',
  'scripts',
  'src',
  'package.json',
  'tsconfig.json',
  'README.md',
  'BENCHMARKS.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
];

const BUNDLED = ['main', 'commander', 'knex', 'mysql2', 'pg', 'winston'];

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the package', { timeout: 300_000 }, () => {
  let folder: string;
  let tarball: string;
  let packed: readonly string[];
  let home: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    tarball = await pack(join(folder, 'copy'));
    const { stdout } = await run('tar', ['-tzf', tarball]);
    packed = stdout.trim().split('\n').sort();
    home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
    const options = ['--omit=optional', '--prefer-offline', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...options, tarball], { cwd: home });
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Packs a copy: packing builds, which must neither disturb the tests that run from dist nor pack what is stale. */
  async function pack(copy: string): Promise<string> {
    mkdirSync(copy, { recursive: true });
    for (const name of SOURCES) {
      if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    // What npm prints here includes what the build prints.
    await run('npm', ['pack', '--pack-destination', copy], { cwd: copy });
    const [name = ''] = readdirSync(copy).filter((file) => file.endsWith('.tgz'));
    return join(copy, name);
  }

  /** The command as npm linked it. */
  async function installed(...args: readonly string[]): Promise<Ended> {
    const command = join(home, 'node_modules/.bin/session-cleanup');
    const env = { PATH: process.env.PATH };
    return run(process.execPath, [command, ...args], { cwd: home, env }).then(
      ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        status: error.code,
        stdout: error.stdout,
        stderr: error.stderr,
      }),
    );
  }

  test('holds what is to be run and to be read, and nothing else', () => {
    const bundled = ['LICENSES.txt', ...BUNDLED.map((name) => `${name}.cjs`)].map((name) => `dist/bundle/${name}`);
    const examples = readdirSync(join(ROOT, 'examples'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(ROOT.length + 1));
    const expected = [
      ...bundled,
      ...examples,
      ...readdirSync(join(ROOT, 'bin')).map((name) => `bin/${name}`),
      ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
      ...readdirSync(join(ROOT, 'man')).map((name) => `man/${name}`),
      'BENCHMARKS.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'package.json',
    ];
    assert.deepEqual(packed, expected.map((name) => `package/${name}`).sort());
  });

  test('holds every file that its pages link', () => {
    const pages = packed.map((path) => path.slice('package/'.length)).filter((path) => path.endsWith('.md'));
    assert.ok(pages.includes('README.md') && pages.includes('docs/settings.md'));
    for (const page of pages) {
      for (const link of links(read(page))) {
        const [path = ''] = link.split('#');
        const target = path === '' ? page : join(dirname(page), path);
        assert.ok(
          packed.some((name) => name === `package/${target}` || name.startsWith(`package/${target}/`)),
          `${page}: ${link}`,
        );
      }
    }
  });

  test('is the same to the byte wherever and whenever it is packed', async () => {
    const again = await pack(join(folder, 'another', 'place'));
    assert.ok(readFileSync(again).equals(readFileSync(tarball)));
  });

  test('holds the licence of every library in it, and no path of the machine that packed it', () => {
    const bundle = join(home, 'node_modules/session-cleanup/dist/bundle');
    const licences = readFileSync(join(bundle, 'LICENSES.txt'), 'utf8').match(/^\S+ [\d.]+, licence \S/gm) ?? [];
    for (const name of readdirSync(bundle)) {
      const text = readFileSync(join(bundle, name), 'utf8');
      for (const place of [ROOT, folder]) assert.ok(!text.includes(place.slice(1)), `${place} in ${name}`);
      // esbuild writes the name of each file above what comes from it.
      for (const [, library = ''] of text.matchAll(/^\/\/ (?:.*\/)?node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm)) {
        assert.ok(
          licences.some((line) => line.startsWith(`${library} `)),
          library,
        );
      }
    }
  });

  test('says its version', async () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    assert.deepEqual(await installed('--version'), { status: 0, stdout: `${version}\n`, stderr: '' });
  });

  for (const engine of engines.filter(({ family }) => family !== 'sqlite')) {
    test(`cleans up without the SQLite driver, ${engine.name}`, async (t) => {
      const database = await createSessions(t, engine, { expired: ['a'], live: ['z'] });
      const { status, stderr } = await installed('run', '--db-url', database.url);
      assert.deepEqual([status, stderr], [0, '']);
      assert.deepEqual(await remaining(database), ['z']);
    });
  }

  test('says how to install the SQLite driver where it is missing', async () => {
    assert.ok(!existsSync(join(home, 'node_modules/sqlite3')));
    writeFileSync(join(home, 'app.db'), '');
    const { status, stdout, stderr } = await installed('run', '--db-url', 'sqlite:app.db');
    assert.deepEqual([status, stdout], [4, '']);
    const line = JSON.parse(stderr) as Record<string, string>;
    assert.deepEqual([line.outcome, line.error_code], ['unavailable', 'NO_DRIVER']);
    assert.match(
      line.hint ?? '',
      /^Install session-cleanup again with --allow-scripts=sqlite3; .* npm rebuild sqlite3\.$/,
    );
  });
});

test('the lock file names no place that a package came from', () => {
  for (const name of ['package-lock.json', 'test/stores/package-lock.json']) {
    if (existsSync(join(ROOT, name))) assert.ok(!readFileSync(join(ROOT, name), 'utf8').includes('"resolved"'), name);
  }
});
