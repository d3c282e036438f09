// Our block in somebody's crontab, and the crontab command. A stand-in takes the place of the real one, which would
// change the crontab of whoever runs this; it refuses and answers as Debian's does.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { openCrontab, removeBlock, upsertBlock } from '../../src/crontab/crontab.js';
import { CleanupError } from '../../src/errors.js';

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
  let folder: string;
  let program: string;
  let tab: string;

  const standIn = (script: string): void => writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const failure = (kind: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof CleanupError);
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
    return true;
  };

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
    const crontab = openCrontab(program);
    assert.deepEqual(await crontab.read(), Buffer.alloc(0));
    const content = Buffer.from([0xff, 0x0d, 0x0a, 0x23, 0x0a]);
    await crontab.write(content);
    assert.deepEqual(readFileSync(tab), content);
    assert.deepEqual(await crontab.read(), content);
    await crontab.write(Buffer.alloc(0));
    assert.equal(readFileSync(tab, 'utf8'), '');
  });

  test('gets an end to the last line where there is none', async () => {
    await openCrontab(program).write(Buffer.from('a\nb'));
    assert.equal(readFileSync(tab, 'utf8'), 'a\nb\n');
  });

  test('of busybox has other words for none', async () => {
    standIn(`echo "crontab: can't open 'root': No such file or directory" >&2; exit 1`);
    assert.deepEqual(await openCrontab(program).read(), Buffer.alloc(0));
  });

  test('that is missing is named', async () => {
    const missing = openCrontab(join(folder, 'none'));
    await assert.rejects(missing.read(), failure('unavailable', /^the crontab command cannot be run \(ENOENT\)$/));
    await assert.rejects(missing.write(Buffer.from('a\n')), failure('unavailable', /ENOENT/));
  });

  test('that refuses says why, and nothing was written', async () => {
    standIn(`echo 'You (me) are not allowed to use this program (crontab)' >&2; echo 'See crontab(1)' >&2; exit 1`);
    const crontab = openCrontab(program);
    const why = /: You \(me\) are not allowed to use this program \(crontab\); See crontab\(1\)$/;
    await assert.rejects(crontab.read(), failure('failed', why));
    await assert.rejects(crontab.write(Buffer.alloc(1_000_000)), failure('failed', why));
    assert.equal(existsSync(tab), false);
  });

  test('that keeps something else is found out', async () => {
    standIn('[ "$1" = -l ] && echo other; cat >/dev/null');
    await assert.rejects(
      openCrontab(program).write(Buffer.from('a\n')),
      failure('failed', /does not hold what was written/),
    );
  });

  test('that ends by a signal did not do its work', async () => {
    standIn('kill -9 $$');
    await assert.rejects(openCrontab(program).read(), failure('unavailable', /SIGKILL/));
  });
});
