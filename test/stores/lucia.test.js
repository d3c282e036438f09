// Lucia 3, whose MySQL adapter writes a DATETIME in the zone of its process: here one that is hours behind UTC.
process.env.TZ = 'America/New_York';

import { test } from 'node:test';
import { Mysql2Adapter } from '@lucia-auth/adapter-mysql';
import { NodePostgresAdapter } from '@lucia-auth/adapter-postgresql';
import { BetterSqlite3Adapter } from '@lucia-auth/adapter-sqlite';
import { Lucia, TimeSpan } from 'lucia';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { enginesOf, prove } from './support.js';

// As Lucia's documentation has them; it makes no tables itself.
const TABLES = {
  sqlite: `CREATE TABLE user (id TEXT NOT NULL PRIMARY KEY);
    CREATE TABLE session (id TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL, user_id TEXT NOT NULL,
      FOREIGN KEY (user_id) REFERENCES user(id))`,
  mysql: `CREATE TABLE user (id VARCHAR(255) PRIMARY KEY);
    CREATE TABLE user_session (id VARCHAR(255) PRIMARY KEY, expires_at DATETIME NOT NULL,
      user_id VARCHAR(255) NOT NULL REFERENCES user(id))`,
  postgresql: `CREATE TABLE auth_user (id TEXT PRIMARY KEY);
    CREATE TABLE user_session (id TEXT PRIMARY KEY, expires_at TIMESTAMPTZ NOT NULL,
      user_id TEXT NOT NULL REFERENCES auth_user(id))`,
};

async function open({ family, connection, options }) {
  if (family === 'sqlite') {
    return { adapter: new BetterSqlite3Adapter(connection, { user: 'user', session: 'session' }), close: () => {} };
  }
  if (family === 'postgresql') {
    const pool = new pg.Pool(options);
    const adapter = new NodePostgresAdapter(pool, { user: 'auth_user', session: 'user_session' });
    return { adapter, close: () => pool.end() };
  }
  const pool = mysql.createPool(options);
  return { adapter: new Mysql2Adapter(pool, { user: 'user', session: 'user_session' }), close: () => pool.end() };
}

for (const engine of enginesOf('lucia')) {
  test(`lucia on ${engine.name}`, async () => {
    const database = await engine.create();
    const { adapter, close } = await open(database);
    try {
      const users = database.family === 'postgresql' ? 'auth_user' : 'user';
      await database.run(`${TABLES[database.family]}; INSERT INTO ${users} (id) VALUES ('somebody')`);
      const create = async (hours) => {
        const lucia = new Lucia(adapter, { sessionExpiresIn: new TimeSpan(hours, 'h') });
        return (await lucia.createSession('somebody', {})).id;
      };
      const live = [await create(1), await create(24 * 30)];
      const expired = [await create(-0.001), await create(-1), await create(-24 * 30)];
      const lucia = new Lucia(adapter);
      await prove('lucia', database, {
        idColumn: 'id',
        live,
        expired,
        flags: database.family === 'mysql' ? ['--time-zone', 'America/New_York'] : [],
        isFound: async (id) => (await lucia.validateSession(id)).session !== null,
        async cleanCopy(copy) {
          const own = await open(copy);
          await new Lucia(own.adapter).deleteExpiredSessions();
          await own.close();
        },
      });
    } finally {
      await close();
      await database.drop();
    }
  });
}
