// docs/output.md: its keys are those of the lines, and its examples are what the commands print.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LINE_KEYS } from '../../src/report/keys.js';
import { progressText } from '../../src/report/progress.js';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { commands, createApp, createAppFile, steady, TERMINAL } from './app.js';
import { install } from './installed.js';
import { blocks, code, read, section, table } from './markdown.js';

const PAGE = read('docs/output.md');

describe('the keys of the line', () => {
  const always = LINE_KEYS.flatMap(({ key, when }) => (when === 'always' ? [key] : []));

  test('are "always" those that every line has, and the example has those of a run', async (t) => {
    // So few that they go in one transaction, however slow the machine is.
    const { url } = await createApp(t, undefined, { expired: 3, live: 2 });
    const ran = Object.keys((await runCommand(['run', '--db-url', url])).line);
    assert.deepEqual(ran.toSpliced(ran.indexOf('deleted_count'), 1), always);
    const failed = Object.keys((await runCommand(['run'])).line);
    assert.deepEqual(
      always.filter((key) => !failed.includes(key)),
      [],
    );
    const [example = ''] = blocks(section(PAGE, 'The line'), 'json');
    assert.deepEqual(Object.keys(JSON.parse(example)), ran);
    const { version } = JSON.parse(read('package.json')) as { version: string };
    assert.equal((JSON.parse(example) as { version: string }).version, version);
  });

  test('are besides them those of check', async (t) => {
    const [list = ''] = /^`check` has these besides.*$/m.exec(PAGE) ?? [];
    const named = code(list).slice(1);
    assert.ok(named.length > 10);
    for (const on of engines) {
      const { url } = await createApp(t, on);
      const checked = Object.keys((await runCommand(['check', '--db-url', url])).line);
      assert.deepEqual(
        checked.filter((key) => named.includes(key)),
        named,
        on.name,
      );
    }
  });
});

test('the examples show what the commands print', async (t) => {
  const installed = install(t);
  await createAppFile(t, installed);
  const shown = blocks(PAGE, 'console').flatMap(commands);
  assert.equal(shown.length, 2);
  for (const { line, output } of shown) {
    const { stdout, stderr } = await installed.shell(line, { ...TERMINAL, PATH: installed.bin });
    assert.equal(steady(stdout + stderr), steady(output), line);
  }
});

test('the log levels print what the table says', async (t) => {
  const { url } = await createApp(t);
  const rows = table(section(PAGE, 'How much it says'), '', 'success', 'success with a `warning`', 'failure', 'more');
  const cases = rows.flatMap(([flags = '', ...cells]) => code(flags).map((given) => ({ given, cells })));
  assert.equal(cases.length, 5);
  for (const { given, cells } of cases) {
    const said = async (...args: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await runCommand(['run', ...given.split(' '), ...args]);
      const lines = `${stdout}${stderr}`
        .split('\n')
        .filter((line) => /"message":"session_cleanup_(ran|failed)"/.test(line));
      return lines.length === 0 ? 'nothing' : lines.length === 1 ? 'one line' : 'more';
    };
    const success = await said('--db-url', url);
    const warned = await said('--db-url', url, '--metrics-file', '/nowhere/sessions.prom');
    assert.deepEqual([success, warned, await said()], cells.slice(0, 3), given);
  }
});

test('the progress is as the examples show it', () => {
  const [block = ''] = blocks(section(PAGE, 'Progress'), '');
  const expected = { count: 300_000, isLeast: false };
  const deleting = { expected, deletedCount: 50_000, tookMs: 5_000 };
  assert.deepEqual(block.trim().split('\n'), [
    progressText({ deleting: { expected, deletedCount: 188_778, tookMs: 5_761.6 }, wait: undefined }),
    progressText({ deleting, wait: { on: { kind: 'pause', ms: 10_000 }, tookMs: 0 } }),
    progressText({ deleting, wait: { on: { kind: 'lock' }, tookMs: 5_000 } }),
  ]);
});
