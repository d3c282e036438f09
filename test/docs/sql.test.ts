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
/** Without the comment, as the page says: those of the driver and of the end of a transaction. */
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
    assert.deepEqual(
      seen.map((statement) => steady(statement.replaceAll(`\`${schema}\``, '`app`'))),
      shown(block).map((line) => (database.engine === 'mariadb' && isDelete(line) ? steady(onMariadb) : line)),
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
