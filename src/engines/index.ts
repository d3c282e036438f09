// THE map of engines, and the way from a URL to one. An engine missing here does not compile.
import type { Parser } from '../parsing.js';
import type { Engine, EngineName, Target } from './engine.js';
import { mysql } from './mysql/index.js';
import type { MysqlTarget } from './mysql/target.js';
import { postgresql } from './postgresql/index.js';
import type { PostgresqlTarget } from './postgresql/target.js';
import { sqlite } from './sqlite/index.js';
import type { SqliteTarget } from './sqlite/target.js';
import { splitOnce } from './url.js';

/** A database of any of the engines. */
export type DatabaseTarget = SqliteTarget | MysqlTarget | PostgresqlTarget;

const ENGINES: { readonly [Name in EngineName]: Engine<Extract<DatabaseTarget, { readonly engine: Name }>> } = {
  sqlite,
  mysql,
  postgresql,
};

export const engineNames = Object.freeze(Object.keys(ENGINES) as EngineName[]);

export function engineOf({ engine }: Pick<Target, 'engine'>): Engine<DatabaseTarget> {
  return ENGINES[engine];
}

const ALL: readonly Engine<DatabaseTarget>[] = Object.values(ENGINES);
const UNKNOWN_FORM = `must be ${ALL.map(({ urlForms }) => urlForms).join(', ')}`;
const CONTROL_CHARACTER = /\p{Cc}|%(?:[01][\da-f]|7f|c2%[89][\da-f])/iu;

/** What a URL names, and what of it may be shown. Opens nothing and resolves nothing. */
export const databaseUrl: Parser<DatabaseTarget> = (raw) => {
  const url = raw.trim();
  if (CONTROL_CHARACTER.test(url)) return { problem: 'must not contain a control character, encoded or not' };
  const [written, rest] = splitOnce(url, ':');
  const scheme = written.toLowerCase();
  const engine = ALL.find(({ schemes }) => schemes.includes(scheme));
  return engine?.readTarget(scheme, rest) ?? { problem: UNKNOWN_FORM };
};

/** One or more servers that can be replicas, separated by white space. */
export const replicaUrls: Parser<readonly DatabaseTarget[]> = (raw) => {
  const targets: DatabaseTarget[] = [];
  for (const url of raw.trim().split(/\s+/)) {
    const parsed = databaseUrl(url);
    if ('problem' in parsed) return parsed;
    if (engineOf(parsed.value).openLagWatch === undefined)
      return { problem: 'must be a mysql://, mariadb:// or postgresql:// URL' };
    targets.push(parsed.value);
  }
  return { value: targets };
};
