// What `check` asks a SQLite file: settings, foreign keys, triggers, and whether it may be written. Reads only.
import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Examination, Finding, Table } from '../engine.js';
import { INDEX_NAME, referenceFinding, shown, triggerFinding } from '../findings.js';
import type { Query } from '../sql.js';
import { quote } from './catalogue.js';
import { readDeleteTriggers } from './triggers.js';

// On tables of several shapes, 200,000 rows each: 15 to 35.
const READS_PER_DELETE = 20;

export async function examine(query: Query, path: string, table: Table): Promise<Examination> {
  const one = async (sql: string): Promise<string> => String(Object.values((await query(sql))[0] ?? {})[0]);
  const journalMode = await one('PRAGMA journal_mode');
  const children = await query(
    `SELECT child.name AS child, key.on_delete AS delete_rule FROM sqlite_schema AS child, pragma_foreign_key_list(child.name) AS key ` +
      `WHERE child.type = 'table' AND key."table" = ? COLLATE NOCASE AND key.seq = 0`,
    [table.name],
  );
  const triggers = await readDeleteTriggers(query, table.name);
  const findings: Finding[] = [];
  for (const [what, place] of [
    ['the file', path],
    ['its folder', dirname(path)],
  ] as const) {
    try {
      await access(place, constants.W_OK);
    } catch {
      findings.push({
        kind: 'problem',
        topic: 'rights',
        text: `this user may not write ${what}`,
        fix: 'run as the user who owns the database: SQLite keeps its journal beside the file',
      });
    }
  }
  if (journalMode !== 'wal') {
    findings.push({
      kind: 'advice',
      topic: 'journal',
      text: `the journal mode is ${journalMode}: others can neither read nor write while much is deleted at once`,
      fix: 'run with --batch-size 500 --pause 50ms to let writers in, and use WAL to let readers go on',
      sql: 'PRAGMA journal_mode = WAL',
    });
  }
  for (const { child, delete_rule: rule } of children) findings.push(referenceFinding(child, rule));
  for (const trigger of triggers) findings.push(triggerFinding(trigger));
  return {
    server: `SQLite ${await one('SELECT sqlite_version()')}`,
    estimatedRows: undefined,
    tableBytes: Number(await one('PRAGMA page_count')) * Number(await one('PRAGMA page_size')),
    createIndex: shown(`CREATE INDEX ${quote(`${INDEX_NAME}_${table.name}`)} ON ${table.sql} (${table.expires})`),
    grant: undefined,
    readsPerDelete: READS_PER_DELETE,
    facts: { journal_mode: journalMode, synchronous: await one('PRAGMA synchronous') },
    findings,
  };
}
