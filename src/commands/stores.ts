// The command `stores`: what --store stands for, as a table for people or as JSON.
import type { EngineName } from '../engines/engine.js';
import { engineNames, engineOf } from '../engines/index.js';
import { wrap } from '../report/layout.js';
import { span } from '../report/wording.js';
import { type Preset, presetOf, type StoreName, storeNames } from '../stores.js';

const NAMES = [...storeNames].sort();

interface StoresOptions {
  readonly json: boolean;
  /** Width of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

export function listStores({ json, columns }: StoresOptions): string {
  if (json) return renderJson();
  const rows = storeRows().map(toCells);
  const lines = renderTable([['STORE', 'TABLE', 'COLUMN', 'KIND', 'DATABASES'], ...rows]);
  const isTooWide = columns !== undefined && lines.some((line) => line.length > columns);
  return (isTooWide ? renderParagraphs(rows, columns) : lines).join('\n');
}

/** What a store's preset stands for, on the engines on which it is the same. */
export interface StoreRow {
  readonly store: StoreName;
  readonly table: string;
  readonly column: string;
  /** What the column holds. */
  readonly holds: string;
  /** The flags that the preset cannot do without. */
  readonly needs: readonly string[];
  /** With the format in which the column holds it there. */
  readonly engines: readonly { readonly title: string; readonly format: string }[];
}

export function storeRows(): readonly StoreRow[] {
  return NAMES.flatMap((store) => {
    const rows = new Map<string, StoreRow>();
    for (const { engine, preset } of presetsOf(store)) {
      const row = {
        store,
        table: preset.table,
        column: preset.expiresColumn,
        holds: holds(preset),
        needs: needs(preset),
      };
      const engines = rows.get(JSON.stringify(row))?.engines ?? [];
      const format = [preset.expiresFormat].flat().join(' or ');
      rows.set(JSON.stringify(row), { ...row, engines: [...engines, { title: engineOf({ engine }).title, format }] });
    }
    return [...rows.values()];
  });
}

function presetsOf(store: StoreName): readonly { readonly engine: EngineName; readonly preset: Preset }[] {
  return engineNames.flatMap((engine) => {
    const preset = presetOf(store, engine);
    return preset === undefined ? [] : [{ engine, preset }];
  });
}

function holds({ lifetimeMs, lifetimeColumn, where }: Preset): string {
  const only = where === undefined ? '' : `; only rows where ${where}`;
  if (lifetimeColumn !== undefined) return `last activity + ${lifetimeColumn} seconds${only}`;
  if (lifetimeMs === undefined) return `end${only}`;
  return `${lifetimeMs === 'required' ? 'last activity' : `last activity + ${span(lifetimeMs)}`}${only}`;
}

function needs({ lifetimeMs, writes }: Preset): readonly string[] {
  return [...(lifetimeMs === 'required' ? ['--older-than'] : []), ...(writes === 'local' ? ['--time-zone'] : [])];
}

type Cells = readonly [store: string, table: string, column: string, kind: string, engines: string];

function toCells({ store, table, column, holds, needs, engines }: StoreRow): Cells {
  const kind = needs.length === 0 ? holds : `${holds}; needs ${needs.join(' and ')}`;
  return [store, table, column, kind, engines.map(({ title }) => title).join(', ')];
}

function renderTable(rows: readonly Cells[]): readonly string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function renderParagraphs(rows: readonly Cells[], columns: number): readonly string[] {
  return rows.flatMap(([store, table, column, kind, engines]) => [
    store,
    ...wrap(`${table}.${column}: ${kind} (${engines})`, columns, '  '),
  ]);
}

function renderJson(): string {
  const objects = NAMES.flatMap((store) =>
    presetsOf(store).map(({ engine, preset }) =>
      JSON.stringify({
        store,
        engine,
        table: preset.table,
        expires_column: preset.expiresColumn,
        expires_format: preset.expiresFormat,
        older_than_ms: typeof preset.lifetimeMs === 'number' ? preset.lifetimeMs : 0,
        lifetime_column: preset.lifetimeColumn ?? null,
        where: preset.where ?? null,
        needs: needs(preset),
      }),
    ),
  );
  return `[\n${objects.join(',\n')}\n]`;
}
