// What makes web sites in PHP: shops, forums, content management.
import {
  BIGINT,
  DATETIME,
  DAY,
  type Fixture,
  HOUR,
  INT,
  inParis,
  MINUTE,
  paris,
  quoted,
  SECOND,
  seconds,
  UNSIGNED,
  utc,
  zoned,
} from './fixture.js';

export const PHP_SITES = {
  woocommerce: {
    idColumn: 'session_key',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE wp_woocommerce_sessions (session_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, session_key char(32) NOT NULL, session_value longtext NOT NULL, session_expiry bigint(20) unsigned NOT NULL, PRIMARY KEY (session_id), UNIQUE KEY session_key (session_key)) DEFAULT CHARACTER SET utf8mb4',
      ],
      insert:
        "INSERT INTO wp_woocommerce_sessions (session_key, session_value, session_expiry) VALUES ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['0', '253402300799'],
    },
  },

  pantheon: {
    idColumn: 'session_id',
    lifetimeMs: 21 * DAY,
    flags: () => ['--older-than', '21d'],
    mysql: {
      schema: [
        "CREATE TABLE IF NOT EXISTS `wp_pantheon_sessions` (`id` bigint(20) NOT NULL AUTO_INCREMENT PRIMARY KEY, `user_id` bigint(20) unsigned NOT NULL, `session_id` varchar(128) NOT NULL DEFAULT '', `secure_session_id` varchar(128) NOT NULL DEFAULT '', `ip_address` varchar(128) NOT NULL DEFAULT '', `datetime` datetime DEFAULT NULL, `data` mediumblob, KEY `session_id` (`session_id`), KEY `secure_session_id` (`secure_session_id`))",
      ],
      insert: "INSERT INTO wp_pantheon_sessions (user_id, session_id, datetime) VALUES (1, '$id', $at)",
      at: utc.seconds,
      tickMs: SECOND,
      never: ['NULL', ...DATETIME],
    },
  },

  drupal: {
    idColumn: 'sid',
    lifetimeMs: 200_000 * SECOND,
    mysql: {
      schema: [
        "CREATE TABLE `sessions` (`uid` INT unsigned NOT NULL, `sid` VARCHAR(128) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL, `hostname` VARCHAR(128) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL DEFAULT '', `timestamp` BIGINT NOT NULL DEFAULT 0, `session` LONGBLOB NULL DEFAULT NULL, PRIMARY KEY (`sid`), INDEX `timestamp` (`timestamp`), INDEX `uid` (`uid`)) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4",
      ],
      insert: "INSERT INTO sessions (uid, sid, timestamp, session) VALUES (1, '$id', $at, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: BIGINT,
    },
    sqlite: {
      schema: [
        'CREATE TABLE "sessions" (uid INTEGER NOT NULL CHECK (uid>= 0), sid VARCHAR(128) NOT NULL, hostname VARCHAR(128) NOT NULL DEFAULT \'\', timestamp INTEGER NOT NULL DEFAULT 0, session BLOB NULL DEFAULT NULL, PRIMARY KEY (sid))',
        'CREATE INDEX "sessions_timestamp" ON "sessions" (timestamp)',
        'CREATE INDEX "sessions_uid" ON "sessions" (uid)',
      ],
      insert: "INSERT INTO sessions (uid, sid, timestamp, session) VALUES (1, '$id', $at, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: BIGINT,
    },
    postgresql: {
      schema: [
        `CREATE TABLE "sessions" ("uid" int CHECK ("uid" >= 0) NOT NULL, "sid" varchar(128) NOT NULL, "hostname" varchar(128) NOT NULL default '', "timestamp" bigint NOT NULL default 0, "session" bytea NULL, CONSTRAINT "sessions____pkey" PRIMARY KEY ("sid"))`,
        'CREATE INDEX "sessions__timestamp__idx" ON "sessions" ("timestamp")',
        'CREATE INDEX "sessions__uid__idx" ON "sessions" ("uid")',
      ],
      insert: `INSERT INTO "sessions" ("uid", "sid", "timestamp", "session") VALUES (1, '$id', $at, 'x')`,
      at: seconds,
      tickMs: SECOND,
      never: BIGINT,
    },
  },

  joomla: {
    idColumn: 'session_id',
    lifetimeMs: 15 * MINUTE,
    flags: () => ['--table', 'x7k2p_session'],
    mysql: [
      {
        version: 'Joomla 4',
        schema: [
          "CREATE TABLE IF NOT EXISTS `x7k2p_session` (`session_id` varbinary(192) NOT NULL, `client_id` tinyint unsigned DEFAULT NULL, `guest` tinyint unsigned DEFAULT 1, `time` int NOT NULL DEFAULT 0, `data` mediumtext, `userid` int DEFAULT 0, `username` varchar(150) DEFAULT '', PRIMARY KEY (`session_id`), KEY `userid` (`userid`), KEY `time` (`time`), KEY `client_id_guest` (`client_id`, `guest`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        ],
        insert: "INSERT INTO x7k2p_session (session_id, time) VALUES ('$id', $at)",
        at: seconds,
        tickMs: SECOND,
        never: INT,
      },
      {
        version: 'Joomla 3',
        schema: [
          "CREATE TABLE IF NOT EXISTS `x7k2p_session` (`session_id` varchar(191) NOT NULL DEFAULT '', `client_id` tinyint(3) unsigned DEFAULT NULL, `guest` tinyint(4) unsigned DEFAULT '1', `time` varchar(14) DEFAULT '', `data` mediumtext, `userid` int(11) DEFAULT '0', `username` varchar(150) DEFAULT '', PRIMARY KEY (`session_id`), KEY `userid` (`userid`), KEY `time` (`time`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        ],
        insert: "INSERT INTO x7k2p_session (session_id, time) VALUES ('$id', $at)",
        at: quoted(seconds),
        tickMs: SECOND,
        never: ['NULL', "''", "'0'"],
      },
    ],
    postgresql: {
      idColumn: "encode(session_id, 'escape')",
      schema: [
        `CREATE TABLE IF NOT EXISTS "x7k2p_session" ("session_id" bytea NOT NULL, "client_id" smallint DEFAULT NULL, "guest" smallint DEFAULT 1, "time" integer DEFAULT 0 NOT NULL, "data" text, "userid" bigint DEFAULT 0, "username" varchar(150) DEFAULT '', PRIMARY KEY ("session_id"))`,
        'CREATE INDEX "x7k2p_session_idx_time" ON "x7k2p_session" ("time")',
      ],
      insert: `INSERT INTO "x7k2p_session" ("session_id", "time") VALUES ('$id', $at)`,
      at: seconds,
      tickMs: SECOND,
      never: INT,
    },
  },

  phpbb: {
    idColumn: 'session_id',
    lifetimeMs: 3660 * SECOND,
    mysql: {
      schema: [
        `CREATE TABLE phpbb_sessions (session_id char(32) DEFAULT '' NOT NULL, session_user_id int(10) unsigned DEFAULT '0' NOT NULL, session_last_visit int(11) unsigned DEFAULT '0' NOT NULL, session_start int(11) unsigned DEFAULT '0' NOT NULL, session_time int(11) unsigned DEFAULT '0' NOT NULL, session_autologin tinyint(1) unsigned DEFAULT '0' NOT NULL, PRIMARY KEY (session_id), KEY session_time (session_time), KEY session_user_id (session_user_id)) CHARACTER SET utf8 COLLATE utf8_bin`,
      ],
      insert: "INSERT INTO phpbb_sessions (session_id, session_time) VALUES ('$id', $at)",
      at: seconds,
      tickMs: SECOND,
      never: UNSIGNED,
    },
    sqlite: {
      schema: [
        `CREATE TABLE phpbb_sessions (session_id char(32) NOT NULL DEFAULT '', session_user_id INTEGER UNSIGNED NOT NULL DEFAULT '0', session_last_visit INTEGER UNSIGNED NOT NULL DEFAULT '0', session_start INTEGER UNSIGNED NOT NULL DEFAULT '0', session_time INTEGER UNSIGNED NOT NULL DEFAULT '0', session_autologin INTEGER UNSIGNED NOT NULL DEFAULT '0', PRIMARY KEY (session_id))`,
        'CREATE INDEX phpbb_sessions_session_time ON phpbb_sessions (session_time)',
      ],
      insert: "INSERT INTO phpbb_sessions (session_id, session_time) VALUES ('$id', $at)",
      at: seconds,
      tickMs: SECOND,
      never: UNSIGNED,
    },
    postgresql: {
      schema: [
        `CREATE TABLE phpbb_sessions (session_id char(32) DEFAULT '' NOT NULL, session_user_id INT4 DEFAULT '0' NOT NULL CHECK (session_user_id >= 0), session_last_visit INT4 DEFAULT '0' NOT NULL, session_start INT4 DEFAULT '0' NOT NULL, session_time INT4 DEFAULT '0' NOT NULL CHECK (session_time >= 0), session_autologin INT2 DEFAULT '0' NOT NULL, PRIMARY KEY (session_id))`,
        'CREATE INDEX phpbb_sessions_session_time ON phpbb_sessions (session_time)',
      ],
      insert: "INSERT INTO phpbb_sessions (session_id, session_time) VALUES ('$id', $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['0', '2147483647'],
    },
  },

  moodle: {
    idColumn: 'sid',
    lifetimeMs: 8 * HOUR,
    mysql: {
      schema: [
        'CREATE TABLE mdl_sessions (id BIGINT(10) NOT NULL AUTO_INCREMENT, state BIGINT(10) NOT NULL DEFAULT 0, sid VARCHAR(128) NOT NULL, userid BIGINT(10) NOT NULL, sessdata LONGTEXT, timecreated BIGINT(10) NOT NULL, timemodified BIGINT(10) NOT NULL, firstip VARCHAR(45), lastip VARCHAR(45), PRIMARY KEY (id), KEY mdl_sess_sta_ix (state), UNIQUE KEY mdl_sess_sid_uix (sid), KEY mdl_sess_tim_ix (timecreated), KEY mdl_sess_tim2_ix (timemodified))',
      ],
      insert: "INSERT INTO mdl_sessions (sid, userid, timecreated, timemodified) VALUES ('$id', 2, 1700000000, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['0', '-1', '253402300799'],
    },
    postgresql: {
      schema: [
        'CREATE TABLE mdl_sessions (id BIGSERIAL, state BIGINT NOT NULL DEFAULT 0, sid VARCHAR(128) NOT NULL, userid BIGINT NOT NULL, sessdata TEXT, timecreated BIGINT NOT NULL, timemodified BIGINT NOT NULL, firstip VARCHAR(45), lastip VARCHAR(45), CONSTRAINT mdl_sess_id_pk PRIMARY KEY (id))',
        'CREATE UNIQUE INDEX mdl_sess_sid_uix ON mdl_sessions (sid)',
        'CREATE INDEX mdl_sess_tim2_ix ON mdl_sessions (timemodified)',
      ],
      insert: "INSERT INTO mdl_sessions (sid, userid, timecreated, timemodified) VALUES ('$id', 2, 1700000000, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['0', '-1', '253402300799'],
    },
  },

  matomo: {
    idColumn: 'id',
    rowLifetimeMs: 1440 * SECOND,
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE matomo_session (id VARCHAR(191) NOT NULL, modified INTEGER, lifetime INTEGER, data MEDIUMTEXT, PRIMARY KEY (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
      ],
      insert: "INSERT INTO matomo_session (id, modified, lifetime, data) VALUES ('$id', $at, 1440, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
      kept: [
        "INSERT INTO matomo_session (id, modified, lifetime, data) VALUES ('$id', $at, NULL, 'x')",
        "INSERT INTO matomo_session (id, modified, lifetime, data) VALUES ('$id', $at, 0, 'x')",
        "INSERT INTO matomo_session (id, modified, lifetime, data) VALUES ('$id', $at, -1, 'x')",
        "INSERT INTO matomo_session (id, modified, lifetime, data) VALUES ('$id', $at, 31536000, 'x')",
      ],
    },
  },

  omeka: {
    idColumn: 'id',
    rowLifetimeMs: 1440 * SECOND,
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `omeka_sessions` (`id` varchar(128), `modified` bigint, `lifetime` int, `data` blob, PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_unicode_ci',
      ],
      insert: "INSERT INTO omeka_sessions (id, modified, lifetime, data) VALUES ('$id', $at, 1440, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', '0', '-1', '253402300799'],
      kept: [
        "INSERT INTO omeka_sessions (id, modified, lifetime, data) VALUES ('$id', $at, NULL, 'x')",
        "INSERT INTO omeka_sessions (id, modified, lifetime, data) VALUES ('$id', $at, 0, 'x')",
        "INSERT INTO omeka_sessions (id, modified, lifetime, data) VALUES ('$id', $at, -1, 'x')",
        "INSERT INTO omeka_sessions (id, modified, lifetime, data) VALUES ('$id', $at, 31536000, 'x')",
      ],
    },
  },

  magento: {
    idColumn: 'session_id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE core_session (session_id varchar(255) NOT NULL, session_expires int(10) unsigned NOT NULL DEFAULT 0, session_data mediumblob NOT NULL, PRIMARY KEY (session_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8',
      ],
      insert: "INSERT INTO core_session VALUES ('$id', $at, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: UNSIGNED,
    },
  },

  magento2: {
    idColumn: 'session_id',
    lifetimeMs: HOUR,
    flags: () => ['--older-than', '1h'],
    mysql: {
      schema: [
        'CREATE TABLE session (session_id varchar(255) NOT NULL, session_expires int unsigned NOT NULL DEFAULT 0, session_data mediumblob NOT NULL, PRIMARY KEY (session_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
      ],
      insert: "INSERT INTO session VALUES ('$id', $at, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: UNSIGNED,
    },
  },

  opencart: {
    idColumn: 'session_id',
    lifetimeMs: 0,
    flags: inParis,
    mysql: {
      schema: [
        'CREATE TABLE oc_session (session_id varchar(32) NOT NULL, data text NOT NULL, expire datetime NOT NULL, PRIMARY KEY (session_id), KEY expire (expire)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
      ],
      insert: "INSERT INTO oc_session VALUES ('$id', 'x', $at)",
      at: paris.seconds,
      tickMs: SECOND,
      never: DATETIME,
    },
  },

  mediawiki: {
    idColumn: 'keyname',
    lifetimeMs: 0,
    postgresql: {
      schema: [
        `CREATE TABLE objectcache (keyname TEXT DEFAULT '' NOT NULL, value TEXT DEFAULT NULL, exptime TIMESTAMPTZ NOT NULL, modtoken VARCHAR(17) DEFAULT '00000000000000000' NOT NULL, flags INT DEFAULT NULL, PRIMARY KEY (keyname))`,
        'CREATE INDEX exptime ON objectcache (exptime)',
      ],
      insert: "INSERT INTO objectcache (keyname, exptime) VALUES ('$id', $at)",
      at: zoned,
      tickMs: SECOND,
      never: ["'9999-12-31 23:59:59+00'"],
    },
  },

  piwigo: {
    idColumn: 'id',
    lifetimeMs: 3600 * SECOND,
    flags: inParis,
    mysql: {
      schema: [
        `CREATE TABLE piwigo_sessions (id varchar(255) binary NOT NULL default '', data mediumtext NOT NULL, expiration datetime NOT NULL default '1970-01-01 00:00:00', PRIMARY KEY (id)) ENGINE=InnoDB`,
      ],
      insert: "INSERT INTO piwigo_sessions VALUES ('$id', 'x', $at)",
      at: paris.seconds,
      tickMs: SECOND,
      never: ["'1970-01-01 00:00:00'", ...DATETIME],
    },
  },

  redaxo: {
    idColumn: 'session_id',
    lifetimeMs: 7200 * SECOND,
    flags: inParis,
    mysql: {
      schema: [
        'CREATE TABLE rex_user_session (session_id varchar(255) NOT NULL, user_id int(10) unsigned NOT NULL, cookie_key varchar(255) NULL, passkey_id varchar(255) NULL, ip varchar(39) NOT NULL, useragent varchar(255) NOT NULL, starttime datetime NOT NULL, last_activity datetime NOT NULL, PRIMARY KEY (session_id), UNIQUE KEY cookie_key (cookie_key)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
      ],
      insert:
        "INSERT INTO rex_user_session (session_id, user_id, cookie_key, ip, useragent, starttime, last_activity) VALUES ('$id', 1, NULL, '127.0.0.1', 'x', '2026-01-01', $at)",
      at: paris.seconds,
      tickMs: SECOND,
      never: DATETIME,
      kept: [
        "INSERT INTO rex_user_session (session_id, user_id, cookie_key, ip, useragent, starttime, last_activity) VALUES ('$id', 1, 'k', '127.0.0.1', 'x', '2026-01-01', $at)",
      ],
    },
  },
} as const satisfies Readonly<Record<string, Fixture>>;
