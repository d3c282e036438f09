// docs/sql-and-grants.md: the SQL that it shows is the SQL that is sent.
import assert from 'node:assert/strict';
import { createConnection, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import sqlite3 from 'sqlite3';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import { createApp, steady } from './app.js';
import { blocks, read, section } from './markdown.js';

const PAGE = read('docs/sql-and-grants.md');
// Mostly live, as a table is that a cron job looks after: then the index is what the servers choose.
const MOSTLY_LIVE = { expired: 2, live: 500 };
const COMMENT = '/* session-cleanup correlation_id=README */ ';
/** Without the comment, as the page says. */
const BARE = ['select version() as version', 'COMMIT'];

/** What a block shows, without its own comments. */
function shown(block: string): readonly string[] {
  return block
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('--'))
    .map(steady);
}

function withoutComment(statement: string): string {
  if (BARE.includes(statement)) return statement;
  assert.ok(statement.startsWith(COMMENT), statement);
  return statement.slice(COMMENT.length);
}

for (const on of engines.filter(({ family }) => family === 'mysql')) {
  test(`is that for ${on.name}`, async (t) => {
    const database = await createApp(t, on, MOSTLY_LIVE);
    await database.query('ANALYZE TABLE sessions');
    const sent = (
      await statementsOf(t, database.url, (url) => runCommand(['run', '--db-url', url, '--correlation-id', 'README']))
    ).map(withoutComment);
    const [block = '', onMariadb = ''] = blocks(section(PAGE, 'MySQL and MariaDB'), 'sql');
    const isDelete = (statement: string): boolean => /^(SET STATEMENT .*)?DELETE /.test(statement);
    const schema = new URL(database.url).pathname.slice(1);
    const seen = sent.filter(
      (statement) => !/ FROM information_schema\.|SHOW CREATE TABLE|SET SESSION max_/.test(statement),
    );
    const isMariadb = database.engine === 'mariadb';
    assert.deepEqual(
      seen.map((statement) => steady(statement.replaceAll(`\`${schema}\``, '`app`'))),
      shown(block)
        .filter((line) => !(isMariadb && line.endsWith('FOR UPDATE SKIP LOCKED')))
        .map((line) => (isMariadb && isDelete(line) ? steady(onMariadb) : line)),
    );
    assert.equal(sent.filter((statement) => statement.includes(' FROM information_schema.')).length, 4);
    const [, lockName = ''] = /IS_USED_LOCK\((.*)\)`/.exec(read('docs/what-if.md')) ?? [];
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
  const statements: string[] = [];
  // Each statement is short, and awaited before the next: it arrives as one packet, of a 4-byte header, COM_QUERY and on
  // MySQL the number of its attributes.
  await throughProxy(t, serverUrl, 3306, work, (data) => {
    if (data[4] === 3 && data.readUIntLE(0, 3) === data.length - 4) {
      statements.push(data.toString('utf8', 5).replace('\0\x01', ''));
    }
  });
  return statements;
}

/** `work` is given a URL of the same server, by a proxy that is told of all that is sent. */
async function throughProxy(
  t: TestContext,
  serverUrl: string,
  defaultPort: number,
  work: (url: string) => Promise<unknown>,
  onData: (data: Buffer) => void,
): Promise<void> {
  const url = new URL(serverUrl);
  const [port, host] = [Number(url.port || defaultPort), url.hostname];
  const listener = createServer((client) => {
    const server = createConnection(port, host);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
    client.on('data', onData);
    client.pipe(server);
    server.pipe(client);
  });
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
  t.after(() => listener.close());
  const address = listener.address();
  assert.ok(typeof address === 'object' && address !== null);
  url.host = `127.0.0.1:${address.port}`;
  await work(url.href);
}

for (const on of engines.filter(({ family }) => family === 'postgresql')) {
  test(`is that for PostgreSQL, ${on.name}`, async (t) => {
    const database = await on.create();
    t.after(() => database.drop());
    await database.run('CREATE TABLE sessions (id VARCHAR(40) PRIMARY KEY, expires_at TIMESTAMPTZ NOT NULL)');
    await database.run('CREATE INDEX sessions_expires_at ON sessions (expires_at)');
    await database.run(
      "INSERT INTO sessions SELECT 'expired ' || n, '2023-11-14 22:15Z' FROM generate_series(1, 2) AS n",
    );
    await database.run(
      "INSERT INTO sessions SELECT 'live ' || n, '2096-10-02 07:06Z' FROM generate_series(1, 500) AS n",
    );
    await database.run('ANALYZE sessions');
    const sent = await postgresqlStatementsOf(t, database.url, (url) =>
      runCommand(['run', '--db-url', url, '--correlation-id', 'README']),
    );
    const [block = ''] = blocks(section(PAGE, 'PostgreSQL'), 'sql');
    const seen = sent
      .map(withoutComment)
      .filter((statement) => !/\bpg_(attribute|class|constraint|control_system)\b/.test(statement));
    const [version] = await database.query("SELECT current_setting('server_version_num')::int / 10000 AS major");
    const isSent = (line: string): boolean =>
      Number(version?.major) >= 14 || !line.includes('client_connection_check_interval');
    const expected = shown(block)
      .filter(isSent)
      .map((line) => (Number(version?.major) >= 17 ? line : line.replace(/; SET transaction_timeout = '0'/, '')))
      .map((line) => (Number(version?.major) >= 14 ? line : line.replace(/; SET idle_session_timeout = '0'/, '')));
    assert.deepEqual(seen.map(steadyOnPostgresql), expected.map(steadyOnPostgresql));
  });
}

let accounts = 0;

for (const on of engines.filter(({ family }) => family === 'postgresql')) {
  test(`the GRANT for PostgreSQL is enough for a run, and for no more, ${on.name}`, async (t) => {
    const database = await on.create();
    t.after(() => database.drop());
    const account = `session_cleanup_doc_${process.pid}_${accounts++}`;
    for (const table of ['sessions', 'others']) {
      await database.run(`CREATE TABLE ${table} (id VARCHAR(40) PRIMARY KEY, expires_at TIMESTAMPTZ NOT NULL)`);
      await database.run(`INSERT INTO ${table} VALUES ('a', '2023-11-14 22:15Z'), ('z', '2096-10-02 07:06Z')`);
    }
    await database.run(`CREATE ROLE ${account} LOGIN PASSWORD 'secret'`);
    const [grant = ''] = blocks(section(PAGE, 'Grants'), '');
    await database.run(grant.replace('TO session_cleanup', `TO ${account}`));
    const url = new URL(database.url);
    url.username = account;
    url.password = 'secret';
    const run = async (table: string) => (await runCommand(['run', '--db-url', url.href, '--table', table])).line;
    const [ran, refused] = [await run('sessions'), await run('others')];
    await database.run(`DROP OWNED BY ${account}`);
    await database.run(`DROP ROLE ${account}`);
    assert.deepEqual([ran.outcome, ran.deleted_count], ['deleted', 1]);
    assert.deepEqual([refused.outcome, refused.error_code], ['refused', 'NO_RIGHT']);
    assert.deepEqual(await database.query('SELECT id FROM sessions'), [{ id: 'z' }]);
  });
}

function steadyOnPostgresql(statement: string): string {
  return steady(statement)
    .replace(/(?<=_timeout = ')\d{5}ms/g, '<duration>')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+Z/g, '<time>')
    .replace(/'-?\d+'::int/g, '<half of the hash>');
}

/** The statements that a client of PostgreSQL sends while `work` uses the URL, with their values filled in. */
async function postgresqlStatementsOf(
  t: TestContext,
  serverUrl: string,
  work: (url: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const statements: string[] = [];
  let left = Buffer.alloc(0);
  let isStarted = false;
  await throughProxy(t, serverUrl, 5432, work, (data) => {
    left = Buffer.concat([left, data]);
    for (;;) {
      // All but the first message begin with their type.
      const at = isStarted ? 1 : 0;
      if (left.length < at + 4 || left.length < at + left.readUInt32BE(at)) return;
      const end = at + left.readUInt32BE(at);
      const [type, body] = [isStarted ? String.fromCharCode(left[0] ?? 0) : '', left.subarray(at + 4, end)];
      left = left.subarray(end);
      isStarted = true;
      const [first = '', second = ''] = body.toString().split('\0');
      if (type === 'Q') statements.push(first);
      if (type === 'P') statements.push(second);
      if (type === 'B') statements.push(filledIn(statements.pop() ?? '', boundValues(body)));
    }
  });
  return statements;
}

/** Of a Bind message of values in their text form. */
function boundValues(body: Buffer): readonly string[] {
  let at = body.indexOf(0) + 1;
  at = body.indexOf(0, at) + 1;
  at += 2 + 2 * body.readUInt16BE(at);
  const count = body.readUInt16BE(at);
  at += 2;
  return Array.from({ length: count }, () => {
    const length = body.readUInt32BE(at);
    at += 4 + length;
    return body.toString('utf8', at - length, at);
  });
}

function filledIn(sql: string, values: readonly string[]): string {
  return sql.replace(/\$(\d+)/g, (_all, number) => `'${values[Number(number) - 1]}'`);
}

test('is that for SQLite', async (t) => {
  const database = await createApp(t, undefined, MOSTLY_LIVE);
  const { prototype } = sqlite3.Database as unknown as { prototype: Record<'all', Send> };
  const { all } = prototype;
  const sent: string[] = [];
  prototype.all = function (sql, values, answer) {
    sent.push(withValues(sql, values));
    return all.call(this, sql, values, answer);
  };
  try {
    await runHere(['run', '--db-url', database.url, '--correlation-id', 'README']);
  } finally {
    prototype.all = all;
  }
  const seen = sent.map(withoutComment).filter((statement) => !/ FROM (sqlite_schema|pragma_)/.test(statement));
  const [block = ''] = blocks(section(PAGE, 'SQLite'), 'sql');
  assert.deepEqual(seen.map(steady), shown(block));
});

type Send = (this: unknown, sql: string, values: unknown, answer: unknown) => unknown;

function withValues(sql: string, values: unknown): string {
  const left = Array.isArray(values) ? [...values] : [];
  return sql.replaceAll('?', () => {
    const value: unknown = left.shift();
    return typeof value === 'string' ? `'${value}'` : String(value);
  });
}
