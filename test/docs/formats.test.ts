// docs/formats.md: the generated columns that it shows make times of what no format is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import { blocks, read, section } from './markdown.js';

const STATEMENTS = blocks(section(read('docs/formats.md'), 'Other times'), 'sql');

// The table of each block, what its program writes at an expired and at a live session, and the column that is made.
const EXAMPLES = {
  mysql: {
    table: 'CREATE TABLE objectcache (id INT NOT NULL PRIMARY KEY, exptime BINARY(14) NOT NULL)',
    rows: "INSERT INTO objectcache VALUES (1, '20200101000000'), (2, '20990101000000'), (3, '99991231235959')",
    column: 'expires_at',
  },
  postgresql: {
    table: 'CREATE TABLE logins (id INT NOT NULL PRIMARY KEY, expiry_ns BIGINT)',
    rows: 'INSERT INTO logins VALUES (1, 1577836800000000001), (2, 4070908800000000000), (3, NULL)',
    column: 'expires_s',
  },
  sqlite: {
    table: 'CREATE TABLE logins (id INT NOT NULL PRIMARY KEY, until DATETIME)',
    rows: "INSERT INTO logins VALUES (1, '2020-01-01 00:00:00.5 +0000 UTC'), (2, '2099-01-01 00:00:00 +0000 UTC'), (3, NULL)",
    column: 'expires_utc',
  },
} as const;

for (const engine of engines) {
  test(`a generated column serves, on ${engine.name}`, async (t) => {
    const { table, rows, column } = EXAMPLES[engine.family];
    const database = await engine.create();
    t.after(() => database.drop());
    await database.run(table);
    await database.run(rows);
    const title = { mysql: '-- MySQL and MariaDB', postgresql: '-- PostgreSQL', sqlite: '-- SQLite' }[engine.family];
    const [heading, ...statements] = (STATEMENTS.find((block) => block.startsWith(title)) ?? '').trim().split('\n');
    assert.equal(heading, title);
    for (const statement of statements) await database.run(statement.replace(/;$/, ''));
    const [, name = ''] = /CREATE TABLE (\w+)/.exec(table) ?? [];
    const line = await runHere(['run', '--db-url', database.url, '--table', name, '--expires-column', column]);
    assert.deepEqual([line.outcome, line.deleted_count], ['deleted', 1], JSON.stringify(line));
    assert.match(String(line.expires_index), /expires/);
    const left = await database.query(`SELECT id FROM ${name} ORDER BY id`);
    assert.deepEqual(
      left.map(({ id }) => Number(id)),
      [2, 3],
    );
  });
}
