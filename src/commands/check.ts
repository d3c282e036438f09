// The command `check`: what run would do here, and whether it is safe and fast. Reads only, takes no lock.

import type { Contents } from '../database/survey.js';
import type { OpenedSessions } from '../database/table.js';
import type { Finding } from '../engines/engine.js';
import { CleanupError } from '../errors.js';
import { instantOf } from '../expiry/format.js';
import type { Ending } from '../report/facts.js';
import { type CommandContext, withInspectedTable } from './context.js';

/** Rows a second that a run is reckoned to delete at least, for the estimate. */
const ROWS_A_SECOND = 5_000;
const CLOCK_TOLERANCE_MS = 2_000;

/** @throws CleanupError as `run` would */
export async function check(context: CommandContext): Promise<Ending> {
  const { config, note } = context;
  return withInspectedTable(context, async ({ table, selected, clockDifferenceMs }) => {
    const findings: Finding[] = [];
    const way = await selected?.expired.openSessions().catch((error: unknown) => {
      findings.push(...planFindings(error, config));
      return undefined;
    });
    const { facts: settings, ...surveyed } = await table.survey(selected?.expired);
    findings.push(...surveyed.findings, ...findingsOf(surveyed, way, clockDifferenceMs, table.expiresIndex, config));
    const problems = findings.filter(({ kind }) => kind === 'problem');
    const estimatedMs = (surveyed.expiredCount / ROWS_A_SECOND) * 1000;
    const { usedIndex, along: walkedBy = [] } = way ?? {};
    note({
      expiredCount: surveyed.expiredCount,
      oldestExpired: selected && instantOf(surveyed.oldestExpired, selected.format, config.timeZone),
      check: { ...surveyed, settings, usedIndex, walkedBy, clockDifferenceMs, estimatedMs, findings },
    });
    if (problems.length > 0) {
      throw new CleanupError('refused', problems.map(({ text }) => text).join('; '), {
        code: 'NOT_READY',
        hint: `${problems.map(({ fix }) => fix).join('; ')}.`,
      });
    }
    return { outcome: 'ready', exitStatus: 0, complete: true };
  });
}

/** The plan of a DELETE is shown only to those who may delete, and where it could be written to the binary log. */
function planFindings(error: unknown, { table }: CommandContext['config']): readonly Finding[] {
  if (!(error instanceof CleanupError)) throw error;
  if (error.code === 'ER_BINLOG_STMT_MODE_AND_ROW_ENGINE') return [];
  if (!isDenied(error)) throw error;
  return [
    {
      kind: 'problem',
      topic: 'rights',
      text: 'the account may not delete from the table',
      fix: `GRANT DELETE ON ${table} TO the account of the URL`,
    },
  ];
}

function isDenied({ code }: CleanupError): boolean {
  return code === 'ER_TABLEACCESS_DENIED_ERROR' || code === 'ER_COLUMNACCESS_DENIED_ERROR';
}

function findingsOf(
  survey: Contents,
  way: OpenedSessions | undefined,
  clockDifferenceMs: number,
  expiresIndex: string | undefined,
  { table, expiresColumn }: CommandContext['config'],
): Finding[] {
  const findings: Finding[] = [];
  if (expiresIndex === undefined) {
    findings.push({
      kind: 'advice',
      topic: 'index',
      text: 'no index leads with the column: every run reads the whole table',
      fix: 'create one',
      sql: `CREATE INDEX session_cleanup_expiry ON ${table} (${expiresColumn})`,
    });
  }
  if (way?.along.length === 0) {
    findings.push({
      kind: 'advice',
      topic: 'key',
      text: 'the table has no key to walk by: the run is one statement, and a timeout undoes all of it',
      fix: 'give the table a primary key',
    });
  }
  if (Math.abs(clockDifferenceMs) > CLOCK_TOLERANCE_MS) {
    findings.push({
      kind: 'advice',
      topic: 'clock',
      text: `this host's clock is ${Math.abs(clockDifferenceMs) / 1000} s ${clockDifferenceMs > 0 ? 'ahead of' : 'behind'} the database's`,
      fix: 'set both by NTP; a run takes the earlier of the two',
    });
  }
  if (survey.expiredCount > 0 && survey.expiredCount === survey.rows - survey.nullCount - survey.zeroCount) {
    findings.push({
      kind: 'advice',
      topic: 'live',
      text: 'every row that has an expiry is expired: not one session is live',
      fix: 'if sessions are in use, check --expires-column, --time-zone and --older-than',
    });
  }
  return findings;
}
