// Processes and their times: how one is run and measured, and how many runs become one figure.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Measured {
  /** From the start of the process to its end, in milliseconds. */
  readonly ms: number;
  /** The largest resident size in MiB; NaN where the system has no /proc. */
  readonly peakMib: number;
}

/** Runs it to its end. @throws where it fails: its figures would mean nothing. */
export async function measure({ file, args, env = {} }: Command): Promise<Measured> {
  const startedAt = performance.now();
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  let peakMib = Number.NaN;
  // The kernel keeps the maximum, so the last reading before the end is enough.
  const watch = setInterval(() => (peakMib = readPeakMib(child.pid) ?? peakMib), 25);
  let ms = 0;
  child.once('exit', () => (ms = performance.now() - startedAt));
  const [status] = (await once(child, 'close').finally(() => clearInterval(watch))) as [number | null];
  if (status !== 0)
    throw new Error(`${file} ${args.slice(0, 2).join(' ')} ended with status ${status}: ${output.slice(-2_000)}`);
  return { ms, peakMib };
}

function readPeakMib(pid: number | undefined): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** Linear between the two nearest. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Such as `1.24 (1.19 to 1.31)`: the median, the smallest and the largest; nothing of nothing. */
export function spread(values: readonly number[], digits = 2): string {
  const shown = [median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  if (values.length === 0) return '';
  return values.length === 1 ? `${shown[0]}` : `${shown[0]} (${shown[1]} to ${shown[2]})`;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
