// The command `check`: what run would do here, and whether it is safe and fast. Reads only, takes no lock.

import { openSessions, type Survey } from '../database/sessions.js';
import type { Finding } from '../engines/engine.js';
import { createDialect } from '../engines/index.js';
import { CleanupError } from '../errors.js';
import { createCutoff, instantOf } from '../expiry/format.js';
import type { Ending } from '../report/facts.js';
import type { CommandContext } from './run.js';

/** Rows a second that a run is reckoned to delete at least, for the estimate. */
const ROWS_A_SECOND = 5_000;
const CLOCK_TOLERANCE_MS = 2_000;

/** @throws CleanupError as `run` would */
export async function check({ config, deadline, now, learn, driverLog }: CommandContext): Promise<Ending> {
  const sessions = await openSessions(createDialect(config.target, config), deadline, driverLog);
  try {
    const { fit, expiresIndex } = await sessions.inspect(config);
    learn({ expiresFormat: fit?.format, expiresIndex });
    const [host, database] = [now().getTime(), await sessions.clock()];
    const clockDifferenceMs = database === undefined ? 0 : Math.round(host - database);
    const cutoff = new Date(Math.min(host, database ?? Infinity) - config.olderThanMs);
    learn({ cutoff });
    const findings: Finding[] = [];
    if (fit !== undefined) {
      await sessions.aim(fit, createCutoff(cutoff, config.timeZone)).catch((error: unknown) => {
        // The plan of a DELETE is shown only to those who may delete, and where it could be written to the binary log.
        if (!(error instanceof CleanupError)) throw error;
        if (error.code === 'ER_BINLOG_STMT_MODE_AND_ROW_ENGINE') return;
        if (!isDenied(error)) throw error;
        findings.push({
          kind: 'problem',
          topic: 'rights',
          text: 'the account may not delete from the table',
          fix: `GRANT DELETE ON ${config.table} TO the account of the URL`,
        });
      });
    }
    const survey = await sessions.survey();
    findings.push(...survey.findings, ...findingsOf(survey, clockDifferenceMs, expiresIndex, config));
    const problems = findings.filter(({ kind }) => kind === 'problem');
    const estimatedMs = (survey.expiredCount / ROWS_A_SECOND) * 1000;
    const { facts: settings, ...surveyed } = survey;
    learn({
      expiredCount: survey.expiredCount,
      oldestExpired: fit && instantOf(survey.oldestExpired, fit, config.timeZone),
      check: { ...surveyed, settings, clockDifferenceMs, estimatedMs, findings },
    });
    if (problems.length > 0) {
      throw new CleanupError('refused', problems.map(({ text }) => text).join('; '), {
        code: 'NOT_READY',
        hint: `${problems.map(({ fix }) => fix).join('; ')}.`,
      });
    }
    return { outcome: 'ready', exitStatus: 0, complete: true };
  } finally {
    await sessions.close();
  }
}

function isDenied({ code }: CleanupError): boolean {
  return code === 'ER_TABLEACCESS_DENIED_ERROR' || code === 'ER_COLUMNACCESS_DENIED_ERROR';
}

function findingsOf(
  survey: Survey,
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
  if (survey.walkedBy.length === 0) {
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
