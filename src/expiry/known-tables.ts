// Tables of known programs in which the time alone does not tell what is expired: every row has a lifetime of its own, or
// some rows are kept for longer than others. One lifetime for all of them would delete live rows.
import { CleanupError } from '../errors.js';
import { presetOf } from '../stores.js';
import { type ExpiresColumn, storesWithLastActivity } from './last-activity.js';

/** Undefined where the table is not known for it, or where it is heeded. */
export function knownTableRefusal(
  expires: ExpiresColumn,
  given: { readonly lifetimeColumn: string | undefined; readonly where: string | undefined },
): CleanupError | undefined {
  const { table, columns, engine } = expires;
  const has = (name: string) => columns.some((other) => other.toLowerCase() === name.toLowerCase());
  for (const store of storesWithLastActivity(expires)) {
    const { lifetimeColumn, where } = presetOf(store, engine) ?? {};
    if (lifetimeColumn !== undefined && given.lifetimeColumn === undefined && has(lifetimeColumn)) {
      return refusal(
        `column ${lifetimeColumn} of ${table} says how long each row lives: rows with a longer lifetime than the others would be deleted`,
        'OWN_LIFETIMES',
        `Try --store ${store}, or give --lifetime-column ${lifetimeColumn}.`,
      );
    }
    const [flag = ''] = where?.split(' ') ?? [];
    if (where !== undefined && given.where === undefined && has(flag)) {
      return refusal(
        `${table} also holds rows that live longer than a session: they would be deleted`,
        'OTHER_ROWS',
        `Try --store ${store}, which takes only rows where ${where}. Or say with --where which rows may go.`,
      );
    }
  }
  return undefined;
}

function refusal(message: string, code: string, hint: string): CleanupError {
  return new CleanupError('refused', message, { code, hint });
}
