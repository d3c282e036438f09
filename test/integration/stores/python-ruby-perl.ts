// Frameworks and programs in Python, Ruby and Perl.
import {
  DAY,
  type Fixture,
  INT,
  inParis,
  inParisOn,
  instant,
  MINUTE,
  paris,
  python,
  SECOND,
  seconds,
  utc,
  zoned,
} from './fixture.js';

const REDMINE_ROWS = {
  insert:
    "INSERT INTO tokens (user_id, action, value, created_on, updated_on) VALUES (1, 'session', '$id', '2020-01-01 00:00:00', $at)",
  never: ['NULL'],
  kept: ['api', 'feeds', 'autologin', 'recovery'].map(
    (action) =>
      `INSERT INTO tokens (user_id, action, value, created_on, updated_on) VALUES (1, '${action}', '$id', '2020-01-01 00:00:00', $at)`,
  ),
};

export const PYTHON_RUBY_PERL = {
  django: {
    idColumn: 'session_key',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `django_session` (`session_key` varchar(40) NOT NULL PRIMARY KEY, `session_data` longtext NOT NULL, `expire_date` datetime(6) NOT NULL)',
        'CREATE INDEX `django_session_expire_date_a5c62663` ON `django_session` (`expire_date`)',
      ],
      insert: "INSERT INTO django_session VALUES ('$id', 'e30:x', $at)",
      at: python,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL)',
        'CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date")',
      ],
      insert: "INSERT INTO django_session VALUES ('$id', 'e30:x', $at)",
      at: python,
      tickMs: 1,
    },
    postgresql: {
      schema: [
        'CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" timestamp with time zone NOT NULL)',
        'CREATE INDEX "django_session_session_key_c0390e0f_like" ON "django_session" ("session_key" varchar_pattern_ops)',
        'CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date")',
      ],
      insert: `INSERT INTO "django_session" VALUES ('$id', 'e30:x', $at)`,
      at: zoned,
      tickMs: 1,
    },
  },

  'flask-session': {
    idColumn: 'session_id',
    lifetimeMs: 0,
    flags: inParisOn('postgresql'),
    mysql: {
      schema: [
        'CREATE TABLE sessions (id INTEGER NOT NULL AUTO_INCREMENT, session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))',
      ],
      insert: "INSERT INTO sessions (session_id, data, expiry) VALUES ('$id', 'x', $at)",
      at: utc.seconds,
      tickMs: SECOND,
      never: ['NULL'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE sessions (id INTEGER NOT NULL, session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))',
      ],
      insert: "INSERT INTO sessions (session_id, data, expiry) VALUES ('$id', 'x', $at)",
      at: utc.micros,
      tickMs: 1,
      isFinerThanMs: true,
      never: ['NULL'],
    },
    postgresql: {
      schema: [
        'CREATE TABLE sessions (id SERIAL NOT NULL, session_id VARCHAR(255), data BYTEA, expiry TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id), UNIQUE (session_id))',
      ],
      insert: "INSERT INTO sessions (session_id, data, expiry) VALUES ('$id', 'x', $at)",
      at: paris.millis,
      tickMs: 1,
      never: ['NULL'],
    },
  },

  'flask-session-postgresql': {
    idColumn: 'session_id',
    lifetimeMs: 0,
    flags: inParis,
    postgresql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS flask_sessions (session_id VARCHAR(255) NOT NULL PRIMARY KEY, created TIMESTAMP WITHOUT TIME ZONE DEFAULT NOW(), data BYTEA, expiry TIMESTAMP WITHOUT TIME ZONE)',
        'CREATE INDEX IF NOT EXISTS flask_sessions_expiry_idx ON flask_sessions (expiry)',
      ],
      insert: "INSERT INTO flask_sessions (session_id, data, expiry) VALUES ('$id', 'x', $at)",
      at: paris.millis,
      tickMs: 1,
      never: ['NULL'],
    },
  },

  rails: {
    idColumn: 'session_id',
    lifetimeMs: 30 * DAY,
    mysql: {
      schema: [
        'CREATE TABLE `sessions` (`id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, `session_id` varchar(255) NOT NULL, `data` text, `created_at` datetime(6) NOT NULL, `updated_at` datetime(6) NOT NULL, UNIQUE INDEX `index_sessions_on_session_id` (`session_id`), INDEX `index_sessions_on_updated_at` (`updated_at`))',
      ],
      insert:
        "INSERT INTO sessions (session_id, data, created_at, updated_at) VALUES ('$id', 'x', '2020-01-01 00:00:00', $at)",
      at: utc.micros,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'CREATE TABLE "sessions" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "session_id" varchar NOT NULL, "data" text, "created_at" datetime(6) NOT NULL, "updated_at" datetime(6) NOT NULL)',
        'CREATE UNIQUE INDEX "index_sessions_on_session_id" ON "sessions" ("session_id")',
        'CREATE INDEX "index_sessions_on_updated_at" ON "sessions" ("updated_at")',
      ],
      insert:
        "INSERT INTO sessions (session_id, data, created_at, updated_at) VALUES ('$id', 'x', '2020-01-01 00:00:00.000000', $at)",
      at: utc.micros,
      tickMs: 1,
      isFinerThanMs: true,
    },
    postgresql: {
      schema: [
        'CREATE TABLE "sessions" ("id" bigserial primary key, "session_id" character varying NOT NULL, "data" text, "created_at" timestamp(6) NOT NULL, "updated_at" timestamp(6) NOT NULL)',
        'CREATE UNIQUE INDEX "index_sessions_on_session_id" ON "sessions" ("session_id")',
        'CREATE INDEX "index_sessions_on_updated_at" ON "sessions" ("updated_at")',
      ],
      insert: `INSERT INTO "sessions" ("session_id", "data", "created_at", "updated_at") VALUES ('$id', 'x', '2020-01-01 00:00:00', $at)`,
      at: utc.micros,
      tickMs: 1,
    },
  },

  redmine: {
    idColumn: 'value',
    lifetimeMs: 60 * MINUTE,
    flags: () => ['--older-than', '60m'],
    mysql: {
      schema: [
        "CREATE TABLE `tokens` (`id` int NOT NULL AUTO_INCREMENT PRIMARY KEY, `user_id` int NOT NULL DEFAULT 0, `action` varchar(30) NOT NULL DEFAULT '', `value` varchar(40) NOT NULL DEFAULT '', `created_on` datetime NOT NULL, `updated_on` datetime, UNIQUE INDEX `tokens_value` (`value`), INDEX `index_tokens_on_user_id` (`user_id`)) ENGINE=InnoDB",
      ],
      ...REDMINE_ROWS,
      at: utc.seconds,
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        `CREATE TABLE "tokens" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "user_id" integer DEFAULT 0 NOT NULL, "action" varchar(30) DEFAULT '' NOT NULL, "value" varchar(40) DEFAULT '' NOT NULL, "created_on" datetime NOT NULL, "updated_on" datetime)`,
        'CREATE UNIQUE INDEX "tokens_value" ON "tokens" ("value")',
      ],
      ...REDMINE_ROWS,
      at: utc.seconds,
      tickMs: SECOND,
    },
    postgresql: {
      schema: [
        `CREATE TABLE "tokens" ("id" serial primary key, "user_id" integer DEFAULT 0 NOT NULL, "action" character varying(30) DEFAULT '' NOT NULL, "value" character varying(40) DEFAULT '' NOT NULL, "created_on" timestamp NOT NULL, "updated_on" timestamp)`,
        'CREATE UNIQUE INDEX "tokens_value" ON "tokens" ("value")',
      ],
      ...REDMINE_ROWS,
      at: utc.micros,
      tickMs: 1,
    },
  },

  trac: {
    idColumn: 'sid',
    lifetimeMs: 90 * DAY,
    mysql: {
      schema: [
        'CREATE TABLE session (`sid` text COLLATE utf8mb4_bin, `authenticated` int(11), `last_visit` int(11), PRIMARY KEY (`sid`(166), `authenticated`), KEY session_last_visit_idx (`last_visit`), KEY session_authenticated_idx (`authenticated`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
      ],
      insert: "INSERT INTO session (sid, authenticated, last_visit) VALUES ('$id', 0, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
      kept: ["INSERT INTO session (sid, authenticated, last_visit) VALUES ('$id', 1, $at)"],
    },
    sqlite: {
      schema: [
        'CREATE TABLE session (sid text, authenticated integer, last_visit integer, UNIQUE (sid, authenticated))',
        'CREATE INDEX session_last_visit_idx ON session (last_visit)',
        'CREATE INDEX session_authenticated_idx ON session (authenticated)',
      ],
      insert: "INSERT INTO session (sid, authenticated, last_visit) VALUES ('$id', 0, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
      kept: ["INSERT INTO session (sid, authenticated, last_visit) VALUES ('$id', 1, $at)"],
    },
    postgresql: {
      schema: [
        'CREATE TABLE "session" ("sid" text, "authenticated" integer, "last_visit" integer, CONSTRAINT "session_pk" PRIMARY KEY ("sid", "authenticated"))',
        'CREATE INDEX "session_last_visit_idx" ON "session" ("last_visit")',
        'CREATE INDEX "session_authenticated_idx" ON "session" ("authenticated")',
      ],
      insert: "INSERT INTO session (sid, authenticated, last_visit) VALUES ('$id', 0, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
      kept: ["INSERT INTO session (sid, authenticated, last_visit) VALUES ('$id', 1, $at)"],
    },
  },

  catalyst: {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: ['CREATE TABLE sessions (id CHAR(72) PRIMARY KEY, session_data TEXT, expires INTEGER)'],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
    },
    sqlite: {
      schema: ['CREATE TABLE sessions (id CHAR(72) PRIMARY KEY, session_data TEXT, expires INTEGER)'],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
    },
    postgresql: {
      schema: ['CREATE TABLE sessions (id CHAR(72) PRIMARY KEY, session_data TEXT, expires INTEGER)'],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
    },
  },

  'request-tracker': {
    idColumn: 'id',
    lifetimeMs: 10 * DAY,
    flags: () => ['--older-than', '10d'],
    mysql: {
      schema: [
        'CREATE TABLE sessions (id char(32) NOT NULL, a_session LONGBLOB, LastUpdated TIMESTAMP, PRIMARY KEY (id)) ENGINE=InnoDB CHARACTER SET utf8mb4',
      ],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at)",
      at: instant,
      tickMs: SECOND,
    },
  },
} as const satisfies Readonly<Record<string, Fixture>>;
