// The command `check`: what run would do here, and whether it is safe and fast. Reads only, takes no lock.
import type { Survey } from '../database/survey.js';
import type { Finding } from '../engines/engine.js';
import { CleanupError } from '../errors.js';
import { instantOf } from '../expiry/format.js';
import type { Ending } from '../report/facts.js';
import { type CommandContext, type Inspected, withInspectedTable } from './context.js';
import {
  clockFindings,
  indexFindings,
  keyFindings,
  limitFindings,
  liveFindings,
  rightsFinding,
  timeFindings,
} from './findings.js';

/** @throws CleanupError as `run` would */
export async function check(context: CommandContext): Promise<Ending> {
  const { config, note } = context;
  return withInspectedTable(context, async (inspected) => {
    const { table, selected, cutoff, clockDifferenceMs } = inspected;
    const { way, failure } = await readWay(selected);
    const survey = await table.survey(selected?.expired);
    const estimatedMs = estimate(survey);
    const findings = [
      ...explained(failure, survey),
      ...survey.findings,
      ...indexFindings(table.facts.expiresIndexes[0]?.index, survey),
      ...keyFindings(way),
      ...clockFindings(clockDifferenceMs),
      ...liveFindings(survey, selected?.format, cutoff, config),
      ...limitFindings(survey, config),
      ...timeFindings(estimatedMs, config.timeoutMs),
    ];
    const { facts: settings, ...surveyed } = survey;
    const { usedIndex, along: walkedBy = [] } = way ?? {};
    note({
      expiredCount: survey.expiredCount,
      oldestExpired: selected && instantOf(survey.oldestExpired, selected.format, config.timeZone),
      check: {
        ...surveyed,
        settings,
        usedIndex,
        walkedBy,
        walkedKey: keyOf(table, walkedBy),
        clockDifferenceMs,
        estimatedMs,
        findings,
      },
    });
    const problems = findings.filter(({ kind }) => kind === 'problem');
    if (problems.length > 0) throw notReady(problems);
    return { outcome: 'ready', exitStatus: 0, complete: true };
  });
}

/** The index of the row key, where that is what is walked by. */
function keyOf({ facts: { rowKey } }: Inspected['table'], walkedBy: readonly string[]): string | undefined {
  const isRowKey = rowKey?.columns.map(({ name }) => name).join() === walkedBy.join();
  return isRowKey ? rowKey?.index : undefined;
}

type Way = Awaited<ReturnType<NonNullable<Inspected['selected']>['expired']['openSessions']>>;

/** The plan of a DELETE is shown only to those who may delete, and where it could be written to the binary log. */
async function readWay(
  selected: Inspected['selected'],
): Promise<{ readonly way: Way | undefined; readonly failure: CleanupError | undefined }> {
  try {
    return { way: await selected?.expired.openSessions(), failure: undefined };
  } catch (error) {
    if (error instanceof CleanupError && (error.kind === 'refused' || error.kind === 'failed')) {
      return { way: undefined, failure: error };
    }
    throw error;
  }
}

/** Why the plan could not be read: a missing right, or something that the survey has found. @throws CleanupError */
function explained(failure: CleanupError | undefined, { findings, grant }: Survey): readonly Finding[] {
  if (failure === undefined) return [];
  if (failure.kind === 'refused') return [rightsFinding(grant)];
  if (findings.some(({ kind }) => kind === 'problem')) return [];
  throw failure;
}

/** Of fewer rows, the time it took to read them is that of the way to the database and back. */
const FEW_ROWS = 1_000;

/** At the pace at which this table has just been read. */
function estimate({ readMs, rows, expiredCount, readsPerDelete }: Survey): number {
  return readMs + (readMs / Math.max(rows, FEW_ROWS)) * expiredCount * readsPerDelete;
}

function notReady(problems: readonly Finding[]): CleanupError {
  return new CleanupError('refused', problems.map(({ text }) => text).join('; '), {
    code: 'NOT_READY',
    hint: `${problems.map(({ fix, sql }) => (sql === undefined ? fix : `${fix}: ${sql}`)).join('; ')}.`,
  });
}
