// What becomes known of a run or a check while it is at work: the facts of its report so far.
import type { Config } from '../settings/config.js';
import { presetOf } from '../stores.js';
import type { RunFacts } from './facts.js';

export interface Notes {
  facts(): RunFacts;
  note(more: Partial<RunFacts>): void;
  /** Of something to fix that is no reason to fail. */
  warn(problem: string): void;
}

export function openNotes(config: Config, kind: 'run' | 'check'): Notes {
  let facts = factsOf(config, kind);
  const note = (more: Partial<RunFacts>): void => {
    facts = { ...facts, ...more };
  };
  return {
    facts: () => facts,
    note,
    warn: (problem) => note({ warning: [facts.warning, problem].filter(Boolean).join('; ') }),
  };
}

function factsOf(config: Config, kind: 'run' | 'check'): RunFacts {
  const { store, target } = config;
  return {
    database: target.shown,
    table: config.schema === undefined ? config.table : `${config.schema}.${config.table}`,
    expiresColumn: config.expiresColumn,
    timeZone: config.timeZone,
    olderThanMs: config.olderThanMs,
    lifetimeColumn: config.lifetimeColumn,
    store,
    lifetimeIsDefault: store !== undefined && presetOf(store, target.engine)?.lifetimeMs === config.olderThanMs,
    where: config.where,
    timeoutMs: config.timeoutMs,
    dryRun: config.dryRun || kind === 'check',
    batchSize: config.batchSize,
    warning: config.warning,
  };
}
