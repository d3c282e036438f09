// The command on the table of a real application: express-session with connect-session-knex, over HTTP. The other
// stores are proved in test/stores.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { runCommand } from '../support/command.js';
import { type Database, engines } from '../support/databases.js';

type Request = IncomingMessage & {
  readonly sessionID: string;
  readonly session: { user?: string; readonly cookie: { maxAge: number | null } };
};
type CreateSession = (options: object) => (request: Request, response: ServerResponse, next: () => void) => void;
type Store = new (options: { knex: Knex; cleanupInterval: number }) => { readonly ready: Promise<void> };

// The library has no types of its own, and those of the store need them.
const require = createRequire(import.meta.url);
const createSession = require('express-session') as CreateSession;
const { ConnectSessionKnexStore } = require('connect-session-knex') as { ConnectSessionKnexStore: Store };

const HOUR = 3_600_000;

interface Visit {
  readonly id: string;
  readonly user: string | null;
  readonly cookie: string;
}

/** One request: without a cookie it logs in, for `maxAgeMs` or until the browser closes; with one it comes back. */
async function visit(server: Server, { cookie, maxAgeMs }: { cookie?: string; maxAgeMs?: number }): Promise<Visit> {
  const { port } = server.address() as AddressInfo;
  const headers = {
    connection: 'close',
    ...(cookie === undefined ? {} : { cookie }),
    ...(maxAgeMs === undefined ? {} : { 'x-max-age': String(maxAgeMs) }),
  };
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers });
  const seen = (await response.json()) as Omit<Visit, 'cookie'>;
  return { ...seen, cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
}

async function startApplication({ knex }: Database): Promise<Server> {
  // Without the store's own clean-up: that is what the command takes over.
  const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 });
  await store.ready;
  const middleware = createSession({ store, secret: 'secret', resave: false, saveUninitialized: false });
  const server = createServer((incoming, response) => {
    const request = incoming as Request;
    middleware(request, response, () => {
      const maxAge = request.headers['x-max-age'];
      if (request.headers.cookie === undefined) request.session.user = 'somebody';
      if (maxAge !== undefined) request.session.cookie.maxAge = Number(maxAge);
      response.end(JSON.stringify({ id: request.sessionID, user: request.session.user ?? null }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

for (const { name, create } of engines) {
  test(`on ${name}, whoever is logged in stays so, and whose session is over is gone`, async (t) => {
    const database = await create();
    t.after(() => database.drop());
    const server = await startApplication(database);
    t.after(() => server.close());
    const live = [
      await visit(server, {}),
      await visit(server, { maxAgeMs: HOUR }),
      await visit(server, { maxAgeMs: 24 * 30 * HOUR }),
    ];
    const expired = [
      await visit(server, { maxAgeMs: 1000 }),
      await visit(server, { maxAgeMs: -HOUR }),
      await visit(server, { maxAgeMs: -24 * 30 * HOUR }),
    ];
    const remaining = async () => (await database.query('SELECT sid FROM sessions')).map(({ sid }) => sid).sort();
    const ids = (visits: readonly Visit[]) => visits.map(({ id }) => id).sort();
    assert.deepEqual(await remaining(), ids([...live, ...expired]));
    await sleep(2500);

    const { status, line } = await runCommand(['run', '--db-url', database.url, '--store', 'connect-session-knex']);

    assert.equal(status, 0);
    assert.equal(line.deleted_count, expired.length);
    assert.deepEqual(await remaining(), ids(live));
    for (const { cookie } of live) assert.equal((await visit(server, { cookie })).user, 'somebody');
    for (const { cookie } of expired) assert.equal((await visit(server, { cookie })).user, null);
  });
}
