// An answer to COMMIT that is not the server's word: whether the rows are gone is not known, and nothing else is said.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Engine, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import { startProxy } from '../support/proxy.js';

/** As a proxy sends it that has lost its server. */
function clientError(number: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([0xff, number & 255, number >> 8]), Buffer.from(`#HY000${text}`)]);
}

const ANSWERS: Readonly<Record<string, Buffer>> = {
  'error 2006': clientError(2006, 'MySQL server has gone away'),
  'error 2013': clientError(2013, 'Lost connection to MySQL server during query'),
  'error 2055': clientError(2055, 'Lost connection to MySQL server, system error: 104'),
  'an error that is cut off': Buffer.from([0xff, 0x01]),
  'an empty error': Buffer.from([0xff]),
  'a confirmation that is cut off': Buffer.from([0x00, 0x01, 0x02]),
};

async function commitWith(t: TestContext, engine: Engine, payload: Buffer): Promise<void> {
  const database = await engine.create();
  t.after(() => database.drop());
  await database.run('CREATE TABLE sessions (id INT NOT NULL PRIMARY KEY, expires_at DATETIME NOT NULL)');
  await database.run("INSERT INTO sessions VALUES (1, '2020-01-01'), (2, '2099-01-01')");
  const proxy = await startProxy(database.url);
  t.after(() => proxy.close());
  proxy.forge(/COMMIT$/, payload);
  const line = await runHere(['run', '--db-url', proxy.url, '--timeout', '20s']);
  assert.deepEqual(
    [line.outcome, line.exit_status, line.deleted_count, line.complete],
    ['unknown', 1, null, false],
    JSON.stringify(line),
  );
  // The server did commit.
  assert.deepEqual(await database.query('SELECT id FROM sessions'), [{ id: 2 }]);
}

for (const engine of engines.filter(({ family }) => family === 'mysql')) {
  describe(`${engine.name}: COMMIT is answered with`, () => {
    for (const [name, payload] of Object.entries(ANSWERS)) test(name, (t) => commitWith(t, engine, payload));
  });
}
