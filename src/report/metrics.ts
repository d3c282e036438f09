// A run's record as a file for Prometheus: what node_exporter's textfile collector reads. One file a job: a run writes
// all of it.
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, readlink, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { CleanupError } from '../errors.js';
import type { LogRecord } from './record.js';

const LAST_RUN = 'session_cleanup_last_run_timestamp_seconds';
const LAST_SUCCESS = 'session_cleanup_last_success_timestamp_seconds';

const MOST_LINKS = 40;
const MOST_TRIES = 10;

interface Gauge {
  readonly name: string;
  readonly help: string;
  /** Undefined where it is not known: a NaN in its place would make a NaN of every sum over it. */
  readonly value: number | undefined;
}

export interface MetricsOptions {
  /** Expiry of the row that has been expired for longest, where that is known. */
  readonly oldestExpired?: Date | undefined;
  now(): Date;
}

/**
 * Replaces the file at `path`, or that to which it links, by the metrics of a run, at once as readers see it. What a
 * later run has written meanwhile is kept. A dry run is no cleanup, and leaves the file as it is.
 *
 * @throws CleanupError `failed` where the file cannot be written; the old one is then still there.
 */
export async function writeMetrics(path: string, record: LogRecord, options: MetricsOptions): Promise<void> {
  if (record.dry_run === true) return;
  try {
    const target = await linkedFrom(path);
    for (let tries = 1; !(await replaceFile(target, (old) => renderMetrics(record, old, options), tries)); ) tries++;
  } catch (error) {
    const { code = 'METRICS_FILE', message } = error as NodeJS.ErrnoException;
    // What follows names the temporary file.
    const why = message.replace(/, \w+(?: '.*)?$/s, '');
    throw new CleanupError('failed', `the metrics file cannot be written: ${why}`, {
      code,
      hint: 'Check that the folder of --metrics-file is there and that this user may write in it.',
      cause: error,
    });
  }
}

/** The file as a text. `old` is the file that is there, or empty. */
export function renderMetrics(record: LogRecord, old: string, { oldestExpired, now }: MetricsOptions): string {
  const labels = `{database="${escapeLabel(record.database)}",table="${escapeLabel(record.table)}"}`;
  const ranAt = Date.parse(record.timestamp) / 1000;
  const isSuccess = record.exit_status === 0;
  const oldValue = (name: string): number | undefined => readGauge(old, name + labels);
  // A time that is yet to come is that of a clock that was wrong, and would be kept for ever.
  const oldTime = (name: string): number => pastOf(oldValue(name), now()) ?? 0;
  const isOutdated = oldTime(LAST_RUN) > ranAt;
  const lastSuccess = Math.max(oldTime(LAST_SUCCESS), isSuccess ? ranAt : 0);
  const gauges: readonly Gauge[] = [
    { name: LAST_RUN, help: 'When the last run ended.', value: ranAt },
    {
      name: LAST_SUCCESS,
      help: 'When the last run with exit status 0 ended.',
      value: lastSuccess === 0 ? undefined : lastSuccess,
    },
    {
      name: 'session_cleanup_success',
      help: 'Whether the last run ended with exit status 0 (1) or not (0).',
      value: isSuccess ? 1 : 0,
    },
    {
      name: 'session_cleanup_exit_status',
      help: 'Exit status of the last run.',
      value: numberOf(record.exit_status),
    },
    {
      name: 'session_cleanup_deleted_rows',
      help: 'Rows that the last run deleted; absent where the database did not confirm the COMMIT.',
      value: numberOf(record.deleted_count),
    },
    {
      name: 'session_cleanup_duration_seconds',
      help: 'How long the last run took.',
      value: seconds(numberOf(record.duration_ms)),
    },
    {
      name: 'session_cleanup_oldest_expired_age_seconds',
      help: 'For how long the oldest expired row that the last run found had been expired.',
      value: seconds(oldestExpired && Math.max(0, Date.parse(record.timestamp) - oldestExpired.getTime())),
    },
  ];
  return gauges
    .map((gauge) => (isOutdated && gauge.name !== LAST_SUCCESS ? { ...gauge, value: oldValue(gauge.name) } : gauge))
    .filter(({ value }) => value !== undefined && !Number.isNaN(value))
    .map(({ name, help, value }) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}${labels} ${value}\n`)
    .join('');
}

/** The value of the line that begins with `series`, labels included: that of another table is another's. */
function readGauge(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  const value = line?.slice(series.length + 1);
  return value !== undefined && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : undefined;
}

function pastOf(time: number | undefined, now: Date): number | undefined {
  return time !== undefined && time * 1000 <= now.getTime() ? time : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

/** The three characters that the exposition format wants escaped. A label that is not known is empty. */
function escapeLabel(value: unknown): string {
  return String(value ?? '').replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

/** The file that is written where `path` is a symbolic link, also to one that is not there yet. */
async function linkedFrom(path: string, links = 0): Promise<string> {
  const link = await readlink(path).catch(() => undefined);
  if (link === undefined || links === MOST_LINKS) return path;
  return linkedFrom(isAbsolute(link) ? link : join(dirname(path), link), links + 1);
}

/** What tells one version of the file from the next; empty where there is none. */
async function versionOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (found === undefined) return '';
  // A terminal or a pipe would be waited for.
  if (!found.isFile()) throw new Error('there is something else than a file in its place');
  return `${found.ino} ${found.mtimeNs} ${found.size}`;
}

/** False where another run has replaced the file meanwhile: then nothing was done. Not at the last of the tries. */
async function replaceFile(path: string, render: (old: string) => string, tries: number): Promise<boolean> {
  const version = await versionOf(path);
  const text = render(version === '' ? '' : await readFile(path, 'utf8').catch(() => ''));
  // In the same folder, or the rename would not be atomic; not ending in .prom, or the collector would read it too.
  const temporary = `${path}.${randomUUID()}`;
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx');
    await file.writeFile(text);
    // Whatever the umask is: the collector runs as another user.
    await file.chmod(0o644);
    await file.sync();
    await file.close();
    const isReplaced = tries === MOST_TRIES || (await versionOf(path)) === version;
    await (isReplaced ? rename(temporary, path) : rm(temporary));
    return isReplaced;
  } catch (error) {
    await file?.close().catch(() => undefined);
    if (file !== undefined) await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
