// What people work with in PHP: mail, help desks, bookings.
import {
  DATETIME,
  DAY,
  type Fixture,
  INT,
  inParis,
  inParisOn,
  MINUTE,
  paris,
  SECOND,
  seconds,
  UNSIGNED,
  utc,
  zoned,
} from './fixture.js';

export const PHP_TOOLS = {
  dolibarr: {
    idColumn: 'session_id',
    lifetimeMs: 1440 * SECOND,
    flags: () => ['--older-than', '1440s', ...inParis()],
    mysql: {
      schema: [
        'create table llx_session (session_id varchar(50) PRIMARY KEY, session_variable text, last_accessed datetime NOT NULL, fk_user integer NOT NULL, remote_ip varchar(64) NULL, user_agent varchar(255) NULL) ENGINE=innodb',
      ],
      insert: "INSERT INTO llx_session (session_id, last_accessed, fk_user) VALUES ('$id', $at, 1)",
      at: paris.seconds,
      tickMs: SECOND,
      never: DATETIME,
    },
    postgresql: {
      schema: [
        'create table llx_session (session_id varchar(50) PRIMARY KEY, session_variable text, last_accessed timestamp NOT NULL, fk_user integer NOT NULL, remote_ip varchar(64) NULL, user_agent varchar(255) NULL)',
      ],
      insert: "INSERT INTO llx_session (session_id, last_accessed, fk_user) VALUES ('$id', $at, 1)",
      at: paris.seconds,
      tickMs: SECOND,
      never: DATETIME,
    },
  },

  osticket: {
    idColumn: 'session_id',
    lifetimeMs: 0,
    flags: inParis,
    mysql: {
      schema: [
        `CREATE TABLE ost_session (session_id varchar(255) collate ascii_general_ci NOT NULL default '', session_data blob, session_expire datetime default NULL, session_updated datetime default NULL, user_id varchar(16) NOT NULL default '0', user_ip varchar(64) NOT NULL, user_agent varchar(255) NOT NULL, PRIMARY KEY (session_id), KEY updated (session_updated), KEY user_id (user_id)) DEFAULT CHARSET=utf8`,
      ],
      insert:
        "INSERT INTO ost_session (session_id, session_expire, user_ip, user_agent) VALUES ('$id', $at, '127.0.0.1', 'x')",
      at: paris.seconds,
      tickMs: SECOND,
      never: ['NULL', ...DATETIME],
    },
  },

  roundcube: {
    idColumn: 'sess_id',
    lifetimeMs: 0,
    flags: inParisOn('mysql'),
    mysql: {
      schema: [
        "CREATE TABLE `session` (`sess_id` varchar(128) NOT NULL, `expires_at` datetime NOT NULL DEFAULT '1000-01-01 00:00:00', `ip` varchar(40) NOT NULL, `vars` mediumtext NOT NULL, PRIMARY KEY (`sess_id`), INDEX `expires_at_index` (`expires_at`)) ROW_FORMAT=DYNAMIC ENGINE=INNODB CHARACTER SET utf8mb4",
      ],
      insert: "INSERT INTO session (sess_id, expires_at, ip, vars) VALUES ('$id', $at, '127.0.0.1', 'x')",
      at: paris.seconds,
      tickMs: SECOND,
      never: ["'1000-01-01 00:00:00'", ...DATETIME],
    },
    sqlite: {
      schema: [
        `CREATE TABLE session (sess_id varchar(128) NOT NULL PRIMARY KEY, expires_at datetime NOT NULL default '0000-00-00 00:00:00', ip varchar(40) NOT NULL default '', vars text NOT NULL)`,
        'CREATE INDEX ix_session_expires_at ON session (expires_at)',
      ],
      insert: "INSERT INTO session (sess_id, expires_at, ip, vars) VALUES ('$id', $at, '127.0.0.1', 'x')",
      at: utc.seconds,
      tickMs: SECOND,
      never: ["'0000-00-00 00:00:00'", ...DATETIME],
    },
    postgresql: {
      schema: [
        `CREATE TABLE session (sess_id varchar(128) DEFAULT '' PRIMARY KEY, expires_at timestamp with time zone DEFAULT now() NOT NULL, ip varchar(41) NOT NULL, vars text NOT NULL)`,
        'CREATE INDEX session_expires_at_idx ON session (expires_at)',
      ],
      insert: "INSERT INTO session (sess_id, expires_at, ip, vars) VALUES ('$id', $at, '127.0.0.1', 'x')",
      at: zoned,
      tickMs: 1,
      never: ["'infinity'"],
    },
  },

  'roundcube-legacy': {
    idColumn: 'sess_id',
    lifetimeMs: 10 * MINUTE,
    flags: inParisOn('mysql'),
    mysql: {
      schema: [
        "CREATE TABLE `session` (`sess_id` varchar(128) NOT NULL, `changed` datetime NOT NULL DEFAULT '1000-01-01 00:00:00', `ip` varchar(40) NOT NULL, `vars` mediumtext NOT NULL, PRIMARY KEY (`sess_id`), INDEX `changed_index` (`changed`)) ROW_FORMAT=DYNAMIC ENGINE=INNODB CHARACTER SET utf8mb4",
      ],
      insert: "INSERT INTO session (sess_id, changed, ip, vars) VALUES ('$id', $at, '127.0.0.1', 'x')",
      at: paris.seconds,
      tickMs: SECOND,
      never: ["'1000-01-01 00:00:00'", ...DATETIME],
    },
    sqlite: {
      schema: [
        `CREATE TABLE session (sess_id varchar(128) NOT NULL PRIMARY KEY, changed datetime NOT NULL default '0000-00-00 00:00:00', ip varchar(40) NOT NULL default '', vars text NOT NULL)`,
        'CREATE INDEX ix_session_changed ON session (changed)',
      ],
      insert: "INSERT INTO session (sess_id, changed, ip, vars) VALUES ('$id', $at, '127.0.0.1', 'x')",
      at: utc.seconds,
      tickMs: SECOND,
      never: ["'0000-00-00 00:00:00'", ...DATETIME],
    },
    postgresql: {
      schema: [
        `CREATE TABLE session (sess_id varchar(128) DEFAULT '' PRIMARY KEY, changed timestamp with time zone DEFAULT now() NOT NULL, ip varchar(41) NOT NULL, vars text NOT NULL)`,
        'CREATE INDEX session_changed_idx ON session (changed)',
      ],
      insert: "INSERT INTO session (sess_id, changed, ip, vars) VALUES ('$id', $at, '127.0.0.1', 'x')",
      at: zoned,
      tickMs: 1,
      never: ["'infinity'"],
    },
  },

  mrbs: {
    idColumn: 'id',
    lifetimeMs: 30 * DAY,
    mysql: {
      schema: [
        'CREATE TABLE mrbs_sessions (id varchar(191) NOT NULL, access int unsigned DEFAULT NULL, data text DEFAULT NULL, PRIMARY KEY (id), KEY idxAccess (access)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
      ],
      insert: "INSERT INTO mrbs_sessions VALUES ('$id', $at, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...UNSIGNED],
    },
    postgresql: {
      schema: [
        'CREATE TABLE mrbs_sessions (id varchar(255) NOT NULL PRIMARY KEY, access int DEFAULT NULL, data text DEFAULT NULL)',
        'CREATE INDEX idxAccess ON mrbs_sessions (access)',
      ],
      insert: "INSERT INTO mrbs_sessions VALUES ('$id', $at, 'x')",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
    },
  },

  nextcloud: {
    idColumn: 'token',
    lifetimeMs: 86_400 * SECOND,
    mysql: {
      schema: [
        "CREATE TABLE `oc_authtoken` (`id` bigint(20) unsigned NOT NULL AUTO_INCREMENT, `uid` varchar(64) NOT NULL DEFAULT '', `login_name` varchar(255) NOT NULL DEFAULT '', `password` longtext, `name` longtext, `token` varchar(200) NOT NULL DEFAULT '', `type` smallint(5) unsigned DEFAULT 0, `remember` smallint(5) unsigned DEFAULT 0, `last_activity` int(10) unsigned DEFAULT 0, `last_check` int(10) unsigned DEFAULT 0, `scope` longtext, `expires` int(10) unsigned DEFAULT NULL, `private_key` longtext, `public_key` longtext, `version` smallint(5) unsigned NOT NULL DEFAULT 1, `password_invalid` tinyint(1) DEFAULT 0, PRIMARY KEY (`id`), UNIQUE KEY `authtoken_token_index` (`token`), KEY `authtoken_last_activity_idx` (`last_activity`), KEY `authtoken_uid_index` (`uid`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
      ],
      insert: "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 0, 0, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...UNSIGNED],
      kept: [
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 0, 1, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 1, 0, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 1, 1, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 2, 0, $at)",
      ],
    },
    sqlite: {
      schema: [
        "CREATE TABLE oc_authtoken (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, uid VARCHAR(64) DEFAULT '' NOT NULL, token VARCHAR(200) DEFAULT '' NOT NULL, type SMALLINT UNSIGNED DEFAULT 0, remember SMALLINT UNSIGNED DEFAULT 0, last_activity INTEGER UNSIGNED DEFAULT 0, version SMALLINT UNSIGNED DEFAULT 1 NOT NULL)",
        'CREATE UNIQUE INDEX authtoken_token_index ON oc_authtoken (token)',
        'CREATE INDEX authtoken_last_activity_idx ON oc_authtoken (last_activity)',
      ],
      insert: "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 0, 0, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...UNSIGNED],
      kept: [
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 0, 1, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 1, 0, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 1, 1, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 2, 0, $at)",
      ],
    },
    postgresql: {
      schema: [
        "CREATE TABLE oc_authtoken (id BIGSERIAL NOT NULL, uid VARCHAR(64) DEFAULT '' NOT NULL, token VARCHAR(200) DEFAULT '' NOT NULL, type SMALLINT DEFAULT 0, remember SMALLINT DEFAULT 0, last_activity INT DEFAULT 0, version SMALLINT DEFAULT 1 NOT NULL, PRIMARY KEY (id))",
        'CREATE UNIQUE INDEX authtoken_token_index ON oc_authtoken (token)',
        'CREATE INDEX authtoken_last_activity_idx ON oc_authtoken (last_activity)',
      ],
      insert: "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 0, 0, $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', ...INT],
      kept: [
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 0, 1, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 1, 0, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 1, 1, $at)",
        "INSERT INTO oc_authtoken (uid, token, type, remember, last_activity) VALUES ('u', '$id', 2, 0, $at)",
      ],
    },
  },

  engelsystem: {
    idColumn: 'id',
    lifetimeMs: 30 * DAY,
    flags: inParis,
    mysql: {
      schema: [
        'create table `sessions` (`id` varchar(255) not null, `payload` mediumtext not null, `user_id` int unsigned null, `last_activity` datetime not null default CURRENT_TIMESTAMP, unique `sessions_id_unique` (`id`)) default character set utf8mb4',
      ],
      insert: "insert into sessions (id, payload, last_activity) values ('$id', 'x', $at)",
      at: paris.seconds,
      tickMs: SECOND,
      never: DATETIME,
    },
  },
} as const satisfies Readonly<Record<string, Fixture>>;
