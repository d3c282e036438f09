// The README is compared with the code and run: its tables, its commands and what they print, its SQL, its links.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createConnection, createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { databaseUrl } from '../../src/engines/index.js';
import { LINE_KEYS } from '../../src/report/keys.js';
import { SETTINGS } from '../../src/settings/settings.js';
import { runCommand } from '../support/command.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { type Installed, install } from './installed.js';
import { anchors, blocks, code, links, ROOT, read, section, table } from './markdown.js';

const README = read('README.md');
const FIRST_SCREEN = README.slice(0, README.indexOf('\n## '));

const engine = (wanted: 'sqlite' | 'mysql'): Engine => {
  const found = engines.find(({ family }) => family === wanted);
  assert.ok(found);
  return found;
};

/** An app with 1000 expired sessions and two live ones, as the README has it, unless told otherwise. */
async function createApp(
  t: TestContext,
  on: Engine = engine('sqlite'),
  { expired, live } = { expired: 1000, live: 2 },
): Promise<Database> {
  const database = await on.create();
  t.after(() => database.drop());
  const type = on.family === 'sqlite' ? 'INTEGER' : 'DATETIME NOT NULL';
  await database.run(`CREATE TABLE sessions (id VARCHAR(40) NOT NULL PRIMARY KEY, expires_at ${type})`);
  await database.run('CREATE INDEX sessions_expires_at ON sessions (expires_at)');
  const session = (id: string, seconds: number) => {
    const dateTime = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
    return { id, expires_at: on.family === 'sqlite' ? seconds : dateTime };
  };
  const rows = [
    ...Array.from({ length: expired }, (_, at) => session(`expired ${at}`, 1_700_000_060 + at * 60)),
    ...Array.from({ length: live }, (_, at) => session(`live ${at}`, 4_000_000_000)),
  ];
  await database.knex.batchInsert('sessions', rows, 200);
  return database;
}

/** The same as `app.db` in the folder where the commands are run. */
async function createAppFile(t: TestContext, { folder }: Installed): Promise<void> {
  const database = await createApp(t);
  await database.run('VACUUM INTO ?', [join(folder, 'app.db')]);
}

/** As at a terminal, where the log is text. */
const TERMINAL = { SESSION_CLEANUP_LOG_FORMAT: 'text' };

/** Without what differs from run to run. */
function steady(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\d{4}-\d\d-\d\d [\d:]+ UTC/g, '<time>')
    .replace(/\d{4}-\d\d-\d\d [\d:.]+'/g, "<time>'")
    .replace(/\b[\d.]+ s\b/g, '<duration>')
    .replace(/[\da-f]{8}-[\da-f-]{27}/g, '<uuid>')
    .replace(/session_cleanup:[\da-f]{32}/g, 'session_cleanup:<hash>')
    .replace(/wait_timeout = (?!1\b)\d+/g, 'wait_timeout = <seconds>')
    .trim();
}

/** The commands of a console block, each with what it prints. */
function commands(block: string): readonly { readonly line: string; readonly output: string }[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [line = '', ...output] = text.split('\n');
      return { line, output: output.join('\n') };
    });
}

describe('the first screen', () => {
  test('installs as the section on it does', () => {
    const lines = blocks(FIRST_SCREEN, 'console').flatMap(commands);
    const [install = ''] = blocks(section(README, 'Install'), 'sh');
    assert.equal(lines[0]?.line, install.trim().replace('\n', ' && '));
  });

  test('shows what its commands print', async (t) => {
    const installed = install(t);
    await createAppFile(t, installed);
    const shown = blocks(FIRST_SCREEN, 'console')
      .flatMap(commands)
      .filter(({ line }) => !line.startsWith('npm '));
    assert.ok(shown.length >= 2);
    for (const { line, output } of shown) {
      const ended = await installed.shell(line, { ...TERMINAL, PATH: installed.bin });
      assert.deepEqual([ended.status, ended.stderr], [0, ''], line);
      assert.equal(steady(ended.stdout), steady(output), line);
    }
  });

  test('has a crontab line that works under cron, silent unless it fails', async (t) => {
    const installed = install(t);
    await createAppFile(t, installed);
    const [block = ''] = blocks(FIRST_SCREEN, 'crontab');
    const [, minute, rest = ''] = /^(\S+) \S+ \S+ \S+ \S+ (.+)\n$/.exec(block) ?? [];
    assert.notEqual(minute, '0');
    assert.ok(!rest.includes('%'), 'cron makes a line end of a percent sign');
    const url = join(installed.folder, 'url');
    writeFileSync(url, 'sqlite:app.db\n', { mode: 0o600 });
    const line = rest.replace('/usr/local/bin', installed.bin).replace('/etc/session-cleanup/url', url);
    const env = { PATH: '/usr/bin:/bin', HOME: installed.folder };
    assert.deepEqual(await installed.shell(line, env), { status: 0, stdout: '', stderr: '' });
    writeFileSync(url, 'sqlite:none.db\n');
    const failed = await installed.shell(line, env);
    assert.deepEqual([failed.status, failed.stdout], [4, '']);
    assert.match(failed.stderr, /^\{.*"outcome":"unavailable".*\}\n$/);
  });

  test('names the default timeout', () => {
    assert.ok(FIRST_SCREEN.includes(`default: ${String(SETTINGS.timeout.default).replace('s', ' s')}`));
  });
});

describe('the keys of the line', () => {
  const always = LINE_KEYS.flatMap(({ key, when }) => (when === 'always' ? [key] : []));

  test('are "always" those that every line has, and the example has those of a run', async (t) => {
    const { url } = await createApp(t);
    const ran = Object.keys((await runCommand(['run', '--db-url', url])).line);
    assert.deepEqual(ran.toSpliced(ran.indexOf('deleted_count'), 1), always);
    const failed = Object.keys((await runCommand(['run'])).line);
    assert.deepEqual(
      always.filter((key) => !failed.includes(key)),
      [],
    );
    const [example = ''] = blocks(section(README, 'The line'), 'json');
    assert.deepEqual(Object.keys(JSON.parse(example)), ran);
  });

  test('are besides them those of check', async (t) => {
    const [list = ''] = /^`check` has these besides.*$/m.exec(section(README, 'The line')) ?? [];
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

describe('the settings', () => {
  test('have the formats', () => {
    const rows = table(section(README, 'Formats'), 'format', 'accepts', 'never expired');
    const formats = ['auto', ...rows.flatMap(([format = '']) => code(format))];
    const parsed = SETTINGS.expiresFormat.parse('');
    assert.ok('problem' in parsed);
    assert.deepEqual(
      parsed.problem.match(/[a-z-]+/g)?.filter((word) => word !== 'must' && word !== 'be' && word !== 'or'),
      formats,
    );
  });

  test('show URLs that can be read', () => {
    const [line = ''] = /^URLs: .*$/m.exec(section(README, 'Settings')) ?? [];
    const urls = code(line).filter((piece) => /^(sqlite|file|mysql):/.test(piece));
    assert.equal(urls.length, 4);
    for (const url of urls) assert.ok('value' in databaseUrl(url.replace(':port', ':3306')), url);
  });
});

describe('the alert', () => {
  const [expression = ''] = blocks(section(README, 'Metrics'), 'promql');

  test('is on metrics that there are', () => {
    const metrics = table(section(README, 'Metrics'), 'metric', 'value').flatMap(([metric = '']) => code(metric));
    const named = expression.match(/session_cleanup_\w+/g) ?? [];
    assert.deepEqual(
      named.filter((name) => !metrics.includes(name)),
      [],
    );
    assert.ok(named.length > 0);
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  test('fires without a success, and a day after one', { skip: !hasPromtool && 'promtool is not installed' }, (t) => {
    const { folder } = install(t);
    const rules = { groups: [{ name: 'sessions', rules: [{ alert: 'Stale', expr: expression }] }] };
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify(rules));
    const series = 'session_cleanup_last_success_timestamp_seconds{table="sessions"}';
    const fires = (labels: object) => [{ exp_labels: labels }];
    const tests = [
      { input_series: [], alert_rule_test: [{ eval_time: '1h', alertname: 'Stale', exp_alerts: fires({}) }] },
      {
        input_series: [{ series, values: '3600x1500' }],
        alert_rule_test: [
          { eval_time: '24h', alertname: 'Stale', exp_alerts: [] },
          { eval_time: '25h1m', alertname: 'Stale', exp_alerts: fires({ table: 'sessions' }) },
        ],
      },
    ].map((each) => ({ interval: '1m', ...each }));
    const file = join(folder, 'test.yml');
    writeFileSync(file, JSON.stringify({ rule_files: ['rules.yml'], tests }));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, ''], stdout);
  });
});

describe('the examples', () => {
  test('of check show what it prints', async (t) => {
    const installed = install(t);
    await createAppFile(t, installed);
    const [shown] = blocks(section(README, 'check, before the first run'), 'console').flatMap(commands);
    const { status, stdout } = await installed.shell(shown?.line ?? '', { ...TERMINAL, PATH: installed.bin });
    assert.equal(status, 0);
    assert.equal(steady(stdout), steady(shown?.output ?? ''));
  });

  test('of schedule show what it prints, and print the default', async (t) => {
    const installed = install(t);
    writeFileSync(join(installed.folder, 'url'), 'sqlite:/app.db\n', { mode: 0o600 });
    const [shown] = blocks(section(README, 'Schedule'), 'console').flatMap(commands);
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

  test('of a backlog runs', async (t) => {
    const installed = install(t);
    await createAppFile(t, installed);
    const url = join(installed.folder, 'url');
    writeFileSync(url, 'sqlite:app.db\n', { mode: 0o600 });
    const [line = ''] = blocks(section(README, 'Large backlogs and replicas'), 'sh');
    const ended = await installed.shell(line.replace('/etc/session-cleanup/url', url), { PATH: installed.bin });
    assert.deepEqual([ended.status, ended.stderr], [0, '']);
    assert.match(ended.stdout, /"deleted_count":1000,.*"batch_size":5000,"batches":1,/);
  });
});

for (const on of engines.filter(({ family }) => family === 'mysql')) {
  test(`the SQL is what is sent, ${on.name}`, async (t) => {
    // Mostly live, as a table is that a cron job looks after: then the index is what the servers choose.
    const database = await createApp(t, on, { expired: 2, live: 500 });
    await database.query('ANALYZE TABLE sessions');
    const sent = await statementsOf(t, database.url, (url) =>
      runCommand(['run', '--db-url', url, '--correlation-id', 'README']),
    );
    const [block = '', onMariadb = ''] = blocks(section(README, 'Grants and the SQL that is sent'), 'sql');
    const shown = block.split('\n').filter((line) => line !== '' && !line.startsWith('--'));
    const isDelete = (statement: string): boolean => /^\/\*.*?\*\/ (SET STATEMENT .*)?DELETE /.test(statement);
    const schema = new URL(database.url).pathname.slice(1);
    const seen = sent.filter(
      (statement) => !/ FROM information_schema\.|SHOW CREATE TABLE|SET SESSION max_/.test(statement),
    );
    assert.deepEqual(
      seen.map((statement) => steady(statement.replaceAll(`\`${schema}\``, '`app`'))),
      shown.map((line) => steady(database.engine === 'mariadb' && isDelete(line) ? onMariadb.trim() : line)),
    );
    assert.equal(sent.filter((statement) => statement.includes(' FROM information_schema.')).length, 4);
    const [, lockName = ''] = /IS_USED_LOCK\((.*)\)`/.exec(section(README, 'What if')) ?? [];
    const [lock] = await database.query(`SELECT ${lockName.replace("'app.", `'${schema}.`)} AS name`);
    assert.ok(sent.some((statement) => statement.includes(`GET_LOCK('${lock?.name}'`)));
    const limit = `SET SESSION max_${database.engine === 'mariadb' ? 'statement' : 'execution'}_time`;
    assert.deepEqual(sent.filter((statement) => statement.includes('SET SESSION max_')).length, 1);
    assert.ok(sent.some((statement) => statement.includes(limit)));
  });
}

/** The statements that a client sends while `work` uses the URL: those of the text protocol. */
async function statementsOf(
  t: TestContext,
  serverUrl: string,
  work: (url: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const target = new URL(serverUrl);
  const statements: string[] = [];
  const listener = createServer((client) => {
    const server = createConnection(Number(target.port || 3306), target.hostname);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
    // Each statement is short, and awaited before the next: it arrives as one packet, of a 4-byte header, COM_QUERY and
    // on MySQL the number of its attributes.
    client.on('data', (data) => {
      if (data[4] === 3 && data.readUIntLE(0, 3) === data.length - 4) {
        statements.push(data.toString('utf8', 5).replace('\0\x01', ''));
      }
    });
    client.pipe(server);
    server.pipe(client);
  });
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
  t.after(() => listener.close());
  const address = listener.address();
  assert.ok(typeof address === 'object' && address !== null);
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${address.port}`;
  await work(url.href);
  return statements;
}

describe('what is said of versions', () => {
  const require = createRequire(import.meta.url);

  test('of SQLite is what the driver brings along', async (t) => {
    const { query } = await createApp(t);
    const [row] = await query('SELECT sqlite_version() AS version');
    const { version } = require('sqlite3/package.json') as { version: string };
    const rows = table(section(README, 'Databases'), 'database', 'tested with');
    assert.deepEqual(rows.at(-1), ['SQLite', `${row?.version}, which sqlite3 ${version} brings along`]);
  });

  test('of Node.js is that of package.json', () => {
    const { engines: wanted } = JSON.parse(read('package.json')) as { engines: { node: string } };
    assert.match(section(README, 'Install'), new RegExp(`Node\\.js ${wanted.node.replace('>=', '')} or later`));
    assert.match(read('CONTRIBUTING.md'), new RegExp(`Node\\.js ${wanted.node.replace('>=', '')} or later`));
  });

  test('of session-cleanup is that of package.json', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    assert.match(read('CHANGELOG.md'), new RegExp(`^## \\[${version}\\] - `, 'm'));
    const [example = ''] = blocks(section(README, 'The line'), 'json');
    assert.equal((JSON.parse(example) as { version: string }).version, version);
  });
});

for (const file of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']) {
  test(`every link of ${file} leads somewhere`, () => {
    for (const link of links(read(file))) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      assert.ok(existsSync(resolve(ROOT, target)), link);
      if (anchor !== undefined) assert.ok(anchors(read(target)).includes(anchor), link);
    }
  });
}
