// What `npm run docs` writes is what is there; and it notices where it is not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ROOT } from './markdown.js';

function docs(...args: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, ['scripts/docs.js', ...args], { cwd: ROOT, encoding: 'utf8' });
}

/** A copy of what it writes, in which `path` is changed. */
function changed(t: TestContext, path: string, change: (text: string) => string): string {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const part of ['README.md', 'docs', 'man', 'package.json']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  const before = readFileSync(join(folder, path), 'utf8');
  writeFileSync(join(folder, path), change(before));
  assert.notEqual(readFileSync(join(folder, path), 'utf8'), before);
  return folder;
}

describe('npm run docs -- --check', () => {
  test('finds nothing to write', () => {
    const { status, stderr } = docs('--check');
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('names a file that is not as it would write it, which npm run docs then writes', (t) => {
    for (const [path, from, to] of [
      ['README.md', '| `--table <name>` |', '| `--tables <name>` |'],
      ['docs/settings.md', '| `--table <name>` |', '| `--tables <name>` |'],
      ['man/session-cleanup.1', '.SH OPTIONS', '.SH FLAGS'],
    ] as const) {
      const folder = changed(t, path, (text) => text.replace(from, to));
      const checked = docs(folder, '--check');
      assert.deepEqual([checked.status, checked.stderr], [1, `${path} is not what npm run docs writes\n`]);
      assert.equal(docs(folder).status, 0);
      assert.equal(docs(folder, '--check').status, 0);
      assert.equal(readFileSync(join(folder, path), 'utf8'), readFileSync(join(ROOT, path), 'utf8'));
    }
  });

  test('fails where a marker guards nothing', (t) => {
    for (const [from, to, problem] of [
      [
        '<!-- npm run docs: settings -->',
        '<!-- npm run docs: setings -->',
        /settings\.md wants a table that there is not: setings/,
      ],
      ['<!-- npm run docs: settings -->', '', /no page has the table settings/],
      ['<!-- end of what npm run docs writes -->', '', /settings\.md has a marker without its end/],
    ] as const) {
      const { status, stderr } = docs(
        changed(t, 'docs/settings.md', (text) => text.replace(from, to)),
        '--check',
      );
      assert.equal(status, 1);
      assert.match(stderr, problem);
    }
  });
});
