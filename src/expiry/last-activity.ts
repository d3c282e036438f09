// A last activity taken for an end would delete every live session. Which columns hold one, by their name, by their table
// and by the known stores; and the refusal where nobody has said how long a session lives after it.
import type { EngineName } from '../engines/engine.js';
import { CleanupError } from '../errors.js';
import { type Preset, presetOf, type StoreName, storeNames } from '../stores.js';

export interface ExpiresColumn {
  /** The names as the engine spells them. */
  readonly table: string;
  readonly column: string;
  /** All columns of the table. */
  readonly columns: readonly string[];
  readonly engine: EngineName;
}

// THE table of words. A name with one of END is an end, whatever else is in it. One with a word of ACTIVITY is a last
// activity, or a beginning, which is as wrong. One of nothing but TIME and OWNER is the time of the last write in every
// program that is known to have such a column.
const END =
  'end ends ended ending expire expires expired expiring expiry expiries expiration expirations exp until till to thru through after due deadline ttl timeout lifetime validity close closes closed closing stop stops delete deletes destroy purge';
const ACTIVITY =
  'last latest recent activity active access accessed update updated updates modify modified modification mod change changed touch touched seen visit visited use used usage refresh refreshed renew renewed heartbeat ping write written stored saved create created creation insert inserted added issue issued start started begin began since from opened born login logged signin mtime atime ctime utime';
const TIME = 'time timestamp date datetime ts stamp epoch unix unixtime';
const OWNER = 'session sessions sess ses user client token auth at on in utc ms sec secs seconds';

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));
const [ENDS, ACTIVITIES, TIMES, OWNERS] = [words(END), words(ACTIVITY), words(TIME), words(OWNER)];
const ANY_WORD = new RegExp(
  [...ENDS, ...ACTIVITIES, ...TIMES, ...OWNERS].sort((a, b) => b.length - a.length).join('|'),
  'g',
);

/** Columns that are named as an end and hold the last write, known by what else is in the table. */
const NAMED_AS_AN_END: readonly {
  readonly column: string;
  readonly beside: readonly string[];
  readonly stores: readonly StoreName[];
}[] = [
  // Magento 1 has the very same table, and there it is an end: only --store can tell.
  { column: 'session_expires', beside: ['session_id', 'session_data'], stores: ['magento2', 'magento'] },
  // Gitea, Forgejo, Gogs, and whatever else uses the sessions of go-macaron or go-chi.
  { column: 'expiry', beside: ['key', 'data'], stores: ['gitea'] },
  { column: 'expiration', beside: ['id', 'data'], stores: ['piwigo'] },
];

/** Names of columns in which programs keep how many seconds a session or token lives. */
const LIFETIME = /^(?:(?:sess(?:ion)?_?)?(?:lifetime|ttl)|expires_?in|max_?age|valid_?for)$/i;

/** To be asked where no lifetime is given. Undefined for a column that may be an end. */
export function lastActivityRefusal(expires: ExpiresColumn): CleanupError | undefined {
  const { table, column } = expires;
  const named = NAMED_AS_AN_END.find(
    (known) => isSame(known.column, column) && known.beside.every((other) => expires.columns.some(isSameAs(other))),
  );
  const stores = (named?.stores ?? storesWithLastActivity(expires)).flatMap((name) => presetFlags(name, expires));
  if (named === undefined && !namesLastActivity(column) && stores.length === 0) return undefined;
  const beside = expires.columns.find((name) => LIFETIME.test(name));
  const tries = [...stores, ...(beside === undefined ? [] : [`--lifetime-column ${beside} (if it holds seconds)`])];
  const lifetime =
    'how long a session lives after it, such as --older-than 2h (--older-than 0: the column does hold the end).';
  const what =
    named === undefined
      ? 'seems to hold the last activity of a session, not its end'
      : `looks like that of ${named.stores[0]}, which keeps the last activity of a session in it, not its end`;
  return new CleanupError('refused', `column ${column} of ${table} ${what}: live sessions would be deleted`, {
    code: 'LAST_ACTIVITY',
    hint: tries.length === 0 ? `Say ${lifetime}` : `Try ${tries.join(' or ')}. Or say ${lifetime}`,
  });
}

/** As it has to be given for this table; none where the store does not run on the engine. */
function presetFlags(name: StoreName, { table, engine }: ExpiresColumn): readonly string[] {
  const preset = presetOf(name, engine);
  if (preset === undefined) return [];
  return [`--store ${name}${isTable(preset, table) ? '' : ` --table ${table}`}`];
}

/** Whether the name alone says that it is no end, such as `last_activity`, `updatedAt`, `timemodified` or `timestamp`. */
export function namesLastActivity(column: string): boolean {
  const found = wordsOf(column);
  if (found.some((word) => ENDS.has(word))) return false;
  return (
    found.some((word) => ACTIVITIES.has(word)) ||
    (found.some((word) => TIMES.has(word)) && found.every((word) => TIMES.has(word) || OWNERS.has(word)))
  );
}

/** In lower case: of snake_case, camelCase and CAPITALS, and of words that are written together where all are known. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '')
    .flatMap((word) => {
      const known = word.match(ANY_WORD) ?? [];
      return known.join('') === word ? known : [word];
    });
}

/** Stores whose table this is, and which keep a last activity in this column. */
export function storesWithLastActivity({ table, column, engine }: ExpiresColumn): readonly StoreName[] {
  return storeNames.filter((name) => {
    const preset = presetOf(name, engine);
    return (
      preset !== undefined &&
      keepsLastActivity(preset) &&
      isSame(preset.expiresColumn, column) &&
      isTable(preset, table)
    );
  });
}

function keepsLastActivity({ lifetimeMs, lifetimeColumn }: Preset): boolean {
  return lifetimeMs !== undefined || lifetimeColumn !== undefined;
}

/** Whatever schema it is in. */
function isTable(preset: Preset, table: string): boolean {
  return isSame(preset.table.replace(/^.*\./, ''), table);
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function isSameAs(name: string): (other: string) => boolean {
  return (other) => isSame(name, other);
}
