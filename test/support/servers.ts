// The database servers of the suite: those that a variable names, else one of the machine's own programs, else of Docker,
// else of apt-get. What is peculiar to a family of servers belongs into its own file.

import { untilAnswering } from './server-process.js';
import { findAptGet, hasDocker, type Image, startContainer } from './server-sources.js';
import { createUndo, type Undo } from './undo.js';

export type Say = (line: string) => void;

/** Servers that one driver speaks to. */
export interface ServerFamily {
  /** As the tests' reader knows it. */
  readonly name: string;
  /** Names servers that are there already: the tests then start none. */
  readonly variable: string;
  /** What to do where there is no server. */
  readonly hint: string;
  /** In Docker, one of each. */
  readonly images: readonly Image[];
  /** Of an image's server, with all privileges. */
  urlAt(address: string): string;
  /** Logs in. */
  versionOf(url: string): Promise<string>;
  /** By programs that are here already; undefined where they are not. */
  startInstalled(undo: Undo): Promise<StartedServer | undefined>;
  install(aptGet: string): Promise<void>;
}

export interface StartedServer {
  readonly url: string;
  /** Its program, or where that is from. */
  readonly program: string;
}

export interface Servers {
  /** The variables that name the servers, for the tests' environment. */
  readonly variables: Readonly<Record<string, string>>;
  stop(): void;
}

/**
 * At least one server of each family that answers, or an error that says what to do.
 * `stop` removes everything started, and so does the exit of the process; the caller turns signals into exits.
 */
export async function startServers(families: readonly ServerFamily[], say: Say): Promise<Servers> {
  const undo = createUndo();
  // Waits for all of them: what is still starting cannot be undone.
  const started = await Promise.allSettled(
    families.map(async (family) => [family.variable, (await urlsOf(family, undo, say)).join(',')] as const),
  );
  const errors = started.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  if (errors.length > 0) {
    undo.run();
    throw new Error(errors.map(messageOf).join('\n'), { cause: errors[0] });
  }
  const variables = Object.fromEntries(started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])));
  return { variables, stop: undo.run };
}

/** The URLs in a variable, separated by commas or spaces. */
export function urlsNamedBy(variable: string): readonly string[] {
  return (process.env[variable] ?? '').split(/[\s,]+/).filter((url) => url !== '');
}

async function urlsOf(family: ServerFamily, undo: Undo, say: Say): Promise<readonly string[]> {
  const given = urlsNamedBy(family.variable);
  try {
    return given.length > 0 ? await useGiven(given, family, say) : await startOwn(family, undo, say);
  } catch (error) {
    throw new Error(`${messageOf(error)}\n${family.hint}`, { cause: error });
  }
}

async function useGiven(urls: readonly string[], family: ServerFamily, say: Say): Promise<readonly string[]> {
  const { variable } = family;
  for (const url of urls) {
    if (!URL.canParse(url)) throw new Error(`${variable} holds something that is not a URL.`);
    const { host } = new URL(url);
    const version = await family.versionOf(url).catch((error: unknown) => {
      throw new Error(`no login at ${host}, named in ${variable}: ${messageOf(error)}`, { cause: error });
    });
    say(`test servers: using ${version} at ${host}, named in ${variable}`);
  }
  return urls;
}

async function startOwn(family: ServerFamily, undo: Undo, say: Say): Promise<readonly string[]> {
  const { name } = family;
  const startInstalled = async (): Promise<string | undefined> => {
    const started = await family.startInstalled(undo);
    if (started !== undefined) await sayStarted(started, family, say);
    return started?.url;
  };

  const installed = await startInstalled();
  if (installed !== undefined) return [installed];
  if (await hasDocker()) return startImages(family, undo, say);

  const aptGet = findAptGet();
  if (aptGet === undefined) throw new Error(`no ${name} server for the tests.`);
  say(`test servers: found no ${name} server and no Docker engine, installing it with apt-get`);
  await family.install(aptGet);
  const added = await startInstalled();
  if (added === undefined) throw new Error('apt-get installed no server that can be found.');
  return [added];
}

async function startImages(family: ServerFamily, undo: Undo, say: Say): Promise<readonly string[]> {
  const urls: string[] = [];
  for (const image of family.images) {
    const url = family.urlAt(await startContainer(image, undo));
    await untilAnswering(() => family.versionOf(url));
    await sayStarted({ url, program: `${image.name} in Docker` }, family, say);
    urls.push(url);
  }
  return urls;
}

async function sayStarted({ url, program }: StartedServer, family: ServerFamily, say: Say): Promise<void> {
  say(`test servers: started ${program}, ${await family.versionOf(url)}, at ${new URL(url).host}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
