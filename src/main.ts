// The composition root: argv and world in, exit status out. Reads top to bottom as what one command does.
import { createDeadline, type Deadline } from './cleanup/deadline.js';
import { type Invocation, parseArguments } from './cli/program.js';
import { newCorrelationId, withCorrelationId } from './correlation.js';
import { asCleanupError, CleanupError } from './errors.js';
import { type CommandReport, endingOfError } from './report/facts.js';
import type { Logger } from './report/logger.js';
import { openNotes } from './report/notes.js';
import { createProgressLine } from './report/progress.js';
import { createRecord } from './report/record.js';
import { createRedactor, type Redact } from './report/redact.js';
import { type Config, type Logging, readBasics, resolveConfig, usageError } from './settings/config.js';
import { orAborted, orGivenUp } from './waiting.js';
import { type World, write } from './world.js';

export { openOutput } from './output.js';

/** What a command has from the process and from those who called it. */
interface Call {
  readonly world: World;
  readonly deadline: Deadline;
  readonly startedAt: number;
  readonly logging: Logging;
  readonly correlationId: string;
}

type CleaningInvocation = Extract<Invocation, { readonly kind: 'run' | 'check' }>;
type ScheduleInvocation = Extract<Invocation, { readonly kind: 'schedule' }>;

/** Runs the command line once and resolves to the exit status, when everything has been written or given up. */
export async function main(world: World): Promise<number> {
  const startedAt = performance.now();
  const deadline = createDeadline({ startedAt, onSignal: (listener) => world.onSignal(listener) });
  // A reader that goes away in the middle of a run must not end it.
  for (const stream of [world.stdout, world.stderr]) stream.on('error', () => {});
  const invocation = parseArguments(world.argv, { version: world.version, columns: world.stdout.columns });
  if (invocation.kind === 'help') {
    const { text, exitStatus } = invocation;
    await orGivenUp(write(exitStatus === 0 ? world.stdout : world.stderr, text), deadline.leave);
    return exitStatus;
  }
  const { logging, timeoutMs } = readBasics({ flags: invocation.flags, env: world.env });
  deadline.limit(timeoutMs);
  const correlationId = logging.correlationId ?? (await newCorrelationId());
  const call: Call = { world, deadline, startedAt, logging, correlationId };
  const status = await withCorrelationId(correlationId, async () => {
    switch (invocation.kind) {
      case 'usage':
        return tellFailure(call, invocation.command, usageError([invocation.problem], invocation.command));
      case 'schedule':
        return writeSchedule(call, invocation);
      default: {
        const config = await readConfig(call, invocation);
        return config instanceof CleanupError
          ? tellFailure(call, invocation.kind, config)
          : cleanUpOrCheck(call, invocation.kind, config);
      }
    }
  });
  deadline.close();
  return status;
}

/** The commands `run` and `check`. */
async function cleanUpOrCheck(call: Call, kind: 'run' | 'check', config: Config): Promise<number> {
  const { world, deadline, startedAt, logging } = call;
  const redact = createRedactor([config.target, ...config.replicas].flatMap(({ secrets }) => secrets));
  const logger = await openLogger(call, redact);
  const debug = (name: string, details: Readonly<Record<string, string | number>>): void =>
    logger.tell({ ...told(call), kind: 'event', name, details });
  const showsProgress = kind === 'run' && world.stderr.isTTY === true && !logging.quiet && !config.dryRun;
  const progress = showsProgress ? createProgressLine(world.stderr, () => performance.now()) : undefined;
  const notes = openNotes(config, kind);
  const { note, warn } = notes;
  const work = kind === 'run' ? (await import('./commands/run.js')).run : (await import('./commands/check.js')).check;
  const ending = await work({
    config,
    deadline,
    now: () => world.now(),
    note,
    warn,
    driverLog: (message) => debug('driver', { detail: redact(message) }),
    watcher: progress,
    onBatch: (deletedCount) => {
      if (progress === undefined) debug('session_cleanup_batch', { deleted_count: deletedCount });
    },
  }).catch((error: unknown) => endingOfError(asCleanupError(error)));
  const cleared = progress?.stop();

  // The outcome is decided: from here on, a signal or the time changes nothing in it.
  const report = (): CommandReport => ({
    ...told(call),
    kind,
    facts: notes.facts(),
    ending,
    durationMs: performance.now() - startedAt,
  });
  if (config.metricsFile !== undefined && kind === 'run') {
    const problem = await tellMetrics(call, config.metricsFile, report(), redact);
    if (problem !== undefined) warn(problem);
  }
  // On a terminal that is both outputs, it would take the line away.
  if (cleared !== undefined) await orAborted(cleared, deadline.leave);
  logger.tell(report());
  await orGivenUp(logger.flush(), deadline.leave);
  return ending.exitStatus;
}

/** Resolves to what went wrong in it, which is said and changes nothing else. */
async function tellMetrics(
  { world, deadline }: Call,
  path: string,
  report: CommandReport,
  redact: Redact,
): Promise<string | undefined> {
  const { writeMetrics } = await import('./report/metrics.js');
  const options = { oldestExpired: report.facts.oldestExpired, now: () => world.now() };
  const written = writeMetrics(path, createRecord(report, redact), options).then(
    () => ({ problem: undefined }),
    (error: unknown) => ({ problem: asCleanupError(error).message }),
  );
  const answer = await orGivenUp(written, deadline.skip);
  return answer === undefined ? 'the metrics file cannot be written: the disk does not answer' : answer.problem;
}

function readConfig(
  { world, deadline }: Call,
  { kind: command, flags }: CleaningInvocation,
): Promise<Config | CleanupError> {
  return resolveConfig({
    command,
    flags,
    env: world.env,
    stdin: () => world.stdin,
    prompt: (text) => void write(world.stderr, `${text}\n`),
    cwd: () => world.place.cwd,
    stop: deadline.stop,
  });
}

/** The command `schedule`. */
async function writeSchedule(call: Call, { flags, schedule: own }: ScheduleInvocation): Promise<number> {
  const { world, deadline } = call;
  try {
    const { schedule } = await import('./commands/schedule.js');
    const scheduled = await schedule(flags, own, { place: world.place, deadline, now: () => world.now() });
    if (scheduled.kind === 'printed') {
      await orGivenUp(write(world.stdout, `${scheduled.block}\n`), deadline.leave);
      return 0;
    }
    const logger = await openLogger(call, createRedactor([]));
    logger.tell({ ...told(call), kind: 'schedule', ...scheduled.change });
    await orGivenUp(logger.flush(), deadline.leave);
    return 0;
  } catch (error) {
    return tellFailure(call, 'schedule', error);
  }
}

/** @param command undefined where none was given, or none that there is */
async function tellFailure(call: Call, command: string | undefined, error: unknown): Promise<number> {
  const ending = endingOfError(asCleanupError(error));
  const logger = await openLogger(call, createRedactor([]));
  logger.tell({ ...told(call), kind: 'failure', command, ending, durationMs: performance.now() - call.startedAt });
  await orGivenUp(logger.flush(), call.deadline.leave);
  return ending.exitStatus;
}

/** The one door for what is told. */
async function openLogger({ world, logging }: Call, redact: Redact): Promise<Logger> {
  const { createLogger } = await import('./report/logger.js');
  const { stdout, stderr, env } = world;
  const { quiet, level, format } = logging;
  return createLogger({ stdout, stderr, env, level: quiet ? 'error' : level, format, redact });
}

/** What every report begins with. */
function told({ world, correlationId }: Call): Pick<CommandReport, 'at' | 'correlationId' | 'version'> {
  return { at: world.now(), correlationId, version: world.version };
}
