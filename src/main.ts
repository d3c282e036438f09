// The composition root: argv and world in, exit status out. Reads top to bottom as what one command does.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { type Config, type Logging, resolveConfig, usageError } from './config.js';
import { withCorrelationId } from './correlation.js';
import { createDeadline, type Deadline } from './deadline.js';
import { CleanupError, type StopSignal } from './errors.js';
import { parseArguments } from './program.js';
import { createRedactor } from './redact.js';
import { createRecord, endingOf, endingOfError, formatLine, type RunFacts, type RunResult } from './report.js';

/** Everything of the process that the program may touch. */
export interface World {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** The wall clock. */
  now(): Date;
  /** Registers a listener for SIGINT, SIGTERM and SIGHUP; returns how to take it away. */
  onSignal(listener: (signal: StopSignal) => void): () => void;
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Runs the command line once and resolves to the exit status, when everything has been written. */
export async function main(world: World): Promise<number> {
  const startedAt = performance.now();
  const invocation = parseArguments(world.argv, version);
  if (invocation.kind === 'help') {
    await write(world.stdout, invocation.text);
    return 0;
  }
  const { logging, config } = await resolveConfig({
    flags: invocation.kind === 'run' ? invocation.flags : {},
    env: world.env,
    stdin: world.stdin,
  });
  const correlationId = logging.correlationId ?? randomUUID();
  const problem = invocation.kind === 'usage' ? usageError([invocation.problem]) : config;
  if (problem instanceof CleanupError) {
    // Neither Knex nor winston is loaded for a mistake on the command line.
    const ending = endingOfError(problem, createRedactor([]));
    const record = createRecord(
      { correlationId, dryRun: false, attempts: 0 },
      ending,
      world.now(),
      performance.now() - startedAt,
      version,
    );
    await write(world.stderr, `${formatLine(record, lineFormat(logging, world.stderr))}\n`);
    return ending.exitStatus;
  }
  return withCorrelationId(correlationId, () => runCommand(world, logging, problem, correlationId, startedAt));
}

async function runCommand(
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
  const redact = createRedactor(config.target.secrets);
  const { createLogger } = await import('./logger.js');
  const logger = createLogger({
    stdout: world.stdout,
    stderr: world.stderr,
    level: logging.quiet ? 'error' : logging.level,
    format: lineFormat(logging, world.stdout),
  });
  let facts: RunFacts = {
    correlationId,
    database: config.target.shown,
    table: config.schema === undefined ? config.table : `${config.schema}.${config.table}`,
    expiresColumn: config.expiresColumn,
    dryRun: config.dryRun,
    attempts: 0,
    warning: config.warning,
  };
  const learn = (more: Partial<RunFacts>): void => {
    facts = { ...facts, ...more };
  };
  const driverLog = (message: string): void => {
    const record = {
      timestamp: world.now().toISOString(),
      level: 'debug',
      message: 'driver',
      correlation_id: correlationId,
    } as const;
    logger.log({ ...record, detail: redact(message) });
  };
  let ending: ReturnType<typeof endingOf>;
  try {
    ending = endingOf(await cleanUpSessions(config, deadline, world.now, learn, driverLog), config.dryRun);
  } catch (error) {
    ending = endingOfError(asCleanupError(error), redact);
  } finally {
    deadline.close();
  }
  logger.log(createRecord(facts, ending, world.now(), performance.now() - startedAt, version));
  await logger.flush();
  return ending.exitStatus;
}

async function cleanUpSessions(
  config: Config,
  deadline: Deadline,
  now: () => Date,
  learn: (more: Partial<RunFacts>) => void,
  driverLog: (message: string) => void,
): Promise<RunResult> {
  const [{ createDialect }, { openSessions }, { cleanUp }, { createCutoff }] = await Promise.all([
    import('./dialects/index.js'),
    import('./session-repository.js'),
    import('./cleanup.js'),
    import('./expiry.js'),
  ]);
  const dialect = createDialect(config.target, config);
  const sessions = await openSessions(dialect, deadline, driverLog);
  try {
    const { fit, expiresIndex } = await sessions.inspect(config.expiresFormat);
    learn({ expiresFormat: fit?.format, expiresIndex });
    // The earlier of the two clocks: one that is ahead would delete sessions that are still live.
    const clock = Math.min(now().getTime(), (await sessions.clock()) ?? Infinity);
    const cutoff = new Date(clock - config.olderThanMs);
    learn({ cutoff });
    if (fit === undefined) return { count: 0, lockedCount: 0, complete: true };
    await sessions.aim(fit, createCutoff(cutoff, config.timeZone));
    if (config.dryRun) return { count: await sessions.countExpired(), lockedCount: 0, complete: true };
    await sessions.lock();
    const { deletedCount, lockedCount, complete } = await cleanUp(sessions, deadline, (attempts) =>
      learn({ attempts }),
    );
    return { count: deletedCount, lockedCount, complete };
  } finally {
    await sessions.close();
  }
}

function asCleanupError(error: unknown): CleanupError {
  if (error instanceof CleanupError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new CleanupError('failed', `${name}: ${message}`, {
    code: 'INTERNAL',
    hint: 'This is a defect of session-cleanup: please report it with this line.',
    cause: error,
  });
}

function lineFormat({ format }: Logging, stream: { readonly isTTY?: boolean }): 'json' | 'text' {
  if (format !== 'auto') return format;
  return stream.isTTY === true ? 'text' : 'json';
}

function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => resolve());
    stream.write(text, () => resolve());
  });
}
