// The URL of a MySQL or MariaDB server.
import { isAbsolute } from 'node:path';
import type { Parsed } from '../../parsing.js';
import type { Target } from '../engine.js';
import { readServerUrl, shownAddress, shownPlace } from '../server-url.js';
import { escaped, UNREADABLE } from '../url.js';

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
const FORM = {
  parameters: ['socketPath', 'ssl-mode', 'ssl-ca'],
  ipv6Example: 'mysql://user@[::1]:3306/database',
};

export function readTarget(scheme: string, text: string): Parsed<MysqlTarget> | undefined {
  const url = readServerUrl(text, FORM);
  if (url === undefined || 'problem' in url) return url;
  const { host, port, user, password, database, secrets } = url.value;
  const options = readOptions(url.value.parameters);
  if ('problem' in options) return options;
  const { socketPath, tls } = options.value;
  if (host === '' && port !== undefined) return { problem: UNREADABLE };
  if (host === '' && socketPath === undefined) {
    return { problem: 'must name a host, or a socket as in ?socketPath=/path/to/socket' };
  }
  const address = { host: host === '' ? 'localhost' : host, port: port ?? 3306 };
  const place = socketPath === undefined ? shownAddress(address.host, address.port) : 'localhost';
  const socket = socketPath === undefined ? '' : `?socketPath=${escaped(socketPath)}`;
  return {
    value: {
      engine: 'mysql',
      ...address,
      socketPath,
      user,
      password,
      database,
      tls,
      shown: `${scheme === 'mariadb' ? scheme : 'mysql'}:${shownPlace(place, database)}${socket}`,
      secrets,
    },
  };
}

function readOptions(given: ReadonlyMap<string, string>): Parsed<Pick<MysqlTarget, 'socketPath' | 'tls'>> {
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
