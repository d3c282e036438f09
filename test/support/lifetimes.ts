// The oracle's part of a lifetime in a second column: what such a column may hold, and what must become of a row.
// As in oracle.ts, nothing here may use SQL or anything of src.
import {
  DAY,
  type Format,
  formatOf,
  latestReading,
  type Meaning,
  type Row,
  SECOND,
  type Setting,
  type Stored,
} from './oracle.js';

/** A second column of the table. */
export interface LifetimeColumn {
  /** As in CREATE TABLE; may be empty on SQLite. */
  readonly declared: string;
  /** Whether it keeps a half of a second. */
  readonly hasFractions: boolean;
  /** Values by which no row ever expires. */
  readonly hostile: readonly Stored[];
}

const integer = (value: number): Stored => ({ storage: 'integer', value });
const real = (value: number): Stored => ({ storage: 'real', value });
const text = (value: string): Stored => ({ storage: 'text', value });

const NONE: Stored = { storage: 'null' };
const NEVER = [NONE, integer(0), integer(-1), integer(-2_000_000_000)];
/** Its sum with a time in milliseconds is beyond 64 bits. */
const HUGE = integer(9_200_000_000_000_000_000);
const HUGE_REAL = [real(1e15), real(1e300)];
const TEXTS = [text(''), text('never'), text('1h'), text('infinity'), { storage: 'blob', value: '60' } as const];

export const LIFETIMES: Readonly<Record<'sqlite' | 'mysql' | 'postgresql', readonly LifetimeColumn[]>> = {
  sqlite: [
    {
      declared: 'INTEGER',
      hasFractions: true,
      hostile: [...NEVER, HUGE, ...HUGE_REAL, real(-0.5), real(Infinity), ...TEXTS],
    },
    { declared: '', hasFractions: true, hostile: [...NEVER, HUGE, ...TEXTS, text('60'), text('-1')] },
    {
      declared: 'REAL',
      hasFractions: true,
      hostile: [...NEVER, ...HUGE_REAL, real(Infinity), real(-Infinity), ...TEXTS],
    },
  ],
  mysql: [
    { declared: 'INT', hasFractions: false, hostile: NEVER },
    { declared: 'INT UNSIGNED', hasFractions: false, hostile: [NONE, integer(0), integer(4_294_967_295)] },
    { declared: 'BIGINT', hasFractions: false, hostile: [...NEVER, HUGE, integer(100_000_000_000)] },
    { declared: 'BIGINT UNSIGNED', hasFractions: false, hostile: [NONE, integer(0), HUGE] },
    { declared: 'DECIMAL(30,3)', hasFractions: true, hostile: [...NEVER, HUGE, real(-0.5)] },
    { declared: 'DOUBLE', hasFractions: true, hostile: [...NEVER, HUGE, ...HUGE_REAL, real(-0.5)] },
  ],
  postgresql: [
    { declared: 'INTEGER', hasFractions: false, hostile: NEVER },
    { declared: 'BIGINT', hasFractions: false, hostile: [...NEVER, HUGE, integer(100_000_000_000)] },
    { declared: 'NUMERIC', hasFractions: true, hostile: [...NEVER, HUGE, ...HUGE_REAL, real(-0.5), text('NaN')] },
    {
      declared: 'DOUBLE PRECISION',
      hasFractions: true,
      hostile: [...NEVER, HUGE, ...HUGE_REAL, real(-0.5), ...['NaN', 'Infinity', '-Infinity'].map(text)],
    },
  ],
};

/** A time without a zone plus a lifetime may be kept by as much as a clock has ever been changed, as Apia's by a day. */
const CLOCKS_CHANGED = DAY + 3 * 60 * 60 * SECOND;
/** What is finer than a millisecond, or a fraction in binary, may be kept until the next run. */
const FINE_MS = 2;

/**
 * What a run has to do with a row that lives `seconds` after its time; undefined for what is no lifetime. `either` is for
 * what a run may keep a little longer than it has to.
 */
export function verdictAfter(
  { stored, meaning }: Row,
  seconds: number | undefined,
  setting: Setting & { readonly format: Format },
): 'delete' | 'keep' | 'either' {
  if (seconds === undefined || meaning.kind === 'never' || formatOf(meaning) !== setting.format) return 'keep';
  const { ms, nanos } = startOf(meaning, setting.timeZone);
  const end = ms + seconds * SECOND;
  const isRounded = stored.storage === 'real';
  if (isRounded && Math.abs(end - setting.cutoff) < 1) return 'either';
  if (end > setting.cutoff || (end === setting.cutoff && nanos >= 1000)) return 'keep';
  const lastMs = end + (nanos > 0 ? 1 : 0);
  return lastMs + slackMs(meaning, seconds, isRounded) > setting.cutoff ? 'either' : 'delete';
}

function startOf(meaning: Exclude<Meaning, { kind: 'never' }>, timeZone: string): { ms: number; nanos: number } {
  if (meaning.kind === 'day') return { ms: latestReading(meaning.ms + DAY, timeZone), nanos: 0 };
  const { ms, nanos } = meaning.at;
  return { ms: meaning.kind === 'instant' ? ms : latestReading(ms, timeZone), nanos };
}

function slackMs(meaning: Meaning, seconds: number, isRounded: boolean): number {
  if (meaning.kind !== 'instant') return CLOCKS_CHANGED + SECOND;
  if (meaning.format !== 'datetime') return isRounded ? FINE_MS : 0;
  // Half a second of a lifetime may count as a whole one.
  return FINE_MS + (Number.isInteger(seconds) ? 0 : SECOND);
}
