// SQLite as an engine. Each part is a file of its own.
import type { Engine } from '../engine.js';
import { createDriver } from './driver.js';
import { crontabUrl, readTarget, relativePaths, type SqliteTarget } from './target.js';

export const sqlite: Engine<SqliteTarget> = {
  title: 'SQLite',
  schemes: ['sqlite', 'file'],
  urlForms: 'sqlite:path, sqlite:///absolute/path, file:path',
  readTarget,
  syntax: { quotes: `'"\``, backslash: 'plain', hasHashComments: false, hasBracketedNames: true },
  hasSchemas: false,
  readSchema: () => ({ value: undefined }),
  crontabUrl,
  relativePaths,
  createDriver,
};
