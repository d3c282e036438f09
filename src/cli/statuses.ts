// The exit statuses in words, said once: for the help, the manual page and the documentation. Which failure ends with
// which of them is errors.ts'.

export interface ExitStatus {
  /** One, or several that mean the same. */
  readonly statuses: readonly number[];
  /** The values of the key `outcome`. */
  readonly outcomes: readonly string[];
  readonly meaning: string;
  /** The answer to "was anything deleted?". */
  readonly deleted: string;
  /** The answer to "what do I do?". */
  readonly todo: string;
}

export const EXIT_STATUSES: readonly ExitStatus[] = [
  {
    statuses: [0],
    outcomes: ['deleted', 'nothing_expired', 'counted', 'ready', 'installed', 'removed', 'unchanged'],
    meaning: 'done; also when nothing had expired, and for a dry run',
    deleted: 'as the line says',
    todo: 'nothing',
  },
  {
    statuses: [1],
    outcomes: ['failed', 'unknown'],
    meaning: 'failed: rolled back, except for committed batches; or unknown: the connection ended during COMMIT',
    deleted: 'as the line says; unknown: all or nothing of the last transaction',
    todo: 'read the error and its hint; after unknown, run it again',
  },
  {
    statuses: [2],
    outcomes: ['failed'],
    meaning: 'wrong usage or configuration; the database was not touched',
    deleted: 'no',
    todo: 'correct the flag or variable that the error names',
  },
  {
    statuses: [3],
    outcomes: ['refused'],
    meaning: 'refused: no such table or column, no right to delete, a guard, or values that do not fit the format',
    deleted: 'no; where the table changed during the run, as the line says',
    todo: 'read the hint; session-cleanup check shows more',
  },
  {
    statuses: [4],
    outcomes: ['unavailable'],
    meaning: 'unavailable: cannot connect or log in, or the driver is not installed',
    deleted: 'as the line says',
    todo: 'check the URL, the account and the server',
  },
  {
    statuses: [75],
    outcomes: ['busy'],
    meaning: 'busy: another run is at work, or the database stayed locked',
    deleted: 'as the line says',
    todo: 'nothing: the next run does the rest',
  },
  {
    statuses: [124],
    outcomes: ['incomplete', 'timed_out'],
    meaning: 'out of time: stopped early and committed (incomplete), or stuck and rolled back (timed_out)',
    deleted: 'as the line says',
    todo: 'run it again, or give it a longer --timeout',
  },
  {
    statuses: [130, 143, 129],
    outcomes: ['interrupted'],
    meaning: 'stopped by SIGINT, SIGTERM or SIGHUP: rolled back, except for committed batches',
    deleted: 'as the line says',
    todo: 'run it again',
  },
];
