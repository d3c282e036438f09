// Whether deleting a row can delete other rows of the same table: by foreign keys that are ON DELETE CASCADE.

/** A foreign key. Tables are named so that the same table has the same name. */
export interface ForeignKey {
  readonly constraint: string;
  /** Whose rows refer. */
  readonly child: string;
  /** Whose rows are referred to. */
  readonly parent: string;
  /** Such as CASCADE or SET NULL. */
  readonly onDelete: string;
}

/** The shortest way by which a deletion in the table comes back to it; undefined where none does. */
export function cascadeBack(table: string, foreignKeys: readonly ForeignKey[]): readonly ForeignKey[] | undefined {
  const cascading = foreignKeys.filter(({ onDelete }) => onDelete.toUpperCase() === 'CASCADE');
  const reached = new Set<string>();
  let ways: readonly (readonly ForeignKey[])[] = [[]];
  while (ways.length > 0) {
    const longer = ways.flatMap((way) => {
      const from = way.at(-1)?.child ?? table;
      return cascading
        .filter(({ parent, child }) => parent === from && !reached.has(child))
        .map((key) => [...way, key]);
    });
    const back = longer.find((way) => way.at(-1)?.child === table);
    if (back !== undefined) return back;
    for (const way of longer) reached.add(way.at(-1)?.child ?? '');
    ways = longer;
  }
  return undefined;
}
