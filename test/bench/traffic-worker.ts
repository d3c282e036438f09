// One process of an application: reads, renewals, logins and logouts at a fixed rate, whatever they take.
import knexModule from 'knex';
import { type Layout, sessionId } from './arena.js';

export interface Traffic {
  readonly url: string;
  readonly layout: Layout;
  /** Sessions of these rows are live. */
  readonly rows: readonly [from: number, to: number];
  readonly perSecond: number;
}

/** When an operation was due, by `Date.now()`, and how many milliseconds later it was done. */
export type Sample = readonly [dueAt: number, ms: number];

process.once('message', async ({ url, layout, rows, perSecond }: Traffic) => {
  const knex = knexModule.default(
    url.startsWith('sqlite:')
      ? { client: 'sqlite3', useNullAsDefault: true, connection: { filename: url.slice(7) }, pool: { min: 1, max: 1 } }
      : { client: 'mysql2', connection: url, pool: { min: 10, max: 10 } },
  );
  if (url.startsWith('sqlite:')) {
    // As applications set it: wait for the lock, and sync a WAL at checkpoints only.
    await knex.raw('PRAGMA busy_timeout = 60000');
    await knex.raw('PRAGMA synchronous = NORMAL');
  }
  const { table, key, payload, expiry } = layout;
  const sessions = () => knex(table);
  const inTwoWeeks = () => new Date(Date.now() + 1_209_600_000).toISOString().slice(0, 19).replace('T', ' ');
  const someone = () => sessionId(rows[0] + Math.floor(Math.random() * (rows[1] - rows[0])));
  const loggedIn: string[] = [];
  let logins = 0;
  const login = async (): Promise<void> => {
    const sid = `${process.pid}-${logins++}`;
    await sessions().insert({ [key]: sid, [payload]: '{"cookie":{},"user":42}', [expiry]: inTwoWeeks() });
    loggedIn.push(sid);
  };
  const operate = async (): Promise<unknown> => {
    const dice = Math.random();
    if (dice < 0.6) return sessions().where(key, someone()).first();
    if (dice < 0.85) return sessions().where(key, someone()).update(expiry, inTwoWeeks());
    const gone = loggedIn.length > 20 ? loggedIn.shift() : undefined;
    return gone === undefined ? login() : sessions().where(key, gone).delete();
  };

  const samples: Sample[] = [];
  const pending = new Set<Promise<unknown>>();
  const intervalMs = 1_000 / perSecond;
  let due = Date.now() + intervalMs;
  const ticker = setInterval(() => {
    // All that have become due, so that the rate holds although timers are coarse.
    for (; due <= Date.now(); due += intervalMs) {
      const dueAt = due;
      const done = operate().then(() => {
        samples.push([dueAt, Date.now() - dueAt]);
        pending.delete(done);
      });
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
