// The conditions of --where: what is one expression for an engine, and what is not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ConditionSyntax, conditionProblem } from '../../src/engines/condition.js';

const SYNTAX = {
  sqlite: { quotes: `'"\``, backslash: 'plain', hasHashComments: false, hasBracketedNames: true },
  mysql: { quotes: `'"\``, backslash: 'escapes', hasHashComments: true, hasBracketedNames: false },
  postgresql: {
    quotes: `'"`,
    backslash: 'either',
    hasHashComments: false,
    hasBracketedNames: false,
    questionMarkFix: 'write a function',
  },
} as const satisfies Readonly<Record<string, ConditionSyntax>>;
type EngineName = keyof typeof SYNTAX;
const ENGINES = Object.keys(SYNTAX) as EngineName[];

const OPEN_QUOTE = "must close every ' that it opens";
const OPEN_TICK = 'must close every ` that it opens';
const OPEN_DOUBLE = 'must close every " that it opens';
const OPEN_PARENTHESIS = 'must close every parenthesis that it opens';
const FOREIGN_PARENTHESIS = 'must not close a parenthesis that it does not open';
const COMMENT = 'must not contain a comment';
const SEMICOLON = 'must not contain a semicolon';
const PLACEHOLDER = 'must not contain a placeholder (?)';
const DOLLAR = 'must not contain a placeholder or quote that begins with $';
const VARIABLE = 'must not contain a placeholder or variable (@name)';
const CONTROL = 'must not contain a control character';

type Expected = string | undefined | Readonly<Record<EngineName, string | undefined>>;
const on = (sqlite: Expected, mysql: Expected, postgresql: Expected): Expected =>
  ({ sqlite, mysql, postgresql }) as Expected;

// The condition, and what is wrong with it: the same for all engines, or for each.
const CASES: readonly (readonly [string, Expected])[] = [
  // What a DBA writes.
  ['type = 0', undefined],
  ['remember = 0 AND type IN (0, 2) OR user_id IS NULL', undefined],
  ["name LIKE 'it''s (' AND \"a b\" <> ')'", undefined],
  ['(a = 1 AND (b = 2 OR c = (3)))', undefined],
  ['NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.id = oauth.id AND r.revoked = 0)', undefined],
  ["note <> ';' AND note <> '--' AND note <> '/*' AND note <> '?' AND note <> ':a' AND note <> '$1'", undefined],
  ['`a;b` = 1 AND "c--d" = 2', on(undefined, undefined, SEMICOLON)],
  ['a = 1 `) OR (1 = 1` b', on(undefined, undefined, FOREIGN_PARENTHESIS)],
  ["data->>'$.a' = '1'", undefined],
  ['data::text = 1', undefined],
  ['price$1 = 5 - -3', undefined],
  ['a\n = 1\r\n\tAND b = 2', undefined],
  ["séance = 'x' AND 日本 = 1", undefined],
  ["E'a' = _utf8mb4'b' OR X'00' = N'c'", undefined],
  ['a @> b OR @ -5 = 5', undefined],
  // Parentheses.
  ['1 = 1) OR (1 = 1', FOREIGN_PARENTHESIS],
  [')', FOREIGN_PARENTHESIS],
  ['(a = 1))', FOREIGN_PARENTHESIS],
  ['(a = 1', OPEN_PARENTHESIS],
  ["a = '(' AND b = 1)", FOREIGN_PARENTHESIS],
  ["a = ')' AND (b = 1", OPEN_PARENTHESIS],
  // Quotes that do not end, or that end somewhere else than they seem to.
  ["a = 'b", OPEN_QUOTE],
  ['a = "b', OPEN_DOUBLE],
  ['a = `b', on(OPEN_TICK, OPEN_TICK, undefined)],
  ["a = 'b''", OPEN_QUOTE],
  ["a = ''''", undefined],
  ["a = '\"' AND b = '`'", undefined],
  [String.raw`a = '\'`, on(undefined, OPEN_QUOTE, "must not have a backslash before ': double the '")],
  [
    String.raw`a = '\' OR b = ') OR (1=1 OR c = \'`,
    on(undefined, FOREIGN_PARENTHESIS, "must not have a backslash before ': double the '"),
  ],
  [String.raw`a = '\\'`, undefined],
  [String.raw`a = '\\\'`, on(undefined, OPEN_QUOTE, "must not have a backslash before ': double the '")],
  [String.raw`a = '\\'')'`, undefined],
  [String.raw`a LIKE 'b\_%'`, undefined],
  [String.raw`a = "\"`, on(undefined, OPEN_DOUBLE, 'must not have a backslash before ": double the "')],
  ['`a\\` = 1', on(undefined, undefined, 'must not contain a backslash outside of quotes')],
  [String.raw`E'\'' = 'a'`, on(OPEN_QUOTE, undefined, "must not have a backslash before ': double the '")],
  ['[a)] = 1', on(undefined, FOREIGN_PARENTHESIS, FOREIGN_PARENTHESIS)],
  ["[it's] = 1", on(undefined, OPEN_QUOTE, OPEN_QUOTE)],
  ['[a = 1', on('must close every [ that it opens', undefined, undefined)],
  ["$$') OR (1=1$$ = a", DOLLAR],
  ["$a$' $a$ = b", DOLLAR],
  // What ends or hides the rest of the statement.
  ['a = 1;', SEMICOLON],
  ['a = 1; DELETE FROM users', SEMICOLON],
  ['a = 1 -- b', COMMENT],
  ['a = 1--', COMMENT],
  ['a = 1 /* b */', COMMENT],
  ['a = 1 /*! OR 1=1 */', COMMENT],
  ['a = 1 # b', on(undefined, COMMENT, undefined)],
  // What would take a value that belongs to the statement.
  ['a = ?', on(PLACEHOLDER, PLACEHOLDER, 'must not contain a ?: write a function')],
  ['data ?| b', on(PLACEHOLDER, PLACEHOLDER, 'must not contain a ?: write a function')],
  ['a = :b', 'must not contain a placeholder (:name)'],
  ['a = :1', 'must not contain a placeholder (:name)'],
  ['a = :::b', 'must not contain a placeholder (:name)'],
  ['a = $1', DOLLAR],
  ['a = 1$1', DOLLAR],
  ['a = @b', VARIABLE],
  ['(@a := 1) = 1', VARIABLE],
  ['@@sql_mode = 1', VARIABLE],
  ["@'a' = 1", VARIABLE],
  // What no engine takes, or a terminal obeys.
  ['a = 1\0', CONTROL],
  ["a = '\0'", CONTROL],
  ["a = '\u001b[31m'", CONTROL],
  ["a = '\u202e'", CONTROL],
  ['a = 1 \\', 'must not contain a backslash outside of quotes'],
];

for (const engine of ENGINES) {
  describe(`a condition for ${engine}`, () => {
    for (const [condition, expected] of CASES) {
      const problem = typeof expected === 'object' ? expected[engine] : expected;
      test(`${JSON.stringify(condition)} ${problem ?? 'is good'}`, () => {
        assert.equal(conditionProblem(condition, SYNTAX[engine]), problem);
      });
    }
  });
}
