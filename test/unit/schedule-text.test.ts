// What people read after `schedule --install` and `--remove`, to the letter, by the clock of this host.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstalledEntry, ScheduleReport } from '../../src/report/facts.js';
import { createRedactor } from '../../src/report/redact.js';
import { renderText } from '../../src/report/text.js';

const at = new Date(2026, 10, 25, 18, 20);

const ENTRY: InstalledEntry = {
  expression: '37 */6 * * *',
  intervalSeconds: 21_600,
  nextAt: new Date(2026, 10, 25, 18, 37),
  command: '/usr/bin/node /opt/session-cleanup/bin/session-cleanup.js run --db-url-file /etc/session-cleanup/url',
  database: 'mysql://db:3306/app',
  table: 'sessions',
  mailTo: 'root',
  replaced: undefined,
};

function text(report: Partial<ScheduleReport>, columns = 80): string {
  const told = { at, correlationId: 'job-1', version: '1.0.0', jobId: 'session_cleanup', user: 'root' };
  const whole = { ...told, outcome: 'installed', installed: ENTRY, warning: undefined, ...report } as const;
  return renderText({ ...whole, kind: 'schedule' }, createRedactor([]), { columns, colour: false });
}

test('an entry is told with its next time, its command, who hears of failures, and how to undo it', () => {
  assert.equal(
    text({}),
    `Installed for root: every 6 hours, next 18:37.
  database  mysql://db:3306/app, table sessions
  command   /usr/bin/node /opt/session-cleanup/bin/session-cleanup.js run
            --db-url-file /etc/session-cleanup/url
  failures  cron mails them to root
  undo      session-cleanup schedule --remove`,
  );
});

test('an entry of a name of its own, which replaces another, and of whose failures nobody hears', () => {
  const installed = { ...ENTRY, command: 'node x run', mailTo: '', replaced: 'sqlite:/srv/app.db, table carts' };
  assert.equal(
    text({ jobId: 'carts', installed, warning: 'MAILTO is empty in the crontab, so cron mails failures to nobody' }),
    `Installed carts for root: every 6 hours, next 18:37.
  database  mysql://db:3306/app, table sessions
  command   node x run
  replaced  the entry for sqlite:/srv/app.db, table carts
  undo      session-cleanup schedule --remove --name carts
  warning   MAILTO is empty in the crontab, so cron mails failures to nobody`,
  );
});

test('how often, and when next', () => {
  const cases: readonly (readonly [Partial<InstalledEntry>, string])[] = [
    [{ intervalSeconds: 60 }, 'every minute, next 18:37'],
    [{ intervalSeconds: 900 }, 'every 15 minutes, next 18:37'],
    [{ intervalSeconds: 3600 }, 'every hour, next 18:37'],
    [{ intervalSeconds: 86_400, nextAt: new Date(2026, 10, 26, 4, 5) }, 'every day, next tomorrow 04:05'],
    [{ intervalSeconds: 604_800, nextAt: new Date(2026, 10, 29, 4, 5) }, 'every week, next 2026-11-29 04:05'],
    [{ intervalSeconds: null, nextAt: new Date(2027, 10, 25, 4, 5) }, 'at 37 */6 * * *, next 2027-11-25 04:05'],
    [{ nextAt: undefined }, 'every 6 hours, in the time zone that the crontab sets'],
  ];
  for (const [more, expected] of cases) {
    const [headline] = text({ installed: { ...ENTRY, ...more } }).split('\n');
    assert.equal(headline, `Installed for root: ${expected}.`);
  }
});

test('an entry that is removed, and one that is not there', () => {
  const installed = undefined;
  assert.equal(text({ outcome: 'removed', installed }), 'Removed for root: cron does not run it any more.');
  assert.equal(
    text({ outcome: 'unchanged', installed, jobId: 'carts' }),
    'Nothing to remove: root has no entry carts in the crontab.',
  );
});
