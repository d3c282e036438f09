// What people read of a run: the verdict, the count, and what there is to do. Every failure names the count too.
import type { CommandReport, Ending, FailureReport, RunFacts } from './facts.js';
import { given, type Mood, type Page, type Row } from './layout.js';
import { describeError } from './record.js';
import type { Redact } from './redact.js';
import { capitalised, ended, fragment, number, rows, time, took } from './wording.js';

export function runPage(report: CommandReport, redact: Redact): Page {
  const { facts, ending } = report;
  const { error } = ending;
  const details = error === undefined ? successRows(report) : [];
  const last = error === undefined ? [] : failureRows(error, report);
  return {
    headline: runHeadline(report, redact),
    mood: moodOf(ending, facts.warning),
    sections: [{ rows: [...given('database', facts.database), ...details, ...onTheWayRows(report), ...last] }],
  };
}

export function moodOf({ exitStatus }: Ending, warning: string | undefined): Mood {
  if (exitStatus === 75 || exitStatus === 124) return 'warning';
  if (exitStatus !== 0) return 'bad';
  return warning === undefined ? 'good' : 'warning';
}

function runHeadline(report: CommandReport, redact: Redact): string {
  const { facts, ending, durationMs } = report;
  const deleted = facts.progress?.deletedCount ?? 0;
  switch (ending.outcome) {
    case 'deleted':
      return `Deleted ${rows(deleted, 'expired ')} of ${facts.table} in ${took(durationMs)}.`;
    case 'nothing_expired':
      return `Nothing to delete: no row of ${facts.table} has expired.`;
    case 'counted':
      return `Would delete ${countedOf(facts)} of ${facts.table}. Nothing was deleted.`;
    case 'incomplete':
      return `Out of time: deleted ${rows(deleted, 'expired ')} of ${facts.table} in ${took(durationMs)}; more may remain.`;
    default:
      return failureHeadline(ending, deleted, redact);
  }
}

/** Such as "12 of 340 rows". */
function countedOf({ expiredCount = 0, rowCount }: RunFacts): string {
  return rowCount === undefined ? rows(expiredCount, 'expired ') : `${number(expiredCount)} of ${rows(rowCount)}`;
}

/** Every failure names what was deleted all the same. */
function failureHeadline({ outcome, error }: Ending, deleted: number, redact: Redact): string {
  const problem = error === undefined ? '' : describeError(error, redact);
  if (outcome === 'interrupted') {
    return `Stopped by ${error?.signal}: ${deleted === 0 ? 'nothing was deleted' : `${rowsWere(deleted)}, more may remain`}.`;
  }
  if (outcome === 'unknown') {
    const known = deleted === 0 ? '' : ` At least ${rowsWere(deleted)}.`;
    return `${ended(`Unknown: ${problem}`)}${known}`;
  }
  const count = deleted === 0 ? 'Nothing was deleted.' : `${capitalised(rowsWere(deleted))} before.`;
  return `${verdict(error, problem)} ${count}`;
}

function rowsWere(count: number): string {
  return `${rows(count)} ${count === 1 ? 'was' : 'were'} deleted`;
}

const VERDICTS: Readonly<Record<NonNullable<Ending['error']>['kind'], string>> = {
  failed: 'Failed',
  usage: 'Error',
  refused: 'Refused',
  unavailable: 'Unavailable',
  busy: 'Busy',
  incomplete: 'Out of time',
  timed_out: 'Timed out',
  interrupted: 'Stopped',
  unknown: 'Unknown',
};

/** What kind of failure it is, and which, as a sentence. */
export function verdict(error: Ending['error'], problem: string): string {
  const word = error === undefined ? 'Failed' : VERDICTS[error.kind];
  // Some say it themselves, such as "timed out after 30 s while connecting".
  const says = problem.toLowerCase().startsWith(word.toLowerCase());
  return ended(says ? capitalised(problem) : `${word}: ${problem}`);
}

function successRows({ facts, ending }: CommandReport): Row[] {
  return [
    ...given('expired', expiredText(facts)),
    ...(ending.outcome === 'counted' ? given('oldest', facts.oldestExpired && time(facts.oldestExpired)) : []),
  ];
}

/** Up to when which column counts as expired, such as "expires_at up to 2026-11-25 16:51:58 UTC". */
export function expiredText({ expiresColumn, lifetimeColumn, cutoff, timeZone, where }: RunFacts): string | undefined {
  if (cutoff === undefined) return undefined;
  const ends = lifetimeColumn === undefined ? expiresColumn : `${expiresColumn} + ${lifetimeColumn}`;
  const zone = timeZone === undefined || timeZone === 'UTC' ? '' : `, read as ${timeZone}`;
  return `${ends} up to ${time(cutoff)}${zone}${where === undefined ? '' : `, where ${where}`}`;
}

/** What the reader has to know besides. */
function onTheWayRows({ facts }: CommandReport): Row[] {
  const { lockedCount = 0, waitedFor, waitedMs = 0 } = facts.progress ?? {};
  const left = `${rows(lockedCount, 'expired ')}: locked by others, referred to by other rows, or kept by a trigger`;
  return [
    ...given('left', lockedCount === 0 ? undefined : left),
    ...given('waited', waitedFor && `${took(waitedMs)}: ${waitedFor}`),
    ...given('warning', facts.warning),
  ];
}

const CLEAR_BACKLOG = 'run it again, or clear it in one go: session-cleanup run … --timeout 0 --batch-size 5000';

/** What to do, and what a script or a report of a defect needs. */
export function failureRows(
  { kind, hint, code }: NonNullable<Ending['error']>,
  { ending, correlationId }: Pick<CommandReport, 'ending' | 'correlationId'>,
): Row[] {
  const toDo = kind === 'incomplete' ? CLEAR_BACKLOG : hint && fragment(hint);
  const status = [ending.exitStatus, ...(code === undefined ? [] : [code]), `ID ${correlationId}`].join(', ');
  return [...given('to do', toDo), { name: 'status', text: status }];
}

export function failurePage({ ending, ...report }: FailureReport, redact: Redact): Page {
  const { error } = ending;
  const problem = error === undefined ? '' : describeError(error, redact);
  const rowsOf = error === undefined ? [] : failureRows(error, { ending, ...report });
  const count = report.command === 'run' ? ' Nothing was deleted.' : '';
  return { headline: verdict(error, problem) + count, mood: 'bad', sections: [{ rows: rowsOf }] };
}
