// One process of an application: requests at a fixed rate, whatever they take. Half of them touch live sessions (reads,
// renewals, logins, logouts), the other half expired ones (returning cookies, logins that remove the user's old sessions).
import knexModule from 'knex';
import { type Layout, sqlTime } from './arena.js';

export interface Traffic {
  readonly url: string;
  readonly layout: Layout;
  /** Keys of sessions. */
  readonly live: readonly string[];
  readonly expired: readonly string[];
  readonly perSecond: number;
}

export interface Sample {
  readonly touched: 'live' | 'expired';
  /** By `Date.now()`. */
  readonly dueAt: number;
  /** From then to the answer. */
  readonly ms: number;
  readonly failed: boolean;
}

/** How many old sessions of one's own a login removes. */
const OLD_SESSIONS = 5;

process.once('message', async ({ url, layout, live, expired, perSecond }: Traffic) => {
  const knex = knexModule.default(
    url.startsWith('sqlite:')
      ? { client: 'sqlite3', useNullAsDefault: true, connection: { filename: url.slice(7) }, pool: { min: 1, max: 1 } }
      : { client: url.startsWith('mysql') ? 'mysql2' : 'pg', connection: url, pool: { min: 10, max: 10 } },
  );
  if (url.startsWith('sqlite:')) {
    // As applications set it: wait for the lock, and sync a WAL at checkpoints only.
    await knex.raw('PRAGMA busy_timeout = 60000');
    await knex.raw('PRAGMA synchronous = NORMAL');
  }
  const { table, key, payload, expiry } = layout;
  const inTwoWeeks = () => sqlTime(new Date(Date.now() + 1_209_600_000));
  const oneOf = (keys: readonly string[]) => keys[Math.floor(Math.random() * keys.length)];
  const loggedIn: string[] = [];
  let logins = 0;
  const session = () => {
    const sid = `${process.pid}-${logins++}`;
    loggedIn.push(sid);
    return { [key]: sid, [payload]: '{"cookie":{},"user":42}', [expiry]: inTwoWeeks() };
  };
  const requests = {
    async live() {
      const dice = Math.random();
      if (dice < 0.6) await knex(table).where(key, oneOf(live)).first();
      else if (dice < 0.85) await knex(table).where(key, oneOf(live)).update(expiry, inTwoWeeks());
      else if (loggedIn.length <= 20) await knex(table).insert(session());
      else await knex(table).where(key, loggedIn.shift()).delete();
    },
    async expired() {
      if (Math.random() < 0.5) {
        const sid = oneOf(expired);
        if (await knex(table).where(key, sid).first()) await knex(table).where(key, sid).delete();
        return;
      }
      const old = Array.from({ length: OLD_SESSIONS }, () => oneOf(expired) ?? '');
      await knex.transaction(async (login) => {
        await login(table).whereIn(key, old).delete();
        await login(table).insert(session());
      });
    },
  } as const;

  const samples: Sample[] = [];
  const pending = new Set<Promise<unknown>>();
  const intervalMs = 1_000 / perSecond;
  let due = Date.now() + intervalMs;
  let next: Sample['touched'] = 'live';
  const ticker = setInterval(() => {
    // All that have become due, so that the rate holds although timers are coarse.
    for (; due <= Date.now(); due += intervalMs) {
      const dueAt = due;
      const touched = next;
      next = touched === 'live' ? 'expired' : 'live';
      const note = (failed: boolean) => void samples.push({ touched, dueAt, ms: Date.now() - dueAt, failed });
      const done: Promise<unknown> = requests[touched]()
        .then(
          () => note(false),
          () => note(true),
        )
        .then(() => pending.delete(done));
      pending.add(done);
    }
  }, 2);
  process.once('message', async () => {
    clearInterval(ticker);
    await Promise.all(pending);
    await knex.destroy();
    process.send?.(samples, () => process.disconnect());
  });
});
