// Every store of express-session that a preset is for: its own table, its own sessions, through express-session itself.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import createBetterSqlite3Store from 'better-sqlite3-session-store';
import createPgStore from 'connect-pg-simple';
import { ConnectSessionKnexStore } from 'connect-session-knex';
import createSequelizeStore from 'connect-session-sequelize';
import createSqlite3Store from 'connect-sqlite3';
import { TypeormStore } from 'connect-typeorm';
import createMysqlStore from 'express-mysql-session';
import session from 'express-session';
import knexModule from 'knex';
import pg from 'pg';
import { Sequelize } from 'sequelize';
import { DataSource, EntitySchema } from 'typeorm';
import { openApplication, proveWithExpress } from './express.js';
import { cleanUp, enginesOf, POSTGRESQL_ZONE } from './support.js';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

const STORES = {
  'express-mysql-session': {
    idColumn: 'session_id',
    async open({ options }) {
      const MysqlStore = createMysqlStore(session);
      const store = new MysqlStore({ ...options, clearExpired: false });
      await store.onReady();
      return { store, clean: () => store.clearExpiredSessions(), close: () => store.close() };
    },
  },
  'connect-session-knex': {
    idColumn: 'sid',
    async open({ family, path, options }) {
      const knex = knexModule(
        family === 'sqlite'
          ? { client: 'sqlite3', connection: { filename: path }, useNullAsDefault: true }
          : { client: family === 'mysql' ? 'mysql2' : 'pg', connection: options },
      );
      const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 });
      await store.ready;
      return { store, clean: () => store.dbCleanup(), close: () => knex.destroy() };
    },
  },
  'connect-sqlite3': {
    idColumn: 'sid',
    async open({ path }) {
      const store = new (createSqlite3Store(session))({ dir: '/', db: path });
      // Its own clean-up is what it does when it is opened.
      await once(store.client, 'connect');
      await new Promise((resolve) => store.db.wait(resolve));
      return { store, clean: async () => {}, close: () => new Promise((resolve) => store.db.close(resolve)) };
    },
  },
  'better-sqlite3-session-store': {
    idColumn: 'sid',
    async open({ connection }) {
      class Store extends createBetterSqlite3Store(session) {
        // Its timer would keep the process alive, and the option that should turn it off does not.
        startInterval() {}
      }
      const store = new Store({ client: connection });
      return { store, clean: async () => store.clearExpiredSessions(), close: async () => {} };
    },
  },
  'connect-pg-simple': {
    idColumn: 'sid',
    flags: ['--time-zone', POSTGRESQL_ZONE],
    async open({ options }) {
      const pool = new pg.Pool(options);
      const store = new (createPgStore(session))({ pool, createTableIfMissing: true, pruneSessionInterval: false });
      const clean = () =>
        new Promise((resolve, reject) => store.pruneSessions((error) => (error ? reject(error) : resolve())));
      return { store, clean, close: () => pool.end() };
    },
  },
  'connect-session-sequelize': {
    idColumn: 'sid',
    async open({ family, path, options }) {
      const sequelize =
        family === 'sqlite'
          ? new Sequelize({ dialect: 'sqlite', storage: path, logging: false })
          : new Sequelize(options.database, options.user, options.password, {
              ...{
                dialect: family === 'mysql' ? 'mysql' : 'postgres',
                host: options.host,
                port: options.port,
                logging: false,
              },
            });
      const store = new (createSequelizeStore(session.Store))({ db: sequelize, checkExpirationInterval: 0 });
      await store.sync();
      return { store, clean: () => store.clearExpiredSessions(), close: () => sequelize.close() };
    },
  },
  'connect-typeorm': {
    idColumn: 'id',
    async open({ family, path, options }) {
      const entity = new EntitySchema({
        name: 'Session',
        columns: {
          expiredAt: { type: 'bigint' },
          id: { type: 'varchar', length: 255, primary: true },
          json: { type: 'text', default: family === 'sqlite' ? '' : undefined },
          destroyedAt: { type: family === 'postgresql' ? 'timestamp' : 'datetime', deleteDate: true, nullable: true },
        },
        indices: [{ columns: ['expiredAt'] }],
      });
      const source = new DataSource({
        ...(family === 'sqlite'
          ? { type: 'better-sqlite3', database: path }
          : { type: family === 'mysql' ? 'mysql' : 'postgres', ...options, username: options.user }),
        entities: [entity],
        synchronize: true,
      });
      await source.initialize();
      const store = new TypeormStore({ cleanupLimit: 100, limitSubquery: false });
      store.connect(source.getRepository(entity));
      // It cleans up only when it saves a session.
      const clean = async () => {
        await new Promise((resolve) => store.set('new', { cookie: { maxAge: HOUR } }, resolve));
        await source.getRepository(entity).delete({ id: 'new' });
      };
      const prepare = () => {
        store.cleanupLimit = 0;
      };
      return { store, clean, prepare, close: () => source.destroy() };
    },
  },
};

describe('what express-session kept in it', { concurrency: 4 }, () => {
  for (const [name, parts] of Object.entries(STORES)) {
    for (const engine of enginesOf(name))
      test(`${name} on ${engine.name}`, () => proveWithExpress(name, engine, parts));
  }
});

describe('a session renewed by a visit is kept', { concurrency: 3 }, () => {
  for (const engine of enginesOf('connect-session-knex')) {
    test(`connect-session-knex on ${engine.name}`, async () => {
      const database = await engine.create();
      const { store, close } = await STORES['connect-session-knex'].open(database);
      const application = await openApplication(store);
      try {
        const visitor = await application.logIn(5 * SECOND);
        await store.touch(visitor.id, { cookie: { expires: new Date(Date.now() + HOUR) } });
        await sleep(6 * SECOND);
        assert.equal((await cleanUp('connect-session-knex', database)).deleted_count, 0);
        assert.equal(await application.comeBack(visitor), 'somebody');
      } finally {
        await application.close();
        await close();
        await database.drop();
      }
    });
  }
});
