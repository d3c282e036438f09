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
  syntax: {
    quotes: `'"`,
    backslash: 'either',
    hasHashComments: false,
    hasBracketedNames: false,
    questionMarkFix: "write jsonb's operator as a function, such as jsonb_exists(data, 'key')",
  },
  hasSchemas: true,
  readSchema,
  crontabUrl,
  relativePaths,
  createDriver,
  openLagWatch,
};
