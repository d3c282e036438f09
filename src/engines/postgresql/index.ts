// PostgreSQL as an engine. Each part is a file of its own.
import type { Engine } from '../engine.js';
import { createDriver } from './driver.js';
import { openLagWatch } from './replica-lag.js';
import { crontabUrl, type PostgresqlTarget, readSchema, readTarget, relativePaths, URL_FORMS } from './target.js';

export const postgresql: Engine<PostgresqlTarget> = {
  title: 'PostgreSQL',
  schemes: ['postgresql', 'postgres'],
  urlForms: URL_FORMS,
  readTarget,
  syntax: { quotes: `'"`, backslash: 'either', hasHashComments: false, hasBracketedNames: false },
  hasSchemas: true,
  readSchema,
  crontabUrl,
  relativePaths,
  createDriver,
  openLagWatch,
};
