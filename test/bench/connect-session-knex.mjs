// One round of connect-session-knex's own clean-up on the database of the URL.
import { ConnectSessionKnexStore } from 'connect-session-knex';
import createKnex from 'knex';

const [, , url] = process.argv;
const knex = createKnex(
  url.startsWith('sqlite:')
    ? { client: 'sqlite3', useNullAsDefault: true, connection: { filename: url.slice('sqlite:'.length) } }
    : { client: url.startsWith('mysql') ? 'mysql2' : 'pg', connection: url },
);
const onDbCleanupError = (error) => {
  throw error;
};
const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0, createTable: false, onDbCleanupError });
await store.ready;
await store.dbCleanup();
await knex.destroy();
