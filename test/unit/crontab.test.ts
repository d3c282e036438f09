// Our block in somebody's crontab, and the crontab command. A stand-in takes the place of the real one, which would
// change the crontab of whoever runs this; it refuses and answers as Debian's does.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { findBlock, removeBlock, upsertBlock, variableAt } from '../../src/crontab/block.js';
import { openCrontab } from '../../src/crontab/crontab.js';
import { CleanupError } from '../../src/errors.js';
import { inTime } from '../support/in-time.js';

const NAME = 'session_cleanup';
const BLOCK = '# BEGIN session_cleanup (…)\n49 */6 * * * /usr/bin/node x run >/dev/null\n# END session_cleanup';
const OLD = '# BEGIN session_cleanup\n1 1 1 1 1 old\n# END session_cleanup';

const upsert = (text: string, block = BLOCK): string => upsertBlock(Buffer.from(text), NAME, block).toString();
const remove = (text: string): string => removeBlock(Buffer.from(text), NAME).toString();

describe('the block in a crontab', () => {
  test('is added at the end, or replaces the one that is there', () => {
    const cases = {
      '': `${BLOCK}\n`,
      'MAILTO=ops\n': `MAILTO=ops\n${BLOCK}\n`,
      '0 1 * * * a\r\n': `0 1 * * * a\r\n${BLOCK}\n`,
      'no end': `no end\n${BLOCK}`,
      [`a\n${OLD}\nb\n`]: `a\n${BLOCK}\nb\n`,
      [`a\n${OLD}\nb`]: `a\n${BLOCK}\nb`,
      [`a\n${OLD}`]: `a\n${BLOCK}`,
      [`a\r\n${OLD.replaceAll('\n', '\r\n')}\r\nb\r\n`]: `a\r\n${BLOCK}\nb\r\n`,
      [`${OLD}\na\n${OLD}\nb\n`]: `${BLOCK}\na\nb\n`,
      '# BEGIN session_cleanup_2\n': `# BEGIN session_cleanup_2\n${BLOCK}\n`,
      ' # BEGIN session_cleanup\n': ` # BEGIN session_cleanup\n${BLOCK}\n`,
    };
    for (const [before, after] of Object.entries(cases)) assert.equal(upsert(before), after, JSON.stringify(before));
  });

  test('is taken out again without a trace', () => {
    for (const text of ['', 'a\n', 'a', 'a\r\n', '\n\n', 'a\n\n']) assert.equal(remove(upsert(text)), text);
    assert.equal(remove(`a\n${OLD}\nb`), 'a\nb');
    assert.equal(remove('a\nb\n'), 'a\nb\n');
  });

  test('is found, with the variables that are set where it stands', () => {
    const text = `MAILTO=a\nMAILTO = "ops, dev"\n #MAILTO=b\n${OLD}\nMAILTO=c\n'CRON_TZ'=Asia/Tokyo\nXMAILTO=d\n`;
    const crontab = Buffer.from(text);
    assert.equal(findBlock(crontab, NAME), '1 1 1 1 1 old\n');
    assert.equal(findBlock(crontab, 'carts'), '');
    assert.deepEqual(
      [variableAt(crontab, NAME, 'MAILTO'), variableAt(crontab, NAME, 'CRON_TZ')],
      ['ops, dev', undefined],
    );
    // Where there is none yet: at the end.
    assert.deepEqual(
      [variableAt(crontab, 'carts', 'MAILTO'), variableAt(crontab, 'carts', 'CRON_TZ')],
      ['c', 'Asia/Tokyo'],
    );
    assert.equal(variableAt(Buffer.from('MAILTO=""\n'), NAME, 'MAILTO'), '');
  });

  // Bytes that are no UTF-8 included.
  const line = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc
      .constantFrom('MAILTO=""', '0 1 * * * a %x', '# END', '', '\r', '# BEGIN session_cleanups')
      .map((text) => Buffer.from(text)),
  );
  const crontab = fc
    .tuple(fc.array(line), fc.boolean())
    .map(([lines, isEnded]) =>
      Buffer.concat(lines.flatMap((bytes, at) => [bytes, Buffer.from(isEnded || at < lines.length - 1 ? '\n' : '')])),
    );
  const withBlock = fc.tuple(crontab, crontab).map(([before, after]) => ({
    text: Buffer.concat([
      before,
      Buffer.from(`${before.length === 0 || before.at(-1) === 0x0a ? '' : '\n'}${OLD}\n`),
      after,
    ]),
  }));

  test('twice is the same as once, and every other byte is kept', () => {
    fc.assert(
      fc.property(crontab, (before) => {
        const once = upsertBlock(before, NAME, BLOCK);
        assert.deepEqual(upsertBlock(once, NAME, BLOCK), once);
        assert.ok(once.includes(BLOCK));
        assert.deepEqual(removeBlock(once, NAME), before);
        assert.deepEqual(removeBlock(before, NAME), before);
      }),
    );
    fc.assert(
      fc.property(withBlock, ({ text }) => {
        const once = upsertBlock(text, NAME, BLOCK);
        assert.deepEqual(upsertBlock(once, NAME, BLOCK), once);
        assert.equal(once.toString('latin1').split('# BEGIN session_cleanup (').length, 2);
        assert.deepEqual(removeBlock(once, NAME), removeBlock(text, NAME));
        assert.deepEqual(upsertBlock(once, NAME, OLD), text);
      }),
    );
  });

  test('is refused where its marks do not pair up, rather than taking lines along', () => {
    const begin = '# BEGIN session_cleanup\n';
    const end = '# END session_cleanup\n';
    for (const text of [
      begin,
      `${begin}a\nb\n`,
      end,
      `a\n${end}${begin}`,
      `${begin}a\n${begin}b\n${end}`,
      `${OLD}\n${end}`,
    ]) {
      for (const change of [upsert, remove]) {
        assert.throws(
          () => change(text),
          (error) => error instanceof CleanupError && error.kind === 'refused',
          text,
        );
      }
    }
  });
});

describe('the crontab command', () => {
  const NONE = Buffer.alloc(0);
  const ENTRY = Buffer.from('1 1 1 1 1 x\n');
  let folder: string;
  let program: string;
  let tab: string;

  const standIn = (script: string): void => writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const failure = (kind: string, message: RegExp, hint?: RegExp) => (error: unknown) => {
    assert.ok(error instanceof CleanupError);
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? '', hint);
    return true;
  };
  /** What stops, as a deadline does: `stop` by a signal after so long, and `drop` after as long again. */
  const stopsAfter = (ms: number) => {
    const [stop, drop] = [new AbortController(), new AbortController()];
    const reason = { kind: 'signal', signal: 'SIGTERM' };
    setTimeout(() => stop.abort(reason), ms);
    setTimeout(() => drop.abort(reason), 2 * ms);
    return { stop: stop.signal, drop: drop.signal };
  };
  const never = { stop: new AbortController().signal, drop: new AbortController().signal };
  const UNCHANGED = /^(Find out what the crontab command waits for\. )?Nothing was changed\.$/;
  const UNKNOWN = /It is not known whether the crontab was changed: look at it with crontab -l\.$/;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    program = join(folder, 'crontab');
    tab = join(folder, 'tab');
    standIn(`cd "${folder}" || exit 9
case $1 in
  -l) [ -f tab ] || { echo 'no crontab for me' >&2; exit 1; }; cat tab ;;
  -) cat >new
    [ -z "$(tail -c 1 new)" ] || { echo "new crontab file is missing newline before EOF, can't install." >&2; exit 1; }
    mv new tab ;;
esac`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('reads and writes bytes; having none is having an empty one', async () => {
    const crontab = openCrontab(never, program);
    assert.deepEqual(await crontab.read(), Buffer.alloc(0));
    const content = Buffer.from([0xff, 0x0d, 0x0a, 0x23, 0x0a]);
    await crontab.write(NONE, content);
    assert.deepEqual(readFileSync(tab), content);
    assert.deepEqual(await crontab.read(), content);
    await crontab.write(NONE, Buffer.alloc(0));
    assert.equal(readFileSync(tab, 'utf8'), '');
  });

  test('gets an end to the last line where there is none', async () => {
    await openCrontab(never, program).write(NONE, Buffer.from('a\nb'));
    assert.equal(readFileSync(tab, 'utf8'), 'a\nb\n');
  });

  test('of busybox has other words for none', async () => {
    standIn(`echo "crontab: can't open 'root': No such file or directory" >&2; exit 1`);
    assert.deepEqual(await openCrontab(never, program).read(), Buffer.alloc(0));
  });

  test('that is missing is named', async () => {
    const missing = openCrontab(never, join(folder, 'none'));
    await assert.rejects(missing.read(), failure('unavailable', /^the crontab command cannot be run \(ENOENT\)$/));
    await assert.rejects(missing.write(NONE, Buffer.from('a\n')), failure('unavailable', /ENOENT/));
  });

  test('that refuses says why, and nothing was written', async () => {
    standIn(`echo 'You (me) are not allowed to use this program (crontab)' >&2; echo 'See crontab(1)' >&2; exit 1`);
    const crontab = openCrontab(never, program);
    const why = /: You \(me\) are not allowed to use this program \(crontab\); See crontab\(1\)$/;
    await assert.rejects(crontab.read(), failure('failed', why));
    await assert.rejects(crontab.write(NONE, Buffer.alloc(1_000_000)), failure('failed', why, UNKNOWN));
    assert.equal(existsSync(tab), false);
  });

  test('that keeps something else is found out', async () => {
    standIn('[ "$1" = -l ] && echo other; cat >/dev/null');
    await assert.rejects(
      openCrontab(never, program).write(NONE, Buffer.from('a\n')),
      failure('failed', /does not hold what was written/),
    );
  });

  test('that ends by a signal did not do its work', async () => {
    standIn('kill -9 $$');
    await assert.rejects(openCrontab(never, program).read(), failure('unavailable', /SIGKILL/));
  });

  test('that refuses to write says why, and that nothing was changed', async () => {
    standIn('[ "$1" = -l ] && exit 0; echo "bad minute" >&2; exit 1');
    const why = /^the crontab cannot be written: bad minute$/;
    await assert.rejects(openCrontab(never, program).write(NONE, ENTRY), failure('failed', why, UNCHANGED));
  });

  // What it has started, and what keeps its output open, is not waited for either.
  const WAITS = `trap '' TERM INT HUP; sleep 20 & wait`;

  test('that waits is given up', async () => {
    standIn(WAITS);
    const crontab = openCrontab(never, program, 300);
    await assert.rejects(crontab.read(), failure('timed_out', /^timed out after 0\.3 s while reading the crontab$/));
    const writing = /^timed out after 0\.3 s while writing the crontab$/;
    await assert.rejects(crontab.write(NONE, ENTRY), failure('timed_out', writing, UNKNOWN));
    standIn(`[ "$1" = -l ] && exit 0; ${WAITS}`);
    // It is read afterwards, for which the limit has to be long enough.
    const attempt = (limitMs: number): Promise<unknown> =>
      openCrontab(never, program, limitMs)
        .write(NONE, ENTRY)
        .catch((error: unknown) => error);
    const error = await inTime(
      300,
      attempt,
      (thrown) => thrown instanceof CleanupError && UNKNOWN.test(`${thrown.hint}`),
    );
    assert.ok(failure('timed_out', /^timed out after [\d.]+ s while writing the crontab$/, UNCHANGED)(error));
  });

  test('that waits is left behind at a stop', async () => {
    standIn(WAITS);
    const reading = /^stopped by SIGTERM while reading the crontab$/;
    await assert.rejects(openCrontab(stopsAfter(300), program).read(), failure('interrupted', reading));
    const writing = /^stopped by SIGTERM while writing the crontab$/;
    await assert.rejects(
      openCrontab(stopsAfter(300), program).write(NONE, ENTRY),
      failure('interrupted', writing, UNKNOWN),
    );
  });

  test('is not broken off by a stop, and what it wrote counts', async () => {
    const wait = 'echo >writing; until [ -e stopped ]; do sleep 0.05; done';
    standIn(`cd "${folder}"; [ "$1" = -l ] && exec cat tab; ${wait}; exec cat >tab`);
    const stop = new AbortController();
    const { drop } = never;
    const written = openCrontab({ stop: stop.signal, drop }, program).write(NONE, ENTRY);
    while (!existsSync(join(folder, 'writing'))) await sleep(20);
    stop.abort({ kind: 'signal', signal: 'SIGTERM' });
    writeFileSync(join(folder, 'stopped'), '');
    await written;
    assert.deepEqual(readFileSync(tab), ENTRY);
    // It had done its work before it was killed.
    standIn(`cd "${folder}"; [ "$1" = -l ] && exec cat tab; cat >tab; kill -9 $$`);
    await openCrontab(never, program).write(ENTRY, NONE);
    assert.equal(readFileSync(tab, 'utf8'), '');
  });

  test('is not even started after a stop', async () => {
    const stop = AbortSignal.abort({ kind: 'signal', signal: 'SIGINT' });
    const { drop } = never;
    await assert.rejects(openCrontab({ stop, drop }, program).read(), failure('interrupted', /^stopped by SIGINT/));
    await assert.rejects(
      openCrontab({ stop, drop }, program).write(NONE, ENTRY),
      failure('interrupted', /^stopped by SIGINT/),
    );
    assert.equal(existsSync(tab), false);
  });
});
