// The README is run: its commands and what they print. And it stays short, and leads to every page.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SETTINGS } from '../../src/settings/settings.js';
import { commands, createAppFile, lines, steady, stubCrontab, TERMINAL } from './app.js';
import { type Installed, install } from './installed.js';
import { blocks, links, ROOT, read } from './markdown.js';

const README = read('README.md');
const FIRST_SCREEN = README.slice(0, README.indexOf('\n## '));
const [OWN_DATABASE = '', FRAMEWORKS = ''] = blocks(FIRST_SCREEN, 'sh');

test('it has at most 130 lines', () => {
  assert.ok(README.split('\n').length <= 131, String(README.split('\n').length));
});

test('it leads to every page of docs', () => {
  const linked = new Set(links(README).map((link) => link.split('#')[0]));
  for (const page of readdirSync(join(ROOT, 'docs'))) assert.ok(linked.has(`docs/${page}`), page);
});

describe('the first screen', () => {
  test('begins with the two commands of a checkout, and the demo prints what it shows', () => {
    const [first, second, ...others] = blocks(FIRST_SCREEN, 'console').flatMap(commands);
    assert.deepEqual([first?.line, second?.line, others], ['npm ci && npm run demo', 'npm ci && npm test', []]);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };
    assert.equal(scripts.demo, 'node examples/demo.js');
    const { status, stdout } = spawnSync(process.execPath, ['examples/demo.js'], { cwd: ROOT, encoding: 'utf8' });
    assert.equal(status, 0);
    assert.equal(steady(first?.output ?? ''), steady(stdout));
  });

  test('checks, counts and schedules a run of one’s own database', async (t) => {
    const installed = await installedWithApp(t);
    stubCrontab(installed);
    const [check = '', dryRun = '', schedule = '', ...others] = lines(OWN_DATABASE);
    assert.deepEqual(others, []);
    assert.match(await succeeds(installed, check), /^Ready: a run would delete 1,000 of 1,002 rows of sessions/);
    assert.match(await succeeds(installed, dryRun), /^Would delete 1,000 of 1,002 rows of sessions\./);
    assert.match(await succeeds(installed, schedule), /^Installed for \S+: every 6 hours, next /);
  });

  test('names stores whose tables a run finds', async (t) => {
    const installed = await installedWithApp(t, [
      'CREATE TABLE django_session (session_key TEXT PRIMARY KEY, session_data TEXT, expire_date TEXT)',
      "INSERT INTO django_session VALUES ('a', '', '2020-01-01 00:00:00.000000'), ('z', '', '2096-01-01 00:00:00')",
      'DROP TABLE sessions',
      'CREATE TABLE sessions (id TEXT PRIMARY KEY, last_activity INTEGER, sid TEXT, expired TEXT)',
      "INSERT INTO sessions VALUES ('a', unixepoch() - 5 * 3600, 'a', '2020-01-01T00:00:00.000Z')",
      "INSERT INTO sessions VALUES ('z', unixepoch() - 3 * 3600, 'z', '2096-01-01T00:00:00.000Z')",
    ]);
    const shown = lines(FRAMEWORKS);
    assert.equal(shown.length, 3);
    for (const line of shown) assert.match(await succeeds(installed, line), /^Ready: a run would delete 1 of 2 rows /);
  });

  test('names the default timeout', () => {
    assert.ok(FIRST_SCREEN.includes(`default: ${String(SETTINGS.timeout.default).replace('s', ' s')}`));
  });
});

/** The file names the app's database. */
async function installedWithApp(t: Parameters<typeof install>[0], statements?: readonly string[]): Promise<Installed> {
  const installed = install(t);
  await createAppFile(t, installed, statements);
  const url = `sqlite:${join(installed.folder, 'app.db')}\n`;
  writeFileSync(join(installed.folder, 'sessions.url'), url, { mode: 0o600 });
  return installed;
}

async function succeeds({ bin, folder, shell }: Installed, line: string): Promise<string> {
  const env = { ...TERMINAL, PATH: `${bin}:/usr/bin:/bin`, HOME: folder };
  const { status, stdout, stderr } = await shell(line, env);
  assert.deepEqual([status, stderr], [0, ''], line);
  return stdout;
}
