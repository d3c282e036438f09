// A TCP proxy in front of a database server: freezes or cuts the network at a chosen moment.
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

export type Moment = 'before' | 'after' | 'answered';

/** A RegExp, or anything else that is asked about everything that clients send. */
export interface Pattern {
  test(sent: string): boolean;
}

/** What a client sends last, after the COMMIT was confirmed: of MySQL, of PostgreSQL. */
export const QUIT: Pattern = { test: (sent) => sent === '\x01\0\0\0\x01' || sent === 'X\0\0\0\x04' };

/** A DELETE of a run, and nothing that only asks about one. */
export const DELETING = /correlation_id=(?!.*EXPLAIN).*\bDELETE\b(?!')/is;

/** The COMMIT of a run. At the end of a packet: elsewhere it is the isolation level. */
export const COMMITTING = /COMMIT\0?$/;

/** Matches one of what matches the pattern alone: the first is 1. */
export function occurrence(at: number, pattern: RegExp): Pattern {
  let matched = 0;
  return { test: (sent) => pattern.test(sent) && ++matched === at };
}

interface Trap {
  readonly pattern: Pattern;
  readonly moment: Moment;
  act(): void;
}

export interface ServerProxy {
  /** The server's URL by way of the proxy. */
  readonly url: string;
  /** Nothing passes any more, in either direction, on any connection; every socket stays open. */
  freeze(): void;
  /** Passes on what has been held back, and goes on. */
  thaw(): void;
  /** Closes every connection, on both sides. */
  cut(): void;
  /**
   * Calls `act` once, when a client sends something that matches: before it is passed on, just after, or when the
   * answer is there and not passed on. Resolves when it has been called.
   */
  when(pattern: Pattern, moment: Moment, act: () => void): Promise<void>;
  /** From now on the server gets `by` where a client sends `text`, which is as long: a function that it does not have. */
  replace(text: string, by: string): void;
  /** Once a client sends something that matches, the server's answer to it is replaced by a packet with these bytes. */
  forge(pattern: Pattern, payload: Buffer): void;
  /** From now on, who connects comes to another server. */
  route(serverUrl: string): void;
  /** How many of the server's packets match so far. */
  countAnswers(pattern: RegExp): number;
  close(): Promise<void>;
}

/** Listens on a port of its own; `serverUrl` is a URL as for `--db-url`, over TCP. */
export async function startProxy(serverUrl: string): Promise<ServerProxy> {
  let target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let frozen = false;
  let held: (() => void)[] = [];
  let replaced = { text: '', by: '' };
  const answers: string[] = [];
  let armed: Trap | undefined;
  let forged: { readonly pattern: Pattern; readonly payload: Buffer } | undefined;

  const pass = (forward: () => void): void => {
    if (frozen) held.push(forward);
    else forward();
  };
  const keep = (socket: Socket, peer: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      pass(() => peer.destroy());
    });
    socket.on('end', () => pass(() => peer.end()));
  };
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = createConnection({ host: target.hostname, port: Number(target.port || 3306), allowHalfOpen: true });
    keep(client, server);
    keep(server, client);
    let onAnswer: (() => void) | undefined;
    let payload: Buffer | undefined;
    client.on('data', (sent) => {
      const { text, by } = replaced;
      const data = text === '' ? sent : Buffer.from(sent.toString('latin1').replaceAll(text, by), 'latin1');
      const trap = armed?.pattern.test(data.toString('latin1')) ? armed : undefined;
      if (trap !== undefined) armed = undefined;
      payload = forged?.pattern.test(data.toString('latin1')) ? forged.payload : undefined;
      if (trap?.moment === 'before') trap.act();
      if (trap?.moment === 'answered') onAnswer = trap.act;
      pass(() => {
        server.write(data, () => {
          if (trap?.moment === 'after') trap.act();
        });
      });
    });
    server.on('data', (answer) => {
      const data = payload === undefined ? answer : packet(payload, answer);
      payload = undefined;
      answers.push(data.toString('latin1'));
      onAnswer?.();
      onAnswer = undefined;
      pass(() => client.write(data));
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);

  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      frozen = false;
      const waiting = held;
      held = [];
      for (const forward of waiting) forward();
    },
    cut,
    when: (pattern, moment, act) =>
      new Promise((resolve) => {
        armed = {
          pattern,
          moment,
          act: () => {
            act();
            resolve();
          },
        };
      }),
    replace: (text, by) => {
      replaced = { text, by };
    },
    route: (other) => {
      target = new URL(other);
    },
    forge: (pattern, payload) => {
      forged = { pattern, payload };
    },
    countAnswers: (pattern) => answers.filter((answer) => pattern.test(answer)).length,
    async close() {
      cut();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** In the place of another packet: with its number. */
function packet(payload: Buffer, { 3: number = 0 }: Buffer): Buffer {
  const header = Buffer.alloc(4, number);
  header.writeUIntLE(payload.length, 0, 3);
  return Buffer.concat([header, payload]);
}
