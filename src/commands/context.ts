// What run and check have in common: the table opened and inspected, and the cutoff decided once.
import type { Deadline } from '../cleanup/deadline.js';
import type { Wait } from '../cleanup/port.js';
import type { DriverLog } from '../database/knex.js';
import { type ExpiredRows, type OpenTable, openTable } from '../database/table.js';
import { createCutoff, decideCutoff } from '../expiry/cutoff.js';
import type { ColumnFormat } from '../expiry/format.js';
import { knownTableRefusal } from '../expiry/known-tables.js';
import { lastActivityRefusal } from '../expiry/last-activity.js';
import type { RunFacts } from '../report/facts.js';
import type { Config } from '../settings/config.js';

/** What a command works with. */
export interface CommandContext {
  readonly config: Config;
  readonly deadline: Deadline;
  now(): Date;
  /** Tells the line what is known so far. */
  note(facts: Partial<RunFacts>): void;
  /** Tells the line of something to fix that is no reason to fail. */
  warn(problem: string): void;
  readonly driverLog: DriverLog;
  /** Whoever watches the run; undefined where nobody does. */
  readonly watcher: Watcher | undefined;
  /** Told after every commit that deleted rows how many are deleted so far. */
  readonly onBatch: (deletedCount: number) => void;
}

/** Told what a run is at. */
export interface Watcher {
  /** The deleting begins. `expected`: how many rows there are to delete, as far as that was cheap to find out. */
  begin(expected: { readonly count: number; readonly isLeast: boolean } | undefined): void;
  /** How many are deleted so far, committed or not. */
  deleted(count: number): void;
  /** Why it does not go on; undefined: it does. */
  waiting(wait: Wait | undefined): void;
}

export interface Inspected {
  readonly table: OpenTable;
  readonly cutoff: Date;
  /** How far this host's clock is ahead of the database's. */
  readonly clockDifferenceMs: number;
  /** Undefined where nothing in the column can be expired. */
  readonly selected: { readonly format: ColumnFormat; readonly expired: ExpiredRows } | undefined;
}

/** Opens the table, and closes it after `work`. @throws CleanupError */
export async function withInspectedTable<T>(
  { config, deadline, now, note, driverLog, watcher }: CommandContext,
  work: (inspected: Inspected) => Promise<T>,
): Promise<T> {
  const table = await openTable(config.target, config, deadline, driverLog, (isLocked) =>
    watcher?.waiting(isLocked ? { kind: 'lock' } : undefined),
  );
  try {
    refuseMistakenColumn(table, config);
    const format = await table.inspect(config);
    note({ expiresFormat: format?.format, expiresIndex: table.facts.expiresIndexes[0]?.index });
    const [host, database] = [now().getTime(), await table.clock()];
    const cutoff = decideCutoff(host, database, config.olderThanMs);
    note({ cutoff });
    return await work({
      table,
      cutoff,
      clockDifferenceMs: database === undefined ? 0 : Math.round(host - database),
      selected: format && { format, expired: table.selectExpired(format, createCutoff(cutoff, config.timeZone)) },
    });
  } finally {
    await table.close();
  }
}

/** What is taken for an end, or for the lifetime of all rows, and is not: live sessions would go. */
function refuseMistakenColumn({ facts }: OpenTable, config: Config): void {
  const { name: table, expiresColumn: column, columns } = facts;
  const expires = { table, column, columns, engine: config.target.engine };
  const refusal =
    (config.lifetimeIsGiven ? undefined : lastActivityRefusal(expires)) ?? knownTableRefusal(expires, config);
  if (refusal !== undefined) throw refusal;
}
