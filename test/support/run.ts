// The entry of `npm test [-- <test files or folders> <options of node --test, as --name=value>]`:
// finds the tests, gets the database servers, runs node's test runner over the compiled files, takes the servers down.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { mysqlServers } from './mysql-servers.js';
import { postgresqlServers } from './postgres-servers.js';
import { startServers } from './servers.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const DEFAULT_OPTIONS = ['--test-concurrency=2', '--test-reporter=spec'];

// A project of its own, with the session libraries themselves: plain JavaScript.
const STORES = join('test', 'stores');
// Wants servers that nobody else uses.
const CLUSTER = join('test', 'cluster');
// Minutes of kills, cuts and full disks.
const FAULTS = join('test', 'faults');
// Run only when they are named.
const APART = [STORES, CLUSTER, FAULTS];

let tests: ChildProcess | undefined;
let stoppedBy: NodeJS.Signals | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The first signal lets the tests end by themselves; a second one, or one before they began, does not wait.
    if (tests === undefined || stoppedBy !== undefined) {
      tests?.kill('SIGKILL');
      process.exit(statusOf(signal));
    }
    stoppedBy = signal;
    // Not the signal itself: at SIGHUP node's runner would die without ending the test files it has started.
    tests.kill('SIGTERM');
  });
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  say(`npm test: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function run(args: readonly string[]): Promise<number> {
  const files = selectFiles(args.filter((arg) => !arg.startsWith('-')));
  const options = args.filter((arg) => arg.startsWith('-'));
  const servers = await startServers([mysqlServers, postgresqlServers], say);
  try {
    tests = spawn(process.execPath, ['--test', ...withDefaults(options), ...files], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...servers.variables },
    });
    const [code] = await once(tests, 'exit');
    return stoppedBy === undefined ? (code ?? 1) : statusOf(stoppedBy);
  } finally {
    servers.stop();
  }
}

/** The compiled files of the named sources, of all where none is named. The sources lead: dist may hold stale files. */
function selectFiles(paths: readonly string[]): readonly string[] {
  const sources = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => join('test', file))
    .filter((file) => /\.test\.[jt]s$/.test(file) && !file.includes('node_modules'))
    .sort();
  if (paths.length === 0)
    return sources.filter((file) => !APART.some((folder) => file.startsWith(folder))).map(compiled);
  const wanted = paths.map(sourceOf);
  const selected = wanted.map((path) => sources.filter((file) => file === path || file.startsWith(path + sep)));
  const missing = selected.findIndex((found) => found.length === 0);
  if (missing >= 0) throw new Error(`no test file at ${wanted[missing]} (options are written as --name=value)`);
  return [...new Set(selected.flat())].map(compiled);
}

function compiled(source: string): string {
  return source.startsWith(STORES) ? source : join('dist', source.replace(/\.ts$/, '.js'));
}

function sourceOf(path: string): string {
  const source = relative(ROOT, resolve(path)).replace(/^dist[\\/]/, '');
  return source.startsWith(STORES) ? source : source.replace(/\.js$/, '.ts');
}

/** Given options win; a reporter given twice would need a destination each. */
function withDefaults(options: readonly string[]): readonly string[] {
  const isGiven = (option: string) => options.some((given) => given.split('=')[0] === option.split('=')[0]);
  return [...DEFAULT_OPTIONS.filter((option) => !isGiven(option)), ...options];
}

function statusOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
