// Which names are taken for a slip of a setting's, and which are left alone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { nearestName } from '../../src/nearest.js';
import { misspeltVariables } from '../../src/settings/near-miss.js';
import { SETTINGS } from '../../src/settings/settings.js';

const OURS = Object.values(SETTINGS).map(({ variables }) => variables[0] ?? '');

/** What follows the prefix, of ours and of those that are close to it. */
const CLOSE: Readonly<Record<string, string>> = {
  DRY_RUN:
    'DRYRUN DRY_RUNS DRYRUM DRY-RUN dry_run DRY DRY_RUN_ONLY ENABLE_DRY_RUN DRY__RUN RDY_RUN NOOP SIMULATE PREVIEW',
  DB_URL: 'DB_URI DBURL DB_URLS DATABASE_URL URL DSN DB_ULR',
  DB_URL_FILE: 'DB_URLFILE DBURL_FILE DB_URL_FILES DATABASE_URL_FILE DB_URI_FILE',
  TABLE: 'TABLES TABEL TABLE_NAME SESSIONS_TABLE Table',
  EXPIRES_COLUMN: 'EXPIRE_COLUMN EXPIRY_COLUMN EXPIRES_COLUMNS COLUMN EXPIRATION_COLUMN EXPIRESCOLUMN EXPIRES_AT',
  EXPIRES_FORMAT: 'EXPIRY_FORMAT EXPIRES_FORMATS EXPIRE_FORMAT',
  TIME_ZONE: 'TIMEZONE TZ TIME_ZONES TIMEZON',
  OLDER_THAN: 'OLDER_THEN OLDERTHAN OLDER LIFETIME MAX_AGE OLDER_THAN_SECONDS GRACE_PERIOD',
  LIFETIME_COLUMN: 'LIFE_TIME_COLUMN LIFETIMES_COLUMN LIFETIME_COLUMN_NAME',
  WHERE: 'WHER WHERES WHERE_CLAUSE CONDITION FILTER',
  MAX_DELETE: 'MAX_DELETES MAXDELETE MAX_DELETED MAX_ROWS LIMIT MAX_DELETE_ROWS',
  TIMEOUT: 'TIME_OUT TIMEOUTS TIMEOUT_MS TIMEOUT_SECONDS TIMEOT timeout',
  BATCH_SIZE: 'BATCHSIZE BATCH_SIZES BATCH BATCHES_SIZE BATCH_SIZE_ROWS',
  PAUSE: 'PAUSES PAUSE_MS PUASE',
  MAX_LAG: 'MAXLAG MAX_LAGS LAG REPLICA_LAG',
  REPLICA: 'REPLICAS REPLCIA',
  STORE: 'STORES STORE_NAME STROE',
  LOG_FORMAT: 'LOGFORMAT LOG_FORMATS LOGFROMAT',
  LOG_LEVEL: 'LOGLEVEL LOG_LEVELS LOG_LEVLE',
  METRICS_FILE: 'METRIC_FILE METRICSFILE METRICS_FILES METRICS_FILE_NAME',
  CORRELATION_ID: 'CORRELATIONID CORELATION_ID CORRELATION_IDS',
  QUIET: 'QUITE QUIETS',
  JSON: 'JSONS JSO json',
};

/** Whole names that are no slip of ours. */
const OTHERS = [
  // What Kubernetes sets for services named session-cleanup, session-cleanup-db and session-cleanup-table.
  ...['SERVICE_HOST', 'SERVICE_PORT', 'SERVICE_PORT_HTTP', 'PORT', 'PORT_80_TCP', 'PORT_80_TCP_PROTO'],
  ...['PORT_80_TCP_PORT', 'PORT_80_TCP_ADDR', 'PORT_53_UDP_ADDR', 'DB_SERVICE_HOST', 'DB_PORT', 'DB_PORT_3306_TCP'],
  ...['TABLE_SERVICE_HOST', 'TABLE_PORT', 'METRICS_PORT', 'METRICS_SERVICE_PORT_HTTP_METRICS'],
  // What a wrapper or a chart may have.
  ...['VERSION', 'IMAGE', 'IMAGE_TAG', 'HOME', 'DIR', 'ENV', 'ENABLED', 'NAMESPACE', 'SCHEDULE', 'CRON', 'INTERVAL'],
  ...['USER', 'PASSWORD', 'HOST', 'DATABASE', 'TOKEN', 'SECRET', 'NAME', 'JOB', 'RUN', 'LOG', 'LOG_FILE', 'DEBUG'],
  ...['STORAGE', 'LABEL', 'STATE', 'QUEUE', 'PHASE', 'TEST_MYSQL_URLS', 'TEST_RUNS', 'TEST_CASES', 'BACKUP', 'OWNER'],
].map((rest) => `SESSION_CLEANUP_${rest}`);

describe('a variable', () => {
  for (const [name, close] of Object.entries(CLOSE)) {
    test(`that is close to SESSION_CLEANUP_${name} is a problem that names it`, () => {
      for (const rest of close.split(' ')) {
        const variable = `SESSION_CLEANUP_${rest}`;
        assert.deepEqual(misspeltVariables({ [variable]: 'x' }), [
          `${variable} is unknown; did you mean SESSION_CLEANUP_${name}?`,
        ]);
      }
    });
  }

  test('has a case here for every setting', () => {
    assert.deepEqual(
      Object.keys(CLOSE)
        .map((name) => `SESSION_CLEANUP_${name}`)
        .sort(),
      [...OURS].sort(),
    );
  });

  test('is close in another spelling of the prefix too', () => {
    for (const variable of [
      'session_cleanup_dry_run',
      'SESSIONCLEANUP_DRY_RUN',
      'SESSION_CLEAN_UP_DRY_RUN',
      'SESSIONS_CLEANUP_DRY_RUN',
      'SESSION_CLEANUPDRY_RUN',
      'SESSION-CLEANUP-DRY-RUN',
    ]) {
      assert.deepEqual(misspeltVariables({ [variable]: '1' }), [
        `${variable} is unknown; did you mean SESSION_CLEANUP_DRY_RUN?`,
      ]);
    }
  });

  test('of another meaning is left alone', () => {
    for (const variable of OTHERS) assert.deepEqual(misspeltVariables({ [variable]: 'x' }), [], variable);
  });

  test('of another prefix is left alone', () => {
    for (const variable of [
      'DRYRUN',
      'DRY_RUN',
      'CLEANUP_DRYRUN',
      'MY_SESSION_CLEANUP_DRYRUN',
      'SESSION_TABLES',
      'TZ',
    ]) {
      assert.deepEqual(misspeltVariables({ [variable]: 'x' }), [], variable);
    }
  });

  test('that is empty is unset', () => {
    assert.deepEqual(misspeltVariables({ SESSION_CLEANUP_DRYRUN: '', SESSION_CLEANUP_TABLES: undefined }), []);
  });

  test('of ours is no slip of another', () => {
    const env = Object.fromEntries(OURS.map((variable) => [variable, 'x']));
    assert.deepEqual(misspeltVariables({ ...env, DATABASE_URL: 'x', DATABASE_URL_FILE: 'x' }), []);
  });

  test('whose name a terminal would obey is not shown', () => {
    assert.deepEqual(misspeltVariables({ 'SESSION_CLEANUP_DRY\u001bRUN': 'x', 'SESSION_CLEANUP_TABLE\n': 'x' }), []);
  });
});

test('a name with one slip is found again', () => {
  const letters = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ_');
  fc.assert(
    fc.property(
      fc.constantFrom(...OURS),
      fc.nat(),
      letters,
      fc.constantFrom('drop', 'add', 'change'),
      (name, place, letter, how) => {
        const at = place % name.length;
        const slip = name.slice(0, at) + (how === 'drop' ? '' : letter) + name.slice(how === 'add' ? at : at + 1);
        assert.equal(nearestName(slip, OURS), name);
      },
    ),
  );
});

test('the nearest name is the one with the fewest slips', () => {
  const names = ['run', 'check', 'schedule', 'stores', 'completion'] as const;
  for (const [given, expected] of [
    ['rn', 'run'],
    ['RUN', 'run'],
    ['chekc', 'check'],
    ['shedule', 'schedule'],
    ['store', 'stores'],
    ['completions', 'completion'],
    ['delete', undefined],
    ['', undefined],
    ['r', undefined],
  ] as const) {
    assert.equal(nearestName(given, names), expected, given);
  }
});
