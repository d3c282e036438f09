// The report of `check`, for people: what a run would do, how and where, and what had better be done first.
import type { Finding } from '../engines/engine.js';
import type { CheckFacts, CommandReport, RunFacts } from './facts.js';
import { given, type Page, type Row, type Section } from './layout.js';
import { describeError } from './record.js';
import type { Redact } from './redact.js';
import { expiredText, failureRows, moodOf, verdict } from './run-text.js';
import { capitalised, number, rows, span, time, wholeSeconds } from './wording.js';

export function checkPage(report: CommandReport, redact: Redact): Page {
  const { facts, ending } = report;
  const { check } = facts;
  const mood = moodOf(ending, facts.warning);
  const failed = ending.error === undefined ? [] : failureRows(ending.error, report);
  if (check === undefined) {
    const headline = verdict(ending.error, ending.error === undefined ? '' : describeError(ending.error, redact));
    return { headline, mood, sections: [{ rows: [...knownRows(facts), ...failed] }] };
  }
  const problems = check.findings.filter(({ kind }) => kind === 'problem');
  const advice = check.findings.filter(({ kind }) => kind === 'advice');
  return {
    headline: problems.length === 0 ? readyHeadline(facts, check) : notReadyHeadline(problems),
    mood,
    sections: [
      { rows: problems.length === 0 ? [] : failed.filter(({ name }) => name === 'status') },
      ...section('Problems', problems.map(findingRow)),
      { title: 'What would go', rows: whatRows(facts, check) },
      { title: 'How', rows: howRows(facts, check) },
      { title: 'Where', rows: whereRows(facts, check) },
      ...section('Advice', [...given('warning', facts.warning), ...advice.map(findingRow)]),
    ],
  };
}

/** Where the time was up, or something went wrong, before all rows were read. */
function knownRows(facts: RunFacts): Row[] {
  const { database, expiresColumn, expiresFormat, cutoff } = facts;
  return [
    ...given('database', database),
    ...given('expired', expiredText(facts)),
    ...given('column', cutoff && expiresFormat && `${expiresColumn}, read as ${expiresFormat}`),
  ];
}

function section(title: string, found: readonly Row[]): Section[] {
  return found.length === 0 ? [] : [{ title, rows: found }];
}

function readyHeadline({ table }: RunFacts, check: CheckFacts): string {
  if (check.rows === 0) return `Ready: a run would delete nothing: ${table} has no rows.`;
  if (check.expiredCount === 0) {
    return `Ready: a run would delete nothing: none of ${rows(check.rows)} of ${table} has expired.`;
  }
  return `Ready: a run would delete ${number(check.expiredCount)} of ${rows(check.rows)} of ${table} (${share(check)}).`;
}

/** Never all or nothing where it is not. */
function share({ expiredCount, rows: all }: CheckFacts): string {
  const percent = (100 * expiredCount) / all;
  if (percent < 1) return 'less than 1 %';
  if (percent > 99 && percent < 100) return '99 %';
  return `${Math.round(percent)} %`;
}

function notReadyHeadline([first, ...more]: readonly Finding[]): string {
  const others = more.length === 0 ? '' : `, and ${more.length} more ${more.length === 1 ? 'problem' : 'problems'}`;
  return `Not ready: ${first?.text}${others}.`;
}

function findingRow({ topic, text, fix, sql }: Finding): Row {
  return { name: topic, text: `${text}; ${fix}${sql === undefined ? '' : ':'}`, sql };
}

function whatRows(facts: RunFacts, check: CheckFacts): Row[] {
  const { nullCount, zeroCount, rows: all, expiredCount } = check;
  const endless = nullCount + zeroCount;
  const never = endless === 0 ? '' : `, ${number(endless)} of them without an expiry`;
  return [
    ...given('expired', expiredText(facts)),
    ...given('lifetime', lifetimeText(facts)),
    ...given('oldest', oldestText(facts, check)),
    { name: 'kept', text: `${rows(all - expiredCount)}${never}` },
  ];
}

function lifetimeText({ olderThanMs = 0, expiresColumn, lifetimeColumn, ...facts }: RunFacts): string | undefined {
  if (olderThanMs === 0) return undefined;
  const after = lifetimeColumn === undefined ? expiresColumn : `${expiresColumn} + ${lifetimeColumn}`;
  const whose = facts.lifetimeIsDefault
    ? ` (${capitalised(facts.store ?? '')}'s default; --older-than for another)`
    : '';
  return `${span(olderThanMs)} after ${after}${whose}`;
}

/** With the stored value, where that is not a date and time itself. */
function oldestText({ oldestExpired }: RunFacts, { oldestExpired: stored }: CheckFacts): string | undefined {
  if (oldestExpired === undefined) return undefined;
  return `${time(oldestExpired)}${/^\d{4}-/.test(String(stored)) ? '' : ` (${stored})`}`;
}

function howRows({ timeoutMs = 0 }: RunFacts, { estimatedMs, ...check }: CheckFacts): Row[] {
  const timeout = timeoutMs === 0 ? 'there is no timeout' : `the timeout is ${span(timeoutMs)}`;
  return [
    { name: 'along', text: alongText(check) },
    { name: 'time', text: `about ${wholeSeconds(Math.max(1, Math.ceil(estimatedMs / 1000)) * 1000)}; ${timeout}` },
  ];
}

function alongText({
  walkedBy,
  walkedKey,
  usedIndex,
}: Pick<CheckFacts, 'walkedBy' | 'walkedKey' | 'usedIndex'>): string {
  if (walkedBy.length === 0) return 'no key: the run is one statement';
  return `${walkedName(walkedKey, usedIndex)} (${walkedBy.join(', ')})`;
}

function walkedName(walkedKey: string | undefined, usedIndex: string | undefined): string {
  if (walkedKey === undefined)
    return usedIndex === undefined ? 'the rows as they are stored' : `the index ${usedIndex}`;
  // An engine has no name for the key that the rows themselves are stored by, or this one.
  return walkedKey === '' || walkedKey === 'PRIMARY' ? 'the primary key' : `the key ${walkedKey}`;
}

function whereRows(
  { database, expiresColumn, expiresFormat }: RunFacts,
  { server, settings, declaredType }: CheckFacts,
): Row[] {
  const tls = settings.tls === undefined ? '' : settings.tls === 'off' ? ', without TLS' : `, ${settings.tls}`;
  return [
    ...given('database', database),
    { name: 'server', text: `${server}${tls}` },
    { name: 'column', text: `${expiresColumn} ${declaredType}, read as ${expiresFormat}` },
  ];
}
