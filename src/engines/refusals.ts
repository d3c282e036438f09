// The refusals that every engine words alike.
import { CleanupError } from '../errors.js';
import { presetOf, storeHint, storeNames } from '../stores.js';
import type { ForeignKey } from './cascades.js';
import type { EngineName } from './engine.js';

/** `others` are the tables that there are, as rows with a `name`. */
export function missingTable(
  shown: string,
  others: readonly Record<string, unknown>[],
  engine: EngineName,
  where: string,
): CleanupError {
  const stores = storeHint(
    others.map(({ name }) => String(name)),
    engine,
  );
  return new CleanupError('refused', `there is no table ${shown}`, {
    code: 'NO_TABLE',
    hint: `${stores}Check --table and ${where}`,
  });
}

export function notATable(shown: string, kind: string): CleanupError {
  return new CleanupError('refused', `${shown} is not a table but a ${kind.toLowerCase()}`, {
    code: 'NOT_A_TABLE',
    hint: 'Name the table behind it with --table.',
  });
}

/** Names of columns, as the engine spells them, and what to call the table in messages. */
export interface Columns {
  readonly engine: EngineName;
  readonly shown: string;
  readonly table: string;
  readonly names: readonly string[];
}

/** The column as the engine spells it. @throws CleanupError `refused` where there is none; `flag` is what named it */
export function spelledColumn(
  columns: Columns,
  wanted: string,
  flag: '--expires-column' | '--lifetime-column',
): string {
  const { names, shown } = columns;
  const found = names.find((name) => name === wanted) ?? names.find((name) => isSame(name, wanted));
  if (found !== undefined) return found;
  const stores = storesOf(columns);
  const store = stores.length === 0 ? '' : ` Its columns fit --store ${stores.join(' or ')}.`;
  throw new CleanupError('refused', `the table ${shown} has no column ${wanted}: it has ${shorten(names)}`, {
    code: 'NO_COLUMN',
    hint: `Check ${flag}.${store}`,
  });
}

function storesOf({ engine, table, names }: Columns): readonly string[] {
  return storeNames.filter((store) => {
    const preset = presetOf(store, engine);
    return preset?.table === table && names.includes(preset.expiresColumn);
  });
}

const MOST_NAMES = 12;

function shorten(names: readonly string[]): string {
  const rest = names.length - MOST_NAMES;
  return rest <= 0 ? names.join(', ') : `${names.slice(0, MOST_NAMES).join(', ')} and ${rest} more`;
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

export function notALifetime(column: string, type: string): CleanupError {
  return new CleanupError('refused', `the column ${column} is of type ${type}, which holds no number of seconds`, {
    code: 'LIFETIME_TYPE',
    hint: 'Check --lifetime-column.',
  });
}

export function lockHeld(): CleanupError {
  return new CleanupError('busy', 'another session-cleanup run is at work on this table', {
    code: 'LOCK_HELD',
    hint: 'Wait for it to end, or make the interval between runs longer than --timeout.',
  });
}

/** `why` completes a sentence that begins with the column. */
export function columnRefused(column: string, why: string): CleanupError {
  return new CleanupError('refused', `the column ${column} ${why}`, {
    code: 'FORMAT_MISMATCH',
    hint: 'Check --expires-column.',
  });
}

/** `way` is how a deletion in the table comes back to it. */
export function cascadingBack(shown: string, way: readonly ForeignKey[]): CleanupError {
  const named = way.map(({ constraint, child }) => `${constraint} of ${child}`).join(', then ');
  return new CleanupError(
    'refused',
    `deleting expired rows of ${shown} could delete live ones: ON DELETE CASCADE comes back to it (${named})`,
    {
      code: 'CASCADE_BACK',
      hint: `Make ${way.at(-1)?.constraint} ON DELETE SET NULL, or the like: a row that refers to an expired one must not go with it.`,
    },
  );
}
