// better-auth with its own migration and its own sign-in. It has no clean-up of its own.
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { enginesOf, prove } from './support.js';

for (const engine of enginesOf('better-auth')) {
  test(`better-auth on ${engine.name}`, async () => {
    const database = await engine.create();
    const pools = {
      mysql: () => mysql.createPool({ ...database.options, timezone: 'Z' }),
      postgresql: () => new pg.Pool(database.options),
    };
    const pool = pools[database.family]?.();
    const cookies = new Map();
    try {
      const authFor = (seconds) =>
        betterAuth({
          database: pool ?? database.connection,
          secret: 'a-secret-that-is-only-good-for-a-test',
          baseURL: 'http://127.0.0.1',
          emailAndPassword: { enabled: true },
          session: { expiresIn: seconds },
          logger: { level: 'error' },
        });
      await (await getMigrations(authFor(3600).options)).runMigrations();
      const person = { email: 'somebody@example.com', password: 'correct horse battery' };
      const keep = async ({ headers, response }) => {
        cookies.set(response.token, headers.getSetCookie()[0].split(';')[0]);
        return response.token;
      };
      const signIn = async (seconds) =>
        keep(await authFor(seconds).api.signInEmail({ body: person, returnHeaders: true }));
      const first = await authFor(3600).api.signUpEmail({ body: { name: 'Somebody', ...person }, returnHeaders: true });
      const live = [await keep(first), await signIn(3600), await signIn(30 * 86_400)];
      const expired = [await signIn(1), await signIn(2)];
      // Over for longer, through the library's own way to change a session.
      const { internalAdapter } = await authFor(3600).$context;
      for (const hours of [1, 24 * 30]) {
        const token = await signIn(3600);
        await internalAdapter.updateSession(token, { expiresAt: new Date(Date.now() - hours * 3_600_000) });
        expired.push(token);
      }
      await sleep(3000);
      await prove('better-auth', database, {
        idColumn: 'token',
        live,
        expired,
        isFound: async (token) =>
          (await authFor(3600).api.getSession({ headers: new Headers({ cookie: cookies.get(token) }) })) !== null,
      });
    } finally {
      await pool?.end();
      await database.drop();
    }
  });
}
