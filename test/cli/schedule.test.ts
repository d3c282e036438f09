// The command `schedule`, with a stub in the place of `crontab` and with the real one where that can be done in private.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BIN, type Ended, runCommand, startCommand } from '../support/command.js';
import { engines, openSqlite } from '../support/databases.js';
import { failureLine } from '../support/lines.js';
import { createSessions, ids, LIVE, remaining } from '../support/sessions.js';
import { leftOn, runAtTerminal } from '../support/terminal.js';

/** Debian's, over the file "table" in $HOME. */
const STUB = `
table="$HOME/table"
case "$1" in
-l)
  [ -f "$table" ] || { echo "no crontab for tester" >&2; exit 1; }
  exec cat "$table" ;;
-)
  cat >"$table.new"
  if [ -s "$table.new" ] && [ "$(tail -c 1 "$table.new" | wc -l)" -eq 0 ]; then
    echo "new crontab file is missing newline before EOF, can't install." >&2
    exit 1
  fi
  exec mv "$table.new" "$table" ;;
*) exit 64 ;;
esac`;

/** The machine's own, over the folder $HOME in a mount namespace of its own: nobody's crontab is touched. */
const REAL = `
PATH=/usr/local/bin:/usr/bin:/bin
exec unshare --mount sh -c 'mount --bind "$HOME" /var/spool/cron/crontabs && exec crontab "$@"' crontab "$@"`;

interface Cron {
  /** Where the command is run, with app.db in it. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  run(...args: string[]): Promise<Ended>;
  read(): Buffer;
  /** What is in it before the test. */
  write(content: Buffer): void;
}

/** A user with no crontab. */
function createCron(script: string): Cron & { remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
  const [bin, home] = [join(folder, 'bin'), join(folder, 'home')];
  for (const made of [bin, home]) mkdirSync(made);
  writeFileSync(join(bin, 'crontab'), `#!/bin/sh${script}\n`, { mode: 0o755 });
  const env = { PATH: `${bin}${delimiter}${process.env.PATH}`, HOME: home };
  const crontab = (argument: string, input: Buffer = Buffer.alloc(0)) =>
    spawnSync('crontab', [argument], { env, input });
  return {
    folder,
    env,
    run: (...args) => runCommand(['schedule', ...args], { env, cwd: folder }),
    read: () => crontab('-l').stdout,
    write(content) {
      const { status, stderr } = crontab('-', content);
      assert.equal(status, 0, String(stderr));
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function canBePrivate(): boolean {
  const cron = createCron(REAL);
  const { status, stderr } = spawnSync('crontab', ['-l'], { env: cron.env, encoding: 'utf8' });
  cron.remove();
  return status === 1 && stderr.startsWith('no crontab for');
}

const crontabs = { 'a stub': STUB, ...(canBePrivate() ? { "the machine's": REAL } : {}) };

const URL_FLAGS = ['--db-url', 'sqlite:app.db'];
const BEGIN = '# BEGIN session_cleanup (session-cleanup schedule replaces all of this, up to END)';
const END = '# END session_cleanup';

const HAS_MAILER = existsSync('/usr/sbin/sendmail');
const NO_MAILER =
  'this host has no /usr/sbin/sendmail, so cron mails failures to nobody: install a mailer, or monitor the runs with --metrics-file';
const MAILED_TO = HAS_MAILER ? userInfo().username : '';

interface Expected {
  readonly name?: string;
  readonly replaces?: boolean;
  /** Instead of that of a host without a mailer. */
  readonly warning?: string;
}

function scheduledLine(ended: Ended, { name = 'session_cleanup', replaces, warning }: Expected = {}) {
  assert.deepEqual({ status: ended.status, stderr: ended.stderr }, { status: 0, stderr: '' });
  const { line } = ended;
  const isInstalled = line.outcome === 'installed';
  const warned = isInstalled ? (warning ?? (HAS_MAILER ? undefined : NO_MAILER)) : undefined;
  assert.deepEqual(Object.keys(line), [
    ...['timestamp', 'level', 'message', 'correlation_id', 'outcome', 'exit_status'],
    ...['job_id', 'user', 'interval_seconds', 'schedule'],
    ...(isInstalled ? ['next_time', 'command', 'database', 'table', 'mail_to'] : []),
    ...(replaces ? ['replaced'] : []),
    'version',
    ...(warned === undefined ? [] : ['warning']),
  ]);
  assert.deepEqual(
    [line.level, line.message, line.exit_status, line.job_id, line.user, line.warning],
    [warned === undefined ? 'info' : 'warn', 'session_cleanup_scheduled', 0, name, userInfo().username, warned],
  );
  return line;
}

for (const [name, script] of Object.entries(crontabs)) {
  describe(`schedule with ${name} crontab`, { concurrency: 2 }, () => {
    const createFor = async (t: TestContext): Promise<Cron> => {
      const cron = createCron(script);
      t.after(() => cron.remove());
      const database = await openSqlite(join(cron.folder, 'app.db'));
      for (const table of ['sessions', 'carts']) {
        await database.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, expires_at TEXT)`);
        await database.run(`INSERT INTO ${table} (expires_at) VALUES ('${LIVE}')`);
      }
      await database.drop();
      return cron;
    };

    test('prints the entry and installs nothing', async (t) => {
      const cron = await createFor(t);
      const { status, stdout, stderr } = await cron.run(...URL_FLAGS);
      assert.deepEqual([status, stderr], [0, '']);
      const [begin, entry = '', end, ...rest] = stdout.split('\n');
      assert.deepEqual([begin, end, rest], [BEGIN, END, ['']]);
      assert.match(entry, /^([1-9]|[1-5]\d) \*\/6 \* \* \* /);
      assert.ok(entry.includes(` ${process.execPath} ${BIN} run --db-url sqlite:/`), entry);
      assert.ok(entry.endsWith('/app.db --log-format text >/dev/null'), entry);
      assert.deepEqual(cron.read(), Buffer.alloc(0));
    });

    test('installs what it prints, and says when it runs', async (t) => {
      const cron = await createFor(t);
      const printed = (await cron.run(...URL_FLAGS)).stdout;
      const line = scheduledLine(await cron.run(...URL_FLAGS, '--install', '--correlation-id', 'deploy-7'));
      assert.deepEqual([line.outcome, line.interval_seconds, line.correlation_id], ['installed', 21_600, 'deploy-7']);
      assert.match(String(line.schedule), /^\d+ \*\/6 \* \* \*$/);
      const [minute] = String(line.schedule).split(' ');
      const next = new Date(String(line.next_time));
      const [wait, hour] = [next.getTime() - Date.parse(String(line.timestamp)), next.getHours()];
      assert.deepEqual([next.getMinutes(), hour % 6, wait > -1000 && wait <= 21_600_000], [Number(minute), 0, true]);
      const command = `${process.execPath} ${BIN} run --db-url sqlite:${cron.folder}/app.db --log-format text`;
      assert.deepEqual([line.command, line.mail_to], [command, MAILED_TO]);
      assert.deepEqual([line.database, line.table], [`sqlite:${cron.folder}/app.db`, 'sessions']);
      assert.ok(printed.includes(`\n${line.schedule} `), printed);
      // The ID is of this command, and one for all runs to come would be of no use.
      assert.equal(cron.read().toString(), printed);
    });

    test('twice gives one entry, and another interval replaces it', async (t) => {
      const cron = await createFor(t);
      scheduledLine(await cron.run(...URL_FLAGS, '--install'));
      const once = cron.read();
      scheduledLine(await cron.run(...URL_FLAGS, '--install'));
      assert.deepEqual(cron.read(), once);
      const line = scheduledLine(await cron.run(...URL_FLAGS, '--install', '--cron', '17 3 * * 1-5'));
      assert.deepEqual([line.interval_seconds, line.schedule], [null, '17 3 * * 1-5']);
      const text = cron.read().toString();
      assert.equal(text.split(BEGIN).length, 2);
      assert.match(text, /^17 3 \* \* 1-5 /m);
      assert.doesNotMatch(text, /\*\/6/);
    });

    test('keeps every other byte of the crontab, and takes the entry out again', async (t) => {
      const cron = await createFor(t);
      const before = Buffer.from('# mine \xff\xfe\nMAILTO=me\n\n 5 4 * * *\ttrue % in\n#x\n\n', 'latin1');
      cron.write(before);
      assert.deepEqual(cron.read(), before);
      scheduledLine(await cron.run(...URL_FLAGS, '--install'));
      const block = cron.read().subarray(before.length);
      assert.deepEqual(cron.read().subarray(0, before.length), before);
      // Somebody adds an entry after it.
      const after = Buffer.from('0 1 * * * date\n');
      cron.write(Buffer.concat([before, block, after]));
      scheduledLine(await cron.run(...URL_FLAGS, '--install', '--every', '15m'));
      const text = cron.read().toString('latin1');
      assert.ok(text.startsWith(`${before.toString('latin1')}${BEGIN}\n`), text);
      assert.ok(text.endsWith(`\n${END}\n${after}`), text);
      const line = scheduledLine(await cron.run('--remove'));
      assert.deepEqual([line.outcome, line.interval_seconds, line.schedule], ['removed', null, null]);
      assert.deepEqual(cron.read(), Buffer.concat([before, after]));
    });

    test('checks first whether the run would do its job, and installs nothing where it would not', async (t) => {
      const cron = await createFor(t);
      const refused = await cron.run(...URL_FLAGS, '--install', '--table', 'baskets');
      const line = failureLine(refused, 3, 'refused');
      assert.match(String(line.error), /^nothing was installed: .*baskets/);
      assert.match(String(line.hint), / To install it without this check, give --no-check\.$/);
      const missing = failureLine(await cron.run('--db-url', 'sqlite:no.db', '--install'), 4, 'unavailable');
      assert.match(String(missing.error), /^nothing was installed: /);
      assert.deepEqual(cron.read(), Buffer.alloc(0));
      scheduledLine(await cron.run(...URL_FLAGS, '--install', '--no-check', '--table', 'baskets'));
      assert.match(cron.read().toString(), / --table baskets /);
    });

    test('says what it replaces, where that is for another database or table', async (t) => {
      const cron = await createFor(t);
      const install = (...flags: string[]) => cron.run('--install', '--no-check', ...flags);
      scheduledLine(await install(...URL_FLAGS));
      scheduledLine(await install(...URL_FLAGS, '--every', '1h', '--timeout', '5m'));
      const url = join(cron.folder, 'url');
      writeFileSync(url, 'mysql://app:hunter2@db/app', { mode: 0o600 });
      const replaces = true;
      const first = scheduledLine(await install('--db-url-file', url, '--table', 'carts'), { replaces });
      const second = scheduledLine(await install('--db-url-file', url, '--store', 'laravel'), { replaces });
      writeFileSync(url, 'gone');
      const third = scheduledLine(await install(...URL_FLAGS), { replaces });
      assert.equal(first.replaced, `sqlite:${cron.folder}/app.db, table sessions`);
      assert.equal(second.replaced, 'mysql://db:3306/app, table carts');
      assert.equal(third.replaced, `--db-url-file ${url} --store laravel`);
      cron.write(Buffer.from(`${BEGIN}\n1 1 1 1 1 true hunter2\n${END}\n`));
      assert.equal(scheduledLine(await install(...URL_FLAGS), { replaces }).replaced, 'another command');
    });

    test('says whom cron mails, and when it cannot tell the next time', async (t) => {
      const cron = await createFor(t);
      const install = () => cron.run(...URL_FLAGS, '--install', '--no-check');
      cron.write(Buffer.from('MAILTO="ops@example.org, dev"\n'));
      assert.equal(scheduledLine(await install()).mail_to, HAS_MAILER ? 'ops@example.org, dev' : '');
      cron.write(Buffer.from('MAILTO=""\nCRON_TZ=Asia/Tokyo\n'));
      const warning = 'MAILTO is empty in the crontab, so cron mails failures to nobody';
      const { mail_to, next_time } = scheduledLine(await install(), { warning });
      assert.deepEqual([mail_to, next_time], ['', null]);
    });

    test('keeps entries of other names, each with a minute of its own', async (t) => {
      const cron = await createFor(t);
      const names = ['session_cleanup', 'carts', 'carts.old', 'carts-2'];
      const install = (name: string, ...flags: string[]) =>
        cron.run(...URL_FLAGS, '--install', '--no-check', '--name', name, ...flags);
      const minutes = new Set<unknown>();
      for (const name of names) {
        const line = scheduledLine(await install(name, '--table', name), { name });
        minutes.add(String(line.schedule).split(' ')[0]);
      }
      assert.equal(minutes.size, names.length);
      const before = cron.read().toString();
      const blocks = names.map(
        (name) => new RegExp(`^# BEGIN ${name} \\(.*\n.* --table ${name} .*\n# END ${name}\n`, 'm'),
      );
      for (const block of blocks) assert.match(before, block);
      const { replaced } = scheduledLine(await install('carts', '--table', 'baskets'), {
        name: 'carts',
        replaces: true,
      });
      assert.equal(replaced, `sqlite:${cron.folder}/app.db, table carts`);
      assert.equal(cron.read().toString(), before.replace(' --table carts ', ' --table baskets '));
      assert.equal(scheduledLine(await cron.run('--remove', '--name', 'carts'), { name: 'carts' }).outcome, 'removed');
      assert.equal(
        scheduledLine(await cron.run('--remove', '--name', 'carts'), { name: 'carts' }).outcome,
        'unchanged',
      );
      assert.equal(cron.read().toString(), before.replace(/# BEGIN carts \(.*\n.*\n# END carts\n/, ''));
    });

    test('does not take the block of another tool for an entry', async (t) => {
      const cron = await createFor(t);
      const others = Buffer.from('# BEGIN ANSIBLE MANAGED BLOCK\n0 1 * * * date\n# END ANSIBLE MANAGED BLOCK\n');
      cron.write(others);
      assert.equal(
        scheduledLine(await cron.run('--remove', '--name', 'ANSIBLE'), { name: 'ANSIBLE' }).outcome,
        'unchanged',
      );
      assert.deepEqual(cron.read(), others);
    });

    test('removes nothing where there is nothing, and says so', async (t) => {
      const cron = await createFor(t);
      assert.equal(scheduledLine(await cron.run('--remove')).outcome, 'unchanged');
      assert.deepEqual(cron.read(), Buffer.alloc(0));
      const others = Buffer.from('0 1 * * * date\n');
      cron.write(others);
      assert.equal(scheduledLine(await cron.run('--remove')).outcome, 'unchanged');
      assert.deepEqual(cron.read(), others);
    });

    test('changes nothing where the marks of an entry do not pair up', async (t) => {
      const cron = await createFor(t);
      const carts = '# BEGIN carts (session-cleanup schedule)\n0 1 * * * x\n# END carts\n';
      for (const text of [`${BEGIN}\n0 1 * * * date\n`, `${BEGIN}\n0 1 * * * date\n${carts}${END}\n`]) {
        const damaged = Buffer.from(text);
        cron.write(damaged);
        for (const flags of [[...URL_FLAGS, '--install'], ['--remove']]) {
          const { error_code, error } = failureLine(await cron.run(...flags), 3, 'refused');
          assert.equal(error_code, 'CRONTAB_DAMAGED');
          assert.equal(
            error,
            'the crontab has a "# BEGIN session_cleanup" or "# END session_cleanup" without its other half',
          );
        }
        assert.deepEqual(cron.read(), damaged);
      }
    });

    test('says nothing with --quiet, and with --log-format text what people want to know', async (t) => {
      const cron = await createFor(t);
      const quiet = await cron.run(...URL_FLAGS, '--install', '--quiet');
      assert.deepEqual([quiet.status, quiet.stdout, quiet.stderr], [0, '', '']);
      cron.write(Buffer.from('MAILTO=""\n'));
      const text = ['--log-format', 'text'];
      const installed = await cron.run(...URL_FLAGS, '--install', '--cron', '30 3 * * *', ...text);
      assert.deepEqual([installed.status, installed.stderr], [0, '']);
      const [headline, ...details] = installed.stdout.split('\n');
      const user = userInfo().username;
      assert.match(String(headline), new RegExp(`^Installed for ${user}: every day, next (tomorrow )?03:30\\.$`));
      assert.deepEqual(
        details.filter((line) => /^ {2}[a-z]/.test(line)).map((line) => line.slice(0, 12).trim()),
        ['database', 'command', 'undo', 'warning'],
      );
      assert.match(installed.stdout, /^ {2}undo {6}session-cleanup schedule --remove$/m);
      const removed = await cron.run('--remove', ...text);
      assert.deepEqual(removed.stdout, `Removed for ${user}: cron does not run it any more.\n`);
      const again = await cron.run('--remove', ...text);
      assert.deepEqual(again.stdout, `Nothing to remove: ${user} has no entry session_cleanup in the crontab.\n`);
    });

    test('leaves the crontab as it is after a mistake', async (t) => {
      const cron = await createFor(t);
      const { status } = await cron.run(...URL_FLAGS, '--install', '--every', '7m');
      assert.deepEqual([status, cron.read()], [2, Buffer.alloc(0)]);
    });
  });
}

describe('the scheduled entry', () => {
  for (const engine of engines) {
    test(`deletes in cron's bare environment and says nothing, ${engine.name}`, async (t) => {
      const database = await createSessions(t, engine, { expired: ids(2), live: ['z'] });
      const cron = createCron(STUB);
      t.after(() => cron.remove());
      const urlFile = join(cron.env.HOME ?? '', "it's the 100% url");
      writeFileSync(urlFile, `${database.url}\n`, { mode: 0o600 });
      const { stdout } = await cron.run('--db-url-file', urlFile, '--table', 'sessions');
      // What cron makes of the sixth field.
      const command = (stdout.split('\n')[1] ?? '').split(' ').slice(5).join(' ').replaceAll('\\%', '%');
      assert.doesNotMatch(stdout.replaceAll('\\%', ''), /%/);
      const fire = () =>
        spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8', cwd: '/', env: { PATH: '/usr/bin:/bin' } });
      const first = fire();
      assert.deepEqual([first.status, first.stdout, first.stderr], [0, '', '']);
      assert.deepEqual(await remaining(database), ['z']);
      await database.run('DROP TABLE sessions');
      const second = fire();
      assert.deepEqual([second.status, second.stdout], [3, '']);
      // It is mailed to people.
      assert.match(second.stderr, /^Refused: there is no table /);
    });
  }
});

test('schedule wants the folder that it is run in for a relative path alone', () => {
  const print = (url: string) => {
    const script = `d=$(mktemp -d) && cd "$d" && rmdir "$d" && exec '${process.execPath}' '${BIN}' schedule --db-url '${url}'`;
    return spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
  };
  const { status, stdout, stderr } = print('sqlite:/srv/app.db');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, / run --db-url sqlite:\/srv\/app\.db /);
  const relative = print('sqlite:app.db');
  assert.deepEqual([relative.status, relative.stdout], [2, '']);
  assert.equal(JSON.parse(relative.stderr).error_code, 'NO_WORKING_DIRECTORY');
});

describe('schedule at a terminal', { concurrency: 2 }, () => {
  const user = userInfo().username;
  const DETAILS = HAS_MAILER
    ? `  failures  cron mails them to ${user}\n  undo      session-cleanup schedule --remove --name carts\n`
    : `  undo      session-cleanup schedule --remove --name carts
  warning   this host has no /usr/sbin/sendmail, so cron mails failures to
            nobody: install a mailer, or monitor the runs with --metrics-file\n`;

  test('says what it has installed and removed', async (t) => {
    const cron = createCron(STUB);
    t.after(() => cron.remove());
    const url = ['--db-url', `sqlite:${cron.folder}/app.db`];
    const args = ['schedule', ...url, '--install', '--no-check', '--name', 'carts', '--every', '1m'];
    const shown = await runAtTerminal(t, args, { env: cron.env });
    const { terminal } = shown;
    // The paths are of the machine, and where they are wrapped depends on them.
    const command = / {2}command {3}(?:\S.*\n)(?: {12}\S.*\n)*/;
    const left = leftOn(terminal).replace(/ next (?:tomorrow )?\d\d:\d\d\./, ' next <time>.');
    assert.equal(
      left.replace(command, '<command>\n'),
      `Installed carts for ${user}: every minute, next <time>.
  database  sqlite:${cron.folder}/app.db, table sessions
<command>
${DETAILS}`,
    );
    const words = `${process.execPath} ${BIN} run --db-url sqlite:${cron.folder}/app.db --log-format text`;
    assert.equal(command.exec(left)?.[0].trim().replace(/\s+/g, ' '), `command ${words}`);
    assert.ok(left.split('\n').every((line) => line.length <= 80 || !line.trim().includes(' ')));
    const removed = await runAtTerminal(t, ['schedule', '--remove', '--name', 'carts'], { env: cron.env });
    assert.equal(leftOn(removed.terminal), `Removed carts for ${user}: cron does not run it any more.\n`);
  });

  test('and Ctrl-C breaks off no write', async (t) => {
    const cron = createCron(`\n[ "$1" = - ] && { echo >"$HOME/writing"; sleep 1; }${STUB}`);
    t.after(() => cron.remove());
    const args = ['schedule', '--db-url', `sqlite:${cron.folder}/app.db`, '--install', '--no-check'];
    const pressed = untilThere(join(cron.env.HOME ?? '', 'writing'));
    const { status, terminal } = await runAtTerminal(t, args, { env: cron.env, pressed });
    assert.equal(status, 0, terminal);
    assert.match(leftOn(terminal), /^(\^C)?Installed for /);
    assert.match(cron.read().toString(), /^# BEGIN session_cleanup /);
  });
});

/** For ten seconds at most. */
async function untilThere(path: string): Promise<void> {
  for (let tries = 0; tries < 500 && !existsSync(path); tries += 1) await sleep(20);
}

describe('a crontab command that waits', { concurrency: 3 }, () => {
  /** Starts an installation over a crontab with the script, and sends the signal once the crontab is asked for that. */
  async function interrupt(
    t: TestContext,
    script: string,
    argument: string,
  ): Promise<Ended & { readonly table: string }> {
    const cron = createCron(`\necho x >>"$HOME/asked$1"${script}`);
    t.after(() => cron.remove());
    const args = ['schedule', ...URL_FLAGS, '--install', '--no-check'];
    const { child, ended } = startCommand(args, { env: cron.env, cwd: cron.folder });
    const home = cron.env.HOME ?? '';
    await untilThere(join(home, `asked${argument}`));
    child.kill('SIGTERM');
    const { status, stdout, stderr } = await ended;
    const table = join(home, 'table');
    const result = { status, stdout, stderr, table: existsSync(table) ? readFileSync(table, 'utf8') : '' };
    return { ...result, line: JSON.parse(stdout + stderr) };
  }

  test('while it reads: a signal leaves it behind, and nothing is changed', async (t) => {
    const ended = await interrupt(t, '\nsleep 20', '-l');
    const { error } = failureLine(ended, 143, 'interrupted');
    assert.deepEqual([error, ended.table], ['stopped by SIGTERM while reading the crontab', '']);
  });

  test('while it writes: a signal waits for it, and what it has written is installed', async (t) => {
    const ended = await interrupt(t, `\n[ "$1" = - ] && sleep 1${STUB}`, '-');
    assert.equal(scheduledLine(ended).outcome, 'installed');
    assert.match(ended.table, /^# BEGIN session_cleanup /);
  });

  test('while it writes, for too long: it is not known what came of it', async (t) => {
    const ended = await interrupt(t, `\n[ "$1" = - ] && sleep 20${STUB}`, '-');
    const { error, hint } = failureLine(ended, 143, 'interrupted');
    assert.equal(error, 'stopped by SIGTERM while writing the crontab');
    assert.equal(hint, 'It is not known whether the crontab was changed: look at it with crontab -l.');
  });
});

describe('a schedule that cannot be', { concurrency: 3 }, () => {
  const MISSING = '--db-url-file is missing: cron does not see the variables of this shell';
  const problems: readonly (readonly [string, readonly string[], string | RegExp])[] = [
    ['a URL that is missing', [], MISSING],
    ['a password in the URL', ['--db-url', 'mysql://app:hunter2@db/app'], /^--db-url has a password, .*--db-url-file$/],
    [
      'a password in the URL of a replica',
      ['--db-url', 'mysql://app@db/app', '--batch-size=9', '--max-lag=1s', '--replica', 'mysql://app:hunter2@db2'],
      '--replica has a password, which must not be stored in a crontab',
    ],
    [
      'the authority of a replica in this folder',
      [
        '--db-url=mysql://app@db/app',
        '--batch-size=9',
        '--max-lag=1s',
        '--replica=mysql://app@db2?ssl-mode=VERIFY_CA&ssl-ca=ca.pem',
      ],
      '--replica must have an absolute ssl-ca: cron starts in another folder',
    ],
    [
      'an interval and an expression',
      [...URL_FLAGS, '--every', '1h', '--cron', '1 1 * * *'],
      /^--every and --cron are/,
    ],
    ['an interval that cron cannot keep', [...URL_FLAGS, '--every', '7h'], /^--every must be an interval that cron/],
    ['an interval that is none', [...URL_FLAGS, '--every', 'often'], /^--every must be a duration/],
    ['an expression that is none', [...URL_FLAGS, '--cron', '@daily'], /^--cron must be five fields/],
    ...['', '-x', 'a b', 'a%', 'a/b', 'é', 'x'.repeat(65)].map(
      (name) =>
        [
          `a name such as "${name}"`,
          [...URL_FLAGS, `--name=${name}`],
          '--name must be 1 to 64 characters of A-Z a-z 0-9 . _ -, and begin with a letter or a digit',
        ] as const,
    ),
    ['a name that is none, to remove', ['--remove', '--name', 'a b'], /^--name must be 1 to 64 characters/],
    ['installing and removing', ['--install', '--remove'], /^--install and --remove are both given/],
    ['a setting of the run that is wrong', [...URL_FLAGS, '--timeout', 'soon'], /^--timeout must be a duration/],
    ['a URL on standard input', ['--db-url-file', '-'], /^--db-url-file must name a file/],
    ['two mistakes at once', ['--every', '7h'], new RegExp(`^--every must .*; ${MISSING}$`)],
  ];
  for (const [what, flags, problem] of problems) {
    test(`for ${what} is a usage error`, async () => {
      const env = { SESSION_CLEANUP_DB_URL: 'sqlite:app.db' };
      const ended = await runCommand(['schedule', ...flags], { env });
      const { error } = failureLine(ended, 2, 'failed');
      if (typeof problem === 'string') assert.equal(error, problem);
      else assert.match(String(error), problem);
      assert.doesNotMatch(ended.stderr, /hunter2/);
    });
  }

  test('for a path in the file of the URL that cron would look for elsewhere is a usage error', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'url');
    for (const url of ['sqlite:app.db', 'mysql://app@db/app?ssl-mode=VERIFY_CA&ssl-ca=ca.pem']) {
      writeFileSync(file, url, { mode: 0o600 });
      const { error } = failureLine(await runCommand(['schedule', '--db-url-file', file]), 2, 'failed');
      assert.equal(error, '--db-url-file holds a relative path: cron starts in another folder');
    }
  });

  test('for the want of a crontab command is unavailable', async (t) => {
    const empty = mkdtempSync(join(tmpdir(), 'session-cleanup-test-'));
    t.after(() => rmSync(empty, { recursive: true }));
    const ended = await runCommand(['schedule', ...URL_FLAGS, '--install', '--no-check'], { env: { PATH: empty } });
    assert.equal(failureLine(ended, 4, 'unavailable').error_code, 'CRONTAB_UNAVAILABLE');
    assert.deepEqual(readdirSync(empty), []);
  });
});
