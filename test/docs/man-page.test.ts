import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('the manual page is what npm run man makes of the settings', () => {
  const before = readFileSync(`${root}man/session-cleanup.1`, 'utf8');
  execFileSync(process.execPath, ['scripts/man.js'], { cwd: root });
  assert.equal(before, readFileSync(`${root}man/session-cleanup.1`, 'utf8'));
});
