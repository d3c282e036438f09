// MySQL and MariaDB as an engine. Each part is a file of its own.
import type { Engine } from '../engine.js';
import { createDriver } from './driver.js';
import { openLagWatch } from './replica-lag.js';
import { crontabUrl, type MysqlTarget, readSchema, readTarget, relativePaths, URL_FORMS } from './target.js';

export const mysql: Engine<MysqlTarget> = {
  title: 'MySQL',
  schemes: ['mysql', 'mysql2', 'mariadb'],
  urlForms: URL_FORMS,
  readTarget,
  syntax: { quotes: `'"\``, backslash: 'escapes', hasHashComments: true, hasBracketedNames: false },
  hasSchemas: true,
  readSchema,
  crontabUrl,
  relativePaths,
  createDriver,
  openLagWatch,
};
