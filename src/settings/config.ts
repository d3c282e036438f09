// Flags, environment and defaults become one frozen Config, or every problem of them at once.
import { conditionProblem } from '../engines/condition.js';
import { type DatabaseTarget, engineOf } from '../engines/index.js';
import { CleanupError } from '../errors.js';
import type { WantedFormat } from '../expiry/format.js';
import type { StoreName } from '../stores.js';
import { findGiven, type Given, type Inputs, parseGiven } from './given.js';
import { misspeltVariables } from './near-miss.js';
import { conditionOf, isLifetimeGiven, presetValues, readPreset } from './preset.js';
import { DEFAULTS, type Settings } from './settings.js';
import { readUrl, type UrlSource } from './url-source.js';
import type { RowLimit } from './values.js';

export interface Config {
  readonly target: DatabaseTarget;
  /** Budget in milliseconds; 0 is none. */
  readonly timeoutMs: number;
  /** As given. */
  readonly store: StoreName | undefined;
  /** MySQL only. */
  readonly schema: string | undefined;
  readonly table: string;
  readonly expiresColumn: string;
  readonly expiresFormat: WantedFormat;
  readonly timeZone: string;
  readonly olderThanMs: number;
  /** Holds seconds, which are added to the time in `expiresColumn` row by row. */
  readonly lifetimeColumn: string | undefined;
  /** Whether it has been said how long a session lives after the time in `expiresColumn`, be it 0. */
  readonly lifetimeIsGiven: boolean;
  /** SQL of the engine, to stand in parentheses. */
  readonly where: string | undefined;
  readonly maxDelete: RowLimit | undefined;
  /** It is known in which zone a time without one was written: it was given, or the store writes UTC. */
  readonly zoneIsKnown: boolean;
  /** The store writes its times as texts without a zone, whatever the zone of its connection is. */
  readonly writesLiterals: boolean;
  readonly dryRun: boolean;
  /** Undefined: one transaction. */
  readonly batchSize: number | undefined;
  readonly pauseMs: number;
  /** Undefined: replicas are not waited for. */
  readonly maxLagMs: number | undefined;
  readonly replicas: readonly DatabaseTarget[];
  readonly metricsFile: string | undefined;
  /** Something to fix that is no reason to fail. */
  readonly warning: string | undefined;
}

/** What the line needs, whatever else is wrong. */
export interface Logging {
  /** Undefined unless given and valid. */
  readonly correlationId: string | undefined;
  readonly format: Settings['logFormat'];
  readonly level: Settings['logLevel'];
  readonly quiet: boolean;
}

/** What every command needs, whatever else is wrong. Reads no file. */
export function readBasics(given: Pick<Inputs, 'flags' | 'env'>): { logging: Logging; timeoutMs: number } {
  const settings = { ...DEFAULTS, ...parseGiven(given, []) };
  const { correlationId, logFormat: format, logLevel: level, quiet = false, timeout: timeoutMs } = settings;
  return { logging: Object.freeze({ correlationId, format, level, quiet }), timeoutMs };
}

/** Resolves to the configuration, or to an error: of usage, with every problem and never a value; or stopped meanwhile. */
export async function resolveConfig(inputs: Inputs): Promise<Config | CleanupError> {
  const problems = [...misspeltVariables(inputs.env)];
  const given = parseGiven(inputs, problems);
  try {
    const source = await readUrl(inputs, problems);
    checkReplicas(given, source?.target, problems);
    const config = source && createConfig(source, inputs, given, problems);
    return config === undefined || problems.length > 0 ? usageError(problems, inputs.command) : config;
  } catch (error) {
    if (!(error instanceof CleanupError)) throw error;
    return error;
  }
}

/** @param command undefined where none was given, or none that there is */
export function usageError(problems: readonly string[], command: string | undefined): CleanupError {
  const hint = `Try: ${['session-cleanup', command, '--help'].filter(Boolean).join(' ')}`;
  return new CleanupError('usage', problems.join('; ').replaceAll('?; ', '? '), { code: 'USAGE', hint });
}

/** Undefined only where there are problems. */
function createConfig(
  { target, warning }: UrlSource,
  inputs: Inputs,
  given: Partial<Settings>,
  problems: string[],
): Config | undefined {
  const preset = readPreset(target, given, problems);
  const where = conditionOf(preset, given.where);
  const settings = { ...DEFAULTS, ...presetValues(preset, given), ...given, where };
  checkCondition(findGiven(inputs, 'where'), target, problems);
  const names = readNames(target, settings, problems);
  if (names === undefined) return undefined;
  return Object.freeze({
    target,
    ...names,
    timeoutMs: settings.timeout,
    store: settings.store,
    expiresColumn: settings.expiresColumn,
    expiresFormat: settings.expiresFormat,
    timeZone: settings.timeZone,
    olderThanMs: settings.olderThan,
    lifetimeColumn: settings.lifetimeColumn,
    lifetimeIsGiven: isLifetimeGiven(preset, given),
    where: settings.where,
    maxDelete: settings.maxDelete,
    zoneIsKnown: given.timeZone !== undefined || preset !== undefined,
    writesLiterals: preset?.writes === 'literal',
    dryRun: settings.dryRun ?? false,
    batchSize: settings.batchSize,
    pauseMs: settings.pause,
    maxLagMs: settings.maxLag,
    replicas: settings.replica ?? [],
    metricsFile: settings.metricsFile,
    warning,
  });
}

/** What is between batches wants batches, and what is of replicas wants an engine that has them. */
function checkReplicas(
  { batchSize, pause, maxLag, replica }: Partial<Settings>,
  target: DatabaseTarget | undefined,
  problems: string[],
): void {
  if (batchSize === undefined && pause) problems.push('--pause works between batches: give --batch-size too');
  const engine = target && engineOf(target);
  if (engine !== undefined && engine.openLagWatch === undefined && (maxLag !== undefined || replica !== undefined)) {
    problems.push(`--max-lag and --replica do not apply: ${engine.title} has no replicas`);
    return;
  }
  if (batchSize === undefined && maxLag !== undefined) {
    problems.push('--max-lag works between batches: give --batch-size too');
  }
  if (engine !== undefined && replica?.some((other) => engineOf(other) !== engine)) {
    problems.push('--replica must be a server of the same kind as that of --db-url');
  }
  if (replica !== undefined && maxLag === undefined) {
    problems.push('--replica is watched only with --max-lag: give it too');
  }
}

function checkCondition(where: Given | undefined, target: DatabaseTarget, problems: string[]): void {
  const problem = where && conditionProblem(where.raw, engineOf(target).syntax);
  if (problem !== undefined) problems.push(`${where?.source} ${problem}`);
}

function readNames(
  target: DatabaseTarget,
  { table }: Pick<Settings, 'table'>,
  problems: string[],
): Pick<Config, 'schema' | 'table'> | undefined {
  const engine = engineOf(target);
  if (!engine.hasSchemas) return { schema: undefined, table };
  const [first = '', ...rest] = table.split('.');
  if (rest.length > 1 || first === '' || rest[0] === '') {
    problems.push('--table must be a table, or schema.table');
    return undefined;
  }
  const [schema, name] = rest[0] === undefined ? [undefined, first] : [first, rest[0]];
  const within = engine.readSchema(target, schema);
  if ('value' in within) return { schema, table: name };
  problems.push(within.problem);
  return undefined;
}
