// Where a machine can have a server from: its own programs, a Docker engine, apt-get.
// Which programs, images and packages they are belongs into the file of the family.
import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Undo } from './undo.js';

const run = promisify(execFile);

export interface Image {
  readonly name: string;
  /** Of the server, in the container. */
  readonly port: number;
  /** A variable and its value. */
  readonly setting: string;
  readonly options: readonly string[];
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** In the folders of PATH, then in the others. */
export function findProgram(name: string, others: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), ...others];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function hasDocker(): Promise<boolean> {
  return run('docker', ['info']).then(
    () => true,
    () => false,
  );
}

/**
 * Starts it, to be undone; resolves to the host and the port where it will answer.
 * Not exercised by the project's own CI on machines without a Docker engine.
 */
export async function startContainer(image: Image, undo: Undo): Promise<string> {
  const name = `session-cleanup-test-${randomUUID()}`;
  undo.add(() => spawnSync('docker', ['rm', '--force', '--volumes', name]));
  const options = ['--rm', '--name', name, '--publish', `127.0.0.1::${image.port}`, '--env', image.setting];
  await run('docker', ['run', '--detach', ...options, image.name, ...image.options]);
  const { stdout: address } = await run('docker', ['port', name, `${image.port}/tcp`]);
  return address.trim();
}

let installing: Promise<void> = Promise.resolve();

/** Where it can be installed with: only root may. */
export function findAptGet(): string | undefined {
  return isRoot() ? findProgram('apt-get', []) : undefined;
}

/** One after another: apt-get refuses to run twice at once. */
export function installPackages(aptGet: string, packages: readonly string[]): Promise<void> {
  const install = async (): Promise<void> => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run(aptGet, ['update', '-qq'], { env });
    await run(aptGet, ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
  };
  installing = installing.then(install, install);
  return installing;
}
