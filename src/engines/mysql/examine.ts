// What `check` asks a MySQL or MariaDB server: settings, foreign keys, triggers. Reads only.
import type { Examination, Finding, Table } from '../engine.js';
import { INDEX_NAME, referenceFinding, shown, triggerFinding } from '../findings.js';
import type { Query } from '../sql.js';
import { unreadableAncestors } from './foreign-keys.js';
import { readDeleteTriggers } from './triggers.js';

const SETTINGS = [
  'version',
  'read_only',
  'super_read_only',
  'log_bin',
  'binlog_format',
  'wsrep_on',
  'wsrep_max_ws_rows',
  'transaction_isolation',
  'tx_isolation',
  'time_zone',
  'system_time_zone',
];

// On tables of several shapes, 200,000 rows each: MariaDB 7 to 15, MySQL 20 to 60.
const READS_PER_DELETE = { mariadb: 12, mysql: 40 } as const;

export async function examine(query: Query, table: Table): Promise<Examination> {
  const { schema, name } = table;
  // In the line, time_zone is the zone in which the times of the table are read.
  const {
    version = '',
    time_zone: zone = '',
    ...settings
  } = await readPairs(
    query,
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${SETTINGS.map(() => '?').join(', ')})`,
    SETTINGS,
  );
  const { Ssl_cipher: cipher = '' } = await readPairs(query, `SHOW SESSION STATUS LIKE 'Ssl_cipher'`, []);
  const [size] = await query(
    'SELECT table_type AS type, table_rows AS estimate, data_length + index_length AS bytes FROM information_schema.tables WHERE table_schema = ? AND table_name = ?',
    [schema, name],
  );
  const children = await query(
    'SELECT table_name AS child, delete_rule AS delete_rule FROM information_schema.referential_constraints WHERE unique_constraint_schema = ? AND referenced_table_name = ?',
    [schema, name],
  );
  const triggers = await readDeleteTriggers(query, table);
  const findings: Finding[] = [];
  if (settings.read_only === 'ON' || settings.super_read_only === 'ON') {
    findings.push({
      kind: 'problem',
      topic: 'server',
      text: 'the server is read only',
      fix: 'name the primary in --db-url',
    });
  }
  const [own] = await query(`SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_read_only', 'tx_read_only')`);
  if (own?.Value === 'ON') {
    findings.push({
      kind: 'problem',
      topic: 'server',
      text: 'transactions are read only unless they say otherwise',
      fix: `name the primary in --db-url, or look for what sets ${own.Variable_name}: the server, or its init_connect`,
      sql: `SET GLOBAL ${own.Variable_name} = OFF`,
    });
  }
  if (settings.log_bin === 'ON' && settings.binlog_format === 'STATEMENT') {
    findings.push({
      kind: 'problem',
      topic: 'binlog',
      text: 'the binary log is written as statements, which READ COMMITTED does not allow (error 1665)',
      fix: 'set its format to ROW or MIXED, here and in the server configuration',
      sql: 'SET GLOBAL binlog_format = ROW',
    });
  }
  if (settings.wsrep_on === 'ON') {
    findings.push({
      kind: 'advice',
      topic: 'galera',
      text: 'this is a Galera node: one large transaction is one large write set',
      fix: 'run with --batch-size 5000',
    });
  }
  for (const parent of await unreadableAncestors(query, { schema, name })) {
    findings.push({
      kind: 'advice',
      topic: 'cascade',
      text: `rows of this table go with those of ${parent}, whose own foreign keys the account may not see`,
      fix: 'make sure that none of them is ON DELETE CASCADE from this table, or grant the account REFERENCES there',
    });
  }
  if (size?.type === 'SYSTEM VERSIONED') {
    findings.push({
      kind: 'advice',
      topic: 'history',
      text: 'the table is system-versioned: what a run deletes stays in its history, and keeps its room',
      fix: 'partition the table by system time, and drop the oldest partitions when nobody needs them',
    });
  }
  for (const { child, delete_rule: rule } of children) findings.push(referenceFinding(child, rule));
  for (const trigger of triggers) findings.push(triggerFinding(trigger));
  const isMariadb = /mariadb/i.test(version);
  return {
    server: `${isMariadb ? 'MariaDB' : 'MySQL'} ${/^[\d.]+/.exec(version.replace(/^5\.5\.5-/, ''))?.[0]}`,
    estimatedRows: Number(size?.estimate ?? 0),
    tableBytes: Number(size?.bytes ?? 0),
    createIndex: createIndex(table),
    grant: `GRANT SELECT, DELETE ON ${shown(table.sql)} TO ${await readAccount(query)}`,
    readsPerDelete: isMariadb ? READS_PER_DELETE.mariadb : READS_PER_DELETE.mysql,
    facts: { ...settings, server_time_zone: zone, tls: cipher === '' ? 'off' : cipher },
    findings,
  };
}

/** Of a TEXT, only the beginning can be indexed. */
function createIndex({ sql, expires, declaredType }: Table): string | undefined {
  if (/text|blob/i.test(declaredType)) return undefined;
  return shown(`CREATE INDEX ${INDEX_NAME} ON ${sql} (${expires}) ALGORITHM=INPLACE LOCK=NONE`);
}

/** The account that the server took this connection for, as it is named in a statement. */
async function readAccount(query: Query): Promise<string> {
  const [row] = await query('SELECT CURRENT_USER() AS account');
  const account = String(row?.account);
  const at = account.lastIndexOf('@');
  return [account.slice(0, at), account.slice(at + 1)].map((part) => `'${part.replaceAll("'", "''")}'`).join('@');
}

async function readPairs(query: Query, sql: string, bindings: readonly string[]): Promise<Record<string, string>> {
  const rows = await query(sql, bindings);
  return Object.fromEntries(rows.map((row) => [String(row.Variable_name), String(row.Value)]));
}
