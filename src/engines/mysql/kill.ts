// How the statement in hand is ended over a second connection. That may have come to another server, where the same
// number is somebody else's: so the first one holds a token, which only its own server knows.
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { correlationComment } from '../../correlation.js';
import type { Query } from '../sql.js';
import { ignoreAnswered } from './faults.js';

/** The name of an advisory lock that nobody else takes. */
export function createToken(): string {
  return `session_cleanup_connection:${randomUUID()}`;
}

/** Some clusters and proxies refuse GET_LOCK. */
export async function holdToken(query: Query, token: string): Promise<void> {
  await query('SELECT GET_LOCK(?, 0) AS token', [token]).catch(ignoreAnswered);
}

/** @param threadId of the connection, as the driver was told: behind a proxy, it may be the proxy's */
export async function killStatement(side: Knex, token: string, threadId: number): Promise<void> {
  const id = (await holderOf(side, token)) ?? (await ownThread(side, threadId));
  if (id === undefined) throw new Error('the second connection came to another server, or the statement has ended');
  await side.raw(`KILL QUERY ${id}`);
}

async function holderOf(side: Knex, token: string): Promise<number | undefined> {
  const [[row]] = await side.raw('SELECT IS_USED_LOCK(?) AS id', [token]).catch(() => [[]]);
  return row?.id == null ? undefined : Number(row.id);
}

/** Where no token is held: the connection of this number, if the statement in its hand is this run's. */
async function ownThread(side: Knex, threadId: number): Promise<number | undefined> {
  const [rows] = await side.raw('SHOW FULL PROCESSLIST');
  const comment = correlationComment();
  const own = (rows as readonly { Id: unknown; Info: unknown }[]).find(
    ({ Id, Info }) => Number(Id) === threadId && String(Info).startsWith(comment),
  );
  return own && threadId;
}
