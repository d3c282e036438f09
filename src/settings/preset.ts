// What --store stands for: the values of a preset, and what it cannot do without.
import { type DatabaseTarget, engineOf } from '../engines/index.js';
import type { WantedFormat } from '../expiry/format.js';
import { type Preset, presetOf } from '../stores.js';
import type { Settings } from './settings.js';

/** Undefined where no store is given, or where it cannot be used. */
export function readPreset(
  target: DatabaseTarget,
  { store, olderThan, lifetimeColumn, timeZone }: Partial<Settings>,
  problems: string[],
): Preset | undefined {
  if (store === undefined) return undefined;
  const preset = presetOf(store, target.engine);
  if (preset === undefined) {
    problems.push(`--store ${store} does not run on ${engineOf(target).title}: check --db-url`);
  }
  if (preset?.lifetimeMs === 'required' && olderThan === undefined && lifetimeColumn === undefined) {
    problems.push(`--store ${store} keeps the last activity: give --older-than, the lifetime of a session`);
  }
  if (preset?.writes === 'local' && timeZone === undefined) {
    problems.push(
      `--store ${store} writes times without a zone: say with --time-zone in which zone the application or its database server runs`,
    );
  }
  return preset;
}

/** Settings, but that the program may make several formats. */
type PresetValues = Omit<Partial<Settings>, 'expiresFormat'> & { readonly expiresFormat?: WantedFormat };

export function presetValues(preset: Preset | undefined, given: Partial<Settings>): PresetValues {
  if (preset === undefined) return {};
  const { table, expiresColumn, expiresFormat, lifetimeMs, lifetimeColumn } = preset;
  const isLifetimeNeeded = typeof lifetimeMs === 'number' && given.lifetimeColumn === undefined;
  return {
    table,
    expiresColumn,
    expiresFormat,
    ...(isLifetimeNeeded ? { olderThan: lifetimeMs } : {}),
    ...(lifetimeColumn === undefined ? {} : { lifetimeColumn }),
  };
}

/** A preset's own condition holds whatever is given: without it, rows would go that are no sessions. */
export function conditionOf(preset: Preset | undefined, given: string | undefined): string | undefined {
  const conditions = [preset?.where, given].filter((condition) => condition !== undefined);
  return conditions.length > 1 ? conditions.map((condition) => `(${condition})`).join(' AND ') : conditions[0];
}

/**
 * Whether it has been said how long a session lives after what the column holds: by --older-than, by a lifetime column,
 * or by a store whose own column it is.
 */
export function isLifetimeGiven(preset: Preset | undefined, given: Partial<Settings>): boolean {
  if (given.olderThan !== undefined || given.lifetimeColumn !== undefined) return true;
  if (preset === undefined) return false;
  const isItsColumn = given.expiresColumn === undefined || given.expiresColumn === preset.expiresColumn;
  return isItsColumn || preset.lifetimeMs !== undefined;
}
