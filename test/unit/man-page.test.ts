// The manual page, formatted by what formats manual pages here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { renderManPage } from '../../src/cli/man-page.js';

const timeout = {
  flags: '--timeout <duration>',
  help: 'budget, such as 30s; 0 is none',
  default: '30s',
  variables: ['SWEEP_TIMEOUT'],
};
const HOSTILE = `.SH 'it\\fBs' a "test" of ~ ^ \` -- \\n(.x … é 🧹`;
const PAGE = renderManPage({
  commandLine: {
    name: 'sweep-up',
    help: 'sweeps, and nothing else',
    examples: [],
    flags: [{ flags: '-V, --version', help: 'print the version' }],
    commands: [
      { name: 'run', help: 'do it', examples: [], flags: [timeout, { flags: '-n, --dry-run', help: HOSTILE }] },
      { name: 'check', help: HOSTILE, examples: [], flags: [timeout, { flags: '--only <path>', help: 'one' }] },
      {
        name: 'sing',
        help: 'la',
        examples: [],
        argument: { name: 'song', help: 'any', choices: ['alle'] },
        flags: [timeout],
        note: 'All at once.',
      },
    ],
  },
  version: '1.2.3',
  date: '2026-01-02',
  sections: [
    {
      heading: 'EXIT STATUS',
      terms: [
        ['0', 'done'],
        ['75', 'busy'],
      ],
    },
    { heading: 'EXAMPLES', code: ['$ sweep-up check'] },
    { heading: 'NOTES', paragraphs: ['The first.', HOSTILE], code: ['$ sweep-up run --url-file x', HOSTILE, "'a"] },
  ],
});

const WARN: readonly (readonly [string, readonly string[]])[] = [
  ['groff', ['-man', '-ww', '-rLL=1000n', '-Tutf8', '-P-cbou']],
  ['mandoc', ['-T', 'utf8', '-W', 'warning', '-O', 'width=1000']],
];

describe('the manual page', () => {
  test('is ASCII, and no text in it is a request', () => {
    assert.match(PAGE, /^[\n -~]*$/);
    const requests = new Set(PAGE.split('\n').flatMap((line) => /^[.']\S*/.exec(line) ?? []));
    assert.deepEqual([...requests].sort(), [
      '.B',
      '.I',
      '.PP',
      '.RE',
      '.RI',
      '.RS',
      '.SH',
      '.SS',
      '.TH',
      '.TP',
      '.ad',
      '.br',
      '.fi',
      '.nf',
      '.nh',
    ]);
  });

  test('has an option once, with its default and variable', () => {
    assert.equal(PAGE.split('budget, such as').length, 2);
    assert.match(
      PAGE,
      /\n\.TP\n\\fB\\-\\-timeout\\fR \\fIduration\\fR\nbudget, such as 30s; 0 is none\n\.br\nDefault: 30s\.\n\.br\nEnvironment: SWEEP_TIMEOUT\.\n/,
    );
    assert.match(PAGE, /\n\.SS "sweep\\-up check"\nOf the options above: \\-\\-timeout\.\n\.TP\n\\fB\\-\\-only\\fR/);
  });

  test('has what a command takes besides flags, and what is to be known of them', () => {
    assert.match(PAGE, /\n\.SH SYNOPSIS\n(?:.*\n)*\.B sweep\\-up sing\n\.I song\n\.SH COMMANDS\n/);
    assert.match(
      PAGE,
      /\n\.SS "sweep\\-up sing"\nOf the options above: \\-\\-timeout\.\nAll at once\.\n\.TP\n\\fIsong\\fR\nany\n\.SH/,
    );
  });

  for (const [program, args] of WARN) {
    const isMissing = spawnSync(program, ['-h'], { input: '' }).error !== undefined;
    test(`is shown by ${program} as it was meant, without a warning`, {
      skip: isMissing && 'it is not installed',
    }, () => {
      const { status, stdout, stderr } = spawnSync(program, args, { input: PAGE, encoding: 'utf8' });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      const shown = stdout.replace(/.[\b]/gu, '');
      assert.equal(shown.split(HOSTILE).length, 5, shown);
      assert.match(shown, /\n +\$ sweep-up run --url-file x\n/);
      assert.match(shown, /\n +'a\n/);
      assert.match(shown, /-V, --version\b/);
    });
  }

  test('is found by man', {
    skip: spawnSync('man', ['-w', 'ls'], { input: '' }).error !== undefined && 'it is not installed',
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    try {
      const path = join(folder, 'sweep-up.1');
      writeFileSync(path, PAGE);
      const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', MANWIDTH: '1000', MANPAGER: 'cat' };
      const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-l', path], { env, encoding: 'utf8' });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      assert.match(stdout, /sweep-up - sweeps, and nothing else/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
