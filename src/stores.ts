// The presets: where each known session store keeps its expiry, and as what. Facts about the stores, one line each;
// what is made of them is config's.
import type { ExpiresFormat } from './expiry/format.js';

export type StoreEngine = 'mysql' | 'sqlite';

export interface Store {
  /** As the store spells it; `schema.table` where it makes a schema of its own. */
  readonly table: string | Readonly<Record<StoreEngine, string>>;
  readonly column: string;
  /** Undefined where the store does not run on the engine; `auto` where it keeps more than one form. */
  readonly mysql?: ExpiresFormat | 'auto';
  readonly sqlite?: ExpiresFormat | 'auto';
  /**
   * The column holds the last activity, and a session lives this much longer, in milliseconds: the store's own default,
   * which the application may have changed. `required`: the store has no default, and without one every session is past.
   */
  readonly lifetimeMs?: number | 'required';
  /**
   * In what the values on MySQL are written, where that is not UTC or an instant. `local`: a DATETIME in the zone of the
   * writing process, so `--time-zone` has to name it. `literal`: a TIMESTAMP from a text without a zone, right only
   * where the connection's time zone is the one the text was written in. Most of them write UTC.
   */
  readonly writes?: 'local' | 'literal';
}

/** What a preset says for one engine. */
export interface Preset extends Pick<Store, 'lifetimeMs' | 'writes'> {
  readonly table: string;
  readonly expiresColumn: string;
  readonly expiresFormat: ExpiresFormat | 'auto';
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

// biome-ignore format: one store, one line
export const STORES = Object.freeze({
  'express-mysql-session': { table: 'sessions', column: 'expires', mysql: 'unix' },
  'connect-session-knex': { table: 'sessions', column: 'expired', mysql: 'datetime', sqlite: 'datetime' },
  'connect-sqlite3': { table: 'sessions', column: 'expired', sqlite: 'unix-ms' },
  'better-sqlite3-session-store': { table: 'sessions', column: 'expire', sqlite: 'datetime' },
  'connect-session-sequelize': { table: 'Sessions', column: 'expires', mysql: 'datetime', sqlite: 'datetime' },
  'connect-typeorm': { table: 'session', column: 'expiredAt', mysql: 'unix-ms', sqlite: 'unix-ms' },
  // Prisma 7 writes ISO 8601 on SQLite, Prisma 6 and before milliseconds; so does 7 where it is told to.
  'prisma-session-store': { table: 'Session', column: 'expiresAt', mysql: 'datetime', sqlite: 'auto' },
  'better-auth': { table: 'session', column: 'expiresAt', mysql: 'datetime', sqlite: 'datetime', writes: 'literal' },
  'authjs-drizzle': { table: 'session', column: 'expires', mysql: 'datetime', sqlite: 'unix-ms', writes: 'literal' },
  'authjs-prisma': { table: 'Session', column: 'expires', mysql: 'datetime', sqlite: 'auto' },
  'authjs-typeorm': { table: 'sessions', column: 'expires', mysql: 'unix-ms', sqlite: 'unix-ms' },
  lucia: { table: { mysql: 'user_session', sqlite: 'session' }, column: 'expires_at', mysql: 'datetime', sqlite: 'unix', writes: 'local' },
  adonisjs: { table: 'sessions', column: 'expires_at', mysql: 'datetime', sqlite: 'unix-ms', writes: 'literal' },
  // UTC as long as USE_TZ is on, which it is unless a project from before Django 5 left it off.
  django: { table: 'django_session', column: 'expire_date', mysql: 'datetime', sqlite: 'datetime' },
  'flask-session': { table: 'sessions', column: 'expiry', mysql: 'datetime', sqlite: 'datetime' },
  rails: { table: 'sessions', column: 'updated_at', mysql: 'datetime', sqlite: 'datetime', lifetimeMs: 30 * DAY_MS },
  laravel: { table: 'sessions', column: 'last_activity', mysql: 'unix', sqlite: 'unix', lifetimeMs: 120 * MINUTE_MS },
  // The end of the session since Symfony 4.4; before that its length, which is no time at all.
  symfony: { table: 'sessions', column: 'sess_lifetime', mysql: 'unix', sqlite: 'unix' },
  codeigniter: { table: 'ci_sessions', column: 'timestamp', mysql: 'datetime', lifetimeMs: 120 * MINUTE_MS },
  'spring-session': { table: 'SPRING_SESSION', column: 'EXPIRY_TIME', mysql: 'unix-ms', sqlite: 'unix-ms' },
  'tower-sessions': { table: { mysql: 'tower_sessions.session', sqlite: 'tower_sessions' }, column: 'expiry_date', mysql: 'datetime', sqlite: 'datetime' },
  scs: { table: 'sessions', column: 'expiry', mysql: 'datetime', sqlite: 'julian', writes: 'literal' },
  gormstore: { table: 'sessions', column: 'expires_at', mysql: 'datetime', sqlite: 'datetime', writes: 'local' },
  woocommerce: { table: 'wp_woocommerce_sessions', column: 'session_expiry', mysql: 'unix' },
  yii: { table: 'session', column: 'expire', mysql: 'unix', sqlite: 'unix' },
  drupal: { table: 'sessions', column: 'timestamp', mysql: 'unix', sqlite: 'unix', lifetimeMs: 200_000_000 },
  phpauth: { table: 'phpauth_sessions', column: 'expiredate', mysql: 'datetime', writes: 'local' },
  'request-tracker': { table: 'sessions', column: 'LastUpdated', mysql: 'datetime', lifetimeMs: 'required' },
} as const satisfies Readonly<Record<string, Store>>);

export type StoreName = keyof typeof STORES;

export const storeNames = Object.freeze(Object.keys(STORES) as StoreName[]);

/** Undefined where the store does not run on the engine. */
export function presetOf(name: StoreName, engine: StoreEngine): Preset | undefined {
  const { table, column, lifetimeMs, ...rest }: Store = STORES[name];
  const expiresFormat = rest[engine];
  if (expiresFormat === undefined) return undefined;
  return {
    table: typeof table === 'string' ? table : table[engine],
    expiresColumn: column,
    expiresFormat,
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    // SQLite has no types with a zone of their own: what is written there says its zone, or is UTC.
    ...(rest.writes === undefined || engine === 'sqlite' ? {} : { writes: rest.writes }),
  };
}

/** For a table that is missing: which presets fit the tables that are there, such as "Found django_session: try --store django." */
export function storeHint(tables: readonly string[], engine: StoreEngine): string {
  const found = storeNames.flatMap((name) => {
    const table = presetOf(name, engine)?.table;
    return table !== undefined && tables.includes(table) ? [{ name, table }] : [];
  });
  if (found.length === 0) return '';
  const names = [...new Set(found.map(({ table }) => table))].join(', ');
  return `Found ${names}: try --store ${found.map(({ name }) => name).join(' or ')}. `;
}
