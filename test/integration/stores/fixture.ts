// What a test needs to know of a store: the tables that its program makes, and how it spells a time. The facts are
// written down a second time, from the programs' own schemas: nothing in this folder comes from src.

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** When the run takes place: a whole second, which every column can hold, two weeks before Europe's clocks change. */
export const NOW = Date.parse('2026-03-14T15:09:26Z');

/** A store on one engine. */
export interface Form {
  /** Where the store has more than one on the engine: of which version it is. */
  readonly version?: string;
  /** Where it has to be quoted on this engine. */
  readonly idColumn?: string;
  readonly schema: readonly string[];
  /** The statements that insert a session: `$id` is its name, `$at` the SQL of its time. The first names the table. */
  readonly insert: string | readonly string[];
  /** An instant as the store spells it, in SQL. */
  readonly at: (ms: number) => string;
  /** The smallest step that the column can hold, in milliseconds. */
  readonly tickMs: number;
  /**
   * The store writes more digits than the milliseconds, which SQLite's date functions round away: at the very cutoff
   * such a session may be kept until the next run.
   */
  readonly isFinerThanMs?: boolean;
  /** What is kept besides the live sessions, in SQL. */
  readonly never?: readonly string[];
  /** Statements that insert what is kept, however long ago its time (`$at`) is. */
  readonly kept?: readonly string[];
}

export interface Fixture {
  readonly idColumn: string;
  /** What is added to the column; 0 where it holds the expiry itself. */
  readonly lifetimeMs: number;
  /** The lifetime that the rows of `insert` hold themselves. */
  readonly rowLifetimeMs?: number;
  readonly mysql?: Form | readonly Form[];
  readonly sqlite?: Form;
  readonly postgresql?: Form | readonly Form[];
  /** Flags that the store needs besides `--store`. */
  readonly flags?: (engine: 'mysql' | 'sqlite' | 'postgresql', url: string) => readonly string[];
}

// What stands beside the sessions and never expires, by the type of the column: no time, and times far ahead.
export const INT = ['0', '-1', '2147483647'];
export const UNSIGNED = ['0', '4294967295'];
export const BIGINT = ['0', '-1', '9223372036854775807'];
export const DATETIME = ["'9999-12-31 23:59:59'"];

export const seconds = (ms: number): string => String(Math.floor(ms / 1000));
export const milliseconds = (ms: number): string => String(ms);
export const iso = (ms: number): string => `'${new Date(ms).toISOString()}'`;
/** `YYYY-MM-DD HH:MM:SS`, of UTC. */
const utcSeconds = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
/** The same and `.mmm`. */
export const utcMillis = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
export const quoted = (spell: (ms: number) => string) => (ms: number) => `'${spell(ms)}'`;
export const utc = {
  seconds: quoted(utcSeconds),
  millis: quoted(utcMillis),
  micros: quoted((ms) => `${utcMillis(ms)}000`),
};
/** A TIMESTAMP of MySQL, whatever the time zone of the test's connection. */
export const instant = (ms: number): string => `FROM_UNIXTIME(${(ms / 1000).toFixed(3)})`;
/** A timestamptz of PostgreSQL. */
export const zoned = quoted((ms) => `${utcMillis(ms)}+00`);
/** Python leaves the fraction out where it is 0. */
export const python = quoted((ms) => (ms % 1000 === 0 ? utcSeconds(ms) : `${utcMillis(ms)}000`));
/** What a clock in Paris shows. */
const parisMillis = (ms: number): string => {
  const clock = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'Europe/Paris',
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms);
  return `${clock}.${String(ms % 1000).padStart(3, '0')}`;
};
export const paris = {
  seconds: quoted((ms) => parisMillis(ms).slice(0, 19)),
  millis: quoted(parisMillis),
  /** As Go writes it: no more digits than needed, and the offset. */
  withOffset: quoted((ms) => {
    const clock = parisMillis(ms);
    const minutes = Math.round((Date.parse(`${clock.replace(' ', 'T')}Z`) - ms) / MINUTE);
    return `${clock.replace(/\.?0+$/, '')}+0${minutes / 60}:00`;
  }),
};

export const inParis = (): readonly string[] => ['--time-zone', 'Europe/Paris'];
/** For a store whose time has a zone, or is UTC, on every engine but this one. */
export const inParisOn = (only: 'mysql' | 'postgresql') => (engine: string) => (engine === only ? inParis() : []);
