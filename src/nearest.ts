// The known name that a mistyped one most likely means. Imports nothing of ours.

/** Up to this length of the known name, more than one slip makes another word of it. */
const SHORT = 5;

/** Undefined where none is close: equal but for case, hyphens and underscores, or one or two slips away. */
export function nearestName<Name extends string>(name: string, known: readonly Name[]): Name | undefined {
  const given = compact(name);
  const ranked = known
    .map((candidate) => ({ candidate, slips: slipsBetween(given, compact(candidate)) }))
    .filter(({ candidate, slips }) => slips <= (compact(candidate).length <= SHORT ? 1 : 2))
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.candidate;
}

/** More than these are no help. */
const MOST_NAMED = 4;
/** Shorter than this, a name is a part of too many others. */
const LEAST_PART = 4;

/** The few names that the given one is a part of, or that are a part of it; or else the nearest. */
export function nearNames<Name extends string>(name: string, known: readonly Name[]): readonly Name[] {
  const given = compact(name);
  const related = known.filter((candidate) => {
    const other = compact(candidate);
    return given.length >= LEAST_PART && other.length >= LEAST_PART && (other.includes(given) || given.includes(other));
  });
  const nearest = nearestName(name, known);
  if (related.length > 1 || nearest === undefined) return related.length <= MOST_NAMED ? related : [];
  return [nearest];
}

/** In lower case and without what joins words. */
export function compact(name: string): string {
  return name.toLowerCase().replace(/[-_. ]/g, '');
}

/** How many letters are missing, too many, wrong, or swapped with their neighbour. */
function slipsBetween(a: string, b: string): number {
  // slips[i][j] is what lies between the first i letters of a and the first j of b.
  const slips: number[][] = [];
  const at = (i: number, j: number): number => slips[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 0; i <= a.length; i += 1) {
    const row: number[] = [i];
    slips.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const changed = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : changed;
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, changed, swapped));
    }
  }
  return at(a.length, b.length);
}
