// A database URL: what to connect to, and what of it may be shown. Opens nothing and resolves nothing.
// Read by rules of our own: WHATWG URL moves a raw / ? # of a password into other parts without a word, and its
// error carries the input. No problem here repeats any part of the URL.
import { isIPv6 } from 'node:net';
import type { Parsed, Parser } from '../settings/values.js';

const SSL_MODES = ['DISABLED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'] as const;
type SslMode = (typeof SSL_MODES)[number];

export interface SqliteTarget {
  readonly dialect: 'sqlite';
  /** Decoded; relative to the working directory unless it starts with one `/`. Never starts with two. */
  readonly path: string;
  /** Free of credentials, for the log. */
  readonly shown: string;
  /** What must not be shown, as typed and as decoded. */
  readonly secrets: readonly string[];
}

export interface MysqlTarget {
  readonly dialect: 'mysql';
  /** IPv6 without brackets; `localhost` where only a socket was given. */
  readonly host: string;
  readonly port: number;
  /** Absolute; where it is set, it is what to connect to. */
  readonly socketPath: string | undefined;
  /** Empty where the URL names none. */
  readonly user: string;
  /** Empty where the URL has none. */
  readonly password: string;
  readonly database: string | undefined;
  readonly tls: { readonly mode: SslMode; readonly caPath: string | undefined };
  /** Free of credentials, for the log; itself a URL that reads back as the same place. */
  readonly shown: string;
  /** What must not be shown, as typed and as decoded. */
  readonly secrets: readonly string[];
}

export type DatabaseTarget = SqliteTarget | MysqlTarget;

const UNKNOWN_FORM =
  'must be sqlite:path, sqlite:///absolute/path, file:path, mysql://user@host:3306/database, ' +
  'or the same with mysql2:// or mariadb://';
const UNREADABLE =
  'cannot be read as a URL: special characters in the user name or password must be percent-encoded ' +
  '(# / ? @ : % as %23 %2F %3F %40 %3A %25)';
const CONTROL_CHARACTER = /\p{Cc}|%(?:[01][\da-f]|7f|c2%[89][\da-f])/iu;

export const databaseUrl: Parser<DatabaseTarget> = (raw) => {
  const url = raw.trim();
  if (CONTROL_CHARACTER.test(url)) return { problem: 'must not contain a control character, encoded or not' };
  const [scheme, rest] = splitOnce(url, ':');
  switch (scheme.toLowerCase()) {
    case 'sqlite':
    case 'file':
      return sqliteTarget(rest);
    case 'mysql':
    case 'mysql2':
      return mysqlTarget('mysql', rest);
    case 'mariadb':
      return mysqlTarget('mariadb', rest);
    default:
      return { problem: UNKNOWN_FORM };
  }
};

function sqliteTarget(text: string): Parsed<SqliteTarget> {
  if (text.includes('?')) return { problem: 'takes no parameters for SQLite: in a path, write ? as %3F' };
  if (text.includes('#')) return { problem: 'takes no fragment: in a path, write # as %23' };
  const decoded = decode(text.replace(/%(?![\da-f]{2})/gi, '%25'));
  if (decoded === undefined) return { problem: 'has a path whose percent-encoding is not UTF-8: write % as %25' };
  if (/^\/*:memory:$/.test(decoded)) return { problem: 'must name a SQLite file: in memory there is nothing to clean' };
  if (/^\/*$/.test(decoded)) return { problem: 'must name a SQLite file, as in sqlite:path' };
  if (/^\/\/[^/]/.test(text)) {
    return { problem: 'has a host, and SQLite has none: write sqlite:path or sqlite:///absolute/path' };
  }
  // The line shows the path, and of a URL that would be its password.
  if (decoded.includes('://') || /:.*@/.test(text)) {
    return { problem: 'must name a SQLite file, and looks like another URL: in a path, write @ as %40' };
  }
  // A path with two leading slashes would be read as a host again when the dialect builds its own file: URL.
  const path = decoded.replace(/^\/+/, '/');
  return { value: { dialect: 'sqlite', path, shown: `sqlite:${path}`, secrets: [] } };
}

function mysqlTarget(scheme: 'mysql' | 'mariadb', text: string): Parsed<MysqlTarget> {
  const parts = /^\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text);
  if (parts === null) return { problem: UNKNOWN_FORM };
  const [, authority = '', path = '', query = ''] = parts;
  // The real @ comes after the whole password, so a raw # / ? @ in the password always shows here.
  const at = authority.lastIndexOf('@');
  const credentials = authority.slice(0, Math.max(at, 0));
  if (text.includes('#') || `${credentials}${path}${query}`.includes('@')) return { problem: UNREADABLE };
  const [rawUser, rawPassword] = splitOnce(credentials, ':');
  const user = decode(rawUser);
  const password = decode(rawPassword);
  const database = decode(path);
  if (user === undefined || password === undefined || database === undefined) return { problem: UNREADABLE };
  if (path.includes('/')) return { problem: 'must have at most one / after the host, before the database' };

  const options = readParameters(query);
  if ('problem' in options) return options;
  const { socketPath, tls } = options.value;
  const address = readAddress(authority.slice(at + 1), socketPath);
  if ('problem' in address) return address;
  const { host, port } = address.value;

  const place = socketPath === undefined ? `${host.includes(':') ? `[${escaped(host)}]` : host}:${port}` : 'localhost';
  const schema = database === '' ? '' : `/${escaped(database).replaceAll('/', '%2F')}`;
  const socket = socketPath === undefined ? '' : `?socketPath=${escaped(socketPath)}`;
  return {
    value: {
      dialect: 'mysql',
      host,
      port,
      socketPath,
      user,
      password,
      database: database === '' ? undefined : database,
      tls,
      shown: `${scheme}://${place}${schema}${socket}`,
      secrets: [...new Set([rawPassword, password])].filter((secret) => secret !== ''),
    },
  };
}

function readAddress(
  text: string,
  socketPath: string | undefined,
): Parsed<{ readonly host: string; readonly port: number }> {
  if (isIPv6(text)) return { problem: 'must have an IPv6 address in brackets, as in mysql://user@[::1]:3306/database' };
  const match = /^(?:\[(.*)\]|([\p{L}\p{M}\p{N}._-]*))(?::(\d+))?$/u.exec(text);
  if (match === null) return { problem: UNREADABLE };
  const [, bracketed, name = '', digits] = match;
  const host = bracketed === undefined ? name : decode(bracketed);
  if (host === undefined || (bracketed !== undefined && !isIPv6(host))) return { problem: UNREADABLE };
  const port = Number(digits ?? 3306);
  if (port < 1 || port > 65_535) return { problem: 'must have a port from 1 to 65535' };
  if (host !== '') return { value: { host, port } };
  if (digits !== undefined) return { problem: UNREADABLE };
  if (socketPath === undefined) return { problem: 'must name a host, or a socket as in ?socketPath=/path/to/socket' };
  return { value: { host: 'localhost', port } };
}

const PARAMETERS: readonly string[] = ['socketPath', 'ssl-mode', 'ssl-ca'];

function readParameters(query: string): Parsed<Pick<MysqlTarget, 'socketPath' | 'tls'>> {
  const given = new Map<string, string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name, rawValue] = splitOnce(pair, '=');
    const value = decode(rawValue);
    if (value === undefined) return { problem: UNREADABLE };
    // Not named in the problem: it may be a piece of an unencoded password.
    if (!PARAMETERS.includes(name) || given.has(name)) {
      return { problem: `takes only the parameters ${PARAMETERS.join(', ')}, each at most once` };
    }
    given.set(name, value);
  }
  const socketPath = given.get('socketPath');
  if (socketPath !== undefined && !socketPath.startsWith('/')) return { problem: 'must have an absolute socketPath' };
  const wanted = (given.get('ssl-mode') ?? 'DISABLED').toUpperCase();
  const mode = SSL_MODES.find((candidate) => candidate === wanted);
  if (mode === undefined) return { problem: `must have one of these as ssl-mode: ${SSL_MODES.join(', ')}` };
  const caPath = given.get('ssl-ca');
  if (caPath === '') return { problem: 'must have a path as ssl-ca' };
  if (caPath !== undefined && !mode.startsWith('VERIFY_')) {
    return { problem: 'must have ssl-ca only with an ssl-mode of VERIFY_CA or VERIFY_IDENTITY' };
  }
  return { value: { socketPath, tls: { mode, caPath } } };
}

/** Undefined where an escape is malformed or not UTF-8. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function escaped(text: string): string {
  return text.replace(/[\s#%&?@]/g, encodeURIComponent);
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** One or more MySQL or MariaDB servers, separated by white space. */
export const serverUrls: Parser<readonly MysqlTarget[]> = (raw) => {
  const targets: MysqlTarget[] = [];
  for (const url of raw.trim().split(/\s+/)) {
    const parsed = databaseUrl(url);
    if ('problem' in parsed) return parsed;
    if (parsed.value.dialect !== 'mysql') return { problem: 'must be a mysql:// or mariadb:// URL' };
    targets.push(parsed.value);
  }
  return { value: targets };
};
