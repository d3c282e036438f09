// The refusals that every engine words alike.
import { CleanupError } from '../errors.js';
import { storeHint } from '../stores.js';
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

export function missingColumn(shown: string, column: string): CleanupError {
  return new CleanupError('refused', `the table ${shown} has no column ${column}`, {
    code: 'NO_COLUMN',
    hint: 'Check --expires-column.',
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
