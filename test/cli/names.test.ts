// Hostile names of tables and columns: always quoted, never read as anything else, and shown as they are.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { successLine } from '../support/lines.js';
import { EXPIRED, LIVE } from '../support/sessions.js';

const NAMES = [
  'a`b``c',
  `it's "quoted" \\`,
  'what? :id ?? ~?~ $1',
  'sessions as victims',
  'séssions 日本語 ключ',
  '; DROP TABLE victims -- ',
  '%s ${x} {{y}} #z /* w */',
  'SELECT',
  '1',
];
/** MySQL reads a dot in --table as schema.table; nobody does so in a column. */
const DOTTED = 'main.sessions';

for (const engine of engines) {
  describe(`a hostile name, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    const quote = (name: string) =>
      engine.family === 'sqlite' ? `"${name.replaceAll('"', '""')}"` : `\`${name.replaceAll('`', '``')}\``;
    const escaped = (name: string) => quote(name).replaceAll('?', '\\?');
    const type = engine.family === 'sqlite' ? 'TEXT' : 'DATETIME';

    for (const name of [...NAMES, DOTTED]) {
      for (const indexed of name === NAMES[0] || name === NAMES[2] ? [false, true] : [true]) {
        test(`such as ${name} is the table and the column ${indexed ? 'with' : 'without'} an index`, async (t) => {
          const database = await engine.create();
          t.after(() => database.drop());
          // MySQL takes no name that ends with a space.
          const column = name.trim();
          const table = engine.family === 'mysql' && name === DOTTED ? 'sessions' : name.trim();
          await database.run(
            `CREATE TABLE ${escaped(table)} (${escaped(`${column} id`)} INT NOT NULL PRIMARY KEY, ${escaped(column)} ${type})`,
          );
          await database.run('CREATE TABLE victims (id INT NOT NULL PRIMARY KEY)');
          if (indexed)
            await database.run(
              `CREATE INDEX ${escaped(`${name.trim()} index`)} ON ${escaped(table)} (${escaped(column)})`,
            );
          for (const [id, expires] of [EXPIRED, LIVE, null, EXPIRED].entries()) {
            await database.run(`INSERT INTO ${escaped(table)} VALUES (?, ?)`, [id, expires]);
          }
          const args = ['run', '--db-url', database.url, `--table=${table}`, `--expires-column=${column}`];
          const line = successLine(await runCommand(args));
          assert.deepEqual(
            [line.deleted_count, line.table, line.expires_column, line.expires_index],
            [2, table, column, indexed ? `${name.trim()} index` : null],
          );
          const rows = await database.query(
            `SELECT ${escaped(`${column} id`)} AS id FROM ${escaped(table)} ORDER BY 1`,
          );
          assert.deepEqual(rows, [{ id: 1 }, { id: 2 }]);
          await database.query('SELECT * FROM victims');
        });
      }
    }
  });
}
