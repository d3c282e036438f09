// How a driver reaches a server: its name is looked up where a resolver that does not answer can be left behind, and
// every further connection goes to the address that the first one had.
import { execFile } from 'node:child_process';
import { lookup } from 'node:dns';
import { isIP, type LookupFunction, Socket } from 'node:net';
import { domainToASCII } from 'node:url';

/** Makes sockets that the driver connects. `stop` ends a look-up. */
export type Dial = () => Socket;

export function createDial(stop: AbortSignal): Dial {
  let address: string | undefined;
  return () => {
    const socket = new Socket();
    const connect = socket.connect.bind(socket);
    socket.once('connect', () => {
      address ??= socket.remoteAddress;
    });
    return Object.assign(socket, {
      connect: (port: number, host: string) => connect({ port, host: address ?? host, lookup: lookUp(stop) }),
    });
  };
}

/** getaddrinfo runs in a thread that process.exit waits for, a minute long; `getent` asks it in a process of its own. */
function lookUp(stop: AbortSignal): LookupFunction {
  return (host, options, done) => {
    if (host === 'localhost') return lookup(host, options, done);
    const name = domainToASCII(host);
    // It would be read as an option, and is no name of a host.
    if (name === '' || name.startsWith('-')) return done(notFound(host), '');
    execFile('getent', ['ahosts', name], { signal: stop }, (error, stdout) => {
      // Not every system has it.
      if (error?.code === 'ENOENT') return lookup(host, options, done);
      const found = new Set(stdout.split('\n').map((line) => line.split(' ', 1)[0] ?? ''));
      const addresses = [...found].filter(isIP).map((address) => ({ address, family: isIP(address) }));
      const [first] = addresses;
      if (first === undefined) return done(notFound(host), '');
      return options.all ? done(null, addresses) : done(null, first.address, first.family);
    });
  };
}

function notFound(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`the host name ${host} cannot be resolved`), { code: 'ENOTFOUND' });
}
