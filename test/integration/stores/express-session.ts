// The session stores of express-session.
import {
  BIGINT,
  type Fixture,
  inParis,
  iso,
  milliseconds,
  paris,
  quoted,
  SECOND,
  seconds,
  UNSIGNED,
  utc,
  utcMillis,
  zoned,
} from './fixture.js';

export const EXPRESS_SESSION = {
  'express-mysql-session': {
    idColumn: 'session_id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `sessions` (`session_id` varchar(128) COLLATE utf8mb4_bin NOT NULL, `expires` int(11) unsigned NOT NULL, `data` mediumtext COLLATE utf8mb4_bin, PRIMARY KEY (`session_id`)) ENGINE=InnoDB',
      ],
      insert: "INSERT INTO sessions (session_id, expires, data) VALUES ('$id', $at, '{}')",
      at: seconds,
      tickMs: SECOND,
      never: UNSIGNED,
    },
  },

  'connect-session-knex': {
    idColumn: 'sid',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table `sessions` (`sid` varchar(255) not null, `sess` json not null, `expired` datetime not null, primary key (`sid`))',
        'alter table `sessions` add index `sessions_expired_index`(`expired`)',
      ],
      insert: "insert into sessions (sid, expired, sess) values ('$id', $at, '{}')",
      at: utc.seconds,
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'create table `sessions` (`sid` varchar(255) not null, `sess` json not null, `expired` datetime not null, primary key (`sid`))',
        'create index `sessions_expired_index` on `sessions` (`expired`)',
      ],
      insert: "insert or replace into sessions (sid, expired, sess) values ('$id', $at, '{}')",
      at: iso,
      tickMs: 1,
    },
    postgresql: {
      schema: [
        'create table "sessions" ("sid" varchar(255) not null, "sess" json not null, "expired" timestamptz not null, constraint "sessions_pkey" primary key ("sid"))',
        'create index "sessions_expired_index" on "sessions" ("expired")',
      ],
      insert: `insert into "sessions" ("sid", "expired", "sess") values ('$id', $at, '{}')`,
      at: zoned,
      tickMs: 1,
      never: ["'infinity'"],
    },
  },

  'connect-sqlite3': {
    idColumn: 'sid',
    lifetimeMs: 0,
    sqlite: {
      schema: ['CREATE TABLE IF NOT EXISTS sessions (sid PRIMARY KEY, expired, sess)'],
      insert: "INSERT OR REPLACE INTO sessions VALUES ('$id', $at, '{}')",
      at: milliseconds,
      tickMs: 1,
      never: ['NULL', '0'],
    },
  },

  'better-sqlite3-session-store': {
    idColumn: 'sid',
    lifetimeMs: 0,
    sqlite: {
      schema: [
        'CREATE TABLE IF NOT EXISTS sessions (sid TEXT NOT NULL PRIMARY KEY, sess JSON NOT NULL, expire TEXT NOT NULL)',
      ],
      insert: "INSERT OR REPLACE INTO sessions VALUES ('$id', '{}', $at)",
      at: iso,
      tickMs: 1,
    },
  },

  'connect-pg-simple': {
    idColumn: 'sid',
    lifetimeMs: 0,
    flags: inParis,
    postgresql: {
      schema: [
        'CREATE TABLE "session" ("sid" varchar NOT NULL COLLATE "default", "sess" json NOT NULL, "expire" timestamp(6) NOT NULL) WITH (OIDS=FALSE)',
        'ALTER TABLE "session" ADD CONSTRAINT "session_pkey" PRIMARY KEY ("sid") NOT DEFERRABLE INITIALLY IMMEDIATE',
        'CREATE INDEX "IDX_session_expire" ON "session" ("expire")',
      ],
      insert: `INSERT INTO "session" (sid, sess, expire) VALUES ('$id', '{}', $at)`,
      at: paris.seconds,
      tickMs: SECOND,
      never: ["'infinity'"],
    },
  },

  'connect-session-sequelize': {
    idColumn: 'sid',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `Sessions` (`sid` VARCHAR(36) , `expires` DATETIME, `data` TEXT, `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL, PRIMARY KEY (`sid`)) ENGINE=InnoDB',
      ],
      insert: "INSERT INTO Sessions VALUES ('$id', $at, '{}', '2026-01-01 00:00:00', '2026-01-01 00:00:00')",
      at: utc.seconds,
      tickMs: SECOND,
      never: ['NULL'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `Sessions` (`sid` VARCHAR(36) PRIMARY KEY, `expires` DATETIME, `data` TEXT, `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL)',
      ],
      insert: "INSERT INTO Sessions VALUES ('$id', $at, '{}', '2026-01-01', '2026-01-01')",
      at: quoted((ms) => `${utcMillis(ms)} +00:00`),
      tickMs: 1,
      never: ['NULL'],
    },
    postgresql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS "Sessions" ("sid" VARCHAR(36) , "expires" TIMESTAMP WITH TIME ZONE, "data" TEXT, "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY ("sid"))',
      ],
      insert: `INSERT INTO "Sessions" VALUES ('$id', $at, '{}', '2026-01-01', '2026-01-01')`,
      at: zoned,
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
      insert: "INSERT INTO session (expiredAt, id, json) VALUES ($at, '$id', '{}')",
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
    },
    sqlite: {
      schema: [
        'CREATE TABLE "session" ("expiredAt" bigint NOT NULL, "id" varchar(255) PRIMARY KEY NOT NULL, "json" text NOT NULL, "destroyedAt" datetime)',
        'CREATE INDEX "IDX_28c5d1d16da7908c97c9bc2f74" ON "session" ("expiredAt")',
      ],
      insert: "INSERT INTO session (expiredAt, id, json) VALUES ($at, '$id', '{}')",
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
    },
    postgresql: {
      schema: [
        'CREATE TABLE "session" ("expiredAt" bigint NOT NULL, "id" character varying(255) NOT NULL, "json" text NOT NULL, "destroyedAt" TIMESTAMP, CONSTRAINT "PK_f55da76ac1c3ac420f444d2ff11" PRIMARY KEY ("id"))',
        'CREATE INDEX "IDX_28c5d1d16da7908c97c9bc2f74" ON "session" ("expiredAt")',
      ],
      insert: `INSERT INTO "session" ("expiredAt", "id", "json") VALUES ($at, '$id', '{}')`,
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
    },
  },

  'prisma-session-store': {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `Session` (`id` VARCHAR(191) NOT NULL, `sid` VARCHAR(191) NOT NULL, `data` MEDIUMTEXT NOT NULL, `expiresAt` DATETIME(3) NOT NULL, UNIQUE INDEX `Session_sid_key`(`sid`), PRIMARY KEY (`id`)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
      ],
      insert: "INSERT INTO Session VALUES ('$id', '$id', '{}', $at)",
      at: utc.millis,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'CREATE TABLE "Session" ("id" TEXT NOT NULL PRIMARY KEY, "sid" TEXT NOT NULL, "data" TEXT NOT NULL, "expiresAt" DATETIME NOT NULL)',
        'CREATE UNIQUE INDEX "Session_sid_key" ON "Session"("sid")',
      ],
      insert: "INSERT INTO Session VALUES ('$id', '$id', '{}', $at)",
      at: quoted((ms) => new Date(ms).toISOString().replace('Z', '+00:00')),
      tickMs: 1,
    },
    postgresql: {
      schema: [
        'CREATE TABLE "Session" ("id" TEXT NOT NULL, "sid" TEXT NOT NULL, "data" TEXT NOT NULL, "expiresAt" TIMESTAMP(3) NOT NULL, CONSTRAINT "Session_pkey" PRIMARY KEY ("id"))',
        'CREATE UNIQUE INDEX "Session_sid_key" ON "Session"("sid")',
      ],
      insert: `INSERT INTO "Session" VALUES ('$id', '$id', '{}', $at)`,
      at: utc.millis,
      tickMs: 1,
    },
  },
} as const satisfies Readonly<Record<string, Fixture>>;
