// The URL of a database server, //user:password@host:port/database?parameters, as every engine with servers reads it.
import { isIPv6 } from 'node:net';
import type { Parsed } from '../parsing.js';
import { decode, escaped, splitOnce, UNREADABLE } from './url.js';

export interface ServerUrl {
  /** IPv6 without brackets; empty where none is named. */
  readonly host: string;
  /** Undefined where none is named. */
  readonly port: number | undefined;
  /** Empty where the URL names none. */
  readonly user: string;
  /** Empty where the URL has none. */
  readonly password: string;
  readonly database: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
  /** The password as typed and as decoded. */
  readonly secrets: readonly string[];
}

/** How the URLs of one engine differ from those of another. */
export interface ServerUrlForm {
  /** Of the parameters that it takes. */
  readonly parameters: readonly string[];
  /** A URL with an IPv6 address, for a usage error. */
  readonly ipv6Example: string;
}

/** Undefined where the text is no such URL. */
export function readServerUrl(text: string, form: ServerUrlForm): Parsed<ServerUrl> | undefined {
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

  const parameters = readParameters(query, form.parameters);
  if ('problem' in parameters) return parameters;
  const address = readAddress(authority.slice(at + 1), form.ipv6Example);
  if ('problem' in address) return address;
  return {
    value: {
      ...address.value,
      user,
      password,
      database: database === '' ? undefined : database,
      parameters: parameters.value,
      secrets: [...new Set([rawPassword, password])].filter((secret) => secret !== ''),
    },
  };
}

function readAddress(text: string, ipv6Example: string): Parsed<Pick<ServerUrl, 'host' | 'port'>> {
  // Asked only where it may be one: Node compiles a large regular expression for it.
  if (/:.*:/.test(text) && isIPv6(text))
    return { problem: `must have an IPv6 address in brackets, as in ${ipv6Example}` };
  const match = /^(?:\[(.*)\]|([\p{L}\p{M}\p{N}._-]*))(?::(\d+))?$/u.exec(text);
  if (match === null) return { problem: UNREADABLE };
  const [, bracketed, name = '', digits] = match;
  const host = bracketed === undefined ? name : decode(bracketed);
  if (host === undefined || (bracketed !== undefined && !isIPv6(host))) return { problem: UNREADABLE };
  if (digits === undefined) return { value: { host, port: undefined } };
  const port = Number(digits);
  return port < 1 || port > 65_535 ? { problem: 'must have a port from 1 to 65535' } : { value: { host, port } };
}

function readParameters(query: string, known: readonly string[]): Parsed<ReadonlyMap<string, string>> {
  const given = new Map<string, string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name, rawValue] = splitOnce(pair, '=');
    const value = decode(rawValue);
    if (value === undefined) return { problem: UNREADABLE };
    // Not named in the problem: it may be a piece of an unencoded password.
    if (!known.includes(name) || given.has(name)) {
      return { problem: `takes only the parameters ${known.join(', ')}, each at most once` };
    }
    given.set(name, value);
  }
  return { value: given };
}

/** Such as //host:3306/database: the place, as a URL shows it. */
export function shownPlace(address: string, database: string | undefined): string {
  return `//${address}${database === undefined ? '' : `/${escaped(database).replaceAll('/', '%2F')}`}`;
}

export function shownAddress(host: string, port: number): string {
  return `${host.includes(':') ? `[${escaped(host)}]` : host}:${port}`;
}
