// Which columns are refused as an end because they seem to hold a last activity, and which are not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lastActivityRefusal, namesLastActivity } from '../../src/expiry/last-activity.js';

const ACTIVITIES = [
  ...['last_activity', 'lastActivity', 'LastActivity', 'LAST_ACTIVITY', 'lastactivity', 'user_activity', 'activity'],
  ...['updated_at', 'updatedAt', 'UpdatedAt', 'updatedat', 'LastUpdated', 'date_updated', 'update_time', 'updated_on'],
  ...['modified', 'timemodified', 'time_modified', 'modified_at', 'mtime', 'sess_modified', 'last_modified', 'lastmod'],
  ...['timestamp', 'time', 'session_time', 'sess_time', 'sess_timestamp', 'datetime', 'date', 'ts', 'Timestamp'],
  ...[
    'created_at',
    'createdAt',
    'created',
    'timecreated',
    'creation_time',
    'ctime',
    'start_time',
    'issued_at',
    'login',
  ],
  ...['changed', 'last_change', 'access', 'last_access', 'last_accessed', 'lastaccesstime', 'atime', 'accessed_at'],
  ...['last_visit', 'last_seen', 'lastSeenAt', 'seen_at', 'last_used', 'used_at', 'LAST_SESSION_REFRESH', 'touched'],
  ...[
    'last_write',
    'valid_from',
    'active_since',
    'logintime',
    'session_start',
    'lastUse',
    'last-activity',
    'last active',
  ],
];

const ENDS = [
  ...['expires_at', 'expiresAt', 'expires', 'expired', 'expire', 'expiry', 'expiration', 'expiredAt', 'expire_date'],
  ...['EXPIRY_TIME', 'expiryTime', 'expirytime', 'expiration_time', 'exptime', 'exp', 'expiredate', 'session_expire'],
  ...['session_expiry', 'session_expires', 'expires_timestamp', 'expires_on', 'expiresat', 'sess_lifetime', 'lifetime'],
  ...[
    'valid_until',
    'validUntil',
    'validuntil',
    'valid_to',
    'not_after',
    'end',
    'ends',
    'end_time',
    'ends_at',
    'endtime',
  ],
  ...['session_end', 'due_date', 'deadline', 'ttl', 'timeout_at', 'active_until', 'access_expires', 'delete_after'],
  ...['refresh_token_expires_at', 'lastExpiry', 'closes_at', 'séance', '日本', '', 'x', 'sid', 'stays', 'toast', 'a b'],
];

describe('the name of a column', () => {
  for (const name of ACTIVITIES) {
    test(`${name} is that of a last activity, or of a beginning`, () => assert.equal(namesLastActivity(name), true));
  }
  for (const name of ENDS) {
    test(`${name} is none of a last activity`, () => assert.equal(namesLastActivity(name), false));
  }
});

describe('a column without a lifetime', () => {
  const refusal = (
    table: string,
    column: string,
    columns: readonly string[] = [],
    engine: 'mysql' | 'sqlite' = 'mysql',
  ) => lastActivityRefusal({ table, column, columns: [column, ...columns], engine });

  test('is refused with the store that fits', () => {
    const error = refusal('sessions', 'last_activity');
    assert.deepEqual(
      [error?.kind, error?.exitStatus, error?.code, error?.message, error?.hint],
      [
        'refused',
        3,
        'LAST_ACTIVITY',
        'column last_activity of sessions seems to hold the last activity of a session, not its end: live sessions would be deleted',
        'Try --store laravel or --store engelsystem. Or say how long a session lives after it, such as --older-than 2h (--older-than 0: the column does hold the end).',
      ],
    );
  });

  test('is refused with every store that fits', () => {
    assert.match(String(refusal('sessions', 'timestamp')?.hint), /^Try --store drupal\. /);
    assert.match(String(refusal('ci_sessions', 'timestamp')?.hint), /^Try --store codeigniter\. /);
    assert.match(String(refusal('SESSIONS', 'lastupdated')?.hint), /^Try --store request-tracker\. /);
    assert.match(String(refusal('matomo_session', 'modified')?.hint), /^Try --store matomo\. /);
  });

  test('is refused without a store where the table is that of none', () => {
    assert.equal(
      refusal('logins', 'last_activity')?.hint,
      'Say how long a session lives after it, such as --older-than 2h (--older-than 0: the column does hold the end).',
    );
  });

  test('is refused with the column of lifetimes that is beside it', () => {
    for (const beside of ['expires_in', 'expiresIn', 'lifetime', 'sess_lifetime', 'TTL', 'max_age', 'maxAge']) {
      assert.equal(
        refusal('oauth_tokens', 'issued_at', ['id', beside])?.hint,
        `Try --lifetime-column ${beside} (if it holds seconds). Or say how long a session lives after it, such as --older-than 2h (--older-than 0: the column does hold the end).`,
      );
    }
    assert.match(String(refusal('oauth_tokens', 'issued_at', ['lifetimes', 'title'])?.hint), /^Say how long /);
  });

  test('is refused where it is named as an end, and the table is one that keeps the last write in it', () => {
    for (const [table, column, columns, stores] of [
      ['session', 'session_expires', ['session_id', 'session_data'], 'magento2 or --store magento --table session'],
      [
        'core_session',
        'session_expires',
        ['SESSION_ID', 'SESSION_DATA', 'more'],
        'magento2 --table core_session or --store magento',
      ],
      ['session', 'expiry', ['key', 'data'], 'gitea'],
      ['piwigo_sessions', 'expiration', ['id', 'data'], 'piwigo'],
      ['fotos_sessions', 'expiration', ['id', 'data'], 'piwigo --table fotos_sessions'],
    ] as const) {
      const error = refusal(table, column, columns);
      assert.ok(error?.hint?.startsWith(`Try --store ${stores}. `), column);
      assert.equal(
        error?.message,
        `column ${column} of ${table} looks like that of ${stores.split(' ')[0]}, which keeps the last activity of a session in it, not its end: live sessions would be deleted`,
      );
    }
  });

  test('is good where it is named as an end, in any other table', () => {
    for (const [table, column, columns] of [
      ['sessions', 'expires_at', ['id', 'last_activity']],
      ['sessions', 'expiry', ['token', 'data']],
      ['sessions', 'expiration', ['id', 'payload']],
      ['core_session', 'session_expires', ['session_id']],
      ['sessions', 'sess_lifetime', ['sess_id', 'sess_data', 'sess_time']],
    ] as const) {
      assert.equal(refusal(table, column, columns), undefined, column);
    }
  });
});
