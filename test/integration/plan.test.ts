// How the engines carry out what a run really sends: by which index, and without reading again what it has passed. What
// PostgreSQL makes of it is in postgresql-plan.test.ts.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { cleanUp } from '../../src/cleanup/cleanup.js';
import { createDeadline } from '../../src/cleanup/deadline.js';
import { type Database, type Engine, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import type { Line } from '../support/lines.js';
import { openTableAt, selectExpired } from '../support/opened.js';
import { explained, type Sent } from '../support/statements.js';

const ROWS = 2_000;
const EXPIRED = Date.UTC(2020, 0, 1);
const LIVE = Date.UTC(2099, 0, 1);

interface Format {
  readonly type: string;
  readonly value: (ms: number) => string | number;
  readonly format?: string;
}

const iso = (ms: number): string => new Date(ms).toISOString();
const text = (ms: number): string => iso(ms).slice(0, 19).replace('T', ' ');
const julian = (ms: number): number => ms / 86_400_000 + 2_440_587.5;

const onSqlite: Readonly<Record<string, Format>> = {
  unix: { type: 'INTEGER', value: (ms) => ms / 1000 },
  'unix with a fraction': { type: 'REAL', value: (ms) => ms / 1000 + 0.25 },
  'unix-ms': { type: 'INTEGER', value: (ms) => ms },
  julian: { type: 'REAL', value: julian },
  'datetime as ISO 8601 text': { type: 'TEXT', value: iso },
  'datetime as text with a space': { type: 'DATETIME', value: text },
  'unix as digits': { type: 'TEXT', value: (ms) => String(ms / 1000) },
  'unix-ms as digits': { type: 'TEXT', value: (ms) => String(ms) },
};
const onServers: Readonly<Record<string, Format>> = {
  'datetime as DATETIME': { type: 'DATETIME', value: text },
  'datetime as DATETIME(6)': { type: 'DATETIME(6)', value: text },
  'datetime as TIMESTAMP': {
    type: 'TIMESTAMP NULL',
    value: (ms) => text(ms === EXPIRED ? ms : Math.min(ms, Date.UTC(2037, 0, 1))),
  },
  'datetime as DATE': { type: 'DATE', value: (ms) => text(ms).slice(0, 10) },
  unix: { type: 'INT UNSIGNED', value: (ms) => ms / 1000 },
  'unix-ms': { type: 'BIGINT', value: (ms) => ms },
  'datetime as ISO 8601 text': { type: 'VARCHAR(40)', value: iso },
  'datetime as text in ascii': { type: 'CHAR(30) CHARACTER SET ascii', value: text },
  'unix as digits': { type: 'VARCHAR(20)', value: (ms) => String(ms / 1000) },
  'unix-ms as digits': { type: 'VARCHAR(20) COLLATE utf8mb4_bin', value: (ms) => String(ms) },
  'unix as digits in bytes': { type: 'VARBINARY(20)', value: (ms) => String(ms / 1000) },
  'datetime as text in bytes': { type: 'VARBINARY(30)', value: text },
};

/** A table `sessions` (`id`, `user_id`, `expires_at`), and the IDs of the rows that have to remain. */
async function fill(
  database: Database,
  { type, value }: Format,
  {
    isExpired,
    more = [],
    rows = ROWS,
  }: { isExpired: (id: number) => boolean; more?: readonly string[]; rows?: number },
): Promise<number[]> {
  const [own, indexes] = [
    more.filter((part) => !part.startsWith('CREATE')),
    more.filter((part) => part.startsWith('CREATE')),
  ];
  const columns = ['id INTEGER NOT NULL', 'user_id INTEGER NULL', `expires_at ${type}`];
  const key = own.some((part) => part.startsWith('PRIMARY')) ? [] : ['PRIMARY KEY (id)'];
  const options = own.filter((part) => part === 'WITHOUT ROWID');
  const parts = [...columns, ...key, ...own.filter((part) => part !== 'WITHOUT ROWID')];
  await database.run(`CREATE TABLE sessions (${parts.join(', ')}) ${options.join('')}`);
  const ids = Array.from({ length: rows }, (_, id) => id);
  for (let start = 0; start < rows; start += 1_000) {
    const some = ids.slice(start, start + 1_000);
    await database.run(
      `INSERT INTO sessions VALUES ${some.map(() => '(?, ?, ?)').join(', ')}`,
      some.flatMap((id) => {
        const at = isExpired(id) ? EXPIRED + ((id * 7_919) % 1_000) * 86_400_000 : LIVE + id * 1_000;
        return [id, id % 3 === 0 ? null : id % 7, value(at)];
      }),
    );
  }
  for (const index of indexes) await database.run(index);
  if (database.engine !== 'sqlite') await database.query('ANALYZE TABLE sessions');
  return ids.filter((id) => !isExpired(id));
}

async function createDatabase(t: TestContext, engine: Engine): Promise<Database> {
  const database = await engine.create();
  t.after(() => database.drop());
  return database;
}

/** Runs it in many steps; resolves to the line, and to the statements that read the key or delete. */
async function walk(database: Database, batchSize: number): Promise<{ line: Line; keys: Sent[]; deletes: Sent[] }> {
  let line: Line = {};
  const sent = await explained(async () => {
    line = await runHere(['run', '--db-url', database.url, '--batch-size', String(batchSize)]);
  });
  const ofKeys = /limit \? offset \?|AS session_cleanup_0| FOR UPDATE/i;
  const keys = sent.filter(({ kind, sql }) => kind === 'select' && ofKeys.test(sql));
  const deletes = sent.filter(({ kind }) => kind === 'delete');
  assert.ok(keys.length >= 4 && deletes.length >= 4, `${keys.length} and ${deletes.length} statements`);
  return { line, keys, deletes };
}

async function assertRemaining(database: Database, line: Line, ids: readonly number[]): Promise<void> {
  assert.equal(line.outcome, 'deleted', JSON.stringify(line));
  const rows = await database.query('SELECT id FROM sessions ORDER BY id');
  assert.deepEqual(
    rows.map(({ id }) => Number(id)),
    ids,
  );
}

/** `index` is the expiry's, or undefined for the table's own key. */
function assertWalkedBy(
  database: Database,
  { keys, deletes }: { keys: Sent[]; deletes: Sent[] },
  index?: string,
  sortsTies = false,
): void {
  for (const sent of [...keys, ...deletes]) {
    const told = `${sent.sql}\n${JSON.stringify(sent.plan)}`;
    if (database.engine === 'sqlite') {
      const [first, ...others] = sent.plan.map(({ detail }) => String(detail));
      const by = index === undefined ? '(INTEGER )?PRIMARY KEY' : `(COVERING )?INDEX ${index}`;
      const isFirstKey = sent.kind === 'select' && !/ > \?/.test(sent.sql);
      const scan = index === undefined && isFirstKey ? '|^SCAN sessions( USING PRIMARY KEY)?$' : '';
      assert.match(first ?? '', new RegExp(`^SEARCH sessions USING ${by} \\(.*[<>=]\\?.*\\)$${scan}`), told);
      // Among rows of the same expiry, where the index does not go on with the rowid.
      const isSorting = /^USE TEMP B-TREE FOR (LAST TERM OF )?ORDER BY$/;
      // What is deleted goes in the order of another index, where there is one.
      const maySort = sent.kind === 'select' ? sortsTies : sent.sql.startsWith('INSERT');
      for (const other of others) assert.match(other, maySort ? isSorting : /^$/, told);
      assertSeeksPosition(sent);
    } else {
      // Whatever is walked by, rows are locked and deleted by their key.
      const isByKey = ({ type, key }: Sent['plan'][number]) =>
        /^(eq_ref|const|range)$/.test(`${type}`) && key === 'PRIMARY';
      const [plan, ...others] = sent.plan;
      // A range may have got a row, or a locked one, since its expired rows were locked: MySQL's DELETE would wait for it.
      if (sent.kind === 'delete' && database.engine === 'mysql') assert.match(sent.sql, / WHERE (`id` IN |\(\()/, told);
      if (sent.kind === 'delete' || / FOR UPDATE/.test(sent.sql)) assert.ok(sent.plan.every(isByKey), told);
      else {
        assert.equal(plan?.key, index ?? 'PRIMARY', told);
        assert.match(String(plan?.type), /^(range|index|ref)$/, told);
        assert.deepEqual(others, [], told);
        // The index has all that is read: a look at each row would cost half as much as deleting it.
        if (index !== undefined) assert.match(String(plan?.Extra), /Using index(?! condition)/, told);
      }
      assert.doesNotMatch(sent.plan.map(({ Extra }) => Extra).join(), /filesort|temporary/, told);
    }
  }
}

/** SQLite names one lower bound in its plan, and the program says which: the position, or what has been passed is read again. */
function assertSeeksPosition({ sql, program }: Sent): void {
  if (!/where "\w+" [>=] \?/.test(sql)) return;
  const bounds = program.filter(({ opcode }) => /^(Seek|Idx)[GL][ET]$/.test(String(opcode))).map(({ p3 }) => p3);
  const isBound = program.some(({ opcode, p1, p2 }) => opcode === 'Variable' && p1 === 1 && bounds.includes(p2));
  assert.ok(isBound, `${sql}\n${JSON.stringify(program)}`);
}

for (const engine of engines.filter(({ family }) => family !== 'postgresql')) {
  const formats = Object.entries(engine.family === 'sqlite' ? onSqlite : onServers);
  const [[, native] = []] = formats as [string, Format][];

  describe(`${engine.name}: with an index on the expiry, every step goes by it, for`, () => {
    for (const [name, format] of formats) {
      test(name, async (t) => {
        const database = await createDatabase(t, engine);
        const isExpired = (id: number) => id % 16 === 5;
        const index = 'CREATE INDEX by_expiry ON sessions (expires_at)';
        const live = await fill(database, format, { isExpired, more: [index] });
        const { line, ...sent } = await walk(database, 25);
        await assertRemaining(database, line, live);
        assert.equal(line.expires_index, 'by_expiry');
        assertWalkedBy(database, sent, 'by_expiry');
      });
    }
  });

  describe(`${engine.name}: without an index on the expiry, every step goes by the row's own key, for`, () => {
    for (const [name, format] of formats) {
      test(name, async (t) => {
        const database = await createDatabase(t, engine);
        const live = await fill(database, format, { isExpired: (id) => id % 16 !== 5 });
        const { line, ...sent } = await walk(database, 200);
        await assertRemaining(database, line, live);
        assert.equal(line.expires_index, null);
        assertWalkedBy(database, sent);
      });
    }
  });

  describe(`${engine.name}: the walk goes by what the engine can use, where there is`, () => {
    type Case = readonly [more: readonly string[], index: string | undefined, format?: Format];
    const on = (columns: string): readonly string[] => [`CREATE INDEX by_expiry ON sessions (${columns})`];
    const common: Readonly<Record<string, Case>> = {
      'an index on the expiry and a column that may be NULL': [on('expires_at, user_id'), 'by_expiry'],
      'an index on the expiry and the key': [on('expires_at, id'), 'by_expiry'],
      'a descending index on the expiry': [on('expires_at DESC'), 'by_expiry'],
      'an index on another column and the expiry': [on('user_id, expires_at'), undefined],
    };
    const special: Readonly<Record<string, Case>> =
      engine.family === 'sqlite'
        ? {
            'two indexes on the expiry': [
              [...on('expires_at, user_id'), 'CREATE INDEX narrow ON sessions (expires_at)'],
              'narrow',
            ],
            'a partial index that holds every expiry': [
              ['CREATE INDEX by_expiry ON sessions (expires_at) WHERE expires_at IS NOT NULL'],
              'by_expiry',
            ],
            'a partial index that does not': [
              ['CREATE INDEX by_expiry ON sessions (expires_at) WHERE user_id = 3'],
              undefined,
            ],
            'an index on an expression': [['CREATE INDEX by_expiry ON sessions (expires_at + 0)'], undefined],
            'an index in another collation': [
              on('expires_at COLLATE NOCASE'),
              undefined,
              onSqlite['datetime as ISO 8601 text'] as Format,
            ],
            'no rowid, and an index on the expiry': [['WITHOUT ROWID', ...on('expires_at')], 'by_expiry'],
            'no rowid, and a key that leads with the expiry': [
              ['PRIMARY KEY (expires_at, id)', 'WITHOUT ROWID'],
              undefined,
            ],
          }
        : {
            'a key that leads with the expiry': [['PRIMARY KEY (expires_at, id)'], undefined],
            'an index on the beginning of a text': [
              on('expires_at(12)'),
              undefined,
              onServers['datetime as ISO 8601 text'] as Format,
            ],
          };
    for (const [name, [more, index, format = native as Format]] of Object.entries({ ...common, ...special })) {
      test(name, async (t) => {
        const database = await createDatabase(t, engine);
        const live = await fill(database, format, { isExpired: (id) => id % 16 === 5, more });
        const { line, ...sent } = await walk(database, 25);
        await assertRemaining(database, line, live);
        assertWalkedBy(database, sent, index, /may be NULL|descending/.test(name));
      });
    }

    if (engine.family === 'mysql') {
      test('an index that the optimizer may not use', async (t) => {
        const database = await createDatabase(t, engine);
        const hidden = database.engine === 'mariadb' ? 'IGNORED' : 'INVISIBLE';
        const more = [`CREATE INDEX by_expiry ON sessions (expires_at) ${hidden}`];
        const live = await fill(database, native as Format, { isExpired: (id) => id % 16 === 5, more });
        const { line, ...sent } = await walk(database, 25);
        await assertRemaining(database, line, live);
        assert.equal(line.expires_index, null);
        assertWalkedBy(database, sent);
      });
    }
  });

  if (engine.family === 'sqlite') {
    test('SQLite: without an index on the expiry, the look for a live session stops at the first', async (t) => {
      const database = await createDatabase(t, engine);
      const live = await fill(database, native as Format, { isExpired: (id) => id % 16 !== 5 });
      let line: Line = {};
      const sent = await explained(async () => {
        line = await runHere(['run', '--db-url', database.url]);
      });
      await assertRemaining(database, line, live);
      const lastDelete = sent.findLastIndex(({ kind }) => kind === 'delete');
      const looks = sent.slice(lastDelete + 1);
      assert.equal(looks.length, 1, JSON.stringify(looks.map(({ sql }) => sql)));
      for (const { sql, program } of looks) {
        assert.match(sql, / LIMIT 1$/);
        const opcodes = program.map(({ opcode }) => String(opcode));
        // A sort, or an aggregate, comes only after the last row.
        assert.deepEqual(
          opcodes.filter((opcode) => /^(Sorter|Agg)/.test(opcode)),
          [],
          sql,
        );
        assert.ok(opcodes.includes('DecrJumpZero'), opcodes.join());
      }
    });
  }

  if (engine.family === 'mysql') {
    describe(`${engine.name}: four times the rows are four times the work`, () => {
      const index = 'KEY by_expiry (expires_at)';
      const key = 'PRIMARY KEY (id)';
      const cases: Readonly<Record<string, readonly [share: string, type: string, keys: readonly string[]]>> = {
        'along the primary key': ['id % 16 <> 3', 'DATETIME', [key]],
        'along the expiry': ['id % 16 = 3', 'DATETIME', [key, index]],
        'along an expiry that all expired rows share': ['id % 16 = 3', 'DATE', [key, index]],
        'along a descending index': ['id % 16 = 3', 'DATETIME', [key, 'KEY by_expiry (expires_at DESC)']],
        'along an index of two columns': ['id % 16 = 3', 'DATETIME', [key, 'KEY by_expiry (expires_at, user_id)']],
        'along a primary key of two columns': ['id % 16 <> 3', 'DATETIME', ['PRIMARY KEY (user_id, id)']],
        'along a unique key instead of a primary one': ['id % 16 = 3', 'DATETIME', ['UNIQUE KEY (id)', index]],
        'along one of two unique keys': [
          'id % 16 = 3',
          'DATETIME',
          ['UNIQUE KEY z (id)', 'UNIQUE KEY a (other)', index],
        ],
      };
      for (const [name, [share, type, keys]] of Object.entries(cases)) {
        // Rows that one transaction has deleted stay where they are until it ends: what is passed again is seen there.
        for (const batchSize of /^along (the|an expiry)/.test(name) ? [undefined, 200] : [200]) {
          test(`${name}, ${batchSize === undefined ? 'in one transaction' : 'in batches'}`, async (t) => {
            const reads = [];
            for (const rows of [5_000, 20_000]) {
              const database = await createDatabase(t, engine);
              const columns = ['id', 'other', 'user_id'].map((column) => `${column} INT NOT NULL`);
              await database.run(`CREATE TABLE sessions (${[...columns, `expires_at ${type}`, ...keys].join(', ')})`);
              await database.run('INSERT INTO sessions VALUES (0, 0, 0, NULL)');
              for (let there = 1; there < rows; there *= 2) {
                await database.run(
                  `INSERT INTO sessions SELECT id + ${there}, -id - ${there}, id % 7, NULL FROM sessions WHERE id < ${rows - there}`,
                );
              }
              const past = `DATE('2020-01-01')${type === 'DATE' ? '' : ' + INTERVAL id * 7919 % 100000 SECOND'}`;
              await database.run(`UPDATE sessions SET expires_at = IF(${share}, ${past}, '2099-01-01')`);
              await database.query('ANALYZE TABLE sessions');
              reads.push(await readsPerDeletedRow(database, batchSize));
            }
            const [once = 0, fourTimes = 0] = reads;
            assert.ok(once > 0.5 && fourTimes < once * 1.5, `${once}, then ${fourTimes} reads for each deleted row`);
          });
        }
      }
    });
  }
}

/** Rows and index entries that the server read for each row it deleted, counted by the session itself. */
async function readsPerDeletedRow(database: Database, batchSize: number | undefined): Promise<number> {
  const deadline = createDeadline({ timeoutMs: 60_000, startedAt: performance.now(), onSignal: () => {} });
  const table = await openTableAt(database.url, 'sessions', deadline);
  try {
    const sessions = await selectExpired(table);
    const before = await handlerReads();
    let deleted = 0;
    const options = { batchSize, pauseMs: 0, onStep: () => {} };
    assert.ok(
      await cleanUp(sessions, deadline, options, ({ deletedCount }) => {
        deleted = deletedCount;
      }),
    );
    return ((await handlerReads()) - before) / deleted;
  } finally {
    await table.close();
    deadline.close();
  }

  async function handlerReads(): Promise<number> {
    const rows = await table.query("SHOW SESSION STATUS LIKE 'Handler_read%'");
    return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
  }
}
