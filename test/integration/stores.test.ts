// Every preset on the tables that its program makes, with rows spelled as the program spells them: which are left.
// The tables and spellings are in the folder beside this file.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { presetOf, type StoreName, storeNames } from '../../src/stores.js';
import { type Database, engines } from '../support/databases.js';
import { runMain } from '../support/in-process.js';
import { EXPRESS_SESSION } from './stores/express-session.js';
import { DAY, type Fixture, type Form, HOUR, NOW } from './stores/fixture.js';
import { JAVA_RUST_GO } from './stores/java-rust-go.js';
import { NODE } from './stores/node.js';
import { PHP_FRAMEWORKS } from './stores/php-frameworks.js';
import { PHP_SITES } from './stores/php-sites.js';
import { PHP_TOOLS } from './stores/php-tools.js';
import { PYTHON_RUBY_PERL } from './stores/python-ruby-perl.js';

const FIXTURES: Readonly<Record<StoreName, Fixture>> = {
  ...EXPRESS_SESSION,
  ...NODE,
  ...PYTHON_RUBY_PERL,
  ...PHP_FRAMEWORKS,
  ...JAVA_RUST_GO,
  ...PHP_SITES,
  ...PHP_TOOLS,
};

/** Runs the command in this process, with its clock at NOW. */
async function runAtNow(args: readonly string[]): Promise<{ readonly status: number; readonly output: string }> {
  const { status, stdout, stderr } = await runMain({ argv: ['run', ...args], at: NOW });
  return { status, output: `${stdout}${stderr}` };
}

describe('exactly the expired sessions are deleted', { concurrency: 4 }, () => {
  for (const name of storeNames) {
    const fixture = FIXTURES[name];
    for (const { name: engineName, family, create } of engines) {
      const forms = [fixture[family] ?? []].flat();
      if (forms.length === 0) {
        test(`${name} has no preset on ${engineName}`, () => assert.equal(presetOf(name, family), undefined));
      }
      for (const form of forms) {
        const version = form.version === undefined ? '' : ` (${form.version})`;
        test(`${name}${version} on ${engineName}`, async (t) => {
          const database = await create();
          t.after(() => database.drop());
          await proveStore(name, fixture, form, database, fixture.flags?.(family, database.url) ?? []);
        });
      }
    }
  }
});

const LIVE = { 'in an hour': HOUR, tomorrow: DAY, 'in a month': 30 * DAY, 'in ten years': 3650 * DAY };
const EXPIRED = { 'a month ago': -30 * DAY, yesterday: -DAY, 'an hour ago': -HOUR };

async function proveStore(
  name: StoreName,
  fixture: Fixture,
  form: Form,
  database: Database,
  flags: readonly string[],
): Promise<void> {
  const cutoff = NOW - fixture.lifetimeMs;
  const end = cutoff - (fixture.rowLifetimeMs ?? 0);
  const expired = { ...EXPIRED, 'a moment ago': -form.tickMs, ...(form.isFinerThanMs ? {} : { now: 0 }) };
  const rows = [
    ...Object.entries({ ...expired, 'in a moment': form.tickMs, ...LIVE }).map(
      ([id, ms]) => [id, form.at(end + ms)] as const,
    ),
    ...(form.never ?? []).map((at) => [`never ${at.replaceAll("'", '')}`.trimEnd().slice(0, 16), at] as const),
  ];
  const others = (form.kept ?? []).map(
    (insert, at) => [`kept ${at}`, inserts({ insert }, `kept ${at}`, form.at(end - 30 * DAY))] as const,
  );
  const statements = [
    ...form.schema,
    ...rows.flatMap(([id, at]) => inserts(form, id, at)),
    ...others.flatMap(([, inserted]) => inserted),
  ];
  for (const statement of statements) await database.run(statement);
  const args = ['--db-url', database.url, '--store', name, ...flags];
  const counted = await runAtNow([...args, '--dry-run']);
  assert.equal(counted.status, 0, counted.output);
  assert.equal(JSON.parse(counted.output).expired_count, Object.keys(expired).length);

  const { status, output } = await runAtNow(args);
  assert.equal(status, 0, output);
  const { deleted_count: deletedCount, cutoff_time: cutoffTime, complete } = JSON.parse(output);
  assert.deepEqual(
    { deletedCount, cutoffTime, complete },
    { deletedCount: Object.keys(expired).length, cutoffTime: new Date(cutoff).toISOString(), complete: true },
  );
  const kept = [...rows, ...others].map(([id]) => id).filter((id) => !Object.hasOwn(expired, id));
  const idColumn = form.idColumn ?? fixture.idColumn;
  assert.deepEqual(await idsIn(database, `SELECT ${idColumn} AS id FROM ${tableOf(form)}`), kept.toSorted());
  if (name === 'spring-session') {
    const children = await idsIn(database, 'SELECT SESSION_PRIMARY_ID AS id FROM SPRING_SESSION_ATTRIBUTES');
    assert.deepEqual(children, kept.map((id) => `p ${id}`).toSorted());
  }
}

describe('one lifetime for rows that have their own, or of which some live longer, is refused', {
  concurrency: 4,
}, () => {
  for (const name of storeNames) {
    for (const { name: engineName, family, create } of engines) {
      const { table, expiresColumn, lifetimeColumn, where } = presetOf(name, family) ?? {};
      const [form] = [FIXTURES[name][family] ?? []].flat();
      if (form === undefined || (lifetimeColumn ?? where) === undefined) continue;
      test(`${name} on ${engineName}`, async (t) => {
        const database = await create();
        t.after(() => database.drop());
        const rows = [form.insert, ...(form.kept ?? [])].flatMap((insert, at) =>
          inserts({ insert }, `row ${at}`, form.at(NOW - 30 * DAY)),
        );
        for (const statement of [...form.schema, ...rows]) await database.run(statement);
        const column = ['--table', String(table), '--expires-column', String(expiresColumn)];
        const { status, output } = await runAtNow(['--db-url', database.url, ...column, '--older-than', '1d']);
        const { outcome, error_code: code, hint } = JSON.parse(output);
        const expected = lifetimeColumn === undefined ? 'OTHER_ROWS' : 'OWN_LIFETIMES';
        assert.deepEqual({ status, outcome, code }, { status: 3, outcome: 'refused', code: expected });
        assert.ok(hint.startsWith(`Try --store ${name}, `), hint);
        const [{ count } = {}] = await database.query(`SELECT COUNT(*) AS count FROM ${tableOf(form)}`);
        assert.equal(Number(count), rows.length);

        const heeded = lifetimeColumn === undefined ? ['--where', '1 = 0'] : ['--lifetime-column', lifetimeColumn];
        const dryRun = await runAtNow([
          '--db-url',
          database.url,
          ...column,
          '--older-than',
          '1d',
          ...heeded,
          '--dry-run',
        ]);
        assert.equal(dryRun.status, 0, dryRun.output);
      });
    }
  }
});

test('a store that keeps the last activity without a default lifetime has to be told one', async () => {
  for (const [store, url] of [
    ['request-tracker', 'mysql://127.0.0.1/x'],
    ['magento2', 'mysql://127.0.0.1/x'],
  ] as const) {
    const { status, output } = await runAtNow(['--db-url', url, '--store', store]);
    assert.equal(status, 2);
    assert.match(output, /--older-than/);
  }
});

test('a store that writes local time has to be told the zone, on the engine where it does', async () => {
  for (const [engine, url] of [
    ['mysql', 'mysql://127.0.0.1/x'],
    ['postgresql', 'postgres://127.0.0.1/x'],
  ] as const) {
    for (const store of storeNames) {
      const isLocal = presetOf(store, engine)?.writes === 'local';
      const { output } = await runAtNow(['--db-url', url, '--store', store, '--pause', 'x']);
      assert.equal(output.includes('--time-zone'), isLocal, store);
      assert.equal(presetOf(store, 'sqlite')?.writes, undefined);
    }
  }
});

for (const { name: engineName, create } of engines) {
  test(`a missing table on ${engineName}: the stores whose table is there are named`, async (t) => {
    const database = await create();
    t.after(() => database.drop());
    await database.run('CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY)');
    const { status, output } = await runAtNow(['--db-url', database.url]);
    assert.equal(status, 3);
    assert.match(JSON.parse(output).hint, /^Found django_session: try --store django\. /);
  });

  test(`a missing table on ${engineName}: a table that many stores have is no reason to name them all`, async (t) => {
    const database = await create();
    t.after(() => database.drop());
    await database.run('CREATE TABLE sessions (id varchar(40) NOT NULL PRIMARY KEY)');
    const { output } = await runAtNow(['--db-url', database.url, '--table', 'session']);
    assert.match(
      JSON.parse(output).hint,
      /^Found sessions: session-cleanup stores lists the \d+ stores that call theirs so\. Check --table /,
    );
  });
}

function inserts({ insert }: Pick<Form, 'insert'>, id: string, at: string): readonly string[] {
  return [insert].flat().map((statement) => statement.replaceAll('$id', id).replaceAll('$at', at));
}

/** The table that the form inserts into, as it spells it. */
function tableOf(form: Form): string {
  return /into (\S+)/i.exec(inserts(form, '', '')[0] ?? '')?.[1] ?? '';
}

/** On PostgreSQL a CHAR comes with its padding. */
async function idsIn(database: Database, sql: string): Promise<string[]> {
  return (await database.query(sql)).map(({ id }) => String(id).trimEnd()).toSorted();
}
