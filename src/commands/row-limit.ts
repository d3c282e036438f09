// --max-delete: whether a run would delete more than it may.
import type { RowLimit } from '../settings/values.js';

/** Undefined where there is no limit, or where so many of so many rows are within it. */
export function beyondLimit(limit: RowLimit | undefined, expired: number, rows: number): string | undefined {
  if (limit === undefined) return undefined;
  const isWithin = 'rows' in limit ? expired <= limit.rows : expired * 100 <= limit.percent * rows;
  if (isWithin) return undefined;
  const shown = 'rows' in limit ? limit.rows : `${limit.percent}%`;
  return `${expired} rows have expired, more than --max-delete ${shown} allows`;
}
