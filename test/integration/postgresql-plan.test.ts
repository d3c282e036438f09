// How PostgreSQL carries out what a run really sends: along the index on the expiry, or block after block, and never by
// reading again what it has passed.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { type Database, type Engine, engines } from '../support/databases.js';
import { runHere } from '../support/in-process.js';
import { analyze } from '../support/sessions.js';

const ROWS = 20_000;

/** What is expired, as SQL of the row number `n`. */
const TYPES: Readonly<Record<string, { readonly type: string; readonly value: (at: string) => string }>> = {
  timestamptz: { type: 'TIMESTAMPTZ', value: (at) => at },
  timestamp: { type: 'TIMESTAMP', value: (at) => at },
  date: { type: 'DATE', value: (at) => at },
  seconds: { type: 'INTEGER', value: (at) => `extract(epoch FROM ${at})::int` },
  milliseconds: { type: 'BIGINT', value: (at) => `(extract(epoch FROM ${at}) * 1000)::bigint` },
  'seconds in a numeric': { type: 'NUMERIC', value: (at) => `extract(epoch FROM ${at})::numeric(20, 3)` },
  'seconds in a double': { type: 'DOUBLE PRECISION', value: (at) => `extract(epoch FROM ${at})` },
  'seconds as digits': { type: 'VARCHAR(20)', value: (at) => `extract(epoch FROM ${at})::bigint::text` },
  'a text': { type: 'TEXT', value: (at) => `to_char(${at}, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')` },
  'a domain': { type: 'datetime', value: (at) => at },
};

interface Sent {
  readonly sql: string;
  /** As EXPLAIN (FORMAT JSON) has it, in text. */
  readonly plan: string;
}

/** What a run inside this process sends about the rows of the table, each with the plan for it at that very moment. */
async function explained(work: () => Promise<unknown>): Promise<readonly Sent[]> {
  const prototype = Client.prototype as unknown as { query(...args: unknown[]): unknown };
  const { query } = prototype;
  const sent: Promise<Sent>[] = [];
  prototype.query = function (this: unknown, ...args: unknown[]) {
    const [statement] = args as [{ text?: string; values?: unknown[] }];
    const sql = statement.text?.replace(/^\/\*.*?\*\/ /, '') ?? '';
    if (/^(SELECT ctid|SELECT .* session_cleanup_value|DELETE)\b.*"public"."sessions"/.test(sql)) {
      const explain = { text: `EXPLAIN (FORMAT JSON) ${sql}`, values: statement.values };
      const told = new Promise<Sent>((resolve, reject) => {
        const settle = (error: unknown, result: { rows: { 'QUERY PLAN': string }[] }) =>
          error ? reject(error) : resolve({ sql, plan: String(result.rows[0]?.['QUERY PLAN']) });
        query.call(this, explain, settle);
      });
      sent.push(told);
    }
    return query.apply(this, args);
  };
  try {
    await work();
  } finally {
    prototype.query = query;
  }
  return Promise.all(sent);
}

async function fill(t: TestContext, engine: Engine, name: string, isExpired: string): Promise<Database> {
  const database = await engine.create();
  t.after(() => database.drop());
  const { type, value } = TYPES[name] ?? {};
  assert.ok(type !== undefined && value !== undefined);
  await database.run(`CREATE TABLE sessions (id INTEGER PRIMARY KEY, expires_at ${type}, data TEXT NOT NULL)`);
  const at = `(CASE WHEN ${isExpired} THEN TIMESTAMP '2020-01-01' + n * 7919 % 100000 * INTERVAL '1 minute' ELSE TIMESTAMP '2037-01-01' + n * INTERVAL '1 second' END)`;
  await database.run(
    `INSERT INTO sessions SELECT n, ${value(at)}, repeat('x', 100) FROM generate_series(1, ${ROWS}) AS n`,
  );
  return database;
}

async function walk(database: Database): Promise<{ deleted: unknown; sent: readonly Sent[] }> {
  let deleted: unknown;
  const sent = await explained(async () => {
    const line = await runHere(['run', '--db-url', database.url, '--batch-size', '200', '--time-zone', 'UTC']);
    deleted = line.deleted_count;
  });
  const [selects, deletes] = [sent.filter(({ sql }) => sql.startsWith('S')), sent.filter(({ sql }) => /^D/.test(sql))];
  assert.ok(selects.length >= 4 && deletes.length >= 4, `${selects.length} and ${deletes.length} statements`);
  return { deleted, sent };
}

async function majorOf(database: Database): Promise<number> {
  const [row] = await database.query(`SELECT current_setting('server_version_num')::int / 10000 AS major`);
  return Number(row?.major);
}

for (const engine of engines.filter(({ family }) => family === 'postgresql')) {
  describe(`${engine.name}: with an index on the expiry, every step goes by it, for`, () => {
    for (const name of Object.keys(TYPES)) {
      for (const isAnalyzed of [true, false]) {
        test(`${name}, ${isAnalyzed ? 'with' : 'without'} statistics`, async (t) => {
          const database = await fill(t, engine, name, 'n % 16 = 5');
          await database.run('CREATE INDEX by_expiry ON sessions (expires_at)');
          if (isAnalyzed) await analyze(database);
          const { deleted, sent } = await walk(database);
          assert.equal(deleted, ROWS / 16);
          for (const { sql, plan } of sent) {
            const told = `${sql}\n${plan}`;
            // Of many rows with the same expiry, the place tells which are meant.
            if (!/Tid (Range )?Scan/.test(plan)) assert.match(plan, /"Index Name": "by_expiry"/, told);
            assert.doesNotMatch(plan, /Seq Scan/, told);
            if (!sql.includes('ORDER BY ctid')) assert.doesNotMatch(plan, /"Sort"/, told);
          }
        });
      }
    }
  });

  describe(`${engine.name}: without an index on the expiry, every step goes by blocks, for`, () => {
    for (const name of Object.keys(TYPES)) {
      test(name, async (t) => {
        const database = await fill(t, engine, name, 'n % 16 <> 5');
        const { deleted, sent } = await walk(database);
        assert.equal(deleted, ROWS - ROWS / 16);
        const scan = (await majorOf(database)) >= 14 ? /"Tid Range Scan"/ : /"Tid Scan"/;
        for (const { sql, plan } of sent) {
          assert.match(plan, scan, `${sql}\n${plan}`);
          assert.doesNotMatch(plan, /"(Seq Scan|Sort)"/, `${sql}\n${plan}`);
        }
      });
    }
  });

  describe(`${engine.name}: the walk goes by what the server can use, where there is`, () => {
    const cases: Readonly<Record<string, readonly [index: string, walkedBy: string]>> = {
      'an index on the expiry and another column': ['(expires_at, data)', 'expires_at'],
      'a descending index on the expiry': ['(expires_at DESC)', 'expires_at'],
      'an index that has NULL first': ['(expires_at NULLS FIRST)', 'ctid'],
      'an index on another column and the expiry': ['(data, expires_at)', 'ctid'],
      'a partial index': ['(expires_at) WHERE expires_at IS NOT NULL', 'ctid'],
      'an index on an expression': ["((expires_at - TIMESTAMPTZ '2020-01-01Z'))", 'ctid'],
      'an index of another method': ['USING brin (expires_at)', 'ctid'],
    };
    for (const [name, [columns, walkedBy]] of Object.entries(cases)) {
      test(name, async (t) => {
        const database = await fill(t, engine, 'timestamptz', 'n % 16 = 5');
        await database.run(
          `CREATE INDEX by_expiry ON sessions ${columns.startsWith('USING') ? columns : `USING btree ${columns}`}`,
        );
        await analyze(database);
        const line = await runHere(['check', '--db-url', database.url]);
        assert.deepEqual([line.walked_by, line.outcome], [walkedBy, 'ready'], JSON.stringify(line));
        const { deleted } = await walk(database);
        assert.equal(deleted, ROWS / 16);
      });
    }
  });
}
