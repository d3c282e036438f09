// What each key of the line means, in its order: for the documentation, in Markdown. What is in the line is record.ts'.

export interface LineKey {
  readonly key: string;
  /** `always`, or when it is there. */
  readonly when: string;
  readonly value: string;
}

export const LINE_KEYS: readonly LineKey[] = [
  { key: 'timestamp', when: 'always', value: 'when the line was written, ISO 8601 in UTC' },
  { key: 'level', when: 'always', value: '`info`, `warn` (a success with a `warning`) or `error`' },
  {
    key: 'message',
    when: 'always',
    value:
      '`session_cleanup_ran`, `session_cleanup_failed`, `session_cleanup_checked` (check), `session_cleanup_scheduled` (schedule)',
  },
  {
    key: 'correlation_id',
    when: 'always',
    value: 'as given, otherwise a new UUID v4; it is also in a comment of each statement',
  },
  { key: 'outcome', when: 'always', value: 'one of the words in the table of exit statuses' },
  { key: 'exit_status', when: 'always', value: 'number' },
  {
    key: 'deleted_count',
    when: 'run',
    value:
      'committed rows; null where that is not known. Rows that the database deletes by a foreign key are not in it',
  },
  { key: 'expired_count', when: 'dry run, check', value: 'rows that a run would delete now' },
  { key: 'row_count', when: 'dry run', value: 'all rows of the table' },
  {
    key: 'cutoff_time',
    when: 'always',
    value: 'what had expired by then counts as expired; null where the run did not get that far',
  },
  { key: 'complete', when: 'always', value: 'whether the run went through the whole table' },
  {
    key: 'locked_count',
    when: 'not 0',
    value: 'expired rows that were left: locked, referred to by other rows, or kept by a trigger',
  },
  { key: 'duration_ms', when: 'always', value: 'from the start of the program' },
  {
    key: 'attempts',
    when: 'always',
    value:
      'run: 0 until the database is reached, then 1, and one more each time the database gave the transaction up (a deadlock); check: 0',
  },
  { key: 'database', when: 'always', value: 'URL without credentials' },
  { key: 'table', when: 'always', value: 'name' },
  { key: 'expires_column', when: 'always', value: 'name' },
  {
    key: 'expires_format',
    when: 'always',
    value: 'the format that was given or found; null where nothing was stored to find it by',
  },
  { key: 'time_zone', when: 'not UTC', value: 'the zone in which times without one were read' },
  { key: 'older_than_ms', when: 'not 0', value: 'how long before now the cutoff lies' },
  { key: 'lifetime_column', when: '`--lifetime-column`', value: 'name' },
  { key: 'store', when: '`--store`', value: 'name' },
  { key: 'where', when: '`--where`', value: 'the condition' },
  {
    key: 'expires_index',
    when: 'always',
    value: 'an index that leads with the column; null: a run has to read the whole table',
  },
  { key: 'dry_run', when: 'always', value: 'true where nothing was to be deleted' },
  { key: 'batch_size', when: '`--batch-size`', value: 'as given' },
  { key: 'batches', when: '`--batch-size`, or several', value: 'transactions that deleted something' },
  { key: 'waited_ms', when: '`--max-lag`, waited', value: 'how long the run waited for replicas' },
  { key: 'waited_for', when: '`--max-lag`, waited', value: 'the last that it waited for' },
  { key: 'version', when: 'always', value: 'of session-cleanup' },
  { key: 'error_code', when: 'failure', value: 'code of the database, the driver or session-cleanup, or null' },
  { key: 'error', when: 'failure', value: 'what went wrong' },
  { key: 'hint', when: 'failure', value: 'what to do about it, or null' },
  { key: 'warning', when: 'sometimes', value: 'something to fix that did no harm' },
];
