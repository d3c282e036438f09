// What `check` asks a PostgreSQL server: settings, foreign keys, triggers, dead rows and what keeps them. Reads only.
import type { Examination, Finding, Table } from '../engine.js';
import { referenceFinding, shown, triggerFinding } from '../findings.js';
import type { Query } from '../sql.js';
import { readDeleteTriggers } from './triggers.js';

const RULES: Readonly<Record<string, string>> = {
  c: 'CASCADE',
  n: 'SET NULL',
  d: 'SET DEFAULT',
  r: 'RESTRICT',
  a: 'NO ACTION',
};

// On tables of three shapes, 200,000 rows each, PostgreSQL 12 and 19: 3 to 6. VACUUM does the rest later.
const READS_PER_DELETE = 5;

export async function examine(query: Query, table: Table): Promise<Examination> {
  const oid = shown(table.sql);
  const [row = {}] = await query(
    `SELECT current_setting('server_version') AS version, quote_ident(current_user) AS account, reltuples AS estimate, pg_total_relation_size(pg_class.oid) AS bytes, ` +
      `(SELECT version || ', ' || cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls, ` +
      `current_setting('autovacuum') AS autovacuum, array_to_string(reloptions, ',') AS options, n_dead_tup AS dead_rows, ` +
      `n_live_tup AS live_rows, coalesce(to_char(greatest(last_vacuum, last_autovacuum), 'YYYY-MM-DD HH24:MI:SS'), 'never') AS last_vacuum, ` +
      `(SELECT count(*) FROM pg_stat_replication) AS replicas, ` +
      `(SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') AS time_zone ` +
      `FROM pg_class LEFT JOIN pg_stat_all_tables ON relid = pg_class.oid WHERE pg_class.oid = ?::regclass`,
    [oid],
  );
  const children = await query(
    `SELECT conrelid::regclass AS child, confdeltype AS rule, EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indisvalid ` +
      `AND indkey[0] = conkey[1]) AS has_index FROM pg_constraint WHERE contype = 'f' AND confrelid = ?::regclass ORDER BY 1`,
    [oid],
  );
  const triggers = await readDeleteTriggers(query, table.sql);
  const findings = [
    ...children.flatMap(childFindings),
    ...triggers.map(triggerFinding),
    ...vacuumFindings(row, oid),
    ...(await horizonFindings(query)),
  ];
  return {
    server: `PostgreSQL ${/^\S+/.exec(String(row.version))?.[0]}`,
    // -1 where nobody has counted yet.
    estimatedRows: Number(row.estimate) < 0 ? undefined : Number(row.estimate),
    tableBytes: Number(row.bytes),
    createIndex: shown(`CREATE INDEX CONCURRENTLY ON ${table.sql} (${table.expires})`),
    // The right to update a column is what SELECT … FOR UPDATE wants, by which locked rows are passed over.
    grant: shown(`GRANT SELECT, DELETE, UPDATE (${table.expires}) ON ${table.sql} TO ${row.account}`),
    readsPerDelete: READS_PER_DELETE,
    facts: {
      autovacuum: String(row.autovacuum),
      dead_rows: String(row.dead_rows ?? 0),
      last_vacuum: String(row.last_vacuum),
      replicas: String(row.replicas),
      server_time_zone: String(row.time_zone),
      tls: row.tls === null ? 'off' : String(row.tls),
    },
    findings,
  };
}

/** Where rows go along with a session, they are looked for by an index. */
function childFindings({ child, rule, has_index: hasIndex }: Readonly<Record<string, unknown>>): Finding[] {
  const goesAlong = rule !== 'a' && rule !== 'r';
  return goesAlong && hasIndex === 't' ? [] : [referenceFinding(child, RULES[String(rule)])];
}

/** Deleted rows keep their place until a VACUUM has been there. */
function vacuumFindings(row: Readonly<Record<string, unknown>>, table: string): Finding[] {
  const topic = 'vacuum';
  if (row.autovacuum !== 'on' || /autovacuum_enabled=(false|off|0|no)/i.test(String(row.options))) {
    const text = 'autovacuum is off: what is deleted keeps its place in the table and in every index';
    return [{ kind: 'advice', topic, text, fix: 'run VACUUM after each run', sql: `VACUUM (ANALYZE) ${table}` }];
  }
  const [dead, live] = [Number(row.dead_rows ?? 0), Number(row.live_rows ?? 0)];
  if (dead <= live || dead < 10_000) return [];
  const text = `${dead} dead rows are left in the table, more than the ${live} that are in use`;
  return [{ kind: 'advice', topic, text, fix: 'let their place be used again', sql: `VACUUM (ANALYZE) ${table}` }];
}

const OLD_MINUTES = 60;

/** What is older than all of these cannot be cleared away by any VACUUM. */
async function horizonFindings(query: Query): Promise<Finding[]> {
  const rows = await query(
    `SELECT 'a transaction that began ' || minutes || ' minutes ago' AS what FROM (SELECT floor(extract(epoch FROM max(clock_timestamp() - xact_start)) / 60) AS minutes ` +
      `FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_xmin IS NOT NULL) AS oldest WHERE minutes >= ${OLD_MINUTES} UNION ALL ` +
      `SELECT 'the prepared transaction ' || gid FROM pg_prepared_xacts WHERE clock_timestamp() - prepared > INTERVAL '${OLD_MINUTES} minutes' UNION ALL ` +
      `SELECT 'the replication slot ' || slot_name || ', which nobody reads' FROM pg_replication_slots WHERE NOT active`,
  );
  return rows.map(({ what }) => ({
    kind: 'advice',
    topic: 'vacuum',
    text: `${what} keeps deleted rows from being cleared away`,
    fix: 'end it',
  }));
}
