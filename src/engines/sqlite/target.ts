// The URL of a SQLite file.
import { isAbsolute, resolve } from 'node:path';
import type { Parsed } from '../../parsing.js';
import type { Target } from '../engine.js';
import { decode } from '../url.js';

export interface SqliteTarget extends Target {
  readonly engine: 'sqlite';
  /** Decoded; relative to the working directory unless it starts with one `/`. Never starts with two. */
  readonly path: string;
}

export function readTarget(_scheme: string, text: string): Parsed<SqliteTarget> {
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
  // A path with two leading slashes would be read as a host again when the engine builds its own file: URL.
  const path = decoded.replace(/^\/+/, '/');
  return { value: { engine: 'sqlite', path, shown: `sqlite:${path}`, secrets: [] } };
}

export function crontabUrl(_raw: string, { path }: SqliteTarget, cwd: string): Parsed<string> {
  const url = resolve(cwd, path).replace(/[%?#@\s]/g, encodeURIComponent);
  // A relative path may become one that names no file, as . does in the root folder.
  const again = readTarget('sqlite', url);
  return 'problem' in again ? again : { value: `sqlite:${url}` };
}

export function relativePaths({ path }: SqliteTarget): readonly string[] {
  return isAbsolute(path) ? [] : [path];
}
