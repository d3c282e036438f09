// Every command that docs/stores.md shows is run, on a table with rows that it is to delete and rows that it is to keep.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { presetOf, storeNames } from '../../src/stores.js';
import { startCommand } from '../support/command.js';
import { engines } from '../support/databases.js';
import { blocks, code, read, section, table } from './markdown.js';

const PAGE = read('docs/stores.md');
const MINUTE = 60;
const DAY = 86_400;

/** Unix time, so many seconds ago. */
const ago = (seconds: number): number => Math.floor(Date.now() / 1000) - seconds;
/** The same as a time of UTC. */
const timeAgo = (seconds: number): string =>
  `'${new Date(ago(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')}'`;

interface Example {
  /** The columns besides `id`; TIME is the engine's type, and NAME the quoted `expiresAt`. */
  readonly columns: string;
  /** By `id`: the values of those columns. */
  readonly gone: Readonly<Record<string, string>>;
  readonly kept: Readonly<Record<string, string>>;
  /** Statements before the command. */
  readonly beside?: readonly string[];
}

const TIME = { sqlite: 'TEXT', mysql: 'DATETIME', postgresql: 'TIMESTAMPTZ' } as const;
const NAME = { sqlite: '"expiresAt"', mysql: '`expiresAt`', postgresql: '"expiresAt"' } as const;

/** By the table that the command cleans. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  mdl_sessions: {
    columns: 'timemodified BIGINT',
    gone: { old: `${ago(DAY)}` },
    kept: { recent: `${ago(10 * 60 * MINUTE)}` },
  },
  shop_session: {
    columns: 'expire TIME',
    gone: { over: timeAgo(DAY) },
    kept: { live: timeAgo(-DAY) },
  },
  tomcat$sessions: {
    columns: 'lastaccess BIGINT, maxinactive INT',
    gone: { over: `${ago(DAY)}000, 1800` },
    kept: { live: `${ago(MINUTE)}000, 1800`, week: `${ago(DAY)}000, 604800`, never: `${ago(DAY)}000, -1` },
  },
  oc_authtoken: {
    columns: 'type SMALLINT, remember SMALLINT, last_activity INT',
    gone: { remembered: `0, 1, ${ago(16 * DAY)}` },
    kept: { recent: `0, 1, ${ago(14 * DAY)}`, session: `0, 0, ${ago(16 * DAY)}`, app: `1, 1, ${ago(90 * DAY)}` },
  },
  rex_user_session: {
    columns: 'cookie_key VARCHAR(255), last_activity TIME',
    gone: { forgotten: `'k', ${timeAgo(94 * DAY)}` },
    kept: { stays: `'k', ${timeAgo(92 * DAY)}`, other: `NULL, ${timeAgo(94 * DAY)}` },
  },
  sessions: {
    columns: 'user_id INT, last_activity TIME',
    gone: { anonymous: `NULL, ${timeAgo(2 * DAY)}` },
    kept: { angel: `1, ${timeAgo(2 * DAY)}`, visitor: `NULL, ${timeAgo(0)}` },
  },
  personal_access_tokens: {
    columns: 'expires_at TIME',
    gone: { over: timeAgo(DAY) },
    kept: { good: timeAgo(-DAY), never: 'NULL' },
  },
  oauth_refresh_tokens: {
    columns: 'expires_at TIME',
    gone: { over: timeAgo(DAY) },
    kept: { good: timeAgo(-DAY), never: 'NULL' },
  },
  oauth_access_tokens: {
    beside: [
      'CREATE TABLE oauth_refresh_tokens (id VARCHAR(40) PRIMARY KEY, access_token_id VARCHAR(40))',
      "INSERT INTO oauth_refresh_tokens VALUES ('r', 'renewable')",
    ],
    columns: 'expires_at TIME',
    gone: { over: timeAgo(DAY) },
    kept: { renewable: timeAgo(DAY), good: timeAgo(-DAY) },
  },
  verification: {
    columns: 'NAME TIME',
    gone: { over: timeAgo(DAY) },
    kept: { good: timeAgo(-DAY) },
  },
  oauth_tokens: {
    columns: 'issued_at INT, expires_in INT, client_id VARCHAR(40)',
    gone: { over: `${ago(DAY)}, 3600, 'shop'` },
    kept: {
      good: `${ago(DAY)}, 604800, 'shop'`,
      kiosk: `${ago(DAY)}, 3600, 'kiosk'`,
      never: `${ago(DAY)}, NULL, 'shop'`,
    },
  },
  tokens: {
    columns: 'action VARCHAR(30), updated_on TIME',
    gone: { session: `'session', ${timeAgo(61 * DAY)}` },
    kept: { recent: `'session', ${timeAgo(59 * DAY)}`, key: `'api', ${timeAgo(900 * DAY)}` },
  },
};

/** The arguments of each `session-cleanup run` of the page, without its URL. */
const commands = blocks(PAGE, '')
  .flatMap((block) => block.split('\n'))
  .filter((line) => line.startsWith('session-cleanup run '))
  .map((line) => line.replace(/ --db-url \S+/, ''))
  .map((line) => [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].slice(1).map(([, a, b, c]) => a ?? b ?? c ?? ''));

const DEFAULT_TABLES: Readonly<Record<string, string>> = { moodle: 'mdl_sessions', engelsystem: 'sessions' };

function tableOf(args: readonly string[]): string {
  const given = (flag: string): string => args[args.indexOf(flag) + 1] ?? '';
  return args.includes('--table') ? given('--table') : (DEFAULT_TABLES[given('--store')] ?? '');
}

test('every table of an example is in a command, and the other way round', () => {
  assert.deepEqual(commands.map(tableOf).toSorted(), Object.keys(EXAMPLES).toSorted());
});

describe('the command of the page deletes what it is to', { concurrency: 2 }, () => {
  for (const { name: engineName, family, create } of engines) {
    for (const args of commands) {
      const name = tableOf(args);
      const example = EXAMPLES[name];
      const store = args.includes('--store') ? args[args.indexOf('--store') + 1] : undefined;
      if (example === undefined || (store !== undefined && family !== 'mysql')) continue;
      test(`for ${name} on ${engineName}`, async (t) => {
        const database = await create();
        t.after(() => database.drop());
        const columns = example.columns.replaceAll('TIME', TIME[family]).replace('NAME', NAME[family]);
        await database.run(`CREATE TABLE ${name} (id VARCHAR(40) PRIMARY KEY, ${columns})`);
        for (const statement of example.beside ?? []) await database.run(statement);
        for (const [id, values] of Object.entries({ ...example.gone, ...example.kept })) {
          await database.run(`INSERT INTO ${name} VALUES ('${id}', ${values})`);
        }
        const { status, stderr } = await startCommand(args, { env: { DATABASE_URL: database.url } }).ended;
        assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
        const left = await database.query(`SELECT id FROM ${name} ORDER BY id`);
        assert.deepEqual(
          left.map(({ id }) => id),
          Object.keys(example.kept).toSorted(),
        );
      });
    }
  }
});

test('the stores that keep other rows are those of the table, with their conditions', () => {
  const rows = [...section(PAGE, 'Rows that are kept').matchAll(/^\| `([\w-]+)` \| `([^`]+)` \|/gm)];
  assert.deepEqual(
    rows.map(([, store, where]) => [store, where]),
    storeNames
      .flatMap((name) => {
        const where = presetOf(name, 'mysql')?.where;
        return where === undefined ? [] : [[name, where]];
      })
      .toSorted(),
  );
});

describe('the stores that need more than --store are those of the code', () => {
  const presets = storeNames.flatMap((name) =>
    (['sqlite', 'mysql', 'postgresql'] as const).flatMap((engine) => {
      const preset = presetOf(name, engine);
      return preset === undefined ? [] : [{ name, ...preset }];
    }),
  );
  const named = (isWanted: (preset: (typeof presets)[number]) => boolean) =>
    [...new Set(presets.filter(isWanted).map(({ name }) => name))].toSorted();
  const lifetimes = section(PAGE, 'How long a session lives');

  test('a lifetime of its own', () => {
    const rows = table(lifetimes, 'store', 'default', 'where the program sets it');
    assert.deepEqual(
      rows.flatMap(([store = '']) => code(store)),
      named(({ lifetimeMs }) => typeof lifetimeMs === 'number'),
    );
  });

  test('no lifetime', () => {
    const items = [...lifetimes.matchAll(/^- `([\w-]+)`:/gm)].map(([, store = '']) => store);
    assert.deepEqual(
      items.toSorted(),
      named(({ lifetimeMs }) => lifetimeMs === 'required'),
    );
  });

  test('a time without its zone', () => {
    const [local = '', literal = ''] = section(PAGE, 'Which time zone').split('\n`adonisjs`');
    const stores = (text: string) =>
      [...new Set(code(text))].filter((word) => storeNames.some((name) => name === word));
    assert.deepEqual(
      stores(local).toSorted(),
      named(({ writes }) => writes === 'local'),
    );
    assert.deepEqual(
      stores(`\`adonisjs\`${literal}`),
      named(({ writes }) => writes === 'literal'),
    );
  });
});
