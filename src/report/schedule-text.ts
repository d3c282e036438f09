// What people read of the crontab: what it now holds, when that runs next, who hears of a failure, how to undo it.
import { DEFAULT_NAME } from '../crontab/entry.js';
import type { InstalledEntry, ScheduleReport } from './facts.js';
import { given, type Page } from './layout.js';

export function schedulePage(report: ScheduleReport): Page {
  const { jobId, installed, warning } = report;
  const undo = `session-cleanup schedule --remove${jobId === DEFAULT_NAME ? '' : ` --name ${jobId}`}`;
  const rows = installed === undefined ? [] : [...entryRows(installed), { name: 'undo', text: undo }];
  return {
    headline: headlineOf(report),
    mood: warning === undefined ? 'good' : 'warning',
    sections: [{ rows: [...rows, ...given('warning', warning)] }],
  };
}

function headlineOf({ outcome, jobId, user, installed, at }: ScheduleReport): string {
  const entry = jobId === DEFAULT_NAME ? '' : ` ${jobId}`;
  if (installed !== undefined) return `Installed${entry} for ${user}: ${often(installed)}, ${next(installed, at)}.`;
  if (outcome === 'removed') return `Removed${entry} for ${user}: cron does not run it any more.`;
  return `Nothing to remove: ${user} has no entry ${jobId} in the crontab.`;
}

/** Each whole number of one of these is told in it. */
const UNITS = [
  { name: 'week', seconds: 604_800 },
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3_600 },
  { name: 'minute', seconds: 60 },
] as const;

function often({ intervalSeconds, expression }: InstalledEntry): string {
  const unit = UNITS.find(({ seconds }) => intervalSeconds !== null && intervalSeconds % seconds === 0);
  if (intervalSeconds === null || unit === undefined) return `at ${expression}`;
  const count = intervalSeconds / unit.seconds;
  return count === 1 ? `every ${unit.name}` : `every ${count} ${unit.name}s`;
}

/** By the clock of this host, as is that of cron. */
function next({ nextAt }: InstalledEntry, at: Date): string {
  if (nextAt === undefined) return 'in the time zone that the crontab sets';
  const time = `${two(nextAt.getHours())}:${two(nextAt.getMinutes())}`;
  const tomorrow = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1);
  const day = dayOf(nextAt);
  if (day === dayOf(at)) return `next ${time}`;
  return `next ${day === dayOf(tomorrow) ? 'tomorrow' : day} ${time}`;
}

function dayOf(date: Date): string {
  return [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function entryRows({ command, database, table, mailTo, replaced }: InstalledEntry): Page['sections'][number]['rows'] {
  return [
    { name: 'database', text: `${database}, table ${table}` },
    { name: 'command', text: command },
    ...given('failures', mailTo === '' ? undefined : `cron mails them to ${mailTo}`),
    ...given('replaced', replaced && `the entry for ${replaced}`),
  ];
}
