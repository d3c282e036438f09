// What other programs and libraries for Node keep.
import {
  BIGINT,
  type Fixture,
  inParisOn,
  instant,
  iso,
  milliseconds,
  paris,
  quoted,
  SECOND,
  seconds,
  utc,
  zoned,
} from './fixture.js';

export const NODE = {
  'better-auth': {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table `user` (`id` varchar(36) not null primary key, `email` varchar(255) not null unique)',
        'create table `session` (`id` varchar(36) not null primary key, `expiresAt` timestamp(3) not null, `token` varchar(255) not null unique, `userId` varchar(36) not null references `user` (`id`) on delete cascade)',
        "insert into user values ('1', 'somebody@example.com')",
      ],
      insert: "insert into session values ('$id', $at, '$id', '1')",
      at: instant,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'create table "user" ("id" text not null primary key, "email" text not null unique)',
        'create table "session" ("id" text not null primary key, "expiresAt" date not null, "token" text not null unique, "userId" text not null references "user" ("id") on delete cascade)',
        "insert into user values ('1', 'somebody@example.com')",
      ],
      insert: "insert into session values ('$id', $at, '$id', '1')",
      at: iso,
      tickMs: 1,
    },
    postgresql: {
      schema: [
        'create table "user" ("id" text not null primary key, "email" text not null unique)',
        'create table "session" ("id" text not null primary key, "expiresAt" timestamptz not null, "token" text not null unique, "userId" text not null references "user" ("id") on delete cascade)',
        `insert into "user" values ('1', 'somebody@example.com')`,
      ],
      insert: `insert into "session" values ('$id', $at, '$id', '1')`,
      at: zoned,
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
      insert: "INSERT INTO session VALUES ('$id', '1', $at)",
      at: instant,
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'CREATE TABLE `user` (`id` text PRIMARY KEY NOT NULL)',
        'CREATE TABLE `session` (`sessionToken` text PRIMARY KEY NOT NULL, `userId` text NOT NULL, `expires` integer NOT NULL, FOREIGN KEY (`userId`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE cascade)',
        "INSERT INTO user VALUES ('1')",
      ],
      insert: "INSERT INTO session VALUES ('$id', '1', $at)",
      at: milliseconds,
      tickMs: 1,
    },
    postgresql: {
      idColumn: '"sessionToken"',
      schema: [
        'CREATE TABLE "user" ("id" text PRIMARY KEY NOT NULL)',
        'CREATE TABLE "session" ("sessionToken" text PRIMARY KEY NOT NULL, "userId" text NOT NULL, "expires" timestamp NOT NULL)',
        'ALTER TABLE "session" ADD CONSTRAINT "session_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action',
        `INSERT INTO "user" VALUES ('1')`,
      ],
      insert: `INSERT INTO "session" VALUES ('$id', '1', $at)`,
      at: utc.millis,
      tickMs: 1,
    },
  },

  'authjs-pg': {
    idColumn: '"sessionToken"',
    lifetimeMs: 0,
    postgresql: {
      schema: [
        'CREATE TABLE sessions (id SERIAL, "userId" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL, "sessionToken" VARCHAR(255) NOT NULL, PRIMARY KEY (id))',
      ],
      insert: `INSERT INTO sessions ("userId", expires, "sessionToken") VALUES (1, $at, '$id')`,
      at: zoned,
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
      insert: "INSERT INTO Session VALUES ('$id', '1', $at)",
      at: utc.millis,
      tickMs: 1,
    },
    sqlite: {
      // As Prisma 6 and before wrote it.
      schema: [
        'CREATE TABLE "Session" ("sessionToken" TEXT NOT NULL, "userId" TEXT NOT NULL, "expires" DATETIME NOT NULL)',
        'CREATE UNIQUE INDEX "Session_sessionToken_key" ON "Session"("sessionToken")',
      ],
      insert: "INSERT INTO Session VALUES ('$id', '1', $at)",
      at: milliseconds,
      tickMs: 1,
    },
    postgresql: {
      idColumn: '"sessionToken"',
      schema: [
        'CREATE TABLE "Session" ("id" TEXT NOT NULL, "sessionToken" TEXT NOT NULL, "userId" TEXT NOT NULL, "expires" TIMESTAMP(3) NOT NULL, CONSTRAINT "Session_pkey" PRIMARY KEY ("id"))',
        'CREATE UNIQUE INDEX "Session_sessionToken_key" ON "Session"("sessionToken")',
      ],
      insert: `INSERT INTO "Session" VALUES ('$id', '$id', '1', $at)`,
      at: utc.millis,
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
      insert: "INSERT INTO sessions VALUES (UUID(), '$id', '1', $at)",
      at: quoted(milliseconds),
      tickMs: 1,
      never: ["'0'", "''"],
    },
    sqlite: {
      schema: [
        'CREATE TABLE "sessions" ("id" varchar PRIMARY KEY NOT NULL, "sessionToken" varchar NOT NULL, "userId" varchar NOT NULL, "expires" varchar NOT NULL, CONSTRAINT "UQ_8b5e2ec52e335c0fe16d7ec3584" UNIQUE ("sessionToken"))',
      ],
      insert: "INSERT INTO sessions VALUES ('$id', '$id', '1', $at)",
      at: quoted(milliseconds),
      tickMs: 1,
      never: ["'0'", "''"],
    },
    postgresql: {
      idColumn: '"sessionToken"',
      schema: [
        'CREATE TABLE "sessions" ("id" uuid NOT NULL DEFAULT md5(random()::text)::uuid, "sessionToken" character varying NOT NULL, "userId" uuid NOT NULL, "expires" character varying NOT NULL, CONSTRAINT "UQ_8b5e2ec52e335c0fe16d7ec3584" UNIQUE ("sessionToken"), CONSTRAINT "PK_3238ef96f18b355b671619111bc" PRIMARY KEY ("id"))',
      ],
      insert: `INSERT INTO "sessions" ("sessionToken", "userId", "expires") VALUES ('$id', md5(random()::text)::uuid, $at)`,
      at: quoted(milliseconds),
      tickMs: 1,
      never: ["'0'", "''"],
    },
  },

  lucia: {
    idColumn: 'id',
    lifetimeMs: 0,
    flags: inParisOn('mysql'),
    mysql: {
      schema: [
        'CREATE TABLE user (id VARCHAR(255) PRIMARY KEY)',
        'CREATE TABLE user_session (id VARCHAR(255) PRIMARY KEY, expires_at DATETIME NOT NULL, user_id VARCHAR(255) NOT NULL REFERENCES user(id))',
        "INSERT INTO user VALUES ('1')",
      ],
      insert: "INSERT INTO user_session VALUES ('$id', $at, '1')",
      at: paris.seconds,
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'CREATE TABLE user (id TEXT NOT NULL PRIMARY KEY)',
        'CREATE TABLE session (id TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL, user_id TEXT NOT NULL, FOREIGN KEY (user_id) REFERENCES user(id))',
        "INSERT INTO user VALUES ('1')",
      ],
      insert: "INSERT INTO session VALUES ('$id', $at, '1')",
      at: seconds,
      tickMs: SECOND,
    },
    postgresql: {
      schema: [
        'CREATE TABLE auth_user (id TEXT PRIMARY KEY)',
        'CREATE TABLE user_session (id TEXT PRIMARY KEY, expires_at TIMESTAMPTZ NOT NULL, user_id TEXT NOT NULL REFERENCES auth_user(id))',
        "INSERT INTO auth_user VALUES ('1')",
      ],
      insert: "INSERT INTO user_session VALUES ('$id', $at, '1')",
      at: zoned,
      tickMs: 1,
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
      insert: "insert into sessions (id, data, expires_at) values ('$id', '{}', $at)",
      at: instant,
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'create table `sessions` (`id` varchar(255) not null, `data` text not null, `user_id` varchar(255) null, `expires_at` datetime not null, primary key (`id`))',
        'create index `sessions_user_id_index` on `sessions` (`user_id`)',
        'create index `sessions_expires_at_index` on `sessions` (`expires_at`)',
      ],
      insert: "insert into sessions (id, data, expires_at) values ('$id', '{}', $at)",
      at: milliseconds,
      tickMs: 1,
    },
    postgresql: {
      schema: [
        'create table "sessions" ("id" varchar(255) not null, "data" text not null, "user_id" varchar(255) null, "expires_at" timestamptz not null)',
        'alter table "sessions" add constraint "sessions_pkey" primary key ("id")',
        'create index "sessions_user_id_index" on "sessions" ("user_id")',
        'create index "sessions_expires_at_index" on "sessions" ("expires_at")',
      ],
      insert: `insert into "sessions" ("id", "data", "expires_at") values ('$id', '{}', $at)`,
      at: zoned,
      tickMs: 1,
    },
  },

  directus: {
    idColumn: 'token',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table `directus_sessions` (`token` varchar(64) not null, `user` char(36) null, `expires` timestamp not null, `ip` varchar(255) null, `user_agent` text null, `share` char(36) null, `origin` varchar(255) null, `next_token` varchar(64) null, primary key (`token`))',
      ],
      insert: "insert into `directus_sessions` (`token`, `expires`) values ('$id', $at)",
      at: instant,
      tickMs: SECOND,
    },
    sqlite: {
      schema: [
        'create table `directus_sessions` (`token` varchar(64) not null, `user` char(36) null, `expires` datetime not null, `ip` varchar(255) null, `user_agent` text null, `share` char(36) null, `origin` varchar(255) null, `next_token` varchar(64) null, primary key (`token`))',
      ],
      insert: "insert into `directus_sessions` (`token`, `expires`) values ('$id', $at)",
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
    },
    postgresql: {
      schema: [
        'create table "directus_sessions" ("token" varchar(64) not null, "user" uuid null, "expires" timestamptz not null, "ip" varchar(255) null, "user_agent" text null, "share" uuid null, "origin" varchar(255) null, "next_token" varchar(64) null, constraint "directus_sessions_pkey" primary key ("token"))',
      ],
      insert: `insert into "directus_sessions" ("token", "expires") values ('$id', $at)`,
      at: zoned,
      tickMs: 1,
    },
  },
} as const satisfies Readonly<Record<string, Fixture>>;
