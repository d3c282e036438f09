// A server of the tests' own: its folder, its log, its processes, and the wait until it answers.
// Which programs it has and what they are told belongs into the file of its family.
import { type ChildProcess, type SpawnOptions, type StdioOptions, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Undo } from './undo.js';

const START_LIMIT_MS = 120_000;

/** Below those that outgoing connections get: one of them could take it in the moment before the server does. */
const PORTS = { first: 20_000, end: 32_768 };

/** A server of the test's own, which may be harmed. It is durable: what it has confirmed outlives it. */
export interface PrivateServer {
  readonly url: string;
  /** `kill -9`; resolves once it is gone. */
  kill(): Promise<void>;
  /** After `kill`; resolves once it answers. */
  restart(): Promise<void>;
  /** It stays where it is, and so do its connections. */
  freeze(): void;
  thaw(): void;
  /** Kills it and removes its folder. */
  remove(): void;
}

export interface ServerFolder {
  /** What the program prints is in the folder's log. `close` comes once the processes that it has started are gone too. */
  start(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** With the last lines of the log. */
  failure(what: string, cause?: unknown): Error;
}

/** To be undone: kills what was started in it, and removes it. */
export function openServerFolder(folder: string, undo: Undo): ServerFolder {
  const children: ChildProcess[] = [];
  undo.add(() => {
    children.forEach(killGroup);
    // A server that is being killed may still finish creating a file: hence the retries.
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  const log = join(folder, 'log');
  const logFile = openSync(log, 'a');
  return {
    start(program, args, options) {
      // A process group of its own: a Ctrl-C at the terminal reaches the tests, not the server under them.
      const stdio: StdioOptions = ['ignore', logFile, logFile, 'pipe'];
      const child = spawn(program, args, { ...options, detached: true, stdio });
      // All of them inherit this pipe, and none writes into it: it ends when the last is gone.
      (child.stdio[3] as Readable | undefined)?.resume();
      children.push(child);
      return child;
    },
    failure: (what, cause) =>
      new Error(`${what}:\n${readFileSync(log, 'utf8').trim().split('\n').slice(-15).join('\n')}`, { cause }),
  };
}

/** Resolves to what `ask` does, once it does; throws as it did where the server cannot answer any more. */
export async function untilAnswering(ask: () => Promise<string>, mayStillStart = () => true): Promise<string> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!mayStillStart() || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.first, PORTS.end);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const holder = createServer().listen(port, '127.0.0.1');
  try {
    await once(holder, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  holder.close();
  await once(holder, 'close');
  return true;
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || hasEnded(child)) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended a moment ago.
  }
}
