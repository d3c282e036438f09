// How a driver reaches a server: its name is looked up where a resolver that does not answer can be left behind, and
// every further connection goes to the address that the first one had.
import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, Socket } from 'node:net';
import { domainToASCII } from 'node:url';

/** Makes sockets that the driver connects. */
export type Dial = () => Socket;

/** The look-up begins at once: loading a driver takes longer. `stop` ends it. */
export function createDial(host: string, stop: AbortSignal): Dial {
  const lookup = isIP(host) > 0 || host === 'localhost' ? undefined : lookupOf(askGetent(host, stop));
  let address: string | undefined;
  return () => {
    const socket = new Socket();
    const connect = socket.connect.bind(socket);
    socket.once('connect', () => {
      address ??= socket.remoteAddress;
    });
    return Object.assign(socket, {
      connect: (port: number) => connect({ port, host: address ?? host, ...(lookup && { lookup }) }),
    });
  };
}

/**
 * getaddrinfo runs in a thread that Node waits for when it exits, a minute long; `getent` asks it in a process of its own.
 * Resolves to undefined where the system has no getent.
 */
async function askGetent(host: string, stop: AbortSignal): Promise<readonly LookupAddress[] | undefined> {
  const name = domainToASCII(host);
  // It would be read as an option, and is no name of a host.
  if (name === '' || name.startsWith('-')) return [];
  const { execFile } = await import('node:child_process');
  return new Promise((resolve) => {
    execFile('getent', ['ahosts', name], { signal: stop }, (error, stdout) => {
      const found = new Set(stdout.split('\n').map((line) => line.split(' ', 1)[0] ?? ''));
      const addresses = [...found].filter(isIP).map((address) => ({ address, family: isIP(address) }));
      resolve(error?.code === 'ENOENT' ? undefined : addresses);
    });
  });
}

function lookupOf(asked: Promise<readonly LookupAddress[] | undefined>): LookupFunction {
  return async (host, options, done) => {
    const addresses = await asked;
    if (addresses === undefined) return (await import('node:dns')).lookup(host, options, done);
    const [first] = addresses;
    if (first === undefined) return done(notFound(host), '');
    return options.all ? done(null, [...addresses]) : done(null, first.address, first.family);
  };
}

function notFound(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`the host name ${host} cannot be resolved`), { code: 'ENOTFOUND' });
}
