// An application with express-session, and the proof that its sessions survive the command, or do not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import session from 'express-session';
import { prove } from './support.js';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/**
 * An HTTP server with express-session in front, as an application has it. `visit` is one request: with no cookie it
 * logs in, for `maxAgeMs` (less than 0: over already; undefined: until the browser closes), with one it comes back.
 */
export async function openApplication(store) {
  const middleware = session({ store, secret: 'secret', resave: false, saveUninitialized: false });
  const server = createServer((request, response) => {
    middleware(request, response, (error) => {
      if (error) {
        response.writeHead(500).end(String(error));
        return;
      }
      const maxAgeMs = request.headers['x-max-age'];
      if (request.headers.cookie === undefined) {
        request.session.user = 'somebody';
        if (maxAgeMs !== undefined) request.session.cookie.expires = new Date(Date.now() + Number(maxAgeMs));
      }
      response.end(JSON.stringify({ id: request.sessionID, user: request.session.user ?? null }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}/`;
  const visit = async (headers) => {
    const response = await fetch(url, { headers: { ...headers, connection: 'close' } });
    const body = await response.text();
    assert.equal(response.status, 200, body);
    return { ...JSON.parse(body), cookie: response.headers.getSetCookie()[0]?.split(';')[0] };
  };
  return {
    async logIn(maxAgeMs) {
      return visit(maxAgeMs === undefined ? {} : { 'x-max-age': String(maxAgeMs) });
    },
    /** The user of the session that the cookie names; null where the store does not find it. */
    async comeBack({ cookie }) {
      return (await visit({ cookie })).user;
    },
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * `open` makes the store with a client and a table of its own on the database: `{ store, clean, close }`, where `clean`
 * is the store's own clean-up, and `prepare` what has to be done for it not to clean up while the sessions are made.
 */
export async function proveWithExpress(name, engine, { idColumn, open, flags }) {
  const database = await engine.create();
  const { store, close, prepare } = await open(database);
  prepare?.();
  const application = await openApplication(store);
  const visitors = new Map();
  const logIn = async (maxAgeMs) => {
    const visitor = await application.logIn(maxAgeMs);
    visitors.set(visitor.id, visitor);
    return visitor.id;
  };
  try {
    const live = [];
    const expired = [];
    // Until the browser closes, an hour, a month; over since a moment, an hour, a month; and one that runs out meanwhile.
    for (const maxAgeMs of [undefined, HOUR, 30 * DAY]) live.push(await logIn(maxAgeMs));
    for (const maxAgeMs of [-2 * SECOND, -HOUR, -30 * DAY, 1.5 * SECOND]) expired.push(await logIn(maxAgeMs));
    await sleep(3 * SECOND);
    await prove(name, database, {
      idColumn,
      flags,
      live,
      expired,
      isFound: async (id) => (await application.comeBack(visitors.get(id))) === 'somebody',
      async cleanCopy(copy) {
        const own = await open(copy);
        await own.clean();
        await own.close();
      },
    });
  } finally {
    await application.close();
    await close();
    await database.drop();
  }
}
