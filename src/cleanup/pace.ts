// How many rows the next step of the walk takes. Pure.

export const FIRST_STEP_ROWS = 500;
export const MOST_STEP_ROWS = 100_000;
/** One slow step, such as one that waited for the disk, is no reason to go on row by row. */
const LEAST_STEP_ROWS = 50;

/**
 * @param rows of the step that is over
 * @param tookMs how long it took
 * @param targetMs how long a step had best take
 * @param mostRows more of them would not be faster
 */
export function nextStepRows(rows: number, tookMs: number, targetMs: number, mostRows: number): number {
  const wanted = rows * Math.min(4, Math.max(0.1, targetMs / tookMs));
  return Math.ceil(Math.min(mostRows, Math.max(LEAST_STEP_ROWS, wanted)));
}
