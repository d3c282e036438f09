// The map of engines. An engine missing here does not compile.
import type { DatabaseTarget } from './database-url.js';
import type { Dialect, TableNames } from './engine.js';
import { createMysql } from './mysql/index.js';
import { createSqlite } from './sqlite/index.js';

const DIALECTS = {
  mysql: createMysql,
  sqlite: createSqlite,
} satisfies { readonly [Name in DatabaseTarget['dialect']]: unknown };

export function createDialect(target: DatabaseTarget, names: TableNames): Dialect {
  return target.dialect === 'mysql' ? DIALECTS.mysql(target, names) : DIALECTS.sqlite(target, names);
}
