// The oracle: what a row means, how stores spell that, and what must become of it. Worked out from the instant that is
// meant and from calendars alone: nothing here may use SQL or anything of src.

export type Format = 'datetime' | 'unix' | 'unix-ms' | 'julian';

/** An instant, or a time on a wall clock, in milliseconds since 1970-01-01 00:00; below a millisecond in `nanos`. */
export interface Moment {
  readonly ms: number;
  /** 0 to 999,999. */
  readonly nanos: number;
}

/**
 * `wall-clock`: a time without a zone. `day`: a date without a time; `ms` is its midnight on the wall clock.
 * `isFine`: a text with an offset that goes on after the milliseconds, if only with zeros.
 */
export type Meaning =
  | { readonly kind: 'instant'; readonly format: Format; readonly at: Moment; readonly isFine?: boolean }
  | { readonly kind: 'wall-clock'; readonly at: Moment }
  | { readonly kind: 'day'; readonly ms: number }
  | { readonly kind: 'never' };

/** A value as a database keeps it. */
export type Stored =
  | { readonly storage: 'null' }
  | { readonly storage: 'integer' | 'real'; readonly value: number }
  | { readonly storage: 'text' | 'blob'; readonly value: string };

export interface Row {
  readonly stored: Stored;
  readonly meaning: Meaning;
}

export interface Setting {
  readonly format: Format;
  /** Milliseconds. */
  readonly cutoff: number;
  readonly timeZone: string;
}

/**
 * What a run has to do with a row. `either` is for what is written finer than a millisecond, within two of the cutoff (a
 * limit on a wall clock may be the last one before a change): it may be kept until the next run; and what is finer than a microsecond may be judged as if it were not there.
 */
export function verdict(meaning: Meaning, { format, cutoff, timeZone }: Setting): 'delete' | 'keep' | 'either' {
  if (meaning.kind === 'never' || formatOf(meaning) !== format) return 'keep';
  const latest = (ms: number): number => (meaning.kind === 'instant' ? ms : latestReading(ms, timeZone));
  if (meaning.kind === 'day') return latest(meaning.ms + DAY) <= cutoff ? 'delete' : 'keep';
  const { ms, nanos } = meaning.at;
  if (latest(ms) === cutoff && nanos >= 1000) return 'keep';
  if (latest(ms) === cutoff && (nanos > 0 || (meaning.kind === 'instant' && meaning.isFine))) return 'either';
  if (latest(ms) > cutoff) return 'keep';
  return nanos > 0 && latest(ms + 2) >= cutoff ? 'either' : 'delete';
}

/** Undefined for what never expires. */
export function formatOf(meaning: Meaning): Format | undefined {
  if (meaning.kind === 'never') return undefined;
  return meaning.kind === 'instant' ? meaning.format : 'datetime';
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/**
 * The last instant at which a clock in the zone shows a time; for a time that it skips, the later of the two instants
 * that could be meant. Right where the zone has at most one change within 30 hours of it.
 */
export function latestReading(wallMs: number, timeZone: string): number {
  const around = [offsetAt(timeZone, wallMs - 30 * HOUR), offsetAt(timeZone, wallMs + 30 * HOUR)];
  const readings = around.map((offset) => wallMs - offset);
  const shown = readings.filter((instant, at) => offsetAt(timeZone, instant) === around[at]);
  return Math.max(...(shown.length > 0 ? shown : readings));
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds that a clock in the zone is ahead of UTC. */
export function offsetAt(timeZone: string, instant: number): number {
  if (/^[+-]/.test(timeZone)) return offsetOf(timeZone);
  const clock = clocks.get(timeZone) ?? new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  clocks.set(timeZone, clock);
  const name = clock.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return name === 'GMT' ? 0 : offsetOf(name.slice('GMT'.length));
}

/** Of `+05:30`, or of `-00:44:30` as before 1972 in Liberia. */
function offsetOf(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.slice(1).split(':').map(Number);
  return (text.startsWith('-') ? -1 : 1) * (hours * HOUR + minutes * MINUTE + seconds * SECOND);
}

/** Changes of the clock: forward and back; of 30 minutes; at midnight; over midnight; by a whole day. */
export const CLOCK_CHANGES: readonly { readonly timeZone: string; readonly at: number }[] = [
  ['Europe/Berlin', '2026-03-29T01:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00Z'],
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Africa/Cairo', '2024-04-25T22:00Z'],
  ['Africa/Cairo', '2024-10-31T21:00Z'],
  ['America/St_Johns', '2010-03-14T03:31Z'],
  ['America/St_Johns', '2010-11-07T02:31Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
].map(([timeZone = '', at = '']) => ({ timeZone, at: Date.parse(at) }));

export const TIME_ZONES: readonly string[] = [
  ...new Set(['UTC', ...CLOCK_CHANGES.map(({ timeZone }) => timeZone), '+05:30', '-03:30', '+14:00', '-12:00']),
];

/** What a writer may do differently from another. */
export interface Style {
  readonly separator: 'T' | ' ';
  /** `Z`, or an offset with or without a space before it. */
  readonly suffix: string;
  /** Of a fraction of the second, 0 to 9. */
  readonly digits: number;
  readonly seconds: boolean;
  /** The zone of the writer's wall clock. */
  readonly timeZone: string;
}

/** How one kind of store writes an instant. Where the spelling is coarser than the instant, it means what it says. */
export interface Spelling {
  readonly format: Format;
  /** Of an instant from 2001-09-10 on: seconds have ten digits then, milliseconds thirteen. */
  spell(instant: Moment, style: Style): Row;
}

const number = (format: Format, storage: 'integer' | 'real', unitMs: number): Spelling => ({
  format,
  spell({ ms }) {
    const at = storage === 'integer' ? Math.floor(ms / unitMs) * unitMs : ms;
    return { stored: { storage, value: at / unitMs }, meaning: { kind: 'instant', format, at: { ms: at, nanos: 0 } } };
  },
});

const digits = (format: Format, unitMs: number): Spelling => ({
  format,
  spell({ ms }) {
    const count = Math.floor(ms / unitMs);
    const at = { ms: count * unitMs, nanos: 0 };
    return { stored: { storage: 'text', value: String(count) }, meaning: { kind: 'instant', format, at } };
  },
});

/** Julian day 2,440,587.5 is 1970-01-01 00:00. */
const julian: Spelling = {
  format: 'julian',
  spell({ ms }) {
    // A whole number would become an integer in some columns, and an integer is no Julian day.
    const at = (ms + DAY / 2) % DAY === 0 ? ms + 1 : ms;
    const value = (at + 210_866_760_000_000) / DAY;
    return {
      stored: { storage: 'real', value },
      meaning: { kind: 'instant', format: 'julian', at: { ms: at, nanos: 0 } },
    };
  },
};

const zonedText: Spelling = {
  format: 'datetime',
  spell(instant, style) {
    const at = coarsened(instant, style);
    const offset = style.suffix === 'Z' ? 0 : offsetOf(style.suffix.trim());
    const value = timeText({ ms: at.ms + offset, nanos: at.nanos }, style) + style.suffix;
    return {
      stored: { storage: 'text', value },
      meaning: { kind: 'instant', format: 'datetime', at, isFine: style.seconds && style.digits > 3 },
    };
  },
};

const onWallClock = ({ ms, nanos }: Moment, { timeZone }: Style): Moment => ({
  ms: ms + offsetAt(timeZone, ms),
  nanos,
});

const wallText: Spelling = {
  format: 'datetime',
  spell(instant, style) {
    const at = coarsened(onWallClock(instant, style), style);
    return { stored: { storage: 'text', value: timeText(at, style) }, meaning: { kind: 'wall-clock', at } };
  },
};

/** A DATETIME or TIMESTAMP of MySQL with so many digits of a fraction. */
const column = (kind: 'instant' | 'wall-clock', fractionDigits: number): Spelling => ({
  format: 'datetime',
  spell(instant, style) {
    const exact: Style = { ...style, separator: ' ', seconds: true, digits: fractionDigits };
    const at = coarsened(kind === 'instant' ? instant : onWallClock(instant, style), exact);
    const meaning: Meaning = kind === 'instant' ? { kind, format: 'datetime', at } : { kind, at };
    return { stored: { storage: 'text', value: timeText(at, exact) }, meaning };
  },
});

const day: Spelling = {
  format: 'datetime',
  spell(instant, style) {
    const ms = Math.floor(onWallClock(instant, style).ms / DAY) * DAY;
    const value = new Date(ms).toISOString().slice(0, 10);
    return { stored: { storage: 'text', value }, meaning: { kind: 'day', ms } };
  },
};

function coarsened({ ms, nanos }: Moment, { seconds, digits }: Style): Moment {
  if (!seconds) return { ms: Math.floor(ms / MINUTE) * MINUTE, nanos: 0 };
  const second = Math.floor(ms / SECOND) * SECOND;
  const unit = 10 ** (9 - digits);
  const fraction = Math.floor(((ms - second) * 1_000_000 + nanos) / unit) * unit;
  return { ms: second + Math.floor(fraction / 1_000_000), nanos: fraction % 1_000_000 };
}

function timeText({ ms, nanos }: Moment, { separator, seconds, digits }: Style): string {
  const iso = new Date(ms).toISOString();
  const fraction = `${iso.slice(20, 23)}${String(nanos).padStart(6, '0')}`.slice(0, digits);
  const time = seconds ? iso.slice(11, 19) : iso.slice(11, 16);
  return `${iso.slice(0, 10)}${separator}${time}${seconds && digits > 0 ? `.${fraction}` : ''}`;
}

/** A column of a store: what it is declared as, what the store writes into it, and what else may have got there. */
export interface Column {
  /** As in CREATE TABLE; may be empty on SQLite. */
  readonly declared: string;
  readonly main: Spelling;
  readonly others: readonly Spelling[];
  /** Values that mean no time at which anything expires. */
  readonly hostile: readonly Stored[];
}

const NULL: Stored = { storage: 'null' };
const integer = (value: number): Stored => ({ storage: 'integer', value });
const real = (value: number): Stored => ({ storage: 'real', value });
const text = (value: string): Stored => ({ storage: 'text', value });
const blob = (value: string): Stored => ({ storage: 'blob', value });

const seconds = number('unix', 'integer', SECOND);
const secondsReal = number('unix', 'real', SECOND);
const milliseconds = number('unix-ms', 'integer', 1);
const millisecondsReal = number('unix-ms', 'real', 1);
const tenDigits = digits('unix', SECOND);
const thirteenDigits = digits('unix-ms', 1);

const EMPTY = [NULL, integer(0), text('')];
const NO_TIMES = [
  ...['now', 'infinity', '-infinity', '12:00', '12:00:00', 'never', 'abc', 'null', 'true', '[object Object]'],
  ...['9999-12-31 23:59:59', '9999-12-31T23:59:59.999Z', '0000-00-00 00:00:00', '0000-00-00T00:00:00Z'],
  ...['2001-00-00T00:00:00Z', '2001-00-01 00:00:00', '2001-01-00 00:00:00', '2001-13-01T00:00:00Z'],
  ...['2001-01-32 00:00:00', '2001-01-01T25:00:00Z', '2001-01-01 00:60:00', '2001-01-01 00:00:60'],
  ...['2001-01-01', '20010101T000000Z', '2001-1-1 0:00:00', '01-01-2001 00:00:00', '2001-01-01T00:00:00.Z'],
  ...['2001-01-01T00:00:00+99:00', '2001-01-01T00:00:00+15:00', '2001-01-01T00:00:00+0100', '2001-01-01 00:00:00+1'],
  ...['2001-01-01 00:00:00 UTC', '2001-01-01 00:00:00 PM', 'Mon, 01 Jan 2001 00:00:00 GMT', '12001-01-01 00:00:00'],
  ...['2001-01-01T00:00:00Z\n', '2001-01-01T00:00:00Z ', ' 2001-01-01T00:00:00Z', '2001-01-01T00:00:00Z\0'],
  ...['2001-01-01 00:00:00\n', '2001-01-01 00:00:00 ', '2001-01-01 00:00:00\0', '2001-01-01 00:00\0:00Z'],
  ...['2001-01-01T00:00:00ZZ', '2001-01-01T00:00:00Z+00:00', '\uFF12\uFF10\uFF10\uFF11-01-01T00:00:00Z'],
].map(text);
/** Some of these would become numbers in a column of a numeric type. */
const NO_NUMBERS = [
  ...['2450000.5', '978307200.5', '978307200', '10000000000', '-978307200', '+1000000000', '1e9', '0x3B9ACA00'],
  ...['0000000000', '0000000000000', '0000000000001', '1000000000\n', '1000000000 ', ' 1000000000', '1000000000\0'],
  ...['1000000000000\n', '1000000000.0', '\uFF11000000000'],
].map(text);

const SQLITE_HOSTILE = [
  ...EMPTY,
  ...[integer(-1), integer(-978_307_200_000), real(-1.5), real(-2_451_910.5), real(Infinity)],
  ...[blob('2001-01-01T00:00:00Z'), blob('1000000000'), blob('')],
  ...NO_TIMES,
];

const SQLITE_NUMBERS = [seconds, milliseconds, secondsReal, millisecondsReal, julian];
const SQLITE_TEXTS = [zonedText, wallText, tenDigits, thirteenDigits];

/** A type makes SQLite turn texts that look like numbers into numbers, and TEXT turns numbers into texts. */
const sqlite = (declared: string, main: Spelling): Column =>
  declared === 'TEXT' || declared.startsWith('VARCHAR')
    ? {
        declared,
        main,
        others: [...SQLITE_TEXTS, seconds, milliseconds],
        hostile: [...SQLITE_HOSTILE, ...NO_NUMBERS, real(2_450_000.5), real(1_000_000_000.5)],
      }
    : {
        declared,
        main,
        others: [...SQLITE_NUMBERS, ...SQLITE_TEXTS],
        hostile: declared === '' ? [...SQLITE_HOSTILE, ...NO_NUMBERS] : SQLITE_HOSTILE,
      };

/**
 * The last second of the year 9999, for "never". As milliseconds it is 1978: nothing can tell it from them in a column
 * that holds both.
 */
const withFarSeconds = (column: Column): Column => ({
  ...column,
  others: [],
  hostile: [...column.hostile, integer(253_402_300_799)],
});

const SQLITE_COLUMNS: readonly Column[] = [
  sqlite('INTEGER', seconds),
  withFarSeconds(sqlite('BIGINT', seconds)),
  sqlite('INTEGER', milliseconds),
  sqlite('REAL', julian),
  sqlite('REAL', secondsReal),
  sqlite('TEXT', zonedText),
  sqlite('TEXT', wallText),
  sqlite('TEXT', tenDigits),
  sqlite('VARCHAR(255)', thirteenDigits),
  // The driver of connect-sqlite3 binds a number as a double: in a column without a type it stays one.
  sqlite('', millisecondsReal),
  sqlite('', seconds),
  sqlite('INTEGER', zonedText),
  sqlite('DATETIME', wallText),
  sqlite('date', zonedText),
];

const MYSQL_TEXT_HOSTILE = [NULL, ...[...EMPTY.slice(2), text('0'), text('-1')], ...NO_TIMES, ...NO_NUMBERS];
const mysqlText = (declared: string, main: Spelling): Column => ({
  declared,
  main,
  others: SQLITE_TEXTS,
  hostile: MYSQL_TEXT_HOSTILE,
});
const mysqlNumber = (declared: string, main: Spelling, others: readonly Spelling[] = []): Column => ({
  declared,
  main,
  others,
  hostile: [NULL, integer(0), ...(declared.includes('UNSIGNED') ? [] : [integer(-1), integer(-978_307_200)])],
});
const mysqlTime = (declared: string, main: Spelling, hostile: readonly string[]): Column => ({
  declared: `${declared} NULL`,
  main,
  others: [],
  hostile: [NULL, ...hostile.map(text)],
});
const NO_DATETIMES = [
  ...['0000-00-00 00:00:00', '9999-12-31 23:59:59', '1970-01-01 00:00:00', '1000-01-01 00:00:00'],
  ...['2001-00-00 00:00:00', '2001-01-00 00:00:00'],
];
const NO_TIMESTAMPS = ['0000-00-00 00:00:00', '1970-01-01 00:00:01'];
const NO_DATES = ['0000-00-00', '9999-12-31', '1970-01-01', '1000-01-01', '2001-00-00', '2001-01-00'];

const MYSQL_COLUMNS: readonly Column[] = [
  mysqlNumber('INT UNSIGNED', seconds),
  mysqlNumber('INT', seconds),
  withFarSeconds(mysqlNumber('BIGINT', seconds)),
  mysqlNumber('BIGINT', milliseconds, [seconds]),
  mysqlNumber('BIGINT UNSIGNED', seconds, [milliseconds]),
  mysqlNumber('DECIMAL(20,0)', milliseconds, [seconds]),
  mysqlNumber('DECIMAL(20,3)', secondsReal, [seconds, milliseconds]),
  mysqlNumber('DOUBLE', julian, [seconds, secondsReal, milliseconds]),
  mysqlNumber('DOUBLE', secondsReal, [julian, milliseconds]),
  mysqlTime('DATETIME', column('wall-clock', 0), NO_DATETIMES),
  mysqlTime('DATETIME(3)', column('wall-clock', 3), NO_DATETIMES),
  mysqlTime('DATETIME(6)', column('wall-clock', 6), NO_DATETIMES),
  mysqlTime('TIMESTAMP', column('instant', 0), NO_TIMESTAMPS),
  mysqlTime('TIMESTAMP(3)', column('instant', 3), NO_TIMESTAMPS),
  mysqlTime('TIMESTAMP(6)', column('instant', 6), NO_TIMESTAMPS),
  mysqlTime('DATE', day, NO_DATES),
  mysqlText('VARCHAR(64)', zonedText),
  mysqlText('VARCHAR(64) COLLATE utf8mb4_general_ci', wallText),
  mysqlText('VARCHAR(64) COLLATE utf8mb4_bin', tenDigits),
  mysqlText('VARCHAR(255)', thirteenDigits),
  mysqlText('TEXT', zonedText),
  mysqlText('VARBINARY(64)', tenDigits),
  mysqlText('VARBINARY(64)', wallText),
];

/** A text holds no NUL. */
const POSTGRESQL_TEXT_HOSTILE = MYSQL_TEXT_HOSTILE.filter(
  (stored) => !('value' in stored) || !String(stored.value).includes('\0'),
);
const postgresqlText = (declared: string, main: Spelling): Column => ({
  declared,
  main,
  others: SQLITE_TEXTS,
  // Blanks at the end of a CHAR are none of its value.
  hostile: declared.startsWith('CHAR')
    ? POSTGRESQL_TEXT_HOSTILE.filter((stored) => !('value' in stored) || !/[^ ] +$/.test(String(stored.value)))
    : POSTGRESQL_TEXT_HOSTILE,
});
const postgresqlNumber = (declared: string, main: Spelling, others: readonly Spelling[] = []): Column => ({
  declared,
  main,
  others,
  hostile: [
    ...[NULL, integer(0), integer(-1), integer(-978_307_200)],
    ...(/NUMERIC|DOUBLE/.test(declared) ? [text('NaN')] : []),
    ...(declared.startsWith('DOUBLE') ? [text('Infinity'), text('-Infinity'), real(-2_451_910.5)] : []),
  ],
});
const postgresqlTime = (declared: string, main: Spelling): Column => ({
  declared,
  main,
  others: [],
  hostile: [
    NULL,
    ...['infinity', '-infinity', '9999-12-31', '12001-01-01', '1970-01-01', '1000-01-01', '0044-03-15 BC'].map(text),
  ],
});

const POSTGRESQL_COLUMNS: readonly Column[] = [
  postgresqlNumber('INTEGER', seconds),
  withFarSeconds(postgresqlNumber('BIGINT', seconds)),
  postgresqlNumber('BIGINT', milliseconds, [seconds]),
  postgresqlNumber('NUMERIC(20)', milliseconds, [seconds]),
  postgresqlNumber('NUMERIC(20, 3)', secondsReal, [seconds, milliseconds]),
  postgresqlNumber('NUMERIC', seconds, [secondsReal, milliseconds, millisecondsReal]),
  postgresqlNumber('DOUBLE PRECISION', julian, [seconds, secondsReal, milliseconds]),
  postgresqlNumber('DOUBLE PRECISION', secondsReal, [julian, milliseconds]),
  postgresqlTime('TIMESTAMP(0)', column('wall-clock', 0)),
  postgresqlTime('TIMESTAMP(3)', column('wall-clock', 3)),
  postgresqlTime('TIMESTAMP', column('wall-clock', 6)),
  postgresqlTime('TIMESTAMPTZ(0)', column('instant', 0)),
  postgresqlTime('TIMESTAMPTZ(3)', column('instant', 3)),
  postgresqlTime('TIMESTAMPTZ', column('instant', 6)),
  postgresqlTime('DATE', day),
  postgresqlText('VARCHAR(64)', zonedText),
  postgresqlText('CHAR(64)', wallText),
  postgresqlText('TEXT COLLATE "C"', tenDigits),
  postgresqlText('TEXT', thirteenDigits),
  postgresqlText('TEXT', zonedText),
];

export const COLUMNS = { sqlite: SQLITE_COLUMNS, mysql: MYSQL_COLUMNS, postgresql: POSTGRESQL_COLUMNS } as const;

/** As it is written in SQL. */
export function literal(family: keyof typeof COLUMNS, stored: Stored): string {
  if (stored.storage === 'null') return 'NULL';
  if (typeof stored.value === 'number') {
    if (stored.storage === 'integer') return String(stored.value);
    if (!Number.isFinite(stored.value)) return stored.value > 0 ? '9e999' : '-9e999';
    return stored.value.toExponential();
  }
  // In hexadecimal no quoting, no NUL and no placeholder can get in the way.
  const digits = Buffer.from(stored.value).toString('hex');
  // Without a type of its own it becomes what the column is.
  if (family === 'postgresql' && /^[\w .:+-]*$/.test(stored.value)) return `'${stored.value}'`;
  if (family === 'postgresql') return `convert_from('\\x${digits}', 'UTF8')`;
  const hex = `X'${digits}'`;
  if (stored.storage === 'blob') return hex;
  return family === 'sqlite' ? `CAST(${hex} AS TEXT)` : `CONVERT(${hex} USING utf8mb4)`;
}
