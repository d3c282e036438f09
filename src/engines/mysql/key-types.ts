// How the values of key columns are read on MySQL and MariaDB, and bound: as what survives the way here and back whatever
// the character set and the modes of the connection are, and compares with the column as its index has it.
import type { KeyColumn } from '../engine.js';

/** A column as the catalogue has it. */
export type CatalogueColumn = Readonly<Record<string, unknown>>;

type How = Pick<KeyColumn, 'read' | 'bound' | 'isFoundByRange'> & {
  readonly isWholeNumber?: boolean;
  /** Whether a comparison with such a value can use the index as a range. */
  readonly isOrdered?: boolean;
};

/** Undefined where a column of this type cannot be part of a walk or of a row's identity. */
export function readKeyType(column: CatalogueColumn, sql: string): (How & { readonly isOrdered: boolean }) | undefined {
  const how = HOW[String(column.type)]?.(sql, column);
  return how && { isOrdered: true, ...how };
}

const asUnsigned = (sql: string): How => ({ read: `CAST(${sql} AS UNSIGNED)`, isWholeNumber: true });
const asText = (sql: string): How => ({ read: `CAST(${sql} AS CHAR)` });
// The bytes as they are stored, in a hex literal of their own character set: nothing can end it early.
const asBytes = (sql: string, { charset }: CatalogueColumn): How => ({
  read: `CAST(${sql} AS BINARY)`,
  bound: `_${charset} ?`,
});
// All its digits: MySQL leaves the last ones of an expression's away where it is very small or large, but in JSON.
const asDigitsOfFloat = (sql: string): How => ({
  read: `TRIM(LEADING '[' FROM TRIM(TRAILING ']' FROM JSON_ARRAY(${sql} + 0E0)))`,
  bound: '(? + 0E0)',
});
// As a number: a date that MySQL stores, such as 2021-02-31, but does not take for one. Where nothing but one such row is
// sought, or 0000-00-00 in a list, it finds none that equals it.
const asDigits = (sql: string, { fraction }: CatalogueColumn): How => ({
  read: `CAST(${sql} + 0 AS CHAR)`,
  isFoundByRange: true,
  ...(Number(fraction ?? 0) === 0 ? { isWholeNumber: true } : { bound: 'CAST(? AS DECIMAL(20, 6))' }),
});
const whole = (): How => ({ isWholeNumber: true });
const asIs = (): How => ({});

const HOW: Readonly<Record<string, (sql: string, column: CatalogueColumn) => How>> = {
  tinyint: whole,
  smallint: whole,
  mediumint: whole,
  int: whole,
  bigint: whole,
  year: asUnsigned,
  bit: asUnsigned,
  // Their order is that of their numbers, by which no range is read.
  enum: (sql) => ({ ...asUnsigned(sql), isOrdered: false }),
  set: (sql) => ({ ...asUnsigned(sql), isOrdered: false }),
  decimal: (sql, { full_type }) => ({
    ...asText(sql),
    bound: `CAST(? AS ${/^decimal\(\d+,\d+\)/.exec(String(full_type))?.[0]})`,
  }),
  double: (sql) => ({ ...asText(sql), bound: '(? + 0E0)' }),
  float: asDigitsOfFloat,
  date: asDigits,
  datetime: asDigits,
  timestamp: asDigits,
  time: asText,
  char: asBytes,
  varchar: asBytes,
  tinytext: asBytes,
  text: asBytes,
  mediumtext: asBytes,
  longtext: asBytes,
  binary: asIs,
  varbinary: asIs,
  tinyblob: asIs,
  blob: asIs,
  mediumblob: asIs,
  longblob: asIs,
  uuid: asText,
  inet4: asText,
  inet6: asText,
};
