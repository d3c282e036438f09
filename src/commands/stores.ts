// The command `stores`: what --store stands for, as a table for people or as JSON.
import { wrap } from '../report/layout.js';
import { span } from '../report/wording.js';
import { type Preset, presetOf, type StoreEngine, type StoreName, storeNames } from '../stores.js';

const NAMES = [...storeNames].sort();
const ENGINES: Readonly<Record<StoreEngine, string>> = { sqlite: 'SQLite', mysql: 'MySQL', postgresql: 'PostgreSQL' };

interface StoresOptions {
  readonly json: boolean;
  /** Width of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

export function listStores({ json, columns }: StoresOptions): string {
  if (json) return renderJson();
  const rows = NAMES.flatMap(rowsOf);
  const header: Row = { store: 'STORE', table: 'TABLE', column: 'COLUMN', kind: 'KIND', engines: 'DATABASES' };
  const lines = renderTable([header, ...rows]);
  const isTooWide = columns !== undefined && lines.some((line) => line.length > columns);
  return (isTooWide ? renderParagraphs(rows, columns) : lines).join('\n');
}

/** What `--store` stands for, on the engines on which it is the same. */
interface Row {
  readonly store: string;
  readonly table: string;
  readonly column: string;
  /** What the column holds, and what has to be given besides. */
  readonly kind: string;
  readonly engines: string;
}

function rowsOf(store: StoreName): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const { engine, preset } of presetsOf(store)) {
    const [table, column, kind] = [preset.table, preset.expiresColumn, kindOf(preset)];
    const key = [table, column, kind].join();
    const others = rows.get(key)?.engines;
    rows.set(key, { store, table, column, kind, engines: [others, ENGINES[engine]].filter(Boolean).join(', ') });
  }
  return [...rows.values()];
}

function presetsOf(store: StoreName): readonly { engine: StoreEngine; preset: Preset }[] {
  return (Object.keys(ENGINES) as StoreEngine[]).flatMap((engine) => {
    const preset = presetOf(store, engine);
    return preset === undefined ? [] : [{ engine, preset }];
  });
}

function kindOf(preset: Preset): string {
  const needed = neededFlags(preset);
  return `${holds(preset)}${needed.length === 0 ? '' : `; needs ${needed.join(' and ')}`}`;
}

function holds({ lifetimeMs }: Preset): string {
  if (lifetimeMs === undefined) return 'end';
  return lifetimeMs === 'required' ? 'last activity' : `last activity + ${span(lifetimeMs)}`;
}

/** What the preset does not know. */
function neededFlags({ lifetimeMs, writes }: Preset): readonly string[] {
  return [...(lifetimeMs === 'required' ? ['--older-than'] : []), ...(writes === 'local' ? ['--time-zone'] : [])];
}

function renderTable(rows: readonly Row[]): readonly string[] {
  const keys = ['store', 'table', 'column', 'kind', 'engines'] as const;
  const widths = keys.map((key) => Math.max(...rows.map((row) => row[key].length)));
  return rows.map((row) =>
    keys
      .map((key, at) => row[key].padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function renderParagraphs(rows: readonly Row[], columns: number): readonly string[] {
  return rows.flatMap(({ store, table, column, kind, engines }) => [
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
        needs: neededFlags(preset),
      }),
    ),
  );
  return `[\n${objects.join(',\n')}\n]`;
}
