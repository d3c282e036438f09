// `npm run docs` writes what in the documentation repeats the code: the tables between markers in Markdown files, and the
// manual page. With --check it writes nothing, names the files that it would change, and ends with 1 where there are any.
// An argument is the folder to do it in, instead of this checkout.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMMAND_LINE } from '../dist/src/cli/description.js';
import { renderManPage } from '../dist/src/cli/man-page.js';
import { EXIT_STATUSES } from '../dist/src/cli/statuses.js';
import { storeRows } from '../dist/src/commands/stores.js';
import { LINE_KEYS } from '../dist/src/report/keys.js';
import { renderMetrics } from '../dist/src/report/metrics.js';
import { capitalised, ended } from '../dist/src/report/wording.js';
import { flagName, GROUPS, SETTINGS } from '../dist/src/settings/settings.js';

const [ROOT = fileURLToPath(new URL('..', import.meta.url))] = process.argv.slice(2).filter((arg) => arg !== '--check');
const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
const MAN_PAGE = 'man/session-cleanup.1';
const MAN_PAGE_DATE = '2026-11-25';

const code = (text) => `\`${text}\``;
const codes = (texts) => texts.map(code).join(', ');

function table(columns, rows) {
  const line = (cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replaceAll('|  |', '| |');
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function meaning({ help, detail }) {
  return [help, detail]
    .filter(Boolean)
    .map((text) => ended(capitalised(text)))
    .join(' ');
}

function settings() {
  const all = Object.values(SETTINGS);
  const tables = GROUPS.map((group) => {
    const rows = all
      .filter((setting) => setting.group === group)
      .map((setting) => [
        code(setting.flags),
        codes(setting.variables),
        setting.default === undefined ? '' : code(setting.default),
        meaning(setting),
      ]);
    return `**${group}**\n\n${table(['flag', 'variable', 'default', 'meaning'], rows)}`;
  });
  const runOnly = all.filter((setting) => setting.runOnly).map(({ flags }) => code(flagName(flags)));
  const but = `${runOnly.slice(0, -1).join(', ')} and ${runOnly.at(-1)}`;
  return [...tables, `\`check\` takes all of these but ${but}.`].join('\n\n');
}

function scheduleFlags() {
  const { flags } = COMMAND_LINE.commands.find(({ name }) => name === 'schedule');
  const own = flags.filter(({ group }) => !GROUPS.includes(group));
  return table(
    ['flag', 'default', 'meaning'],
    own.map((flag) => [code(flag.flags), flag.default === undefined ? '' : code(flag.default), meaning(flag)]),
  );
}

function stores() {
  return table(
    ['store', 'table', 'column', 'holds', 'databases', 'needs'],
    storeRows().map(({ store, table: name, column, holds, engines, needs }) => [
      code(store),
      code(name),
      code(column),
      holds,
      engines.map(({ title, format }) => `${title} (${format})`).join(', '),
      codes(needs),
    ]),
  );
}

function statuses() {
  return table(
    ['status', 'outcome', 'meaning', 'was anything deleted?', 'what to do'],
    EXIT_STATUSES.map((row) => [row.statuses.join(', '), codes(row.outcomes), row.meaning, row.deleted, row.todo]),
  );
}

/** For the README: what a script and its reader need. */
function exitStatuses() {
  return table(
    ['status', 'meaning', 'what to do'],
    EXIT_STATUSES.map((row) => [row.statuses.join(', '), row.meaning, row.todo]),
  );
}

const COMMON = [
  SETTINGS.dbUrlFile,
  SETTINGS.store,
  SETTINGS.table,
  SETTINGS.expiresColumn,
  SETTINGS.olderThan,
  SETTINGS.where,
  SETTINGS.maxDelete,
  SETTINGS.dryRun,
  SETTINGS.timeout,
  SETTINGS.batchSize,
];

function commonFlags() {
  return table(
    ['flag', 'default', 'meaning'],
    COMMON.map((setting) => [
      code(setting.flags),
      setting.default === undefined ? '' : code(setting.default),
      ended(capitalised(setting.help)),
    ]),
  );
}

function lineKeys() {
  return table(
    ['key', 'when', 'value'],
    LINE_KEYS.map(({ key, when, value }) => [code(key), when, value]),
  );
}

function metrics() {
  const record = { timestamp: new Date(1000).toISOString(), exit_status: 0, deleted_count: 0, duration_ms: 0 };
  const file = renderMetrics(record, '', { oldestExpired: new Date(0), now: () => new Date(1000) });
  const gauges = [...file.matchAll(/^# HELP (\S+) (.*)$/gm)];
  return table(
    ['metric', 'value'],
    gauges.map(([, name, help]) => [code(name), help]),
  );
}

const TABLES = {
  settings,
  'common-flags': commonFlags,
  'schedule-flags': scheduleFlags,
  stores,
  statuses,
  'exit-statuses': exitStatuses,
  'line-keys': lineKeys,
  metrics,
};

function manPage() {
  return renderManPage({
    commandLine: COMMAND_LINE,
    version,
    date: MAN_PAGE_DATE,
    sections: [
      {
        heading: 'EXIT STATUS',
        terms: EXIT_STATUSES.map(({ statuses, meaning }) => [statuses.join(', '), meaning]),
      },
      { heading: 'EXAMPLES', code: COMMAND_LINE.commands.flatMap(({ examples }) => examples) },
    ],
  });
}

const MARKED = /(<!-- npm run docs: ([\w-]+) -->\n).*?(<!-- end of what npm run docs writes -->)/gs;
const used = new Set();

/** The text with every marked table written anew. */
function withTables(path, text) {
  const written = text.replace(MARKED, (_all, begin, name, end) => {
    if (!Object.hasOwn(TABLES, name)) throw new Error(`${path} wants a table that there is not: ${name}`);
    used.add(name);
    return `${begin}\n${TABLES[name]()}\n\n${end}`;
  });
  const marks = text.match(/<!-- npm run docs: /g) ?? [];
  if (marks.length !== [...text.matchAll(MARKED)].length) throw new Error(`${path} has a marker without its end`);
  return written;
}

const pages = [
  'README.md',
  ...readdirSync(`${ROOT}/docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const files = new Map([
  ...pages.map((path) => [path, withTables(path, readFileSync(`${ROOT}/${path}`, 'utf8'))]),
  [MAN_PAGE, manPage()],
]);
const unused = Object.keys(TABLES).filter((name) => !used.has(name));
if (unused.length > 0) throw new Error(`no page has the table ${unused.join(', ')}`);

const changed = [...files].filter(([path, text]) => readFileSync(`${ROOT}/${path}`, 'utf8') !== text);
if (process.argv.includes('--check')) {
  for (const [path] of changed) process.stderr.write(`${path} is not what npm run docs writes\n`);
  if (changed.length > 0) process.exitCode = 1;
} else {
  for (const [path, text] of changed) writeFileSync(`${ROOT}/${path}`, text);
}
