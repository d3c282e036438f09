// The presets: where each known program keeps the expiry of its sessions, and as what. Facts about the programs, one line
// each; what is made of them is config's.
import type { EngineName } from './engines/engine.js';
import type { WantedFormat } from './expiry/format.js';

/** The same on every engine, or one for each. */
type PerEngine<T> = T | { readonly [engine in EngineName]?: T };

/**
 * In what the values are written, where that is not UTC or an instant. `local`: a time without a zone, of the clock of
 * the application or of the server, so `--time-zone` has to name it. `literal`: a TIMESTAMP of MySQL from a text without
 * a zone, right only where the connection's time zone is the one the text was written in. Most stores write UTC.
 */
type Writes = 'local' | 'literal';

export interface Store {
  /** As the store spells it; `schema.table` where it makes a schema of its own. */
  readonly table: PerEngine<string>;
  readonly column: PerEngine<string>;
  /** The format on each engine that the store runs on; in a list, those that the versions of a program make. */
  readonly mysql?: WantedFormat;
  readonly sqlite?: WantedFormat;
  readonly postgresql?: WantedFormat;
  /**
   * The column holds the last activity, and a session lives this much longer, in milliseconds: the store's own default,
   * which the application may have changed. `required`: the store has no default, and without one every session is past.
   */
  readonly lifetimeMs?: number | 'required';
  /** A second column of the table: how many seconds a session lives after what `column` holds. */
  readonly lifetimeColumn?: string;
  /** SQL that every engine understands, for a table that holds more than sessions that end so: only these rows go. */
  readonly where?: string;
  /** SQLite has no types with a zone of their own: what is written there says its zone, or is UTC. */
  readonly writes?: PerEngine<Writes>;
}

/** What a preset says for one engine. */
export interface Preset extends Pick<Store, 'lifetimeMs' | 'lifetimeColumn' | 'where'> {
  readonly table: string;
  readonly expiresColumn: string;
  readonly expiresFormat: WantedFormat;
  readonly writes?: Writes;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

// biome-ignore format: one store, one line
export const STORES = Object.freeze({
  'express-mysql-session': { table: 'sessions', column: 'expires', mysql: 'unix' },
  'connect-session-knex': { table: 'sessions', column: 'expired', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime' },
  'connect-sqlite3': { table: 'sessions', column: 'expired', sqlite: 'unix-ms' },
  'better-sqlite3-session-store': { table: 'sessions', column: 'expire', sqlite: 'datetime' },
  'connect-pg-simple': { table: 'session', column: 'expire', postgresql: 'datetime', writes: 'local' },
  'connect-session-sequelize': { table: 'Sessions', column: 'expires', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime' },
  'connect-typeorm': { table: 'session', column: 'expiredAt', mysql: 'unix-ms', sqlite: 'unix-ms', postgresql: 'unix-ms' },
  // Prisma 7 writes ISO 8601 on SQLite, Prisma 6 and before milliseconds; so does 7 where it is told to.
  'prisma-session-store': { table: 'Session', column: 'expiresAt', mysql: 'datetime', sqlite: ['datetime', 'unix-ms'], postgresql: 'datetime' },
  'better-auth': { table: 'session', column: 'expiresAt', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime', writes: { mysql: 'literal' } },
  'authjs-drizzle': { table: 'session', column: 'expires', mysql: 'datetime', sqlite: 'unix-ms', postgresql: 'datetime', writes: { mysql: 'literal' } },
  'authjs-pg': { table: 'sessions', column: 'expires', postgresql: 'datetime' },
  'authjs-prisma': { table: 'Session', column: 'expires', mysql: 'datetime', sqlite: ['datetime', 'unix-ms'], postgresql: 'datetime' },
  'authjs-typeorm': { table: 'sessions', column: 'expires', mysql: 'unix-ms', sqlite: 'unix-ms', postgresql: 'unix-ms' },
  // On PostgreSQL a timestamptz, by Lucia's documentation.
  lucia: { table: { mysql: 'user_session', sqlite: 'session', postgresql: 'user_session' }, column: 'expires_at', mysql: 'datetime', sqlite: 'unix', postgresql: 'datetime', writes: { mysql: 'local' } },
  adonisjs: { table: 'sessions', column: 'expires_at', mysql: 'datetime', sqlite: 'unix-ms', postgresql: 'datetime', writes: { mysql: 'literal' } },
  directus: { table: 'directus_sessions', column: 'expires', mysql: 'datetime', sqlite: 'unix-ms', postgresql: 'datetime', writes: { mysql: 'literal' } },
  // UTC as long as USE_TZ is on, which it is unless a project from before Django 5 left it off.
  django: { table: 'django_session', column: 'expire_date', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime' },
  'flask-session': { table: 'sessions', column: 'expiry', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime', writes: { postgresql: 'local' } },
  'flask-session-postgresql': { table: 'flask_sessions', column: 'expiry', postgresql: 'datetime', writes: 'local' },
  rails: { table: 'sessions', column: 'updated_at', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime', lifetimeMs: 30 * DAY_MS },
  laravel: { table: 'sessions', column: 'last_activity', mysql: 'unix', sqlite: 'unix', postgresql: 'unix', lifetimeMs: 120 * MINUTE_MS },
  // The end of the session since Symfony 4.4; before that its length.
  symfony: { table: 'sessions', column: 'sess_lifetime', mysql: 'unix', sqlite: 'unix', postgresql: 'unix' },
  'symfony-legacy': { table: 'sessions', column: 'sess_time', lifetimeColumn: 'sess_lifetime', mysql: 'unix', sqlite: 'unix', postgresql: 'unix' },
  // CodeIgniter 4 makes a TIMESTAMP of it, CodeIgniter 3 an INT.
  codeigniter: { table: 'ci_sessions', column: 'timestamp', mysql: ['datetime', 'unix'], postgresql: ['datetime', 'unix'], lifetimeMs: 120 * MINUTE_MS },
  cakephp: { table: 'sessions', column: 'expires', mysql: 'unix', sqlite: 'unix', postgresql: 'unix' },
  // Zend too.
  laminas: { table: 'session', column: 'modified', lifetimeColumn: 'lifetime', mysql: 'unix', sqlite: 'unix', postgresql: 'unix' },
  'spring-session': { table: { mysql: 'SPRING_SESSION', sqlite: 'SPRING_SESSION', postgresql: 'spring_session' }, column: { mysql: 'EXPIRY_TIME', sqlite: 'EXPIRY_TIME', postgresql: 'expiry_time' }, mysql: 'unix-ms', sqlite: 'unix-ms', postgresql: 'unix-ms' },
  jetty: { table: { mysql: 'JettySessions', postgresql: 'jettysessions' }, column: { mysql: 'expiryTime', postgresql: 'expirytime' }, mysql: 'unix-ms', postgresql: 'unix-ms' },
  // As Tomcat's documentation names them: the last access in milliseconds, the lifetime in seconds, -1 for no end.
  tomcat: { table: 'tomcat_sessions', column: 'last_access', lifetimeColumn: 'max_inactive', mysql: 'unix-ms', postgresql: 'unix-ms' },
  'tower-sessions': { table: { mysql: 'tower_sessions.session', sqlite: 'tower_sessions', postgresql: 'tower_sessions.session' }, column: 'expiry_date', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime' },
  scs: { table: 'sessions', column: 'expiry', mysql: 'datetime', sqlite: 'julian', postgresql: 'datetime', writes: { mysql: 'literal' } },
  gormstore: { table: 'sessions', column: 'expires_at', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime', writes: { mysql: 'local' } },
  pgstore: { table: 'http_sessions', column: 'expires_on', postgresql: 'datetime' },
  // Gitea, Forgejo and Gogs. The column is named after the end, and holds the last write.
  gitea: { table: 'session', column: 'expiry', mysql: 'unix', sqlite: 'unix', postgresql: 'unix', lifetimeMs: DAY_MS },
  catalyst: { table: 'sessions', column: 'expires', mysql: 'unix', sqlite: 'unix', postgresql: 'unix' },
  adodb: { table: 'sessions', column: 'expiry', mysql: 'unix', postgresql: 'unix' },
  'adodb-sessions2': { table: 'sessions2', column: 'expiry', mysql: 'datetime', postgresql: 'datetime', writes: 'local' },
  woocommerce: { table: 'wp_woocommerce_sessions', column: 'session_expiry', mysql: 'unix' },
  // NULL until something is written into the session; the plugin has no lifetime of its own.
  pantheon: { table: 'wp_pantheon_sessions', column: 'datetime', mysql: 'datetime', lifetimeMs: 'required' },
  yii: { table: 'session', column: 'expire', mysql: 'unix', sqlite: 'unix', postgresql: 'unix' },
  drupal: { table: 'sessions', column: 'timestamp', mysql: 'unix', sqlite: 'unix', postgresql: 'unix', lifetimeMs: 200_000_000 },
  // The installer makes up the prefix: --table has to name the table.
  joomla: { table: 'jos_session', column: 'time', mysql: 'unix', postgresql: 'unix', lifetimeMs: 15 * MINUTE_MS },
  // A minute more than session_length: so long phpBB takes the session.
  phpbb: { table: 'phpbb_sessions', column: 'session_time', mysql: 'unix', sqlite: 'unix', postgresql: 'unix', lifetimeMs: 61 * MINUTE_MS },
  moodle: { table: 'mdl_sessions', column: 'timemodified', mysql: 'unix', postgresql: 'unix', lifetimeMs: 8 * HOUR_MS },
  matomo: { table: 'matomo_session', column: 'modified', lifetimeColumn: 'lifetime', mysql: 'unix' },
  // Omeka Classic.
  omeka: { table: 'omeka_sessions', column: 'modified', lifetimeColumn: 'lifetime', mysql: 'unix' },
  // Who asked to stay logged in is remembered in the same table, for three months.
  redaxo: { table: 'rex_user_session', column: 'last_activity', mysql: 'datetime', lifetimeMs: 120 * MINUTE_MS, where: 'cookie_key IS NULL', writes: 'local' },
  // Magento 1 and OpenMage.
  magento: { table: 'core_session', column: 'session_expires', mysql: 'unix' },
  // The column is named after the end, and holds the last write; shop and administration have different lifetimes.
  magento2: { table: 'session', column: 'session_expires', mysql: 'unix', lifetimeMs: 'required' },
  opencart: { table: 'oc_session', column: 'expire', mysql: 'datetime', writes: 'local' },
  dolibarr: { table: 'llx_session', column: 'last_accessed', mysql: 'datetime', postgresql: 'datetime', lifetimeMs: 'required', writes: 'local' },
  osticket: { table: 'ost_session', column: 'session_expire', mysql: 'datetime', writes: 'local' },
  // The column is named after the end, and holds the last write.
  piwigo: { table: 'piwigo_sessions', column: 'expiration', mysql: 'datetime', lifetimeMs: HOUR_MS, writes: 'local' },
  roundcube: { table: 'session', column: 'expires_at', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime', writes: { mysql: 'local' } },
  // Before Roundcube 1.7.
  'roundcube-legacy': { table: 'session', column: 'changed', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime', lifetimeMs: 10 * MINUTE_MS, writes: { mysql: 'local' } },
  mrbs: { table: 'mrbs_sessions', column: 'access', mysql: 'unix', postgresql: 'unix', lifetimeMs: 30 * DAY_MS },
  engelsystem: { table: 'sessions', column: 'last_activity', mysql: 'datetime', lifetimeMs: 30 * DAY_MS, writes: 'local' },
  // The same table holds remembered logins, which live for 15 days, and the passwords of apps, which have no end.
  nextcloud: { table: 'oc_authtoken', column: 'last_activity', mysql: 'unix', sqlite: 'unix', postgresql: 'unix', lifetimeMs: DAY_MS, where: 'type = 0 AND remember = 0' },
  // The rows of users who are logged in hold their settings.
  trac: { table: 'session', column: 'last_visit', mysql: 'unix', sqlite: 'unix', postgresql: 'unix', lifetimeMs: 90 * DAY_MS, where: 'authenticated = 0' },
  // Offline sessions, which live for weeks, are in the same table; each realm has its own lifetimes.
  keycloak: { table: { mysql: 'OFFLINE_USER_SESSION', postgresql: 'offline_user_session' }, column: { mysql: 'LAST_SESSION_REFRESH', postgresql: 'last_session_refresh' }, mysql: 'unix', postgresql: 'unix', lifetimeMs: 'required', where: "OFFLINE_FLAG = '0'" },
  // The same table holds API keys, feed keys and remembered logins; without session_lifetime a session has no end.
  redmine: { table: 'tokens', column: 'updated_on', mysql: 'datetime', sqlite: 'datetime', postgresql: 'datetime', lifetimeMs: 'required', where: "action = 'session'" },
  mattermost: { table: { mysql: 'Sessions', postgresql: 'sessions' }, column: { mysql: 'ExpiresAt', postgresql: 'expiresat' }, mysql: 'unix-ms', postgresql: 'unix-ms' },
  // MySQL and SQLite have the digits of YYYYMMDDHHMMSS instead of a time.
  mediawiki: { table: 'objectcache', column: 'exptime', postgresql: 'datetime' },
  phpauth: { table: 'phpauth_sessions', column: 'expiredate', mysql: 'datetime', writes: 'local' },
  'request-tracker': { table: 'sessions', column: 'LastUpdated', mysql: 'datetime', lifetimeMs: 'required' },
} as const satisfies Readonly<Record<string, Store>>);

export type StoreName = keyof typeof STORES;

export const storeNames = Object.freeze(Object.keys(STORES) as StoreName[]);

/** Undefined where the store does not run on the engine. */
export function presetOf(name: StoreName, engine: EngineName): Preset | undefined {
  const store: Store = STORES[name];
  const expiresFormat = store[engine];
  const table = onEngine(store.table, engine);
  const expiresColumn = onEngine(store.column, engine);
  if (expiresFormat === undefined || table === undefined || expiresColumn === undefined) return undefined;
  const writes = engine === 'sqlite' ? undefined : onEngine(store.writes, engine);
  return {
    table,
    expiresColumn,
    expiresFormat,
    ...(store.lifetimeMs === undefined ? {} : { lifetimeMs: store.lifetimeMs }),
    ...(store.lifetimeColumn === undefined ? {} : { lifetimeColumn: store.lifetimeColumn }),
    ...(store.where === undefined ? {} : { where: store.where }),
    ...(writes === undefined ? {} : { writes }),
  };
}

function onEngine<T extends string>(value: PerEngine<T> | undefined, engine: EngineName): T | undefined {
  return typeof value === 'object' ? value[engine] : value;
}

// More than these are no help in one line.
const MOST_NAMED = 4;

/** For a table that is missing: which presets fit the tables that are there, such as "Found django_session: try --store django." */
export function storeHint(tables: readonly string[], engine: EngineName): string {
  const namesOf = (table: string) => storeNames.filter((name) => presetOf(name, engine)?.table === table);
  return tables
    .map((table) => ({ table, names: namesOf(table) }))
    .filter(({ names }) => names.length > 0)
    .map(({ table, names }) =>
      names.length <= MOST_NAMED
        ? `Found ${table}: try --store ${names.join(' or ')}. `
        : `Found ${table}: session-cleanup stores lists the ${names.length} stores that call theirs so. `,
    )
    .join('');
}
