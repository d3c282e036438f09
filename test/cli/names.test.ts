// Hostile names of tables and columns: always quoted, never read as anything else, and shown as they are.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { successLine } from '../support/lines.js';
import { EXPIRED, LIVE } from '../support/sessions.js';

const NAMES = [
  `a\`b\`\`c "d" 'e' \\ as f`,
  'what? :id ?? ~?~ $1 %s {{y}}',
  'séssions 日本語; DROP TABLE victims --',
  'SELECT',
];
/** MySQL reads a dot in --table as schema.table; nobody does so in a column. */
const DOTTED = 'main.sessions';

for (const engine of engines) {
  describe(`a hostile name, ${engine.name}`, { concurrency: 2, timeout: 180_000 }, () => {
    const quote = (name: string) =>
      engine.family === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`;
    // Both are looked at by the run before it knows the format, a text more closely.
    const types = engine.family === 'sqlite' ? ['TEXT'] : ['DATETIME', 'VARCHAR(40)'];

    for (const [at, name] of [...NAMES, DOTTED].entries()) {
      const indexed = at % 2 === 0;
      const type = types[Number(at > 1) % types.length];
      test(`such as ${name} is the table and the column, ${indexed ? 'with' : 'without'} an index`, async (t) => {
        const database = await engine.create();
        t.after(() => database.drop());
        // Without bindings, a question mark is one: where Knex sends no others.
        const send = (sql: string) =>
          database.knex.raw(engine.family === 'postgresql' ? sql.replaceAll('?', '\\?') : sql);
        const table = engine.family !== 'sqlite' && name === DOTTED ? 'sessions' : name;
        await send(
          `CREATE TABLE ${quote(table)} (id INT, ${quote(name)} ${type}, ${quote(`${name} id`)} INT NOT NULL PRIMARY KEY)`,
        );
        await send('CREATE TABLE victims (id INT NOT NULL PRIMARY KEY)');
        if (indexed) await send(`CREATE INDEX ${quote(`${name} index`)} ON ${quote(table)} (${quote(name)})`);
        const values = [EXPIRED, LIVE, EXPIRED].map((expires, id) => `(${id}, '${expires}', ${id})`);
        await send(`INSERT INTO ${quote(table)} VALUES ${values.join(', ')}, (3, NULL, 3)`);

        const args = ['run', '--db-url', database.url, `--table=${table}`, `--expires-column=${name}`];
        const line = successLine(await runCommand(args));
        assert.deepEqual(
          [line.deleted_count, line.table, line.expires_column, line.expires_index],
          [2, table, name, indexed ? `${name} index` : null],
        );
        await send(`INSERT INTO victims SELECT id FROM ${quote(table)}`);
        assert.deepEqual(await database.query('SELECT id FROM victims ORDER BY id'), [{ id: 1 }, { id: 3 }]);
      });
    }
  });
}
