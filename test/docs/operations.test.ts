// docs/operations.md: its commands run, and print what it shows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands, createAppFile, lines, stubCrontab, TERMINAL } from './app.js';
import { install } from './installed.js';
import { blocks, read, section } from './markdown.js';

const PAGE = read('docs/operations.md');

test('schedule prints what the example shows, and that is the default', async (t) => {
  const installed = install(t);
  writeFileSync(join(installed.folder, 'url'), 'sqlite:/app.db\n', { mode: 0o600 });
  const [shown] = blocks(section(PAGE, 'Schedule'), 'console').flatMap(commands);
  const print = async (line: string) => (await installed.shell(line, { PATH: installed.bin })).stdout;
  const printed = await print(shown?.line.replace('/etc/session-cleanup/url', 'url') ?? '');
  const plain = (text: string) =>
    text
      .trim()
      .replace(/^\d+ /m, 'MINUTE ')
      .replace(/ \S+\/node \S+\/session-cleanup\.js /, ' NODE COMMAND ')
      .replace(/--db-url-file \S+/, '--db-url-file URL');
  assert.equal(plain(printed), plain(shown?.output ?? ''));
  assert.equal(await print('session-cleanup schedule --db-url-file url'), printed);
});

test('the entry of one of several tables is installed under its name', async (t) => {
  const installed = install(t);
  await createAppFile(t, installed, [
    'CREATE TABLE carts (id INTEGER PRIMARY KEY, expires_at INTEGER)',
    'INSERT INTO carts VALUES (1, 1700000000), (2, 4000000000)',
  ]);
  const url = join(installed.folder, 'url');
  writeFileSync(url, `sqlite:${join(installed.folder, 'app.db')}\n`, { mode: 0o600 });
  stubCrontab(installed);
  const [line = ''] = blocks(section(PAGE, 'Several tables'), 'sh').flatMap(lines);
  const env = { ...TERMINAL, PATH: `${installed.bin}:/usr/bin:/bin`, HOME: installed.folder };
  const ended = await installed.shell(line.replace('/etc/session-cleanup/url', url), env);
  assert.deepEqual([ended.status, ended.stderr], [0, '']);
  assert.match(ended.stdout, /^Installed carts for /);
});

test('the command for a backlog runs', async (t) => {
  const installed = install(t);
  await createAppFile(t, installed);
  const url = join(installed.folder, 'url');
  writeFileSync(url, 'sqlite:app.db\n', { mode: 0o600 });
  const [line = ''] = blocks(section(PAGE, 'Large backlogs'), 'sh');
  const ended = await installed.shell(line.replace('/etc/session-cleanup/url', url), { PATH: installed.bin });
  assert.deepEqual([ended.status, ended.stderr], [0, '']);
  assert.match(ended.stdout, /"deleted_count":1000,.*"batch_size":5000,"batches":1,/);
});

const hasJq = spawnSync('jq', ['--version']).status === 0;

test('the filters read a journal', { skip: !hasJq && 'jq is not installed' }, async (t) => {
  const installed = install(t);
  await createAppFile(t, installed);
  const run = (args: string) =>
    installed.shell(`session-cleanup run --db-url sqlite:app.db ${args} 2>&1`, { PATH: installed.bin });
  const journal = [
    'Starting session-cleanup.service',
    (await run('')).stdout.trim(),
    (await run('--table none')).stdout.trim(),
  ].join('\n');
  const filters = blocks(section(PAGE, 'systemd and the journal'), 'sh').map(
    (line) => /\| (jq .*)\n$/.exec(line)?.[1] ?? '',
  );
  const read = filters.map((filter) => spawnSync('/bin/sh', ['-c', filter], { input: journal, encoding: 'utf8' }));
  assert.deepEqual(
    read.map(({ status, stderr }) => [status, stderr]),
    [
      [0, ''],
      [0, ''],
    ],
  );
  const [failed, counts] = read.map(({ stdout }) => stdout);
  assert.match(
    failed ?? '',
    /^\{\n {2}"timestamp": .*\n {2}"outcome": "refused",\n {2}"error": "there is no table none"\n\}\n$/,
  );
  assert.match(counts ?? '', /^\S+\tdeleted\t1000\n\S+\trefused\t\S*\n$/);
});
