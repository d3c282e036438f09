// Which format the expiry column has: by its declared type, or by a sample of what is stored.
import type { Session, Table } from '../engines/engine.js';
import type { Query } from '../engines/sql.js';
import { CleanupError } from '../errors.js';
import { type ColumnFormat, detectFormat, formatsOf, type Sampled, type WantedFormat } from '../expiry/format.js';

export interface InspectionSettings {
  readonly expiresFormat: WantedFormat;
  readonly olderThanMs: number;
  /** The store writes its times as texts without a zone, whatever the zone of its connection is. */
  readonly writesLiterals: boolean;
  /** It is known in which zone a time without one was written: it was given, or the store writes UTC. */
  readonly zoneIsKnown: boolean;
}

const SAMPLE_ROWS = 250;

/** Undefined where nothing in the column can be expired. @throws CleanupError `refused` */
export async function detectColumnFormat(
  query: Query,
  session: Session,
  table: Table,
  { expiresFormat: wanted, olderThanMs, writesLiterals, zoneIsKnown }: InspectionSettings,
): Promise<ColumnFormat | undefined> {
  const { storedAs } = table;
  if (storedAs === undefined) return detectFormat(wanted, await sample(query, table));
  if (!formatsOf(wanted).includes('datetime')) {
    throw new CleanupError(
      'refused',
      `column ${table.expiresColumn} is ${table.declaredType.toUpperCase()}: --expires-format ${[wanted].flat().join(' or ')} does not apply`,
      { code: 'FORMAT_MISMATCH', hint: 'Leave --expires-format away, or set it to datetime.' },
    );
  }
  if (storedAs === 'instant' && writesLiterals) await refuseEarly(await session.aheadOfUtcMs(), olderThanMs);
  if (storedAs === 'wall-clock' && !zoneIsKnown) refuseBehind((await session.behindUtcMs?.()) ?? 0, olderThanMs, table);
  return { format: 'datetime', storedAs: [storedAs] };
}

/** A text in UTC, stored over a connection ahead of UTC, becomes an instant that much too early. */
function refuseEarly(aheadMs: number, olderThanMs: number): void {
  if (aheadMs <= olderThanMs) return;
  const minutes = aheadMs / 60_000;
  throw new CleanupError(
    'refused',
    `sessions could be deleted up to ${minutes} minutes early: the store writes times without a zone, and the server's time zone is ahead of UTC`,
    { code: 'ZONE_AHEAD', hint: `Give --older-than ${minutes}m, or more.` },
  );
}

/** A wall clock behind UTC, taken for UTC, shows a time that much too early. */
function refuseBehind(behindMs: number, olderThanMs: number, { expiresColumn, declaredType }: Table): void {
  if (behindMs <= olderThanMs) return;
  const minutes = behindMs / 60_000;
  throw new CleanupError(
    'refused',
    `sessions could be deleted up to ${minutes} minutes early: ${expiresColumn} is ${declaredType.toUpperCase()}, and a time zone in force on the server is behind UTC`,
    {
      code: 'ZONE_BEHIND',
      hint: "Name the zone that the application writes in with --time-zone: UTC, or the server's.",
    },
  );
}

/** From both ends of the row key and of the expiry's index. */
async function sample(query: Query, table: Table): Promise<readonly Sampled[]> {
  const { expires, isZero } = table;
  const evident = `${expires} IS NOT NULL AND NOT (${isZero})`;
  const rows = [];
  for (const order of sampleOrders(table)) {
    const found = await query(
      `SELECT ${table.sampleColumns} FROM ${table.sql} WHERE ${evident}${order} LIMIT ${SAMPLE_ROWS}`,
    );
    rows.push(...found);
    // Fewer than were asked for are all there are: the other end would count them twice.
    if (found.length < SAMPLE_ROWS) break;
  }
  return rows.map(({ value, storage }) => ({ value, storage: storage as Sampled['storage'] }));
}

function sampleOrders({ rowKey, expires, expiresIndexes }: Table): readonly string[] {
  const keys = [rowKey?.columns.map(({ sql }) => sql), expiresIndexes.length > 0 ? [expires] : undefined];
  const orders = keys.flatMap((names) =>
    names === undefined
      ? []
      : [` ORDER BY ${names.join(', ')}`, ` ORDER BY ${names.map((name) => `${name} DESC`).join(', ')}`],
  );
  return orders.length === 0 ? [''] : orders;
}
