// Servers, frameworks and programs in Java, Rust and Go.
import {
  BIGINT,
  type Fixture,
  INT,
  inParisOn,
  instant,
  milliseconds,
  paris,
  quoted,
  SECOND,
  seconds,
  zoned,
} from './fixture.js';

/** A session with an attribute in the child table. */
const SPRING_ROWS = [
  "INSERT INTO SPRING_SESSION VALUES ('p $id', '$id', 1770044966000, 1770044966000, 1800, $at, NULL)",
  "INSERT INTO SPRING_SESSION_ATTRIBUTES VALUES ('p $id', 'a', 'x')",
];

const KEYCLOAK_ROWS = {
  insert:
    "INSERT INTO OFFLINE_USER_SESSION (USER_SESSION_ID, USER_ID, REALM_ID, CREATED_ON, OFFLINE_FLAG, LAST_SESSION_REFRESH) VALUES ('$id', 'u', 'r', 1000000000, '0', $at)",
  at: seconds,
  tickMs: SECOND,
  never: INT,
  kept: [
    "INSERT INTO OFFLINE_USER_SESSION (USER_SESSION_ID, USER_ID, REALM_ID, CREATED_ON, OFFLINE_FLAG, LAST_SESSION_REFRESH) VALUES ('$id', 'u', 'r', 1000000000, '1', $at)",
  ],
};

export const JAVA_RUST_GO = {
  keycloak: {
    idColumn: 'USER_SESSION_ID',
    lifetimeMs: 1800 * SECOND,
    flags: () => ['--older-than', '30m'],
    mysql: {
      schema: [
        'CREATE TABLE OFFLINE_USER_SESSION (USER_SESSION_ID VARCHAR(36) NOT NULL, USER_ID VARCHAR(255) NOT NULL, REALM_ID VARCHAR(36) NOT NULL, CREATED_ON INT NOT NULL, OFFLINE_FLAG VARCHAR(4) NOT NULL, DATA LONGTEXT NULL, LAST_SESSION_REFRESH INT DEFAULT 0 NOT NULL, BROKER_SESSION_ID VARCHAR(1024) NULL, VERSION INT DEFAULT 0 NULL, CONSTRAINT CONSTRAINT_OFFL_US_SES_PK2 PRIMARY KEY (USER_SESSION_ID, OFFLINE_FLAG))',
        'CREATE INDEX IDX_OFFLINE_USS_BY_LAST_SESSION_REFRESH ON OFFLINE_USER_SESSION (REALM_ID, OFFLINE_FLAG, LAST_SESSION_REFRESH)',
      ],
      ...KEYCLOAK_ROWS,
    },
    postgresql: {
      schema: [
        'CREATE TABLE OFFLINE_USER_SESSION (USER_SESSION_ID VARCHAR(36) NOT NULL, USER_ID VARCHAR(255) NOT NULL, REALM_ID VARCHAR(36) NOT NULL, CREATED_ON INTEGER NOT NULL, OFFLINE_FLAG VARCHAR(4) NOT NULL, DATA TEXT, LAST_SESSION_REFRESH INTEGER DEFAULT 0 NOT NULL, BROKER_SESSION_ID VARCHAR(1024), VERSION INTEGER DEFAULT 0, CONSTRAINT CONSTRAINT_OFFL_US_SES_PK2 PRIMARY KEY (USER_SESSION_ID, OFFLINE_FLAG))',
        'CREATE INDEX IDX_OFFLINE_USS_BY_LAST_SESSION_REFRESH ON OFFLINE_USER_SESSION (REALM_ID, OFFLINE_FLAG, LAST_SESSION_REFRESH)',
      ],
      ...KEYCLOAK_ROWS,
    },
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
      insert: SPRING_ROWS,
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
    },
    sqlite: {
      schema: [
        'CREATE TABLE SPRING_SESSION (PRIMARY_ID CHARACTER(36) NOT NULL, SESSION_ID CHARACTER(36) NOT NULL, CREATION_TIME INTEGER NOT NULL, LAST_ACCESS_TIME INTEGER NOT NULL, MAX_INACTIVE_INTERVAL INTEGER NOT NULL, EXPIRY_TIME INTEGER NOT NULL, PRINCIPAL_NAME CHARACTER(100), CONSTRAINT SPRING_SESSION_PK PRIMARY KEY (PRIMARY_ID))',
        'CREATE UNIQUE INDEX SPRING_SESSION_IX1 ON SPRING_SESSION (SESSION_ID)',
        'CREATE INDEX SPRING_SESSION_IX2 ON SPRING_SESSION (EXPIRY_TIME)',
        'CREATE TABLE SPRING_SESSION_ATTRIBUTES (SESSION_PRIMARY_ID CHARACTER(36) NOT NULL, ATTRIBUTE_NAME CHARACTER(200) NOT NULL, ATTRIBUTE_BYTES BLOB NOT NULL, CONSTRAINT SPRING_SESSION_ATTRIBUTES_PK PRIMARY KEY (SESSION_PRIMARY_ID, ATTRIBUTE_NAME), CONSTRAINT SPRING_SESSION_ATTRIBUTES_FK FOREIGN KEY (SESSION_PRIMARY_ID) REFERENCES SPRING_SESSION(PRIMARY_ID) ON DELETE CASCADE)',
      ],
      insert: SPRING_ROWS,
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
    },
    postgresql: {
      schema: [
        'CREATE TABLE SPRING_SESSION (PRIMARY_ID CHAR(36) NOT NULL, SESSION_ID CHAR(36) NOT NULL, CREATION_TIME BIGINT NOT NULL, LAST_ACCESS_TIME BIGINT NOT NULL, MAX_INACTIVE_INTERVAL INT NOT NULL, EXPIRY_TIME BIGINT NOT NULL, PRINCIPAL_NAME VARCHAR(100), CONSTRAINT SPRING_SESSION_PK PRIMARY KEY (PRIMARY_ID))',
        'CREATE UNIQUE INDEX SPRING_SESSION_IX1 ON SPRING_SESSION (SESSION_ID)',
        'CREATE INDEX SPRING_SESSION_IX2 ON SPRING_SESSION (EXPIRY_TIME)',
        'CREATE INDEX SPRING_SESSION_IX3 ON SPRING_SESSION (PRINCIPAL_NAME)',
        'CREATE TABLE SPRING_SESSION_ATTRIBUTES (SESSION_PRIMARY_ID CHAR(36) NOT NULL, ATTRIBUTE_NAME VARCHAR(200) NOT NULL, ATTRIBUTE_BYTES BYTEA NOT NULL, CONSTRAINT SPRING_SESSION_ATTRIBUTES_PK PRIMARY KEY (SESSION_PRIMARY_ID, ATTRIBUTE_NAME), CONSTRAINT SPRING_SESSION_ATTRIBUTES_FK FOREIGN KEY (SESSION_PRIMARY_ID) REFERENCES SPRING_SESSION(PRIMARY_ID) ON DELETE CASCADE)',
      ],
      insert: SPRING_ROWS,
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
    },
  },

  jetty: {
    idColumn: 'sessionId',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table JettySessions (sessionId varchar(120), contextPath varchar(60), virtualHost varchar(60), lastNode varchar(60), accessTime bigint, lastAccessTime bigint, createTime bigint, cookieTime bigint, lastSavedTime bigint, expiryTime bigint, maxInterval bigint, map blob, primary key(sessionId, contextPath, virtualHost))',
        'create index idx_JettySessions_expiry on JettySessions (expiryTime)',
        'create index idx_JettySessions_session on JettySessions (sessionId, contextPath)',
      ],
      insert:
        "insert into JettySessions (sessionId, contextPath, virtualHost, expiryTime, maxInterval) values ('$id', '_shop', '0.0.0.0', $at, 1800000)",
      at: milliseconds,
      tickMs: 1,
      never: ['NULL', ...BIGINT],
    },
    postgresql: {
      schema: [
        'create table JettySessions (sessionId varchar(120), contextPath varchar(60), virtualHost varchar(60), lastNode varchar(60), accessTime bigint, lastAccessTime bigint, createTime bigint, cookieTime bigint, lastSavedTime bigint, expiryTime bigint, maxInterval bigint, map bytea, primary key(sessionId, contextPath, virtualHost))',
        'create index idx_JettySessions_expiry on JettySessions (expiryTime)',
        'create index idx_JettySessions_session on JettySessions (sessionId, contextPath)',
      ],
      insert:
        "insert into JettySessions (sessionId, contextPath, virtualHost, expiryTime, maxInterval) values ('$id', '_shop', '0.0.0.0', $at, 1800000)",
      at: milliseconds,
      tickMs: 1,
      never: ['NULL', ...BIGINT],
    },
  },

  tomcat: {
    idColumn: 'session_id',
    rowLifetimeMs: 1800 * SECOND,
    lifetimeMs: 0,
    mysql: {
      schema: [
        'create table tomcat_sessions (session_id varchar(100) not null primary key, valid_session char(1) not null, max_inactive int not null, last_access bigint not null, app_name varchar(255), session_data mediumblob, KEY kapp_name(app_name))',
      ],
      insert:
        "INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access, app_name) VALUES ('$id', '1', 1800, $at, '_shop')",
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
      kept: [
        "INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access, app_name) VALUES ('$id', '1', 0, $at, '_shop')",
        "INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access, app_name) VALUES ('$id', '1', -1, $at, '_shop')",
        "INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access, app_name) VALUES ('$id', '1', 31536000, $at, '_shop')",
      ],
    },
    postgresql: {
      schema: [
        'create table tomcat_sessions (session_id varchar(100) not null primary key, valid_session char(1) not null, max_inactive int not null, last_access bigint not null, app_name varchar(255), session_data bytea)',
        'create index kapp_name on tomcat_sessions (app_name)',
      ],
      insert:
        "INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access, app_name) VALUES ('$id', '1', 1800, $at, '_shop')",
      at: milliseconds,
      tickMs: 1,
      never: BIGINT,
      kept: [
        "INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access, app_name) VALUES ('$id', '1', 0, $at, '_shop')",
        "INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access, app_name) VALUES ('$id', '1', -1, $at, '_shop')",
        "INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access, app_name) VALUES ('$id', '1', 31536000, $at, '_shop')",
      ],
    },
  },

  'tower-sessions': {
    idColumn: 'id',
    lifetimeMs: 0,
    // Its schema has one name for the whole server, which belongs to no test.
    flags: (engine, url) => (engine === 'mysql' ? ['--table', `${new URL(url).pathname.slice(1)}.session`] : []),
    mysql: {
      schema: [
        'create table if not exists `session` (id char(22) primary key not null, data blob not null, expiry_date timestamp(6) not null)',
      ],
      insert: "insert into session (id, data, expiry_date) values ('$id', 'x', $at)",
      at: instant,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'create table if not exists tower_sessions (id text primary key not null, data blob not null, expiry_date integer not null)',
      ],
      insert: "insert into tower_sessions (id, data, expiry_date) values ('$id', 'x', $at)",
      at: quoted((ms) => `${new Date(ms).toISOString().replace(/\.?0*Z$/, '')}Z`),
      tickMs: 1,
    },
    postgresql: {
      schema: [
        'create schema if not exists tower_sessions',
        'create table tower_sessions.session (id text primary key not null, data bytea not null, expiry_date timestamptz not null)',
      ],
      insert: "insert into tower_sessions.session (id, data, expiry_date) values ('$id', 'x', $at)",
      at: zoned,
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
      insert: "INSERT INTO sessions (token, data, expiry) VALUES ('$id', 'x', $at)",
      at: instant,
      tickMs: 1,
    },
    sqlite: {
      schema: [
        'CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL)',
        'CREATE INDEX sessions_expiry_idx ON sessions(expiry)',
      ],
      insert: "REPLACE INTO sessions (token, data, expiry) VALUES ('$id', 'x', $at)",
      at: (ms) => `julianday('${new Date(ms).toISOString().slice(0, 23)}')`,
      tickMs: 1,
    },
    postgresql: {
      schema: [
        'CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL)',
        'CREATE INDEX sessions_expiry_idx ON sessions (expiry)',
      ],
      insert: "INSERT INTO sessions (token, data, expiry) VALUES ('$id', 'x', $at)",
      at: zoned,
      tickMs: 1,
    },
  },

  gormstore: {
    idColumn: 'id',
    lifetimeMs: 0,
    flags: inParisOn('mysql'),
    mysql: {
      schema: [
        'CREATE TABLE `sessions` (`id` varchar(191), `data` longtext, `created_at` datetime(3) NULL, `updated_at` datetime(3) NULL, `expires_at` datetime(3) NULL, PRIMARY KEY (`id`), INDEX `idx_sessions_expires_at` (`expires_at`))',
      ],
      insert: "INSERT INTO sessions (id, data, expires_at) VALUES ('$id', 'x', $at)",
      at: paris.millis,
      tickMs: 1,
      never: ['NULL'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE `sessions` (`id` text, `data` text, `created_at` datetime, `updated_at` datetime, `expires_at` datetime, PRIMARY KEY (`id`))',
        'CREATE INDEX `idx_sessions_expires_at` ON `sessions`(`expires_at`)',
      ],
      insert: "INSERT INTO sessions (id, data, expires_at) VALUES ('$id', 'x', $at)",
      at: paris.withOffset,
      tickMs: 1,
      never: ['NULL'],
    },
    postgresql: {
      schema: [
        'CREATE TABLE "sessions" ("id" text, "data" text, "created_at" timestamptz, "updated_at" timestamptz, "expires_at" timestamptz, PRIMARY KEY ("id"))',
        'CREATE INDEX "idx_sessions_expires_at" ON "sessions" ("expires_at")',
      ],
      insert: `INSERT INTO "sessions" ("id", "data", "expires_at") VALUES ('$id', 'x', $at)`,
      at: zoned,
      tickMs: 1,
      never: ['NULL'],
    },
  },

  pgstore: {
    idColumn: "encode(key, 'escape')",
    lifetimeMs: 0,
    postgresql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS http_sessions (id BIGSERIAL PRIMARY KEY, key BYTEA, data BYTEA, created_on TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP, modified_on TIMESTAMPTZ, expires_on TIMESTAMPTZ)',
        'CREATE INDEX IF NOT EXISTS http_sessions_expiry_idx ON http_sessions (expires_on)',
        'CREATE INDEX IF NOT EXISTS http_sessions_key_idx ON http_sessions (key)',
      ],
      insert: "INSERT INTO http_sessions (key, data, expires_on) VALUES ('$id', 'x', $at)",
      at: zoned,
      tickMs: 1,
      never: ['NULL'],
    },
  },

  gitea: {
    idColumn: 'key',
    lifetimeMs: 86_400 * SECOND,
    mysql: {
      idColumn: '`key`',
      schema: [
        'CREATE TABLE IF NOT EXISTS `session` (`key` CHAR(16) NOT NULL, `data` BLOB NULL, `expiry` BIGINT(20) NULL, PRIMARY KEY (`key`)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET utf8mb4',
      ],
      insert: "INSERT INTO `session` VALUES ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', '0', '-1', '253402300799'],
    },
    sqlite: {
      schema: [
        'CREATE TABLE IF NOT EXISTS `session` (`key` TEXT PRIMARY KEY NOT NULL, `data` BLOB NULL, `expiry` INTEGER NULL)',
      ],
      insert: "INSERT INTO `session` VALUES ('$id', 'x', $at)",
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', '0', '-1', '253402300799'],
    },
    postgresql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS "session" ("key" CHAR(16) PRIMARY KEY NOT NULL, "data" BYTEA NULL, "expiry" BIGINT NULL)',
      ],
      insert: `INSERT INTO "session" VALUES ('$id', 'x', $at)`,
      at: seconds,
      tickMs: SECOND,
      never: ['NULL', '0', '-1', '253402300799'],
    },
  },

  mattermost: {
    idColumn: 'Id',
    lifetimeMs: 0,
    mysql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS Sessions (Id varchar(26) NOT NULL, Token varchar(26) DEFAULT NULL, CreateAt bigint(20) DEFAULT NULL, ExpiresAt bigint(20) DEFAULT NULL, LastActivityAt bigint(20) DEFAULT NULL, UserId varchar(26) DEFAULT NULL, DeviceId text, Roles varchar(64) DEFAULT NULL, IsOAuth tinyint(1) DEFAULT NULL, ExpiredNotify tinyint(1) DEFAULT NULL, Props json DEFAULT NULL, PRIMARY KEY (Id), KEY idx_sessions_expires_at (ExpiresAt)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
      ],
      insert: "INSERT INTO Sessions (Id, ExpiresAt) VALUES ('$id', $at)",
      at: milliseconds,
      tickMs: 1,
      never: ['NULL', ...BIGINT],
    },
    postgresql: {
      schema: [
        'CREATE TABLE IF NOT EXISTS sessions (id VARCHAR(26) PRIMARY KEY, token VARCHAR(26), createat bigint, expiresat bigint, lastactivityat bigint, userid VARCHAR(26), deviceid VARCHAR(512), roles VARCHAR(256), isoauth boolean, props jsonb, expirednotify boolean)',
        'CREATE INDEX IF NOT EXISTS idx_sessions_expires_at ON sessions (expiresat)',
      ],
      insert: "INSERT INTO sessions (id, expiresat) VALUES ('$id', $at)",
      at: milliseconds,
      tickMs: 1,
      never: ['NULL', ...BIGINT],
    },
  },
} as const satisfies Readonly<Record<string, Fixture>>;
