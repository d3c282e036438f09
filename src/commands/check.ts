// The command `check`: what run would do here, and whether it is safe and fast. Reads only, takes no lock.
import type { Contents } from '../database/contents.js';
import type { Examination, Finding } from '../engines/engine.js';
import { CleanupError } from '../errors.js';
import { instantOf } from '../expiry/format.js';
import type { CheckFacts, Ending } from '../report/facts.js';
import { type CommandContext, type Inspected, withInspectedTable } from './context.js';
import {
  clockFindings,
  indexFindings,
  keyFindings,
  limitFindings,
  liveFindings,
  problemsRefusal,
  rightsFinding,
  timeFindings,
} from './findings.js';

/** @throws CleanupError as `run` would */
export async function check(context: CommandContext): Promise<Ending> {
  const { config, note } = context;
  return withInspectedTable(context, async (inspected) => {
    const { table, selected, cutoff } = inspected;
    const known = await examine(inspected);
    // The pass over all rows may be longer than there is time for.
    note({ check: known });
    const contents = await table.contents(selected?.expired);
    const estimatedMs = estimate(contents, known.readsPerDelete);
    const findings = [
      ...known.findings,
      ...liveFindings(contents, selected?.format, cutoff, config),
      ...limitFindings(contents, config),
      ...timeFindings(estimatedMs, config.timeoutMs),
    ];
    note({
      expiredCount: contents.expiredCount,
      oldestExpired: selected && instantOf(contents.oldestExpired, selected.format, config.timeZone),
      check: { ...known, contents: { ...contents, estimatedMs }, findings },
    });
    const problems = findings.filter(({ kind }) => kind === 'problem');
    if (problems.length > 0) throw problemsRefusal('NOT_READY', problems);
    return { outcome: 'ready', exitStatus: 0, complete: true };
  });
}

/** All that is known without reading the rows. */
async function examine({
  table,
  selected,
  clockDifferenceMs,
}: Inspected): Promise<CheckFacts & Pick<Examination, 'readsPerDelete'>> {
  const { facts } = table;
  const { way, failure } = await readWay(selected);
  const examination = await table.examine();
  const { facts: settings, ...examined } = examination;
  const { usedIndex, along: walkedBy } = way ?? {};
  return {
    ...examined,
    settings,
    declaredType: facts.declaredType,
    usedIndex,
    walkedBy,
    walkedKey: keyOf(table, walkedBy),
    clockDifferenceMs,
    findings: [
      ...(facts.unfit === undefined ? [] : [facts.unfit.finding]),
      ...explained(failure, examination),
      ...examination.findings,
      ...indexFindings(facts, examination),
      ...keyFindings(way),
      ...clockFindings(clockDifferenceMs),
    ],
  };
}

/** The index of the row key, where that is what is walked by. */
function keyOf({ facts: { rowKey } }: Inspected['table'], walkedBy: readonly string[] | undefined): string | undefined {
  const isRowKey = rowKey?.columns.map(({ name }) => name).join() === walkedBy?.join();
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

/** Why the plan could not be read: a missing right, or something that the examination has found. @throws CleanupError */
function explained(failure: CleanupError | undefined, { findings, grant }: Examination): readonly Finding[] {
  if (failure === undefined) return [];
  if (failure.kind === 'refused') return [rightsFinding(grant)];
  if (findings.some(({ kind }) => kind === 'problem')) return [];
  throw failure;
}

/** Of fewer rows, the time it took to read them is that of the way to the database and back. */
const FEW_ROWS = 1_000;

/** At the pace at which this table has just been read. */
function estimate({ readMs, rows, expiredCount }: Contents, readsPerDelete: number): number {
  return readMs + (readMs / Math.max(rows, FEW_ROWS)) * expiredCount * readsPerDelete;
}
