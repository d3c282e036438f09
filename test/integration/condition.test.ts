// A condition of --where that is taken can only keep rows: put to the engines themselves, with every kind of quote,
// comment and parenthesis in it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { conditionProblem } from '../../src/engines/condition.js';
import { engineOf } from '../../src/engines/index.js';
import { engines } from '../support/databases.js';

/** `npm run test:fuzz` makes it 100,000. */
const RUNS = Number(process.env.SESSION_CLEANUP_TEST_RUNS ?? 1_000);

// What would end the parentheses that it stands in, and what could hide from the one or the other that it does.
const ENDS = [') OR 1=1 ', ') OR (1=1 ', ') OR (', ')', '('];
const COVERS = [
  "'",
  '"',
  '`',
  '[',
  ']',
  '$$',
  '\\',
  "\\'",
  "''",
  '-- ',
  '-- (\n',
  '#',
  '# (\n',
  '/*',
  '*/',
  '/*(*/',
  '\n',
  ';',
  '?',
];
const SOUND = ['1=1 ', "'a'='a' ", '"id"=id ', "'a\\'", "E'a' ", '(1=1) ', 'AND ', 'OR ', 'AND 1=1 ', ' '];
const conditions = fc
  .array(fc.oneof(fc.constantFrom(...ENDS), fc.constantFrom(...COVERS), fc.constantFrom(...SOUND)), {
    minLength: 1,
    maxLength: 7,
  })
  .map((pieces) => `1=1 ${pieces.join('')}`);

for (const engine of engines) {
  describe(`a condition that is taken, ${engine.name}`, { timeout: 3_600_000 }, () => {
    test('never makes a row go that would be kept without it', async (t) => {
      const database = await engine.create();
      t.after(() => database.drop());
      await database.run('CREATE TABLE sessions (id VARCHAR(9) NOT NULL PRIMARY KEY)');
      await database.run("INSERT INTO sessions VALUES ('1'), ('2')");
      const { syntax } = engineOf({ engine: engine.family });
      let understood = 0;
      await fc.assert(
        fc.asyncProperty(conditions, async (condition) => {
          fc.pre(conditionProblem(condition, syntax) === undefined);
          const escaped = condition.replaceAll('?', '\\?');
          await database.knex.raw(`DELETE FROM sessions WHERE 1 = 0 AND (${escaped})`).then(
            () => {
              understood += 1;
            },
            // Whether it is SQL is for the engine to say.
            () => {},
          );
          assert.deepEqual(await database.query('SELECT id FROM sessions ORDER BY id'), [{ id: '1' }, { id: '2' }]);
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
      assert.ok(understood > RUNS / 50, `only ${understood} were SQL`);
    });
  });
}
