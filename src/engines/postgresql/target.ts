// The URL of a PostgreSQL server.
import { isAbsolute } from 'node:path';
import type { Parsed } from '../../parsing.js';
import type { Target } from '../engine.js';
import { readServerUrl, shownAddress, shownPlace } from '../server-url.js';
import { escaped } from '../url.js';

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];

export interface PostgresqlTarget extends Target {
  readonly engine: 'postgresql';
  /** IPv6 without brackets; `localhost` where only a socket was given. */
  readonly host: string;
  readonly port: number;
  /** The folder of the socket, absolute; where it is set, it is what to connect to. */
  readonly socketFolder: string | undefined;
  /** Empty where the URL names none: the user of the system then, as for every client of PostgreSQL. */
  readonly user: string;
  /** Empty where the URL has none. */
  readonly password: string;
  /** Undefined where the URL names none: the one that is called like the user. */
  readonly database: string | undefined;
  readonly tls: { readonly mode: SslMode; readonly caPath: string | undefined };
}

export const URL_FORMS = 'postgresql://user@host:5432/database, or the same with postgres://';
const FORM = {
  parameters: ['host', 'sslmode', 'sslrootcert'],
  ipv6Example: 'postgresql://user@[::1]:5432/database',
};

export function readTarget(_scheme: string, text: string): Parsed<PostgresqlTarget> | undefined {
  const url = readServerUrl(text, FORM);
  if (url === undefined || 'problem' in url) return url;
  const { user, password, database, secrets, port = 5432 } = url.value;
  const options = readOptions(url.value.parameters);
  if ('problem' in options) return options;
  const { socketFolder, tls } = options.value;
  if (url.value.host === '' && socketFolder === undefined) {
    return { problem: 'must name a host, or the folder of a socket as in ?host=/var/run/postgresql' };
  }
  const host = url.value.host === '' ? 'localhost' : url.value.host;
  // A socket is called after the port.
  const address = socketFolder === undefined ? host : 'localhost';
  const socket = socketFolder === undefined ? '' : `?host=${escaped(socketFolder)}`;
  return {
    value: {
      engine: 'postgresql',
      host,
      port,
      socketFolder,
      user,
      password,
      database,
      tls,
      shown: `postgresql:${shownPlace(shownAddress(address, port), database)}${socket}`,
      secrets,
    },
  };
}

function readOptions(given: ReadonlyMap<string, string>): Parsed<Pick<PostgresqlTarget, 'socketFolder' | 'tls'>> {
  const socketFolder = given.get('host');
  if (socketFolder !== undefined && !socketFolder.startsWith('/')) {
    return { problem: 'must name its host before the database: the parameter host is for the folder of a socket' };
  }
  const wanted = given.get('sslmode') ?? 'disable';
  if (wanted === 'prefer' || wanted === 'allow') {
    return {
      problem: `must not have sslmode=${wanted}, which leaves it to the server whether the connection is encrypted: say require, verify-ca, verify-full or disable`,
    };
  }
  const mode = SSL_MODES.find((candidate) => candidate === wanted);
  if (mode === undefined) return { problem: `must have one of these as sslmode: ${SSL_MODES.join(', ')}` };
  if (socketFolder !== undefined && mode !== 'disable') {
    return { problem: 'must not have an sslmode with a socket: there is no TLS on one' };
  }
  const caPath = given.get('sslrootcert');
  if (caPath === '') return { problem: 'must have a path as sslrootcert' };
  if (caPath !== undefined && !mode.startsWith('verify-')) {
    return { problem: 'must have sslrootcert only with an sslmode of verify-ca or verify-full' };
  }
  return { value: { socketFolder, tls: { mode, caPath } } };
}

/** Without a schema, the server looks for a table along its search_path. */
export function readSchema(_target: PostgresqlTarget, schema: string | undefined): Parsed<string | undefined> {
  return { value: schema };
}

export function crontabUrl(raw: string, { tls }: PostgresqlTarget): Parsed<string> {
  if (tls.caPath !== undefined && !isAbsolute(tls.caPath)) {
    return { problem: 'must have an absolute sslrootcert: cron starts in another folder' };
  }
  return { value: raw.trim() };
}

export function relativePaths({ tls: { caPath } }: PostgresqlTarget): readonly string[] {
  return caPath === undefined || isAbsolute(caPath) ? [] : [caPath];
}
