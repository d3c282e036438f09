// The compiled code that a run keeps in the package's own folder: the next run uses it, and never in the place of other
// code.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BIN, type Ended, runCommand } from '../support/command.js';
import { type Database, engines } from '../support/databases.js';
import { successLine } from '../support/lines.js';
import { createSessions, ids, remaining } from '../support/sessions.js';

const [sqlite, other] = engines;
assert.ok(sqlite?.family === 'sqlite' && other !== undefined);
const engine = sqlite;
const ROOT = dirname(dirname(BIN));
const FILES = ['commander.cjs', 'knex.cjs', 'main.cjs', 'winston.cjs'];

interface Copy {
  readonly database: Database;
  readonly bundle: string;
  readonly compiled: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Deletes one expired row. */
  cleanUp(env?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>>;
  /** The files that are kept, and their text. */
  kept(): Readonly<Record<string, string>>;
}

/** The package in a folder of its own, in which nothing is kept yet. */
async function createCopy(t: TestContext): Promise<Copy> {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['bin', 'dist/bundle', 'package.json']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const database = await createSessions(t, engine, { live: ['z'] });
  const compiled = join(folder, 'dist/compiled', `${process.version}-${process.arch}`);
  const run: Copy['run'] = (args, env = {}) =>
    runCommand([...args, ...(args.includes('--db-url') ? [] : ['--db-url', database.url])], {
      bin: join(folder, 'bin/session-cleanup.js'),
      env,
    });
  return {
    database,
    bundle: join(folder, 'dist/bundle'),
    compiled,
    run,
    async cleanUp(env) {
      await database.run("INSERT INTO sessions VALUES ('a', '2020-01-01 00:00:00')");
      const { status, stderr, line } = await run(['run'], env);
      assert.deepEqual([status, stderr, line.deleted_count], [0, '', 1]);
      assert.deepEqual(await remaining(database), ['z']);
      return line;
    },
    kept: () =>
      Object.fromEntries(namesIn(compiled).map((name) => [name, readFileSync(join(compiled, name), 'latin1')])),
  };
}

function namesIn(folder: string): readonly string[] {
  return readdirSync(dirname(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath === folder)
    .map(({ name }) => name)
    .sort();
}

describe('the compiled code', { concurrency: 2, timeout: 180_000 }, () => {
  test('is kept by the first run that succeeds, and then as it is', async (t) => {
    const copy = await createCopy(t);
    await copy.cleanUp();
    const kept = copy.kept();
    assert.deepEqual(Object.keys(kept), FILES);
    await copy.cleanUp();
    assert.deepEqual(copy.kept(), kept);
  });

  test('of the first run on another engine is added to it', async (t) => {
    const copy = await createCopy(t);
    await copy.cleanUp();
    const before = copy.kept();
    const database = await createSessions(t, other, { expired: ids(2), live: ['z'] });
    assert.equal(successLine(await copy.run(['run', '--db-url', database.url])).deleted_count, 2);
    const after = copy.kept();
    assert.equal(Object.keys(after).length, FILES.length + 1);
    assert.ok(Number(after['main.cjs']?.length) > Number(before['main.cjs']?.length));
    await copy.cleanUp();
    assert.deepEqual(copy.kept(), after);
  });

  test('is not kept by what compiles less than a run', async (t) => {
    const copy = await createCopy(t);
    mkdirSync(copy.compiled, { recursive: true });
    assert.equal((await copy.run(['run', '--help'])).status, 0);
    assert.equal((await copy.run(['check'])).status, 0);
    assert.equal((await copy.run(['run', '--table', 'absent'])).status, 3);
    await copy.cleanUp({ NODE_DISABLE_COMPILE_CACHE: '1' });
    assert.deepEqual(copy.kept(), {});
  });

  test('of other code is not used, and is kept anew', async (t) => {
    const copy = await createCopy(t);
    assert.equal((await copy.cleanUp()).message, 'session_cleanup_ran');
    const path = join(copy.bundle, 'main.cjs');
    // V8 itself takes code of the same length for the same.
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('session_cleanup_ran', 'session_cleanup_RAN'));
    assert.equal((await copy.cleanUp()).message, 'session_cleanup_RAN');
    assert.ok(copy.kept()['main.cjs']?.includes('session_cleanup_RAN'));
    assert.equal((await copy.cleanUp()).message, 'session_cleanup_RAN');
  });

  test('that V8 does not take is compiled again, without a word', async (t) => {
    const copy = await createCopy(t);
    mkdirSync(copy.compiled, { recursive: true });
    for (const name of FILES) {
      const source = readFileSync(join(copy.bundle, name), 'latin1');
      writeFileSync(join(copy.compiled, name), `${source}of another V8`, 'latin1');
    }
    assert.equal((await copy.cleanUp()).outcome, 'deleted');
  });

  test('is kept anew where a run was killed while it wrote', async (t) => {
    const copy = await createCopy(t);
    mkdirSync(copy.compiled, { recursive: true });
    const unfinished = 'main.cjs.1764000000000-1';
    writeFileSync(join(copy.compiled, unfinished), 'half of it');
    await copy.cleanUp();
    const kept = copy.kept();
    assert.deepEqual(Object.keys(kept), ['commander.cjs', 'knex.cjs', 'main.cjs', unfinished, 'winston.cjs']);
    assert.equal(kept[unfinished], 'half of it');
  });

  test('is not kept where there is no place for it, without a word', async (t) => {
    const copy = await createCopy(t);
    writeFileSync(dirname(copy.compiled), 'a file is no folder to write into');
    await copy.cleanUp();
    assert.equal(readFileSync(dirname(copy.compiled), 'utf8'), 'a file is no folder to write into');
  });
});
