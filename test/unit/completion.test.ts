// The completion scripts, read and asked by the shells themselves, those that are installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type CommandLine, parseFlags } from '../../src/cli/command-line.js';
import { completionScript, SHELLS } from '../../src/cli/completion.js';

const HOSTILE = 'it\'s [a] \\ "thing": $HOME `id` $(id) %';
const SHARED = [
  { flags: '--url <url>', help: 'the place' },
  { flags: '--url-file <path>', help: HOSTILE },
  { flags: '-n, --dry-run', help: HOSTILE },
  { flags: '--log-format <format>', help: HOSTILE, choices: ['auto', 'json', 'text'] },
  { flags: '-h, --help', help: 'print this help' },
];
const COMMAND_LINE: CommandLine = {
  name: 'sweep-up',
  help: 'Sweeps.',
  examples: [],
  flags: [
    { flags: '-V, --version', help: 'print the version' },
    { flags: '-h, --help', help: 'print this help' },
  ],
  commands: [
    { name: 'run', help: 'do it', examples: [], flags: SHARED },
    {
      name: 'schedule',
      help: HOSTILE,
      examples: [],
      flags: [...SHARED, { flags: '--every <duration>', help: 'interval' }],
    },
    {
      name: 'dance',
      help: 'move',
      examples: [],
      argument: { name: 'music', help: 'any', choices: ['tango', 'waltz'] },
      flags: [{ flags: '-h, --help', help: 'print this help' }],
    },
  ],
};

/** What is typed, and what may follow: as the last word. */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['sweep-up r', ['run']],
  ['sweep-up s', ['schedule']],
  ['sweep-up --v', ['--version']],
  ['sweep-up run --dr', ['--dry-run']],
  ['sweep-up run --ev', []],
  ['sweep-up schedule --url x --ev', ['--every']],
  ['sweep-up run --log-format ', ['auto', 'json', 'text']],
  ['sweep-up run --log-format j', ['json']],
  ['sweep-up run --dry-run --log-format=t', ['text']],
  ['sweep-up run --url ', []],
  ['sweep-up dance t', ['tango']],
];

const isInstalled = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

describe('the completion script', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    for (const shell of SHELLS) writeFileSync(join(folder, shell), completionScript(shell, COMMAND_LINE));
    writeFileSync(join(folder, 'queue.txt'), '');
  });
  after(() => rmSync(folder, { recursive: true }));

  const ask = (shell: string, args: readonly string[]): string => {
    const env = { PATH: process.env.PATH ?? '', HOME: folder, TERM: 'dumb' };
    const { status, stdout, stderr } = spawnSync(shell, args, { cwd: folder, env, encoding: 'utf8', timeout: 30_000 });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, args.join('\n'));
    return stdout;
  };

  test('completes in bash', { skip: !isInstalled('bash') && 'bash is not installed' }, () => {
    for (const [typed, expected] of CASES) {
      // As readline does: of --flag=value, three words.
      const words = typed.replace('=', ' = ').split(' ');
      const list = words.map((word) => `'${word}'`).join(' ');
      const script = `. ./bash; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _sweep_up; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const replies = ask('bash', ['--norc', '-uc', script]).split('\n');
      assert.deepEqual(
        replies.filter((reply) => reply !== ''),
        expected,
        typed,
      );
    }
  });

  test('completes in fish', { skip: !isInstalled('fish') && 'fish is not installed' }, () => {
    for (const [typed, expected] of CASES) {
      const lines = ask('fish', ['--no-config', '-c', 'source ./fish; complete -C "$argv[1]"', typed]).split('\n');
      const replies = lines
        .filter((line) => line !== '')
        .map((line) => line.replace(/\t.*/, '').replace(/^--\S+=/, ''));
      assert.deepEqual(replies, expected, typed);
    }
    const described = ask('fish', ['--no-config', '-c', 'source ./fish; complete -C "sweep-up sch"']);
    assert.equal(described, `schedule\t${HOSTILE}\n`);
    assert.match(
      ask('fish', ['--no-config', '-c', 'source ./fish; complete -C "sweep-up run --url-file q"']),
      /^queue\.txt/,
    );
  });

  test('completes in zsh', { skip: !isInstalled('zsh') && 'zsh is not installed' }, () => {
    // A terminal of its own, in which Tab is pressed and the line is then shown.
    const press = (typed: string): string => {
      const script = `
        zmodload zsh/zpty
        zpty shell "PS1= zsh -f -i"
        zpty -w shell 'unsetopt zle_bracketed_paste prompt_cr prompt_sp; bindkey -e; LISTMAX=1000; autoload -Uz compinit; compinit -u -C -d ./dump; . ./zsh'
        zpty -w shell 'show() { print -r -- "<<<$BUFFER>>>"; exit }; zle -N show; bindkey "^X" show; setopt no_beep; print ready-$((1+1))'
        zpty -r -m shell line '*ready-2*'
        zpty -w -n shell "$1"$'\\t'$'\\x18'
        zpty -r -m shell line '*<<<*>>>*'
        print -r -- $line`;
      return /<<<(.*?)>>>/s.exec(ask('zsh', ['-f', '-c', script, 'zsh', typed]))?.[1] ?? '';
    };
    for (const [typed, [only, ...others]] of CASES.slice(3)) {
      if (only === undefined || others.length > 0) continue;
      const expected = typed.replace(/[^ =]*$/, only);
      assert.equal(press(typed).replace(/[ =]$/, ''), expected, typed);
    }
    assert.equal(press('sweep-up run --url-file q').trimEnd(), 'sweep-up run --url-file queue.txt');
    assert.equal(press('sweep-up run --ev'), 'sweep-up run --ev');
  });
});

test('a flag has its spellings and the name of its value', () => {
  assert.deepEqual(parseFlags('-n, --dry-run'), { names: ['-n', '--dry-run'], value: undefined });
  assert.deepEqual(parseFlags('--db-url <url>'), { names: ['--db-url'], value: 'url' });
  assert.deepEqual(parseFlags('-t, --timeout <a-b>'), { names: ['-t', '--timeout'], value: 'a-b' });
});
