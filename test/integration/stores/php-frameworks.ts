// Frameworks and libraries for PHP.
import {
  BIGINT,
  DATETIME,
  type Fixture,
  INT,
  inParis,
  instant,
  MINUTE,
  paris,
  SECOND,
  seconds,
  UNSIGNED,
  zoned,
} from './fixture.js';

export const PHP_FRAMEWORKS = {
  laravel: {
    idColumn: 'id',
    lifetimeMs: 120 * MINUTE,
    mysql: {
      schema: [
        'create table `sessions` (`id` varchar(255) not null, `user_id` bigint unsigned null, `ip_address` varchar(45) null, `user_agent` text null, `payload` longtext not null, `last_activity` int not null, primary key (`id`)) default character set utf8mb4',
        'alter table `sessions` add index `sessions_user_id_index`(`user_id`)',
        'alter table `sessions` add index `sessions_last_activity_index`(`last_activity`)',
      ],
      insert: "insert into sessions (id, payload, last_activity) values ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
    sqlite: {
      schema: [
        'create table "sessions" ("id" varchar not null, "user_id" integer, "ip_address" varchar, "user_agent" text, "payload" text not null, "last_activity" integer not null, primary key ("id"))',
        'create index "sessions_user_id_index" on "sessions" ("user_id")',
        'create index "sessions_last_activity_index" on "sessions" ("last_activity")',
      ],
      insert: "insert into sessions (id, payload, last_activity) values ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
    postgresql: {
      schema: [
        'create table "sessions" ("id" varchar(255) not null, "user_id" bigint null, "ip_address" varchar(45) null, "user_agent" text null, "payload" text not null, "last_activity" integer not null)',
        'alter table "sessions" add primary key ("id")',
        'create index "sessions_user_id_index" on "sessions" ("user_id")',
        'create index "sessions_last_activity_index" on "sessions" ("last_activity")',
      ],
      insert: `insert into "sessions" ("id", "payload", "last_activity") values ('$id', 'x', $at)`,
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
  },

  symfony: {
    idColumn: 'sess_id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE sessions (sess_id VARBINARY(128) NOT NULL PRIMARY KEY, sess_data BLOB NOT NULL, sess_lifetime INTEGER UNSIGNED NOT NULL, sess_time INTEGER UNSIGNED NOT NULL, INDEX sess_lifetime_idx (sess_lifetime)) COLLATE utf8mb4_bin, ENGINE = InnoDB',
      ],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at, 1773500966)",
      at: seconds,
      tickMs: SECOND,
      never: UNSIGNED,
    },
    sqlite: {
      schema: [
        'CREATE TABLE sessions (sess_id TEXT NOT NULL PRIMARY KEY, sess_data BLOB NOT NULL, sess_lifetime INTEGER NOT NULL, sess_time INTEGER NOT NULL)',
        'CREATE INDEX sess_lifetime_idx ON sessions (sess_lifetime)',
      ],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at, 1773500966)",
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
    postgresql: {
      schema: [
        'CREATE TABLE sessions (sess_id VARCHAR(128) NOT NULL PRIMARY KEY, sess_data BYTEA NOT NULL, sess_lifetime INTEGER NOT NULL, sess_time INTEGER NOT NULL)',
        'CREATE INDEX sess_lifetime_idx ON sessions (sess_lifetime)',
      ],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at, 1773500966)",
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
  },

  'symfony-legacy': {
    idColumn: 'sess_id',
    rowLifetimeMs: 1440 * SECOND,
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE sessions (sess_id VARCHAR(128) NOT NULL PRIMARY KEY, sess_data BLOB NOT NULL, sess_time INTEGER UNSIGNED NOT NULL, sess_lifetime MEDIUMINT NOT NULL) COLLATE utf8mb4_bin, ENGINE = InnoDB',
      ],
      insert: "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 1440, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['0', '4294967295'],
      kept: [
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 0, $at)",
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', -1, $at)",
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 8388607, $at)",
      ],
    },
    sqlite: {
      schema: [
        'CREATE TABLE sessions (sess_id TEXT NOT NULL PRIMARY KEY, sess_data BLOB NOT NULL, sess_time INTEGER NOT NULL, sess_lifetime INTEGER NOT NULL)',
      ],
      insert: "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 1440, $at)",
      at: seconds,
      tickMs: SECOND,
      never: INT,
      kept: [
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 0, $at)",
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', -1, $at)",
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 31536000, $at)",
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 1773500966, $at)",
      ],
    },
    postgresql: {
      schema: [
        'CREATE TABLE sessions (sess_id VARCHAR(128) NOT NULL PRIMARY KEY, sess_data BYTEA NOT NULL, sess_time INTEGER NOT NULL, sess_lifetime INTEGER NOT NULL)',
      ],
      insert: "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 1440, $at)",
      at: seconds,
      tickMs: SECOND,
      never: INT,
      kept: [
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 0, $at)",
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', -1, $at)",
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 31536000, $at)",
        "INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time) VALUES ('$id', 'x', 1773500966, $at)",
      ],
    },
  },

  codeigniter: {
    idColumn: 'id',
    lifetimeMs: 7200 * SECOND,
    mysql: [
      {
        version: 'CodeIgniter 4',
        schema: [
          'CREATE TABLE IF NOT EXISTS `ci_sessions` (`id` varchar(128) NOT null, `ip_address` varchar(45) NOT null, `timestamp` timestamp DEFAULT CURRENT_TIMESTAMP NOT null, `data` blob NOT null, KEY `ci_sessions_timestamp` (`timestamp`))',
          'ALTER TABLE ci_sessions ADD PRIMARY KEY (id, ip_address)',
        ],
        insert: "INSERT INTO ci_sessions VALUES ('$id', '127.0.0.1', $at, 'x')",
        at: instant,
        tickMs: SECOND,
      },
      {
        version: 'CodeIgniter 3',
        schema: [
          'CREATE TABLE IF NOT EXISTS `ci_sessions` (`id` varchar(128) NOT NULL, `ip_address` varchar(45) NOT NULL, `timestamp` int(10) unsigned DEFAULT 0 NOT NULL, `data` blob NOT NULL, KEY `ci_sessions_timestamp` (`timestamp`))',
          'ALTER TABLE ci_sessions ADD PRIMARY KEY (id)',
        ],
        insert: "INSERT INTO ci_sessions VALUES ('$id', '127.0.0.1', $at, 'x')",
        at: seconds,
        tickMs: SECOND,
        never: UNSIGNED,
      },
    ],
    postgresql: [
      {
        version: 'CodeIgniter 4',
        schema: [
          'CREATE TABLE "ci_sessions" ("id" varchar(128) NOT NULL, "ip_address" inet NOT NULL, "timestamp" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL, "data" bytea DEFAULT \'\' NOT NULL)',
          'CREATE INDEX "ci_sessions_timestamp" ON "ci_sessions" ("timestamp")',
          'ALTER TABLE ci_sessions ADD PRIMARY KEY (id)',
        ],
        insert: `INSERT INTO "ci_sessions" VALUES ('$id', '127.0.0.1', $at, 'x')`,
        at: zoned,
        tickMs: 1,
      },
      {
        version: 'CodeIgniter 3',
        schema: [
          'CREATE TABLE "ci_sessions" ("id" varchar(128) NOT NULL, "ip_address" varchar(45) NOT NULL, "timestamp" bigint DEFAULT 0 NOT NULL, "data" text DEFAULT \'\' NOT NULL)',
          'CREATE INDEX "ci_sessions_timestamp" ON "ci_sessions" ("timestamp")',
          'ALTER TABLE ci_sessions ADD PRIMARY KEY (id)',
        ],
        insert: `INSERT INTO "ci_sessions" VALUES ('$id', '127.0.0.1', $at, 'x')`,
        at: seconds,
        tickMs: SECOND,
        never: BIGINT,
      },
    ],
  },

  cakephp: {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: [
      {
        version: 'CakePHP 5',
        schema: [
          'CREATE TABLE `sessions` (`id` char(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, `created` datetime DEFAULT CURRENT_TIMESTAMP, `modified` datetime DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, `data` blob DEFAULT NULL, `expires` int(10) unsigned DEFAULT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
        ],
        insert: "INSERT INTO sessions (id, data, expires) VALUES ('$id', 'x', $at)",
        at: seconds,
        tickMs: SECOND,
        never: ['NULL', ...UNSIGNED],
      },
      {
        version: 'CakePHP 3',
        schema: ['CREATE TABLE sessions (id char(40) NOT NULL, data text, expires INT(11) NOT NULL, PRIMARY KEY (id))'],
        insert: "INSERT INTO sessions VALUES ('$id', 'x', $at)",
        at: seconds,
        tickMs: SECOND,
        never: INT,
      },
    ],
    sqlite: {
      schema: ['CREATE TABLE sessions (id char(40) NOT NULL, data text, expires INT(11) NOT NULL, PRIMARY KEY (id))'],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
    postgresql: {
      schema: ['CREATE TABLE sessions (id char(40) NOT NULL, data text, expires integer NOT NULL, PRIMARY KEY (id))'],
      insert: "INSERT INTO sessions VALUES ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
  },

  laminas: {
    idColumn: 'id',
    rowLifetimeMs: 1440 * SECOND,
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `session` (`id` char(32), `name` char(32), `modified` int, `lifetime` int, `data` text, PRIMARY KEY (`id`, `name`))',
      ],
      insert: "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 1440, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
      kept: [
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, NULL, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 0, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, -1, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 31536000, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 2147483647, 'x')",
      ],
    },
    sqlite: {
      schema: [
        'CREATE TABLE "session" ("id" char(32), "name" char(32), "modified" int, "lifetime" int, "data" text, PRIMARY KEY ("id", "name"))',
      ],
      insert: "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 1440, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
      kept: [
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, NULL, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 0, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, -1, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 31536000, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 2147483647, 'x')",
      ],
    },
    postgresql: {
      schema: [
        'CREATE TABLE "session" ("id" char(32), "name" char(32), "modified" int, "lifetime" int, "data" text, PRIMARY KEY ("id", "name"))',
      ],
      insert: "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 1440, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
      kept: [
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, NULL, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 0, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, -1, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 31536000, 'x')",
        "INSERT INTO session (id, name, modified, lifetime, data) VALUES ('$id', 'PHPSESSID', $at, 2147483647, 'x')",
      ],
    },
  },

  yii: {
    idColumn: 'id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE `session` (`id` varchar(255) NOT NULL, `expire` int(11), `data` blob, PRIMARY KEY (`id`)) CHARACTER SET utf8 COLLATE utf8_unicode_ci ENGINE=InnoDB',
      ],
      insert: "INSERT INTO session VALUES ('$id', $at, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
    },
    sqlite: {
      schema: [
        'CREATE TABLE `session` (`id` varchar(255) NOT NULL, `expire` integer, `data` blob, PRIMARY KEY (`id`))',
      ],
      insert: "INSERT INTO session VALUES ('$id', $at, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
    },
    postgresql: {
      schema: [
        'CREATE TABLE "session" ("id" varchar(255) NOT NULL, "expire" integer, "data" bytea, PRIMARY KEY ("id"))',
      ],
      insert: `INSERT INTO "session" VALUES ('$id', $at, 'x')`,
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
    },
  },

  adodb: {
    idColumn: 'sesskey',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table sessions (SESSKEY char(32) not null, EXPIRY int(11) unsigned not null, EXPIREREF varchar(64), DATA text not null, primary key (sesskey))',
      ],
      insert: "insert into sessions values ('$id', $at, '', 'x')",
      at: seconds,
      tickMs: SECOND,
      never: UNSIGNED,
    },
    postgresql: {
      schema: [
        'create table sessions (sesskey char(32) not null, expiry integer not null, expireref varchar(64), data text not null, primary key (sesskey))',
      ],
      insert: "insert into sessions values ('$id', $at, '', 'x')",
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
  },

  'adodb-sessions2': {
    idColumn: 'sesskey',
    lifetimeMs: 0,
    flags: inParis,
    mysql: {
      schema: [
        `CREATE TABLE sessions2 (sesskey VARCHAR(64) NOT NULL, expiry DATETIME NOT NULL, expireref VARCHAR(250) DEFAULT '', created DATETIME NOT NULL, modified DATETIME NOT NULL, sessdata LONGTEXT, PRIMARY KEY (sesskey), INDEX sess2_expiry (expiry), INDEX sess2_expireref (expireref))`,
      ],
      insert:
        "INSERT INTO sessions2 (sesskey, expiry, created, modified) VALUES ('$id', $at, '2026-01-01', '2026-01-01')",
      at: paris.seconds,
      tickMs: SECOND,
      never: DATETIME,
    },
    postgresql: {
      schema: [
        `CREATE TABLE sessions2 (sesskey VARCHAR(64) NOT NULL, expiry TIMESTAMP NOT NULL, expireref VARCHAR(250) DEFAULT '', created TIMESTAMP NOT NULL, modified TIMESTAMP NOT NULL, sessdata TEXT DEFAULT '', PRIMARY KEY (sesskey))`,
        'CREATE INDEX sess2_expiry ON sessions2 (expiry)',
      ],
      insert:
        "INSERT INTO sessions2 (sesskey, expiry, created, modified) VALUES ('$id', $at, '2026-01-01', '2026-01-01')",
      at: paris.seconds,
      tickMs: SECOND,
      never: DATETIME,
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
      insert:
        "INSERT INTO phpauth_sessions (uid, hash, expiredate, ip, agent, cookie_crc) VALUES (1, '$id', $at, '127.0.0.1', 'x', 'x')",
      at: paris.seconds,
      tickMs: SECOND,
    },
  },
} as const satisfies Readonly<Record<string, Fixture>>;
