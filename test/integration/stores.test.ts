// Every preset on the table that its framework makes, with rows spelled as the framework spells them: which are left.
// The schemas and spellings are facts about the frameworks, written down a second time: nothing here comes from src.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { presetOf, type StoreName, storeNames } from '../../src/stores.js';
import { type Database, engines } from '../support/databases.js';
import { runMain } from '../support/in-process.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** When the run takes place: a whole second, which every column can hold, two weeks before Europe's clocks change. */
const NOW = Date.parse('2026-03-14T15:09:26Z');

/** A store on one engine. */
interface Form {
  readonly schema: readonly string[];
  /** The statements that insert a session whose expiry is the SQL `at`. */
  readonly insert: (id: string, at: string) => readonly string[];
  /** An instant as the store spells it, in SQL. */
  readonly at: (ms: number) => string;
  /** The smallest step that the column can hold, in milliseconds. */
  readonly tickMs: number;
  /**
   * The store writes more digits than the milliseconds, which SQLite's date functions round away: at the very cutoff
   * such a session may be kept until the next run.
   */
  readonly isFinerThanMs?: boolean;
  /** What else is kept, in SQL. */
  readonly never?: readonly string[];
}

interface Fixture {
  readonly idColumn: string;
  /** What is added to the column; 0 where it holds the expiry itself. */
  readonly lifetimeMs: number;
  readonly mysql: Form | undefined;
  readonly sqlite: Form | undefined;
  /** Flags that the store needs besides `--store`. */
  readonly flags?: (database: Database) => readonly string[];
}

const seconds = (ms: number): string => String(Math.floor(ms / 1000));
const milliseconds = (ms: number): string => String(ms);
const iso = (ms: number): string => `'${new Date(ms).toISOString()}'`;
/** `YYYY-MM-DD HH:MM:SS`, of UTC. */
const utcSeconds = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
/** The same and `.mmm`. */
const utcMillis = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
const quoted = (spell: (ms: number) => string) => (ms: number) => `'${spell(ms)}'`;
/** A TIMESTAMP, whatever the time zone of the test's connection. */
const instant = (ms: number): string => `FROM_UNIXTIME(${(ms / 1000).toFixed(3)})`;
/** Python leaves the fraction out where it is 0. */
const python = (ms: number): string => (ms % 1000 === 0 ? utcSeconds(ms) : `${utcMillis(ms)}000`);
/** What a clock in Paris shows. */
const parisMillis = (ms: number): string => {
  const clock = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'Europe/Paris',
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms);
  return `${clock}.${String(ms % 1000).padStart(3, '0')}`;
};
const parisSeconds = (ms: number): string => parisMillis(ms).slice(0, 19);
/** As Go writes it: no more digits than needed, and the offset. */
const parisWithOffset = (ms: number): string => {
  const clock = parisMillis(ms);
  const minutes = Math.round((Date.parse(`${clock.replace(' ', 'T')}Z`) - ms) / MINUTE);
  return `${clock.replace(/\.?0+$/, '')}+0${minutes / 60}:00`;
};

const inParis = (): readonly string[] => ['--time-zone', 'Europe/Paris'];

const FIXTURES: Readonly<Record<StoreName, Fixture>> = {
  'express-mysql-session': {
    idColumn: 'session_id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `sessions` (`session_id` varchar(128) COLLATE utf8mb4_bin NOT NULL, `expires` int(11) unsigned NOT NULL, `data` mediumtext COLLATE utf8mb4_bin, PRIMARY KEY (`session_id`)) ENGINE=InnoDB',
      ],
      insert: (id, at) => [`INSERT INTO sessions (session_id, expires, data) VALUES ('${id}', ${at}, '{}')`],
      at: seconds,
      tickMs: SECOND,
      never: ['0'],
    },
    sqlite: undefined,
  },

  'connect-session-knex': {
    idColumn: 'sid',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table `sessions` (`sid` varchar(255) not null, `sess` json not null, `expired` datetime not null, primary key (`sid`))',
        'alter table `sessions` add index `sessions_expired_index`(`expired`)',
      ],
      insert: (id, at) => [`insert into sessions (sid, expired, sess) values ('${id}', ${at}, '{}')`],
      at: quoted(utcSeconds),
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'create table `sessions` (`sid` varchar(255) not null, `sess` json not null, `expired` datetime not null, primary key (`sid`))',
        'create index `sessions_expired_index` on `sessions` (`expired`)',
      ],
      insert: (id, at) => [`insert or replace into sessions (sid, expired, sess) values ('${id}', ${at}, '{}')`],
      at: iso,
      tickMs: 1,
    },
  },

  'connect-sqlite3': {
    idColumn: 'sid',
    lifetimeMs: 0,
    mysql: undefined,
    sqlite: {
      schema: ['CREATE TABLE IF NOT EXISTS sessions (sid PRIMARY KEY, expired, sess)'],
      insert: (id, at) => [`INSERT OR REPLACE INTO sessions VALUES ('${id}', ${at}, '{}')`],
      at: milliseconds,
      tickMs: 1,
      never: ['NULL', '0'],
    },
  },

  'better-sqlite3-session-store': {
    idColumn: 'sid',
    lifetimeMs: 0,
    mysql: undefined,
    sqlite: {
      schema: [
        'CREATE TABLE IF NOT EXISTS sessions (sid TEXT NOT NULL PRIMARY KEY, sess JSON NOT NULL, expire TEXT NOT NULL)',
      ],
      insert: (id, at) => [`INSERT OR REPLACE INTO sessions VALUES ('${id}', '{}', ${at})`],
      at: iso,
      tickMs: 1,
    },
  },

  'connect-session-sequelize': {
    idColumn: 'sid',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `Sessions` (`sid` VARCHAR(36) , `expires` DATETIME, `data` TEXT, `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL, PRIMARY KEY (`sid`)) ENGINE=InnoDB',
      ],
      insert: (id, at) => [
        `INSERT INTO Sessions VALUES ('${id}', ${at}, '{}', '2026-01-01 00:00:00', '2026-01-01 00:00:00')`,
      ],
      at: quoted(utcSeconds),
      tickMs: SECOND,
      never: ['NULL'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `Sessions` (`sid` VARCHAR(36) PRIMARY KEY, `expires` DATETIME, `data` TEXT, `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL)',
      ],
      insert: (id, at) => [`INSERT INTO Sessions VALUES ('${id}', ${at}, '{}', '2026-01-01', '2026-01-01')`],
      at: quoted((ms) => `${utcMillis(ms)} +00:00`),
      tickMs: 1,
      never: ['NULL'],
    },
  },

  'connect-typeorm': {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `session` (`expiredAt` bigint NOT NULL, `id` varchar(255) NOT NULL, `json` text NOT NULL, `destroyedAt` datetime(6) NULL, INDEX `IDX_28c5d1d16da7908c97c9bc2f74` (`expiredAt`), PRIMARY KEY (`id`)) ENGINE=InnoDB',
      ],
      insert: (id, at) => [`INSERT INTO session (expiredAt, id, json) VALUES (${at}, '${id}', '{}')`],
      at: milliseconds,
      tickMs: 1,
      never: ['0'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE "session" ("expiredAt" bigint NOT NULL, "id" varchar(255) PRIMARY KEY NOT NULL, "json" text NOT NULL, "destroyedAt" datetime)',
        'CREATE INDEX "IDX_28c5d1d16da7908c97c9bc2f74" ON "session" ("expiredAt")',
      ],
      insert: (id, at) => [`INSERT INTO session (expiredAt, id, json) VALUES (${at}, '${id}', '{}')`],
      at: milliseconds,
      tickMs: 1,
      never: ['0'],
    },
  },

  'prisma-session-store': {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `Session` (`id` VARCHAR(191) NOT NULL, `sid` VARCHAR(191) NOT NULL, `data` MEDIUMTEXT NOT NULL, `expiresAt` DATETIME(3) NOT NULL, UNIQUE INDEX `Session_sid_key`(`sid`), PRIMARY KEY (`id`)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
      ],
      insert: (id, at) => [`INSERT INTO Session VALUES ('${id}', '${id}', '{}', ${at})`],
      at: quoted(utcMillis),
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'CREATE TABLE "Session" ("id" TEXT NOT NULL PRIMARY KEY, "sid" TEXT NOT NULL, "data" TEXT NOT NULL, "expiresAt" DATETIME NOT NULL)',
        'CREATE UNIQUE INDEX "Session_sid_key" ON "Session"("sid")',
      ],
      insert: (id, at) => [`INSERT INTO Session VALUES ('${id}', '${id}', '{}', ${at})`],
      at: quoted((ms) => new Date(ms).toISOString().replace('Z', '+00:00')),
      tickMs: 1,
    },
  },

  'better-auth': {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table `user` (`id` varchar(36) not null primary key, `email` varchar(255) not null unique)',
        'create table `session` (`id` varchar(36) not null primary key, `expiresAt` timestamp(3) not null, `token` varchar(255) not null unique, `userId` varchar(36) not null references `user` (`id`) on delete cascade)',
        "insert into user values ('1', 'somebody@example.com')",
      ],
      insert: (id, at) => [`insert into session values ('${id}', ${at}, '${id}', '1')`],
      at: instant,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'create table "user" ("id" text not null primary key, "email" text not null unique)',
        'create table "session" ("id" text not null primary key, "expiresAt" date not null, "token" text not null unique, "userId" text not null references "user" ("id") on delete cascade)',
        "insert into user values ('1', 'somebody@example.com')",
      ],
      insert: (id, at) => [`insert into session values ('${id}', ${at}, '${id}', '1')`],
      at: iso,
      tickMs: 1,
    },
  },

  'authjs-drizzle': {
    idColumn: 'sessionToken',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `user` (`id` varchar(255) NOT NULL, CONSTRAINT `user_id` PRIMARY KEY(`id`))',
        'CREATE TABLE `session` (`sessionToken` varchar(255) NOT NULL, `userId` varchar(255) NOT NULL, `expires` timestamp NOT NULL, CONSTRAINT `session_sessionToken` PRIMARY KEY(`sessionToken`))',
        'ALTER TABLE `session` ADD CONSTRAINT `session_userId_user_id_fk` FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON DELETE cascade ON UPDATE no action',
        "INSERT INTO user VALUES ('1')",
      ],
      insert: (id, at) => [`INSERT INTO session VALUES ('${id}', '1', ${at})`],
      at: instant,
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'CREATE TABLE `user` (`id` text PRIMARY KEY NOT NULL)',
        'CREATE TABLE `session` (`sessionToken` text PRIMARY KEY NOT NULL, `userId` text NOT NULL, `expires` integer NOT NULL, FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE cascade)',
        "INSERT INTO user VALUES ('1')",
      ],
      insert: (id, at) => [`INSERT INTO session VALUES ('${id}', '1', ${at})`],
      at: milliseconds,
      tickMs: 1,
    },
  },

  'authjs-prisma': {
    idColumn: 'sessionToken',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `Session` (`sessionToken` VARCHAR(191) NOT NULL, `userId` VARCHAR(191) NOT NULL, `expires` DATETIME(3) NOT NULL, UNIQUE INDEX `Session_sessionToken_key`(`sessionToken`)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
      ],
      insert: (id, at) => [`INSERT INTO Session VALUES ('${id}', '1', ${at})`],
      at: quoted(utcMillis),
      tickMs: 1,
    },
    sqlite: {
      // As Prisma 6 and before wrote it.
      schema: [
        'CREATE TABLE "Session" ("sessionToken" TEXT NOT NULL, "userId" TEXT NOT NULL, "expires" DATETIME NOT NULL)',
        'CREATE UNIQUE INDEX "Session_sessionToken_key" ON "Session"("sessionToken")',
      ],
      insert: (id, at) => [`INSERT INTO Session VALUES ('${id}', '1', ${at})`],
      at: milliseconds,
      tickMs: 1,
    },
  },

  'authjs-typeorm': {
    idColumn: 'sessionToken',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `sessions` (`id` varchar(36) NOT NULL, `sessionToken` varchar(255) NOT NULL, `userId` varchar(255) NOT NULL, `expires` varchar(255) NOT NULL, UNIQUE INDEX `IDX_8b5e2ec52e335c0fe16d7ec358` (`sessionToken`), PRIMARY KEY (`id`)) ENGINE=InnoDB',
      ],
      insert: (id, at) => [`INSERT INTO sessions VALUES (UUID(), '${id}', '1', ${at})`],
      at: quoted(milliseconds),
      tickMs: 1,
      never: ["'0'", "''"],
    },
    sqlite: {
      schema: [
        'CREATE TABLE "sessions" ("id" varchar PRIMARY KEY NOT NULL, "sessionToken" varchar NOT NULL, "userId" varchar NOT NULL, "expires" varchar NOT NULL, CONSTRAINT "UQ_8b5e2ec52e335c0fe16d7ec3584" UNIQUE ("sessionToken"))',
      ],
      insert: (id, at) => [`INSERT INTO sessions VALUES ('${id}', '${id}', '1', ${at})`],
      at: quoted(milliseconds),
      tickMs: 1,
      never: ["'0'", "''"],
    },
  },

  lucia: {
    idColumn: 'id',
    lifetimeMs: 0,
    flags: ({ engine }) => (engine === 'sqlite' ? [] : inParis()),
    mysql: {
      schema: [
        'CREATE TABLE user (id VARCHAR(255) PRIMARY KEY)',
        'CREATE TABLE user_session (id VARCHAR(255) PRIMARY KEY, expires_at DATETIME NOT NULL, user_id VARCHAR(255) NOT NULL REFERENCES user(id))',
        "INSERT INTO user VALUES ('1')",
      ],
      insert: (id, at) => [`INSERT INTO user_session VALUES ('${id}', ${at}, '1')`],
      at: quoted(parisSeconds),
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'CREATE TABLE user (id TEXT NOT NULL PRIMARY KEY)',
        'CREATE TABLE session (id TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL, user_id TEXT NOT NULL, FOREIGN KEY (user_id) REFERENCES user(id))',
        "INSERT INTO user VALUES ('1')",
      ],
      insert: (id, at) => [`INSERT INTO session VALUES ('${id}', ${at}, '1')`],
      at: seconds,
      tickMs: SECOND,
    },
  },

  adonisjs: {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table `sessions` (`id` varchar(255) not null, `data` text not null, `user_id` varchar(255) null, `expires_at` timestamp not null, primary key (`id`))',
        'alter table `sessions` add index `sessions_user_id_index`(`user_id`)',
        'alter table `sessions` add index `sessions_expires_at_index`(`expires_at`)',
      ],
      insert: (id, at) => [`insert into sessions (id, data, expires_at) values ('${id}', '{}', ${at})`],
      at: instant,
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'create table `sessions` (`id` varchar(255) not null, `data` text not null, `user_id` varchar(255) null, `expires_at` datetime not null, primary key (`id`))',
        'create index `sessions_user_id_index` on `sessions` (`user_id`)',
        'create index `sessions_expires_at_index` on `sessions` (`expires_at`)',
      ],
      insert: (id, at) => [`insert into sessions (id, data, expires_at) values ('${id}', '{}', ${at})`],
      at: milliseconds,
      tickMs: 1,
    },
  },

  django: {
    idColumn: 'session_key',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `django_session` (`session_key` varchar(40) NOT NULL PRIMARY KEY, `session_data` longtext NOT NULL, `expire_date` datetime(6) NOT NULL)',
        'CREATE INDEX `django_session_expire_date_a5c62663` ON `django_session` (`expire_date`)',
      ],
      insert: (id, at) => [`INSERT INTO django_session VALUES ('${id}', 'e30:x', ${at})`],
      at: quoted(python),
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL)',
        'CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date")',
      ],
      insert: (id, at) => [`INSERT INTO django_session VALUES ('${id}', 'e30:x', ${at})`],
      at: quoted(python),
      tickMs: 1,
    },
  },

  'flask-session': {
    idColumn: 'session_id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE sessions (id INTEGER NOT NULL AUTO_INCREMENT, session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))',
      ],
      insert: (id, at) => [`INSERT INTO sessions (session_id, data, expiry) VALUES ('${id}', 'x', ${at})`],
      at: quoted(utcSeconds),
      tickMs: SECOND,
      never: ['NULL'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE sessions (id INTEGER NOT NULL, session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))',
      ],
      insert: (id, at) => [`INSERT INTO sessions (session_id, data, expiry) VALUES ('${id}', 'x', ${at})`],
      at: quoted((ms) => `${utcMillis(ms)}000`),
      tickMs: 1,
      isFinerThanMs: true,
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
      insert: (id, at) => [
        `INSERT INTO sessions (session_id, data, created_at, updated_at) VALUES ('${id}', 'x', '2020-01-01 00:00:00', ${at})`,
      ],
      at: quoted((ms) => `${utcMillis(ms)}000`),
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'CREATE TABLE "sessions" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "session_id" varchar NOT NULL, "data" text, "created_at" datetime(6) NOT NULL, "updated_at" datetime(6) NOT NULL)',
        'CREATE UNIQUE INDEX "index_sessions_on_session_id" ON "sessions" ("session_id")',
        'CREATE INDEX "index_sessions_on_updated_at" ON "sessions" ("updated_at")',
      ],
      insert: (id, at) => [
        `INSERT INTO sessions (session_id, data, created_at, updated_at) VALUES ('${id}', 'x', '2020-01-01 00:00:00.000000', ${at})`,
      ],
      at: quoted((ms) => `${utcMillis(ms)}000`),
      tickMs: 1,
      isFinerThanMs: true,
    },
  },

  laravel: {
    idColumn: 'id',
    lifetimeMs: 120 * MINUTE,
    mysql: {
      schema: [
        'create table `sessions` (`id` varchar(255) not null, `user_id` bigint unsigned null, `ip_address` varchar(45) null, `user_agent` text null, `payload` longtext not null, `last_activity` int not null, primary key (`id`)) default character set utf8mb4',
        'alter table `sessions` add index `sessions_user_id_index`(`user_id`)',
        'alter table `sessions` add index `sessions_last_activity_index`(`last_activity`)',
      ],
      insert: (id, at) => [`insert into sessions (id, payload, last_activity) values ('${id}', 'x', ${at})`],
      at: seconds,
      tickMs: SECOND,
      never: ['0'],
    },
    sqlite: {
      schema: [
        'create table "sessions" ("id" varchar not null, "user_id" integer, "ip_address" varchar, "user_agent" text, "payload" text not null, "last_activity" integer not null, primary key ("id"))',
        'create index "sessions_user_id_index" on "sessions" ("user_id")',
        'create index "sessions_last_activity_index" on "sessions" ("last_activity")',
      ],
      insert: (id, at) => [`insert into sessions (id, payload, last_activity) values ('${id}', 'x', ${at})`],
      at: seconds,
      tickMs: SECOND,
      never: ['0'],
    },
  },

  symfony: {
    idColumn: 'sess_id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE sessions (sess_id VARBINARY(128) NOT NULL PRIMARY KEY, sess_data BLOB NOT NULL, sess_lifetime INTEGER UNSIGNED NOT NULL, sess_time INTEGER UNSIGNED NOT NULL, INDEX sess_lifetime_idx (sess_lifetime)) COLLATE utf8mb4_bin, ENGINE = InnoDB',
      ],
      insert: (id, at) => [`INSERT INTO sessions VALUES ('${id}', 'x', ${at}, ${seconds(NOW)})`],
      at: seconds,
      tickMs: SECOND,
      never: ['0'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE sessions (sess_id TEXT NOT NULL PRIMARY KEY, sess_data BLOB NOT NULL, sess_lifetime INTEGER NOT NULL, sess_time INTEGER NOT NULL)',
        'CREATE INDEX sess_lifetime_idx ON sessions (sess_lifetime)',
      ],
      insert: (id, at) => [`INSERT INTO sessions VALUES ('${id}', 'x', ${at}, ${seconds(NOW)})`],
      at: seconds,
      tickMs: SECOND,
      never: ['0'],
    },
  },

  codeigniter: {
    idColumn: 'id',
    lifetimeMs: 7200 * SECOND,
    mysql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `ci_sessions` (`id` varchar(128) NOT null, `ip_address` varchar(45) NOT null, `timestamp` timestamp DEFAULT CURRENT_TIMESTAMP NOT null, `data` blob NOT null, KEY `ci_sessions_timestamp` (`timestamp`))',
        'ALTER TABLE ci_sessions ADD PRIMARY KEY (id, ip_address)',
      ],
      insert: (id, at) => [`INSERT INTO ci_sessions VALUES ('${id}', '127.0.0.1', ${at}, 'x')`],
      at: instant,
      tickMs: SECOND,
    },
    sqlite: undefined,
  },

  'spring-session': {
    idColumn: 'SESSION_ID',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE SPRING_SESSION (PRIMARY_ID CHAR(36) NOT NULL, SESSION_ID CHAR(36) NOT NULL, CREATION_TIME BIGINT NOT NULL, LAST_ACCESS_TIME BIGINT NOT NULL, MAX_INACTIVE_INTERVAL INT NOT NULL, EXPIRY_TIME BIGINT NOT NULL, PRINCIPAL_NAME VARCHAR(100), CONSTRAINT SPRING_SESSION_PK PRIMARY KEY (PRIMARY_ID)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC',
        'CREATE UNIQUE INDEX SPRING_SESSION_IX1 ON SPRING_SESSION (SESSION_ID)',
        'CREATE INDEX SPRING_SESSION_IX2 ON SPRING_SESSION (EXPIRY_TIME)',
        'CREATE INDEX SPRING_SESSION_IX3 ON SPRING_SESSION (PRINCIPAL_NAME)',
        'CREATE TABLE SPRING_SESSION_ATTRIBUTES (SESSION_PRIMARY_ID CHAR(36) NOT NULL, ATTRIBUTE_NAME VARCHAR(200) NOT NULL, ATTRIBUTE_BYTES BLOB NOT NULL, CONSTRAINT SPRING_SESSION_ATTRIBUTES_PK PRIMARY KEY (SESSION_PRIMARY_ID, ATTRIBUTE_NAME), CONSTRAINT SPRING_SESSION_ATTRIBUTES_FK FOREIGN KEY (SESSION_PRIMARY_ID) REFERENCES SPRING_SESSION(PRIMARY_ID) ON DELETE CASCADE) ENGINE=InnoDB ROW_FORMAT=DYNAMIC',
      ],
      insert: springRows,
      at: milliseconds,
      tickMs: 1,
      // A session with a negative interval never ends.
      never: ['9223372036854775807'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE SPRING_SESSION (PRIMARY_ID CHARACTER(36) NOT NULL, SESSION_ID CHARACTER(36) NOT NULL, CREATION_TIME INTEGER NOT NULL, LAST_ACCESS_TIME INTEGER NOT NULL, MAX_INACTIVE_INTERVAL INTEGER NOT NULL, EXPIRY_TIME INTEGER NOT NULL, PRINCIPAL_NAME CHARACTER(100), CONSTRAINT SPRING_SESSION_PK PRIMARY KEY (PRIMARY_ID))',
        'CREATE UNIQUE INDEX SPRING_SESSION_IX1 ON SPRING_SESSION (SESSION_ID)',
        'CREATE INDEX SPRING_SESSION_IX2 ON SPRING_SESSION (EXPIRY_TIME)',
        'CREATE TABLE SPRING_SESSION_ATTRIBUTES (SESSION_PRIMARY_ID CHARACTER(36) NOT NULL, ATTRIBUTE_NAME CHARACTER(200) NOT NULL, ATTRIBUTE_BYTES BLOB NOT NULL, CONSTRAINT SPRING_SESSION_ATTRIBUTES_PK PRIMARY KEY (SESSION_PRIMARY_ID, ATTRIBUTE_NAME), CONSTRAINT SPRING_SESSION_ATTRIBUTES_FK FOREIGN KEY (SESSION_PRIMARY_ID) REFERENCES SPRING_SESSION(PRIMARY_ID) ON DELETE CASCADE)',
      ],
      insert: springRows,
      at: milliseconds,
      tickMs: 1,
      never: ['9223372036854775807'],
    },
  },

  'tower-sessions': {
    idColumn: 'id',
    lifetimeMs: 0,
    // Its schema has one name for the whole server, which belongs to no test.
    flags: ({ engine, url }) => (engine === 'sqlite' ? [] : ['--table', `${new URL(url).pathname.slice(1)}.session`]),
    mysql: {
      schema: [
        'create table if not exists `session` (id char(22) primary key not null, data blob not null, expiry_date timestamp(6) not null)',
      ],
      insert: (id, at) => [`insert into session (id, data, expiry_date) values ('${id.slice(0, 22)}', 'x', ${at})`],
      at: instant,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'create table if not exists tower_sessions (id text primary key not null, data blob not null, expiry_date integer not null)',
      ],
      insert: (id, at) => [`insert into tower_sessions (id, data, expiry_date) values ('${id}', 'x', ${at})`],
      at: quoted((ms) => `${new Date(ms).toISOString().replace(/\.?0*Z$/, '')}Z`),
      tickMs: 1,
    },
  },

  scs: {
    idColumn: 'token',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE sessions (token CHAR(43) PRIMARY KEY, data BLOB NOT NULL, expiry TIMESTAMP(6) NOT NULL)',
        'CREATE INDEX sessions_expiry_idx ON sessions (expiry)',
      ],
      insert: (id, at) => [`INSERT INTO sessions (token, data, expiry) VALUES ('${id}', 'x', ${at})`],
      at: instant,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL)',
        'CREATE INDEX sessions_expiry_idx ON sessions(expiry)',
      ],
      insert: (id, at) => [`REPLACE INTO sessions (token, data, expiry) VALUES ('${id}', 'x', ${at})`],
      at: (ms) => `julianday('${new Date(ms).toISOString().slice(0, 23)}')`,
      tickMs: 1,
    },
  },

  gormstore: {
    idColumn: 'id',
    lifetimeMs: 0,
    flags: ({ engine }) => (engine === 'sqlite' ? [] : inParis()),
    mysql: {
      schema: [
        'CREATE TABLE `sessions` (`id` varchar(191), `data` longtext, `created_at` datetime(3) NULL, `updated_at` datetime(3) NULL, `expires_at` datetime(3) NULL, PRIMARY KEY (`id`), INDEX `idx_sessions_expires_at` (`expires_at`))',
      ],
      insert: (id, at) => [`INSERT INTO sessions (id, data, expires_at) VALUES ('${id}', 'x', ${at})`],
      at: quoted(parisMillis),
      tickMs: 1,
      never: ['NULL'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE `sessions` (`id` text, `data` text, `created_at` datetime, `updated_at` datetime, `expires_at` datetime, PRIMARY KEY (`id`))',
        'CREATE INDEX `idx_sessions_expires_at` ON `sessions`(`expires_at`)',
      ],
      insert: (id, at) => [`INSERT INTO sessions (id, data, expires_at) VALUES ('${id}', 'x', ${at})`],
      at: quoted(parisWithOffset),
      tickMs: 1,
      never: ['NULL'],
    },
  },

  woocommerce: {
    idColumn: 'session_key',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE wp_woocommerce_sessions (session_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, session_key char(32) NOT NULL, session_value longtext NOT NULL, session_expiry bigint(20) unsigned NOT NULL, PRIMARY KEY (session_id), UNIQUE KEY session_key (session_key)) DEFAULT CHARACTER SET utf8mb4',
      ],
      insert: (id, at) => [
        `INSERT INTO wp_woocommerce_sessions (session_key, session_value, session_expiry) VALUES ('${id}', 'x', ${at})`,
      ],
      at: seconds,
      tickMs: SECOND,
      never: ['0'],
    },
    sqlite: undefined,
  },

  yii: {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `session` (`id` varchar(255) NOT NULL, `expire` int(11), `data` blob, PRIMARY KEY (`id`)) CHARACTER SET utf8 COLLATE utf8_unicode_ci ENGINE=InnoDB',
      ],
      insert: (id, at) => [`INSERT INTO session VALUES ('${id}', ${at}, 'x')`],
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', '0'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE `session` (`id` varchar(255) NOT NULL, `expire` integer, `data` blob, PRIMARY KEY (`id`))',
      ],
      insert: (id, at) => [`INSERT INTO session VALUES ('${id}', ${at}, 'x')`],
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', '0'],
    },
  },

  drupal: {
    idColumn: 'sid',
    lifetimeMs: 200_000 * SECOND,
    mysql: {
      schema: [
        "CREATE TABLE `sessions` (`uid` INT unsigned NOT NULL, `sid` VARCHAR(128) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL, `hostname` VARCHAR(128) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL DEFAULT '', `timestamp` BIGINT NOT NULL DEFAULT 0, `session` LONGBLOB NULL DEFAULT NULL, PRIMARY KEY (`sid`), INDEX `timestamp` (`timestamp`), INDEX `uid` (`uid`)) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4",
      ],
      insert: (id, at) => [`INSERT INTO sessions (uid, sid, timestamp, session) VALUES (1, '${id}', ${at}, 'x')`],
      at: seconds,
      tickMs: SECOND,
      never: ['0'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE "sessions" (uid INTEGER NOT NULL CHECK (uid>= 0), sid VARCHAR(128) NOT NULL, hostname VARCHAR(128) NOT NULL DEFAULT \'\', timestamp INTEGER NOT NULL DEFAULT 0, session BLOB NULL DEFAULT NULL, PRIMARY KEY (sid))',
        'CREATE INDEX "sessions_timestamp" ON "sessions" (timestamp)',
        'CREATE INDEX "sessions_uid" ON "sessions" (uid)',
      ],
      insert: (id, at) => [`INSERT INTO sessions (uid, sid, timestamp, session) VALUES (1, '${id}', ${at}, 'x')`],
      at: seconds,
      tickMs: SECOND,
      never: ['0'],
    },
  },

  phpauth: {
    idColumn: 'hash',
    lifetimeMs: 0,
    flags: inParis,
    mysql: {
      schema: [
        'CREATE TABLE `phpauth_sessions` (`id` int(11) NOT NULL AUTO_INCREMENT, `uid` int(11) NOT NULL, `hash` varchar(40) NOT NULL, `expiredate` datetime NOT NULL, `ip` varchar(39) NOT NULL, `agent` varchar(200) NOT NULL, `cookie_crc` varchar(40) NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8',
      ],
      insert: (id, at) => [
        `INSERT INTO phpauth_sessions (uid, hash, expiredate, ip, agent, cookie_crc) VALUES (1, '${id}', ${at}, '127.0.0.1', 'x', 'x')`,
      ],
      at: quoted(parisSeconds),
      tickMs: SECOND,
    },
    sqlite: undefined,
  },

  'request-tracker': {
    idColumn: 'id',
    lifetimeMs: 10 * DAY,
    flags: () => ['--older-than', '10d'],
    mysql: {
      schema: [
        'CREATE TABLE sessions (id char(32) NOT NULL, a_session LONGBLOB, LastUpdated TIMESTAMP, PRIMARY KEY (id)) ENGINE=InnoDB CHARACTER SET utf8mb4',
      ],
      insert: (id, at) => [`INSERT INTO sessions VALUES ('${id}', 'x', ${at})`],
      at: instant,
      tickMs: SECOND,
    },
    sqlite: undefined,
  },
};

/** A session with an attribute in the child table. */
function springRows(id: string, at: string): readonly string[] {
  return [
    `INSERT INTO SPRING_SESSION VALUES ('p ${id}', '${id}', ${NOW - 40 * DAY}, ${NOW - 40 * DAY}, 1800, ${at}, NULL)`,
    `INSERT INTO SPRING_SESSION_ATTRIBUTES VALUES ('p ${id}', 'a', 'x')`,
  ];
}

/** Runs the command in this process, with its clock at NOW. */
async function runAtNow(args: readonly string[]): Promise<{ readonly status: number; readonly output: string }> {
  const { status, stdout, stderr } = await runMain({ argv: ['run', ...args], at: NOW });
  return { status, output: `${stdout}${stderr}` };
}

for (const name of storeNames) {
  const fixture = FIXTURES[name];
  for (const { name: engineName, family, create } of engines) {
    const form = fixture[family];
    if (form === undefined) {
      test(`${name} has no preset on ${engineName}`, () => assert.equal(presetOf(name, family), undefined));
      continue;
    }
    test(`${name} on ${engineName}: exactly the expired sessions are deleted`, async (t) => {
      const database = await create();
      t.after(() => database.drop());
      const cutoff = NOW - fixture.lifetimeMs;
      const expired = {
        'a month ago': -30 * DAY,
        yesterday: -DAY,
        'an hour ago': -HOUR,
        'a moment ago': -form.tickMs,
        ...(form.isFinerThanMs ? {} : { now: 0 }),
      };
      const live = { 'in a moment': form.tickMs, 'in an hour': HOUR, tomorrow: DAY, 'in a month': 30 * DAY };
      const rows = [
        ...Object.entries({ ...expired, ...live }).map(([id, ms]) => [id, form.at(cutoff + ms)] as const),
        ...(form.never ?? []).map((at) => [`never ${at.replaceAll("'", '')}`.slice(0, 22), at] as const),
      ];
      for (const statement of [...form.schema, ...rows.flatMap(([id, at]) => form.insert(id, at))]) {
        await database.run(statement);
      }
      const flags = ['--db-url', database.url, '--store', name, ...(fixture.flags?.(database) ?? [])];

      const counted = await runAtNow([...flags, '--dry-run']);
      assert.equal(counted.status, 0, counted.output);
      assert.equal(JSON.parse(counted.output).expired_count, Object.keys(expired).length);

      const { status, output } = await runAtNow(flags);
      assert.equal(status, 0, output);
      const { deleted_count: deletedCount, cutoff_time: cutoffTime, complete } = JSON.parse(output);
      assert.deepEqual(
        { deletedCount, cutoffTime, complete },
        { deletedCount: Object.keys(expired).length, cutoffTime: new Date(cutoff).toISOString(), complete: true },
      );
      const kept = rows.map(([id]) => id).filter((id) => !Object.hasOwn(expired, id));
      assert.deepEqual(
        await idsIn(database, `SELECT ${fixture.idColumn} AS id FROM ${tableOf(form)}`),
        kept.toSorted(),
      );
      if (name === 'spring-session') {
        const children = await idsIn(database, 'SELECT SESSION_PRIMARY_ID AS id FROM SPRING_SESSION_ATTRIBUTES');
        assert.deepEqual(children, kept.map((id) => `p ${id}`).toSorted());
      }
    });
  }
}

test('a store that keeps the last activity without a default lifetime has to be told one', async () => {
  const { status, output } = await runAtNow(['--db-url', 'mysql://127.0.0.1/x', '--store', 'request-tracker']);
  assert.equal(status, 2);
  assert.match(output, /--older-than/);
});

test('a store that writes local time on MySQL has to be told the zone, and only there', async () => {
  for (const store of storeNames) {
    const isLocal = presetOf(store, 'mysql')?.writes === 'local';
    const { output } = await runAtNow(['--db-url', 'mysql://127.0.0.1/x', '--store', store, '--pause', 'x']);
    assert.equal(output.includes('--time-zone'), isLocal, store);
    assert.equal(presetOf(store, 'sqlite')?.writes, undefined);
  }
});

for (const { name: engineName, create } of engines) {
  test(`a missing table on ${engineName}: the stores whose table is there are named`, async (t) => {
    const database = await create();
    t.after(() => database.drop());
    await database.run('CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY)');
    const { status, output } = await runAtNow(['--db-url', database.url]);
    assert.equal(status, 3);
    assert.match(JSON.parse(output).hint, /^Found django_session: try --store django\. /);
  });
}

/** The table that the form inserts into. */
function tableOf(form: Form): string {
  return /into (\w+)/i.exec(form.insert('', '')[0] ?? '')?.[1] ?? '';
}

async function idsIn(database: Database, sql: string): Promise<string[]> {
  return (await database.query(sql)).map(({ id }) => String(id)).toSorted();
}
