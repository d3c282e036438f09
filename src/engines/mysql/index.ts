// MySQL and MariaDB: sessions, catalogue, predicate, locks, cancelling. Nothing here knows of the walk or of outcomes.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { Knex } from 'knex';
import type { Done } from '../../cleanup/cleanup.js';
import { CleanupError } from '../../errors.js';
import {
  type Cutoff,
  dateTimeText,
  dayBeyond,
  digitText,
  FIRST_JULIAN_DAY,
  FIRST_MILLISECONDS,
  type Fit,
  JULIAN_DAYS_END,
  julianDay,
  type StoredAs,
} from '../../expiry/format.js';
import { storeHint } from '../../stores.js';
import type { MysqlTarget } from '../database-url.js';
import type {
  Binding,
  CreateDialect,
  DeleteQueries,
  Dialect,
  Fault,
  Key,
  KeyColumn,
  Predicate,
  Query,
  Sql,
  Table,
} from '../engine.js';
import { REFERRED_HINT } from '../findings.js';
import { examineMysql } from './examine.js';

const STORED_AS: Readonly<Record<string, StoredAs>> = {
  timestamp: 'instant',
  datetime: 'wall-clock',
  date: 'date',
  tinyint: 'number',
  smallint: 'number',
  mediumint: 'number',
  int: 'number',
  bigint: 'number',
  decimal: 'number',
  double: 'number',
  char: 'text',
  varchar: 'text',
  tinytext: 'text',
  text: 'text',
  mediumtext: 'text',
  longtext: 'text',
};

const same = (value: unknown): Binding => value as Binding;
// The driver gives whole numbers beyond 2^53 as text, and MySQL compares a number with a text as doubles.
const wholeNumber = (value: unknown): Binding => BigInt(value as string | number);
/** Types whose values survive the way to this program and back, and that compare with a literal as they are ordered. */
const WALKABLE: Readonly<Record<string, KeyColumn['fromStored']>> = {
  tinyint: wholeNumber,
  smallint: wholeNumber,
  mediumint: wholeNumber,
  int: wholeNumber,
  bigint: wholeNumber,
  char: same,
  varchar: same,
  binary: same,
  varbinary: same,
  uuid: same,
  date: same,
  datetime: same,
  timestamp: same,
};

// A zero date means "never"; so does the epoch in some stores. The day after is the first that is a date in every zone.
const FIRST_DATE = '1970-01-02';
// CAST refuses a month 13 or an hour 25 by itself, a month 00 or an offset of 99 hours it does not.
const DATETIME_TEXT =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+){0,1}){0,1}' +
  '( {0,1}(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])){0,1}[|]$';

// Of any zone; a named one that the server's tables do not know is one of them.
const MOST_MINUTES_AHEAD = 14 * 60;

const NO_ROOM = 'The server is out of disk space: deleting needs room, too.';

const HINTS: Readonly<Record<number, string>> = {
  1021: NO_ROOM,
  1044: 'Grant the account SELECT and DELETE on the table.',
  1045: 'Check the user and the password in the URL; special characters in them must be percent-encoded.',
  1047: 'The node is not in the primary component of its Galera cluster: connect to one that is.',
  1049: 'Check the database name at the end of the URL.',
  1114: NO_ROOM,
  1142: 'Grant the account SELECT and DELETE on the table.',
  1143: 'Grant the account SELECT and DELETE on the table.',
  1213: 'Others wrote to the same rows: run it again, or with --batch-size, which loses less of its work to them.',
  1217: REFERRED_HINT,
  1290: 'The server is read only: connect to the primary.',
  1451: REFERRED_HINT,
  1665: 'The binary log format is STATEMENT: set binlog_format to ROW or MIXED.',
  1836: 'The server is read only: connect to the primary.',
  3100: 'The transaction may be larger than group_replication_transaction_size_limit: run with --batch-size 1000.',
  3159: 'The server wants TLS: add ?ssl-mode=REQUIRED (or VERIFY_CA, VERIFY_IDENTITY) to the URL.',
};
/** The server answered, but lets nobody in or is not ready: access, unknown database, too many connections, Galera. */
const UNAVAILABLE = new Set([1040, 1044, 1045, 1047, 1049, 1129, 1130, 1203, 1226, 1698, 3118, 3159]);

// Errors of several numbers, some of them used for other things too.
const TOO_LARGE = /wsrep_max_ws_rows|size exceed|size of writeset|max_binlog_cache_size/i;
const TOO_LARGE_HINT =
  'The server takes no transaction that large: run with --batch-size 1000, or fewer rows than its limit.';

export const createMysql: CreateDialect<MysqlTarget> = (target, names): Dialect => {
  const schema = names.schema ?? target.database ?? '';
  const tableSql = `${quote(schema)}.${quote(names.table)}`;
  // GET_LOCK names have at most 64 characters and belong to the whole server.
  const lockName = `session_cleanup:${createHash('sha256').update(`${schema}.${names.table}`).digest('hex').slice(0, 32)}`;
  let server = { mariadb: false, skipLocked: false };
  let lockWaitRollsBack = false;
  let locked = false;

  return {
    async knexConfig(connectTimeoutMs) {
      const { tls } = target;
      const ca = tls.caPath === undefined ? undefined : await readCa(tls.caPath);
      const verify = tls.mode === 'VERIFY_CA' || tls.mode === 'VERIFY_IDENTITY';
      return {
        client: 'mysql2',
        connection: {
          ...(target.socketPath === undefined
            ? { host: target.host, port: target.port }
            : { socketPath: target.socketPath }),
          user: target.user,
          password: target.password,
          ...(target.database === undefined ? {} : { database: target.database }),
          connectTimeout: connectTimeoutMs,
          charset: 'utf8mb4',
          // Values of key columns go back to the server: as the text they came in, never as a Date or a double.
          dateStrings: true,
          supportBigNumbers: true,
          bigNumberStrings: true,
          // The server may not ask this host for files.
          flags: '-LOCAL_FILES',
          ...(tls.mode === 'DISABLED'
            ? {}
            : {
                ssl: {
                  rejectUnauthorized: verify,
                  verifyIdentity: tls.mode === 'VERIFY_IDENTITY',
                  ...(ca === undefined ? {} : { ca }),
                } as Knex.MariaSslConfiguration,
              }),
        } satisfies Knex.MySql2ConnectionConfig,
      };
    },
    quote,
    rows(result) {
      const [answer] = result as [Record<string, unknown>[] | Record<string, unknown>];
      return Array.isArray(answer) ? answer : [answer];
    },

    async prepare(query, remainingMs) {
      // sql_mode: STRICT makes a DELETE fail on the first text that is no number or date, NO_BACKSLASH_ESCAPES breaks
      // the driver's quoting. sql_big_selects: where max_join_size is set, a DELETE by key is a join. sql_select_limit:
      // it would cut the catalogue off in the middle of a key. Lock waits: one second is the least MySQL takes.
      // wait_timeout: a host that vanishes keeps its row locks only so long.
      const idleSeconds = Number.isFinite(remainingMs) ? `, wait_timeout = ${Math.ceil(remainingMs / 1000) + 10}` : '';
      await query(
        `SET SESSION time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION', autocommit = 1, foreign_key_checks = 1, ` +
          `sql_safe_updates = 0, sql_big_selects = 1, sql_select_limit = 18446744073709551615, ` +
          `innodb_lock_wait_timeout = 1, lock_wait_timeout = 1${idleSeconds}`,
      );
      await query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      const [row] = await query('SELECT VERSION() AS version');
      server = readVersion(String(row?.version));
      const [settings] = (await query('SELECT @@innodb_rollback_on_timeout AS rolls_back').catch(ignoreAnswered)) ?? [];
      lockWaitRollsBack = Number(settings?.rolls_back) === 1;
      if (server.mariadb && Number.isFinite(remainingMs)) {
        // Only a second line of defence, for when this process cannot cancel: not every server or proxy has it.
        await query(`SET SESSION max_statement_time = ${Math.ceil(remainingMs / 1000) + 1}`).catch(ignoreAnswered);
      }
    },

    async lock(query) {
      // Some clusters and proxies refuse GET_LOCK. The row locks are enough for safety; the lock saves double work.
      const rows = await query('SELECT GET_LOCK(?, 0) AS held', [lockName]).catch(ignoreAnswered);
      if (rows === undefined) return;
      const held = rows[0]?.held;
      if (String(held) === '0') {
        throw new CleanupError('busy', 'another session-cleanup run is at work on this table', {
          code: 'LOCK_HELD',
          hint: 'Wait for it to end, or make the interval between runs longer than --timeout.',
        });
      }
      locked = String(held) === '1';
    },
    async unlock(query) {
      if (locked) await query('SELECT RELEASE_LOCK(?)', [lockName]);
      locked = false;
    },

    async clock(query) {
      const [row] = await query('SELECT UTC_TIMESTAMP(3) AS now');
      return Date.parse(`${String(row?.now).replace(' ', 'T')}Z`);
    },

    async aheadOfUtcMs(query) {
      const minutes = (day: string): string =>
        `TIMESTAMPDIFF(MINUTE, ${day}, CONVERT_TZ(${day}, '+00:00', @@global.time_zone))`;
      const [row] = await query(
        `SELECT GREATEST(${minutes('UTC_DATE()')}, ${minutes('UTC_DATE() + INTERVAL 6 MONTH')}) AS minutes`,
      );
      return Number(row?.minutes ?? MOST_MINUTES_AHEAD) * 60_000;
    },

    async readTable(query) {
      const [table] = exact(
        await query(
          `SELECT table_name AS name, table_type AS type, engine AS engine FROM information_schema.tables WHERE table_schema = ? AND table_name = ?`,
          [schema, names.table],
        ),
        names.table,
      );
      const shown = `${schema}.${names.table}`;
      if (table === undefined) {
        const others = await query('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?', [
          schema,
        ]);
        const stores = storeHint(
          others.map(({ name }) => String(name)),
          'mysql',
        );
        throw new CleanupError('refused', `there is no table ${shown}, or the account may not see it`, {
          code: 'NO_TABLE',
          hint: `${stores}Check --table and the database in the URL, and grant the account SELECT and DELETE on the table.`,
        });
      }
      if (table.type !== 'BASE TABLE' && table.type !== 'SYSTEM VERSIONED') {
        throw new CleanupError('refused', `${shown} is not a table but a ${String(table.type).toLowerCase()}`, {
          code: 'NOT_A_TABLE',
          hint: 'Name the table behind it with --table.',
        });
      }
      const [engine] = await query(
        'SELECT transactions AS transactions FROM information_schema.engines WHERE engine = ?',
        [String(table.engine)],
      );
      if (engine?.transactions !== 'YES') {
        throw new CleanupError('refused', `${shown} is a ${table.engine} table, which cannot roll back`, {
          code: 'NO_TRANSACTIONS',
          hint: 'Convert it: ALTER TABLE … ENGINE=InnoDB.',
        });
      }
      const columns = await query(
        `SELECT column_name AS name, data_type AS type, column_type AS full_type, is_nullable AS nullable FROM information_schema.columns WHERE table_schema = ? AND table_name = ?`,
        [schema, String(table.name)],
      );
      const column = columns.find(({ name }) => String(name).toLowerCase() === names.expiresColumn.toLowerCase());
      if (column === undefined) {
        throw new CleanupError('refused', `the table ${shown} has no column ${names.expiresColumn}`, {
          code: 'NO_COLUMN',
          hint: 'Check --expires-column.',
        });
      }
      const type = String(column.type);
      const storedAs = STORED_AS[type];
      if (storedAs === undefined) {
        throw new CleanupError(
          'refused',
          `the column ${names.expiresColumn} is of type ${type}, which holds no exact time`,
          {
            code: 'FORMAT_MISMATCH',
            hint: 'Check --expires-column.',
          },
        );
      }
      const parts = await query(
        `SELECT *, index_name AS name, column_name AS part, sub_part AS prefix, non_unique AS non_unique, collation AS direction ` +
          `FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? AND index_type = 'BTREE' ORDER BY index_name, seq_in_index`,
        [schema, String(table.name)],
      );
      const expiresColumn = String(column.name);
      return {
        name: String(table.name),
        sql: tableSql,
        expiresColumn,
        declaredType: String(column.full_type),
        storedAs: storedAs === 'number' || storedAs === 'text' ? undefined : storedAs,
        // An index that the optimizer may not use is not to be named in a hint: MySQL and MariaDB call it differently.
        ...readKeys(
          columns,
          parts.filter(({ IS_VISIBLE, IGNORED }) => IS_VISIBLE !== 'NO' && IGNORED !== 'YES'),
          expiresColumn,
        ),
      };
    },

    // Against a bare 0, every text that does not begin with a number is equal to it.
    zero: "'0'",
    sampleColumns: (table) => `${quote(table.expiresColumn)} AS value`,
    sampled({ value }, { declaredType }) {
      const type = /^\w+/.exec(declaredType)?.[0] ?? '';
      if (STORED_AS[type] === 'text') return { value, storage: 'text' };
      return {
        value,
        storage: type === 'double' || (type === 'decimal' && !Number.isInteger(Number(value))) ? 'real' : 'integer',
      };
    },

    predicate,

    async deleteIndex(query, table, where) {
      const rows = await query(
        `EXPLAIN FORMAT=TRADITIONAL DELETE FROM ${table.sql} WHERE ${where.sql}`,
        where.bindings,
      );
      const [plan] = rows;
      return plan?.type === 'ALL' || plan?.key == null ? undefined : String(plan.key);
    },

    examine: (query, table) => examineMysql(query, schema, table),
    begin: 'START TRANSACTION',
    from: (table, index) => `${table.sql} FORCE INDEX (${quote(index)})`,
    deletePast: (queries, table, walked, where) =>
      server.skipLocked && table.rowKey !== undefined
        ? deletePast(queries, table, table.rowKey, walked, where, server.mariadb && !lockWaitRollsBack)
        : deleteWaiting(queries, table, where),

    async cancel(connection, openSide) {
      const side = await openSide();
      try {
        await side.raw(`KILL QUERY ${(connection as { threadId: number }).threadId}`);
      } finally {
        await side.destroy();
      }
    },
    // Where it meets a locked row, or has to be cancelled, only so much is done again.
    stepTargetMs: 200,
    cancelKeepsTransaction: true,
    // A backup's FLUSH TABLES WITH READ LOCK makes COMMIT fail with 1205, after which a second COMMIT succeeds: of nothing.
    commitKeepsTransaction: false,
    destroy: (connection) => (connection as { destroy(): void }).destroy(),
    classify: (error) => classify(error, lockWaitRollsBack),
  };
};

function quote(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``').replaceAll('?', '\\?')}\``;
}

async function readCa(path: string): Promise<string> {
  return fs.promises.readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CleanupError('usage', '--db-url: the file of ssl-ca cannot be read', {
      code: (cause as NodeJS.ErrnoException).code,
      hint: 'Check the path and its permissions.',
      cause,
    });
  });
}

/** Swallows what the server answered, and nothing else: for statements that some servers do not have. */
function ignoreAnswered(error: unknown): undefined {
  if (error instanceof CleanupError && (error.kind !== 'failed' || error.rolledBack)) throw error;
  return undefined;
}

/** Swallows that something was locked; the transaction goes on. */
function ignoreLocked(error: unknown): readonly Record<string, unknown>[] {
  if (error instanceof CleanupError && error.kind === 'busy' && !error.rolledBack) return [];
  throw error;
}

function readVersion(version: string): { mariadb: boolean; skipLocked: boolean } {
  const mariadb = /mariadb/i.test(version);
  // Before version 11 MariaDB may write 5.5.5- in front of its own version.
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)\./.exec(version.replace(/^5\.5\.5-/, ''))?.slice(1) ?? []).map(Number);
  return { mariadb, skipLocked: mariadb ? major > 10 || (major === 10 && minor >= 6) : major >= 8 };
}

/** The catalogue compares names without regard to case; where the file system does not, both spellings may exist. */
function exact(rows: readonly Record<string, unknown>[], name: string): readonly Record<string, unknown>[] {
  const same = rows.filter((row) => row.name === name);
  return same.length > 0 ? same : rows;
}

type CatalogueRows = readonly Record<string, unknown>[];

function readKeys(
  columns: CatalogueRows,
  parts: CatalogueRows,
  expiresColumn: string,
): Pick<Table, 'rowKey' | 'expiresIndexes'> {
  const byName = new Map(columns.map((column) => [String(column.name), column]));
  const indexes = new Map<string, Record<string, unknown>[]>();
  for (const part of parts) {
    const own = indexes.get(String(part.name)) ?? [];
    indexes.set(String(part.name), [...own, part]);
  }
  const walkable = (index: string, own: CatalogueRows): Key | undefined => {
    const columnNames = [...new Set(own.map(({ part }) => String(part)))];
    const keyColumns = columnNames.flatMap((name) => {
      const column = byName.get(name);
      const fromStored = WALKABLE[String(column?.type)];
      // A row with NULL in a key column is beyond every comparison; the predicate leaves those of the expiry out anyway.
      const never = column?.nullable === 'YES' && name !== expiresColumn;
      return fromStored === undefined || never ? [] : [{ name, fromStored }];
    });
    const whole = own.every(({ prefix }) => prefix === null) && keyColumns.length === columnNames.length;
    // Where one part ascends and another descends, every step would read and sort all that is left.
    const ordered = new Set(own.map(({ direction }) => direction)).size === 1;
    return whole && ordered ? { index, columns: keyColumns } : undefined;
  };
  const unique = [...indexes].filter(([, own]) =>
    own.every((part) => Number(part.non_unique) === 0 && byName.get(String(part.part))?.nullable === 'NO'),
  );
  unique.sort(([a], [b]) => Number(b === 'PRIMARY') - Number(a === 'PRIMARY'));
  const rowKey = unique.map(([index, own]) => walkable(index, own)).find((key) => key !== undefined);
  // InnoDB continues every other index with the key that it stores the rows by.
  const isStorageOrder = rowKey?.index === 'PRIMARY' || unique.length === 1;
  const tail = (isStorageOrder && indexes.get(String(rowKey?.index))) || [];
  const expiresIndexes = [...indexes]
    .filter(([, own]) => own[0]?.part === expiresColumn && own[0].prefix === null)
    .sort(([, a], [, b]) => a.length - b.length)
    .map(([index, own]) => ({ index, key: walkable(index, [...own, ...tail]) ?? walkable(index, own.slice(0, 1)) }));
  return { rowKey, expiresIndexes };
}

function predicate(table: Table, { format, storedAs: [storedAs] }: Fit, { instant, wallClock }: Cutoff): Predicate {
  const column = quote(table.expiresColumn);
  const between = (low: string | number, high: string | number): Sql => ({
    sql: `${column} >= ? AND ${column} <= ?`,
    bindings: [low, high],
  });
  const cutoff = instant.getTime();
  const { notAfter, except } = wallClock;
  const notSkipped = (expression: string): Sql | undefined =>
    except && {
      sql: `NOT (${expression} > ? AND ${expression} < ?)`,
      bindings: [dateTimeText(except.after), dateTimeText(except.before)],
    };
  if (storedAs === 'instant') return { range: between(FIRST_DATE, dateTimeText(cutoff)), guard: undefined };
  // Where the server allows it, 2001-00-00 is stored and is smaller than 2001-01-01, but is no day.
  const isDay: Sql = { sql: `TO_DAYS(${column}) IS NOT NULL`, bindings: [] };
  if (storedAs === 'wall-clock') {
    const skipped = notSkipped(column);
    const guard = skipped && { sql: `${isDay.sql} AND ${skipped.sql}`, bindings: skipped.bindings };
    return { range: between(FIRST_DATE, dateTimeText(notAfter)), guard: guard ?? isDay };
  }
  if (storedAs === 'date') {
    const today = dateTimeText(notAfter).slice(0, 10);
    return { range: { sql: `${column} >= ? AND ${column} < ?`, bindings: [FIRST_DATE, today] }, guard: isDay };
  }
  if (storedAs === 'text') {
    // The bar at the end keeps "$" from passing over a line break there.
    const shaped = (pattern: string): Sql => ({ sql: `CONCAT(${column}, '|') REGEXP ?`, bindings: [pattern] });
    if (format === 'unix')
      return { range: between('1', digitText(cutoff / 1000, 10)), guard: shaped('^[0-9]{10}[|]$') };
    if (format === 'unix-ms') return { range: between('1', digitText(cutoff, 13)), guard: shaped('^[0-9]{13}[|]$') };
    const shape = shaped(DATETIME_TEXT);
    const minutes = `(CASE SUBSTR(${column}, -6, 1) WHEN '-' THEN 1 ELSE -1 END) * (SUBSTR(${column}, -5, 2) * 60 + SUBSTR(${column}, -2))`;
    // MariaDB takes a CAST that fails for a zero date when it compares it; a function of one is NULL.
    const moment = (text: string, add = '0'): string =>
      `TIMESTAMPADD(MINUTE, ${add}, CAST(RTRIM(${text}) AS DATETIME(6)))`;
    const withoutLast = (length: number): string => `LEFT(${column}, CHAR_LENGTH(${column}) - ${length})`;
    const skipped = notSkipped(moment(column));
    return {
      range: { sql: `${column} >= '1970-01-01' AND ${column} < ?`, bindings: [dayBeyond(instant)] },
      guard: {
        sql:
          `${shape.sql} AND CASE WHEN RIGHT(${column}, 1) = 'Z' THEN ${moment(withoutLast(1))} <= ? ` +
          `WHEN SUBSTR(${column}, -6, 1) IN ('+', '-') THEN ${moment(withoutLast(6), minutes)} <= ? ` +
          `ELSE ${moment(column)} <= ?${skipped === undefined ? '' : ` AND ${skipped.sql}`} END`,
        bindings: [
          ...shape.bindings,
          dateTimeText(cutoff),
          dateTimeText(cutoff),
          dateTimeText(notAfter),
          ...(skipped?.bindings ?? []),
        ],
      },
    };
  }
  if (format === 'julian') return { range: between(FIRST_JULIAN_DAY, julianDay(instant)), guard: undefined };
  if (format === 'unix-ms') return { range: between(FIRST_MILLISECONDS, cutoff), guard: undefined };
  const seconds = Math.min(cutoff / 1000, FIRST_MILLISECONDS - 1);
  const whole = /int/.test(table.declaredType);
  return {
    range: { sql: `${column} > 0 AND ${column} <= ?`, bindings: [whole ? Math.floor(seconds) : seconds] },
    guard: whole ? undefined : { sql: `${column} NOT BETWEEN ? AND ?`, bindings: [FIRST_JULIAN_DAY, JULIAN_DAYS_END] },
  };
}

// Rows named in one statement by their key.
const ROWS_A_STATEMENT = 500;

/** One DELETE, which waits for locked rows; where one stays locked, the whole stretch is left. */
async function* deleteWaiting({ query, queryOnce }: DeleteQueries, table: Table, where: Sql): AsyncGenerator<Done> {
  const [answer] = await queryOnce(`DELETE FROM ${table.sql} WHERE ${where.sql}`, where.bindings).catch(ignoreLocked);
  if (answer !== undefined) yield { deleted: Number(answer.affectedRows), locked: 0 };
  else yield { deleted: 0, locked: await countRows(query, table, where) };
}

/**
 * Never waits for a row: InnoDB keeps what it has waited for to the end of the transaction, also a row that turns out to
 * be live. And locks rows by `rowKey` alone: of a row that is passed over on another index, the entry there stays locked,
 * and whoever holds the row cannot renew it. Rows whose children are locked are left too.
 */
async function* deletePast(
  { query, queryOnce }: DeleteQueries,
  table: Table,
  rowKey: Key,
  walked: Key,
  where: Sql,
  canFailAtLock: boolean,
): AsyncGenerator<Done> {
  const keys = rowKey.columns.map(({ name, fromStored }, at) => ({
    name: quote(name),
    found: `session_cleanup_${at}`,
    fromStored,
  }));
  const found = keys.map((key) => `${key.name} AS ${key.found}`).join(', ');
  const isFound = keys.map((key) => `session_cleanup_found.${key.found} = ${table.sql}.${key.name}`).join(' AND ');
  // Only a DELETE with two table names takes the hint.
  const from = `${table.sql} FORCE INDEX (${quote(rowKey.index)})`;
  const send = async (sql: string, bindings: readonly Binding[]): Promise<number | undefined> => {
    const [answer] = await queryOnce(sql, bindings).catch(ignoreLocked);
    return answer && Number(answer.affectedRows);
  };

  /** Of all rows, or those of a condition. `isAll`: none was passed over. Undefined where children are locked. */
  async function deleteFree(among?: Sql): Promise<{ deleted: number; isAll: boolean } | undefined> {
    const sql = among === undefined ? where.sql : `${among.sql} AND ${where.sql}`;
    const bindings = [...(among?.bindings ?? []), ...where.bindings];
    // The limit is not the session's: under it, MariaDB gives up a transaction at the end of a statement that has
    // skipped a locked row.
    const limit = 'SET STATEMENT innodb_lock_wait_timeout = 0 FOR';
    const all = canFailAtLock
      ? await send(`${limit} DELETE ${table.sql} FROM ${from} WHERE ${sql}`, bindings)
      : undefined;
    if (all !== undefined) return { deleted: all, isAll: true };
    // The condition once more at the end: what is deleted is not left to the catalogue's word that the key is unique.
    const free = await send(
      `DELETE ${table.sql} FROM (SELECT ${found} FROM ${from} WHERE ${sql} FOR UPDATE SKIP LOCKED) AS session_cleanup_found ` +
        `STRAIGHT_JOIN ${from} ON ${isFound} WHERE ${where.sql}`,
      [...bindings, ...where.bindings],
    );
    return free === undefined ? undefined : { deleted: free, isAll: false };
  }

  const done = walked.index === rowKey.index ? await deleteFree() : undefined;
  if (done !== undefined) {
    yield { deleted: done.deleted, locked: 0 };
    if (done.isAll) return;
  } else {
    const rows = await query(
      `SELECT ${found} FROM ${table.sql} FORCE INDEX (${quote(walked.index)}) WHERE ${where.sql}`,
      where.bindings,
    );
    let left = rows.length;
    const row = `(${keys.map(({ name }) => `${name} = ?`).join(' AND ')})`;
    // Where children are locked, ever smaller pieces, those of one size after the other: each such lock is waited for,
    // and what is free goes first.
    const pieces = piecesOf(rows, ROWS_A_STATEMENT);
    for (const piece of pieces) {
      const freed = await deleteFree({
        sql: `(${piece.map(() => row).join(' OR ')})`,
        bindings: piece.flatMap((values) => keys.map((key) => key.fromStored(values[key.found]))),
      });
      if (freed !== undefined) {
        yield { deleted: freed.deleted, locked: 0 };
        left -= freed.deleted;
      } else if (piece.length > 1) {
        pieces.push(...piecesOf(piece, Math.ceil(piece.length / 20)));
      }
    }
    if (left === 0) return;
  }
  yield { deleted: 0, locked: await countRows(query, table, where) };
}

async function countRows(query: Query, table: Table, where: Sql): Promise<number> {
  const [row] = await query(`SELECT COUNT(*) AS count FROM ${table.sql} WHERE ${where.sql}`, where.bindings);
  return Number(row?.count);
}

function piecesOf<T>(rows: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) => rows.slice(at * size, (at + 1) * size));
}

function classify(error: unknown, lockWaitRollsBack: boolean): Fault {
  // MariaDB's own codes arrive without a name: the number is what can be relied on.
  const { errno, code: name, fatal, message } = error as Partial<NodeJS.ErrnoException> & { fatal?: boolean };
  const code = name ?? (errno === undefined ? undefined : `ER_${errno}`);
  const answered = typeof errno === 'number' && errno >= 1000;
  const tooLarge = answered && TOO_LARGE.test(message ?? '');
  const hint = tooLarge ? TOO_LARGE_HINT : answered ? HINTS[errno] : undefined;
  // Where the server is set so, it gives up the transaction too, and what came after would be committed row by row.
  if (errno === 1205) return { kind: lockWaitRollsBack ? 'rolled-back' : 'locked', code, hint };
  // Group replication has two more ways to say it: 149 is the storage engine's number for a deadlock.
  const isDeadlock = errno === 1213 || errno === 3101 || (errno === 1180 && /error 149\b/.test(message ?? ''));
  if (isDeadlock) return { kind: 'rolled-back', code, hint: HINTS[1213] };
  if (answered && UNAVAILABLE.has(errno)) return { kind: 'unavailable', code, hint };
  // A Galera node that left its cluster while it committed: the others may have got the write set, and applied it.
  if (errno === 1180 && !tooLarge) return { kind: 'lost', code, hint };
  // 1053 shutdown, 1927 and 3169 connection killed, 4031 idle too long.
  const lost = answered ? fatal === true || [1053, 1927, 3169, 4031].includes(errno) : name !== undefined;
  return { kind: lost ? 'lost' : 'failed', code, hint };
}
