// Accounts on a database server, for the tests of logins, grants and secrets.
import type { TestContext } from 'node:test';
import { createConnection } from 'mysql2/promise';
import type { Database } from './databases.js';

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
  /** Whether only logins over TLS are let in. */
  readonly requireTls?: boolean;
}

// From "localhost" too, or an anonymous account for it would be preferred where the server has one.
const HOSTS = ['%', 'localhost'];

let created = 0;

/** Removed after the test. */
export async function createAccount(t: TestContext, database: Database, options: AccountOptions): Promise<Account> {
  const { password, grants, requireTls = false } = options;
  const name = `session_cleanup_${process.pid}_${created++}`;
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
  const credentials = `${name}:${encodeURIComponent(password)}`;
  return { url: `mysql://${credentials}@${url.host}${url.pathname}`, name };
}
