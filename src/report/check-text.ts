// The report of `check`, for people: what a run would do, how and where, and what had better be done first.
import type { Finding } from '../engines/engine.js';
import type { CheckedContents, CheckFacts, CommandReport, RunFacts } from './facts.js';
import { given, type Page, type Row, type Section } from './layout.js';
import { describeError } from './record.js';
import type { Redact } from './redact.js';
import { expiredText, failureRows, moodOf, verdict } from './run-text.js';
import { capitalised, number, rows, span, time, wholeSeconds } from './wording.js';

export function checkPage(report: CommandReport, redact: Redact): Page {
  const { facts, ending } = report;
  const { check } = facts;
  if (check?.contents === undefined) return failurePage(report, check, redact);
  const { contents } = check;
  const mood = moodOf(ending, facts.warning);
  const failed = ending.error === undefined ? [] : failureRows(ending.error, report);
  const { problems, advice } = sorted(check.findings);
  return {
    headline: problems.length === 0 ? readyHeadline(facts, contents) : notReadyHeadline(problems),
    mood,
    sections: [
      { rows: problems.length === 0 ? [] : failed.filter(({ name }) => name === 'status') },
      ...section('Problems', problems),
      { title: 'What would go', rows: whatRows(facts, contents) },
      { title: 'How', rows: [...given('along', alongText(check)), timeRow(facts, contents)] },
      { title: 'Where', rows: whereRows(facts, check) },
      ...section('Advice', advice, facts.warning),
    ],
  };
}

/** Where the time was up, or something went wrong, before all rows were read: what is known by then. */
function failurePage({ facts, ending, ...report }: CommandReport, check: CheckFacts | undefined, redact: Redact): Page {
  const { error } = ending;
  const headline = verdict(error, error === undefined ? '' : describeError(error, redact));
  const failed = error === undefined ? [] : failureRows(error, { ending, ...report });
  const mood = moodOf(ending, facts.warning);
  if (check === undefined) return { headline, mood, sections: [{ rows: [...knownRows(facts), ...failed] }] };
  const { problems, advice } = sorted(check.findings);
  return {
    headline,
    mood,
    sections: [
      { rows: [...given('expired', expiredText(facts)), ...failed] },
      ...section('Problems', problems),
      { title: 'How', rows: given('along', alongText(check)) },
      { title: 'Where', rows: whereRows(facts, check) },
      ...section('Advice', advice, facts.warning),
    ],
  };
}

function sorted(findings: readonly Finding[]): Readonly<Record<'problems' | 'advice', readonly Finding[]>> {
  const ofKind = (wanted: Finding['kind']) => findings.filter(({ kind }) => kind === wanted);
  return { problems: ofKind('problem'), advice: ofKind('advice') };
}

/** Where not even the server has been asked. */
function knownRows(facts: RunFacts): Row[] {
  const { database, expiresColumn, expiresFormat, cutoff } = facts;
  return [
    ...given('database', database),
    ...given('expired', expiredText(facts)),
    ...given('column', cutoff && expiresFormat && `${expiresColumn}, read as ${expiresFormat}`),
  ];
}

function section(title: string, findings: readonly Finding[], warning?: string): Section[] {
  const rows = [...given('warning', warning), ...findings.map(findingRow)];
  return rows.length === 0 ? [] : [{ title, rows }];
}

function readyHeadline({ table }: RunFacts, contents: CheckedContents): string {
  if (contents.rows === 0) return `Ready: a run would delete nothing: ${table} has no rows.`;
  if (contents.expiredCount === 0) {
    return `Ready: a run would delete nothing: none of ${rows(contents.rows)} of ${table} has expired.`;
  }
  return `Ready: a run would delete ${number(contents.expiredCount)} of ${rows(contents.rows)} of ${table} (${share(contents)}).`;
}

/** Never all or nothing where it is not. */
function share({ expiredCount, rows: all }: CheckedContents): string {
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

function whatRows(facts: RunFacts, contents: CheckedContents): Row[] {
  const { nullCount, zeroCount, rows: all, expiredCount } = contents;
  const endless = nullCount + zeroCount;
  const never = endless === 0 ? '' : `, ${number(endless)} of them without an expiry`;
  return [
    ...given('expired', expiredText(facts)),
    ...given('lifetime', lifetimeText(facts)),
    ...given('oldest', oldestText(facts, contents)),
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
function oldestText({ oldestExpired }: RunFacts, { oldestExpired: stored }: CheckedContents): string | undefined {
  if (oldestExpired === undefined) return undefined;
  return `${time(oldestExpired)}${/^\d{4}-/.test(String(stored)) ? '' : ` (${stored})`}`;
}

function timeRow({ timeoutMs = 0 }: RunFacts, { estimatedMs }: CheckedContents): Row {
  const timeout = timeoutMs === 0 ? 'there is no timeout' : `the timeout is ${span(timeoutMs)}`;
  return {
    name: 'time',
    text: `about ${wholeSeconds(Math.max(1, Math.ceil(estimatedMs / 1000)) * 1000)}; ${timeout}`,
  };
}

function alongText({ walkedBy, walkedKey, usedIndex }: CheckFacts): string | undefined {
  if (walkedBy === undefined) return undefined;
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
