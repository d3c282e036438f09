// Accounts on a database server, for the tests of logins, grants and secrets.
import type { TestContext } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import type { Database } from './databases.js';
import { connectionTo } from './postgres-servers.js';

export interface Account {
  /** For `--db-url`: the database as this account sees it. */
  readonly url: string;
  /** As the log may show it. */
  readonly name: string;
}

export interface AccountOptions {
  readonly password: string;
  /** What may be done to the table `sessions`, such as `SELECT`; `ALL` is on the whole database. */
  readonly grants: readonly ('SELECT' | 'DELETE' | 'ALL')[];
  /** Whether only logins over TLS are let in: of MySQL and MariaDB alone. */
  readonly requireTls?: boolean;
}

let created = 0;

/** Removed after the test. */
export async function createAccount(t: TestContext, database: Database, options: AccountOptions): Promise<Account> {
  const name = `session_cleanup_${process.pid}_${created++}`;
  if (database.engine === 'postgresql') await createOnPostgresql(t, database, name, options);
  else await createOnMysql(t, database, name, options);
  const url = new URL(database.url);
  return { url: `${url.protocol}//${name}:${encodeURIComponent(options.password)}@${url.host}${url.pathname}`, name };
}

// From "localhost" too, or an anonymous account for it would be preferred where the server has one.
const HOSTS = ['%', 'localhost'];

async function createOnMysql(
  t: TestContext,
  database: Database,
  name: string,
  { password, grants, requireTls = false }: AccountOptions,
): Promise<void> {
  const require = requireTls ? ' REQUIRE SSL' : '';
  for (const host of HOSTS) {
    await database.run(`CREATE USER ?@? IDENTIFIED BY ?${require}`, [name, host, password]);
    for (const grant of grants) {
      const on = grant === 'ALL' ? '*' : 'sessions';
      await database.run(`GRANT ${grant} ON ${on} TO ?@?`, [name, host]);
    }
  }
  const url = new URL(database.url);
  t.after(async () => {
    // A connection of its own: those of the database may be closed by now.
    const connection = await createConnection(`${url.protocol}//${url.username}:${url.password}@${url.host}`);
    for (const host of HOSTS) await connection.query('DROP USER ?@?', [name, host]);
    await connection.end();
  });
}

async function createOnPostgresql(
  t: TestContext,
  database: Database,
  name: string,
  { password, grants }: AccountOptions,
): Promise<void> {
  // A statement like this takes no parameters: dollars keep any other quote from ending it.
  await database.run(
    `DO $do$ BEGIN EXECUTE format('CREATE ROLE ${name} LOGIN PASSWORD %L', $pw$${password.replaceAll('?', '\\?')}$pw$); END $do$`,
  );
  for (const grant of grants) {
    const on = grant === 'ALL' ? 'ALL TABLES IN SCHEMA public' : 'sessions';
    await database.run(`GRANT ${grant} ON ${on} TO ${name}`);
  }
  t.after(async () => {
    // A connection of its own, to another database: this one, and with it all grants, may be gone by now.
    const server = new URL(database.url);
    server.pathname = '';
    const clients = [database.url, server.href].map((url) => new Client(connectionTo(url)));
    for (const client of clients) {
      const isOpen = await client.connect().then(
        () => true,
        () => false,
      );
      if (!isOpen) continue;
      if (client === clients[0]) await client.query(`DROP OWNED BY ${name}`);
      else await client.query(`DROP ROLE ${name}`);
      await client.end();
    }
  });
}

/** Whether the server may let an account in without its password. */
export async function trustsEverybody({ engine, query }: Database): Promise<boolean> {
  if (engine !== 'postgresql') return false;
  return (await query("SELECT 1 FROM pg_hba_file_rules WHERE auth_method = 'trust'")).length > 0;
}
