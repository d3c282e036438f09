// The URL of a MySQL or MariaDB server.
import { isIPv6 } from 'node:net';
import { isAbsolute } from 'node:path';
import type { Parsed } from '../../parsing.js';
import type { Target } from '../engine.js';
import { decode, escaped, splitOnce, UNREADABLE } from '../url.js';

const SSL_MODES = ['DISABLED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'] as const;
type SslMode = (typeof SSL_MODES)[number];

export interface MysqlTarget extends Target {
  readonly engine: 'mysql';
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
}

export const URL_FORMS = 'mysql://user@host:3306/database, or the same with mysql2:// or mariadb://';

export function readTarget(scheme: string, text: string): Parsed<MysqlTarget> | undefined {
  const parts = /^\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text);
  if (parts === null) return undefined;
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
      engine: 'mysql',
      host,
      port,
      socketPath,
      user,
      password,
      database: database === '' ? undefined : database,
      tls,
      shown: `${scheme === 'mariadb' ? scheme : 'mysql'}://${place}${schema}${socket}`,
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

export function readSchema({ database }: MysqlTarget, schema: string | undefined): Parsed<string> {
  const named = schema ?? database;
  if (named !== undefined) return { value: named };
  return { problem: '--db-url names no database: end it with /database, or give --table as schema.table' };
}

export function crontabUrl(raw: string, { tls }: MysqlTarget): Parsed<string> {
  if (tls.caPath !== undefined && !isAbsolute(tls.caPath)) {
    return { problem: 'must have an absolute ssl-ca: cron starts in another folder' };
  }
  return { value: raw.trim() };
}

export function relativePaths({ tls: { caPath } }: MysqlTarget): readonly string[] {
  return caPath === undefined || isAbsolute(caPath) ? [] : [caPath];
}
