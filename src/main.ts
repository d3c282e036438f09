// The composition root: argv and world in, exit status out. Reads top to bottom as what one command does.
import { createDeadline } from './cleanup/deadline.js';
import { parseArguments } from './cli/program.js';
import { withCorrelationId } from './correlation.js';
import { CleanupError } from './errors.js';
import { type CommandReport, type Ending, endingOfError, type RunFacts } from './report/facts.js';
import type { Logger } from './report/logger.js';
import { createRecord } from './report/record.js';
import { createRedactor, type Redact } from './report/redact.js';
import { type Config, type Logging, resolveConfig, usageError } from './settings/config.js';
import { type World, write } from './world.js';

/** Runs the command line once and resolves to the exit status, when everything has been written. */
export async function main(world: World): Promise<number> {
  const startedAt = performance.now();
  // A reader that goes away in the middle of a run must not end it.
  for (const stream of [world.stdout, world.stderr]) stream.on('error', () => {});
  const invocation = parseArguments(world.argv, world.version);
  if (invocation.kind === 'help') {
    await write(world.stdout, invocation.text);
    return 0;
  }
  const command = invocation.kind === 'usage' ? invocation.command : invocation.kind;
  const { logging, config } = await resolveConfig({
    command,
    flags: invocation.flags,
    env: world.env,
    stdin: () => world.stdin,
  });
  const correlationId = logging.correlationId ?? (await import('node:crypto')).randomUUID();
  if (invocation.kind === 'run' || invocation.kind === 'check') {
    const { kind } = invocation;
    if (!(config instanceof CleanupError)) {
      return withCorrelationId(correlationId, () => execute(kind, world, logging, config, correlationId, startedAt));
    }
  }
  // Knex is not loaded from here on: for a mistake on the command line, or a schedule.
  const logger = await openLogger(world, logging, createRedactor([]));
  const told = () => ({ at: world.now(), correlationId, version: world.version });
  try {
    if (invocation.kind === 'usage') throw usageError([invocation.problem], command);
    if (invocation.kind !== 'schedule') throw config;
    const { schedule, scheduledFacts } = await import('./commands/schedule.js');
    const scheduled = await schedule(invocation.flags, invocation.schedule, world.place);
    if (scheduled.kind === 'printed') await write(world.stdout, `${scheduled.block}\n`);
    else logger.tell({ ...told(), kind: 'schedule', ...scheduledFacts(scheduled) });
    return 0;
  } catch (error) {
    const ending = endingOfError(asCleanupError(error));
    logger.tell({ ...told(), kind: 'failure', command, ending, durationMs: performance.now() - startedAt });
    return ending.exitStatus;
  } finally {
    await logger.flush();
  }
}

/** The one door for what is told. */
async function openLogger(world: World, { quiet, level, format }: Logging, redact: Redact): Promise<Logger> {
  const { createLogger } = await import('./report/logger.js');
  const { stdout, stderr, env } = world;
  return createLogger({ stdout, stderr, env, level: quiet ? 'error' : level, format, redact });
}

async function execute(
  kind: 'run' | 'check',
  world: World,
  logging: Logging,
  config: Config,
  correlationId: string,
  startedAt: number,
): Promise<number> {
  const deadline = createDeadline({
    timeoutMs: config.timeoutMs,
    startedAt,
    onSignal: (listener) => world.onSignal(listener),
  });
  const redact = createRedactor([config.target, ...config.replicas].flatMap(({ secrets }) => secrets));
  const logger = await openLogger(world, logging, redact);
  const told = () => ({ at: world.now(), correlationId, version: world.version });
  let facts: RunFacts = {
    database: config.target.shown,
    table: config.schema === undefined ? config.table : `${config.schema}.${config.table}`,
    expiresColumn: config.expiresColumn,
    timeZone: config.timeZone,
    olderThanMs: config.olderThanMs,
    lifetimeColumn: config.lifetimeColumn,
    store: config.store,
    where: config.where,
    timeoutMs: config.timeoutMs,
    dryRun: config.dryRun || kind === 'check',
    batchSize: config.batchSize,
    warning: config.warning,
  };
  const note = (more: Partial<RunFacts>): void => {
    facts = { ...facts, ...more };
  };
  const warn = (problem: string): void => note({ warning: [facts.warning, problem].filter(Boolean).join('; ') });
  const debug = (name: string, details: Readonly<Record<string, string | number>>): void =>
    logger.tell({ ...told(), kind: 'event', name, details });
  const driverLog = (message: string): void => debug('driver', { detail: redact(message) });
  const showsProgress = kind === 'run' && world.stderr.isTTY === true && !logging.quiet && !config.dryRun;
  const progressBar = showsProgress
    ? (await import('./report/progress-bar.js')).createProgressBar(world.stderr)
    : undefined;
  let ending: Ending;
  try {
    const command =
      kind === 'run' ? (await import('./commands/run.js')).run : (await import('./commands/check.js')).check;
    ending = await command({
      config,
      deadline,
      now: () => world.now(),
      note: note,
      warn,
      driverLog,
      onStep: (deletedCount) => progressBar?.update(deletedCount),
      onBatch: (deletedCount) => {
        if (progressBar === undefined) debug('session_cleanup_batch', { deleted_count: deletedCount });
      },
    });
  } catch (error) {
    ending = endingOfError(asCleanupError(error));
  } finally {
    progressBar?.stop();
    deadline.close();
  }
  const report = (): CommandReport => ({
    ...told(),
    kind,
    facts,
    ending,
    durationMs: performance.now() - startedAt,
  });
  if (config.metricsFile !== undefined && kind === 'run') {
    // The run is over: what cannot be written is said, and changes nothing.
    const { writeMetrics } = await import('./report/metrics.js');
    const record = createRecord(report(), redact);
    await writeMetrics(config.metricsFile, record, facts.oldestExpired).catch((error: unknown) => {
      warn(asCleanupError(error).message);
    });
  }
  logger.tell(report());
  await logger.flush();
  return ending.exitStatus;
}

function asCleanupError(error: unknown): CleanupError {
  if (error instanceof CleanupError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new CleanupError('failed', 'an unexpected error', {
    said: `${name}: ${message}`,
    code: 'INTERNAL',
    hint: 'This is a defect of session-cleanup: please report it with this line.',
    cause: error,
  });
}
