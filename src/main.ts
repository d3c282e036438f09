// The composition root: argv and world in, exit status out. Reads top to bottom as what one command does.
import { createDeadline } from './cleanup/deadline.js';
import { parseArguments } from './cli/program.js';
import { withCorrelationId } from './correlation.js';
import { CleanupError } from './errors.js';
import {
  createRecord,
  type Ending,
  endingOfError,
  formatLine,
  type LogRecord,
  type RunFacts,
} from './report/record.js';
import { createRedactor } from './report/redact.js';
import { type Config, type Logging, resolveConfig, usageError } from './settings/config.js';
import { type OutputStream, type World, write } from './world.js';

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
  // Neither Knex nor winston is loaded from here on: for a mistake on the command line, or a schedule.
  try {
    if (invocation.kind === 'usage') throw usageError([invocation.problem], command);
    if (invocation.kind !== 'schedule') throw config;
    const { schedule, scheduledFacts } = await import('./commands/schedule.js');
    const scheduled = await schedule(invocation.flags, invocation.schedule, world.place);
    if (scheduled.kind === 'printed') {
      await write(world.stdout, `${scheduled.block}\n`);
      return 0;
    }
    const record: LogRecord = {
      timestamp: world.now().toISOString(),
      level: 'info',
      message: 'session_cleanup_scheduled',
      correlation_id: correlationId,
      outcome: scheduled.kind,
      exit_status: 0,
      ...scheduledFacts(scheduled),
      version: world.version,
    };
    if (!logging.quiet) await write(world.stdout, `${formatLine(record, lineFormat(logging, world.stdout))}\n`);
    return 0;
  } catch (error) {
    const ending = endingOfError(asCleanupError(error));
    const facts = { correlationId, dryRun: false };
    const durationMs = performance.now() - startedAt;
    const record = createRecord(facts, ending, world.now(), durationMs, world.version, createRedactor([]));
    await write(world.stderr, `${formatLine(record, lineFormat(logging, world.stderr))}\n`);
    return ending.exitStatus;
  }
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
  const { createLogger } = await import('./report/logger.js');
  const logger = createLogger({
    stdout: world.stdout,
    stderr: world.stderr,
    level: logging.quiet ? 'error' : logging.level,
    formatFor: (stream) => lineFormat(logging, stream),
  });
  let facts: RunFacts = {
    correlationId,
    database: config.target.shown,
    table: config.schema === undefined ? config.table : `${config.schema}.${config.table}`,
    expiresColumn: config.expiresColumn,
    dryRun: config.dryRun || kind === 'check',
    batchSize: config.batchSize,
    warning: config.warning,
  };
  const learn = (more: Partial<RunFacts>): void => {
    facts = { ...facts, ...more };
  };
  const warn = (problem: string): void => learn({ warning: [facts.warning, problem].filter(Boolean).join('; ') });
  const debug = (message: string, more: Readonly<Record<string, string | number>>): void => {
    const timestamp = world.now().toISOString();
    logger.log({ timestamp, level: 'debug', message, correlation_id: correlationId, ...more });
  };
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
      learn,
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
  const finish = (): LogRecord =>
    createRecord(facts, ending, world.now(), performance.now() - startedAt, world.version, redact);
  if (config.metricsFile !== undefined && kind === 'run') {
    // The run is over: what cannot be written is said, and changes nothing.
    const { writeMetrics } = await import('./report/metrics.js');
    await writeMetrics(config.metricsFile, finish(), facts.oldestExpired).catch((error: unknown) => {
      warn(asCleanupError(error).message);
    });
  }
  logger.log(finish());
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

function lineFormat({ format }: Logging, stream: OutputStream): 'json' | 'text' {
  if (format !== 'auto') return format;
  return stream.isTTY === true ? 'text' : 'json';
}
