// Judges the condition of --where before it becomes part of a statement: what an engine's quotes are, and what may stand
// outside of them. A condition that passes is one expression for that engine, and stays one inside of parentheses.

/** How an engine reads a text that its users write. */
export interface ConditionSyntax {
  /** The characters that begin a quoted text and end it. */
  readonly quotes: string;
  /**
   * What a backslash in '…' or "…" does to a quote behind it: `escapes` it, nothing, or either, as a setting of the
   * server says.
   */
  readonly backslash: 'escapes' | 'plain' | 'either';
  /** Whether # begins a comment. */
  readonly hasHashComments: boolean;
  /** Whether [ begins a name that ends at the next ], whatever is in between. */
  readonly hasBracketedNames: boolean;
  /** What to write for an operator with a question mark; absent where the engine has none. */
  readonly questionMarkFix?: string;
}

// The $ of a$1 is a part of the name; that of 1$1 is none, and begins a placeholder.
const WORD = /[\p{L}_][\p{L}\p{M}\p{N}_$]*/uy;
// A cast of PostgreSQL's, which is no placeholder.
const CAST = '::';
// What a terminal obeys, and what no engine takes. A line end may be in a condition.
const CONTROL = /[^\P{Cc}\t\n\r]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/;/y, 'a semicolon'],
  [/--|\/\*|\*\//y, 'a comment'],
  [/\?/y, 'a placeholder (?)'],
  [/:[\p{L}\p{N}_]/uy, 'a placeholder (:name)'],
  [/@@?[\p{L}\p{N}_$`'"]/uy, 'a placeholder or variable (@name)'],
  [/\$/y, 'a placeholder or quote that begins with $'],
  [/\\/y, 'a backslash outside of quotes'],
];

/**
 * What is wrong with the condition, as the rest of a sentence begun with its flag; undefined where nothing is. Whether
 * it is SQL that the engine understands is for the engine to say.
 */
export function conditionProblem(condition: string, syntax: ConditionSyntax): string | undefined {
  if (CONTROL.test(condition)) return 'must not contain a control character';
  let depth = 0;
  for (let at = 0; at < condition.length; ) {
    const next = skipToken(condition, at, syntax);
    if (typeof next === 'string') return next;
    const mark = condition[at];
    if (mark === '(') depth += 1;
    if (mark === ')') depth -= 1;
    if (depth < 0) return 'must not close a parenthesis that it does not open';
    at = next;
  }
  return depth === 0 ? undefined : 'must close every parenthesis that it opens';
}

/** Where the token at `at` ends, or what is wrong with it. */
function skipToken(text: string, at: number, syntax: ConditionSyntax): number | string {
  const mark = text[at] ?? '';
  if (syntax.quotes.includes(mark)) return skipQuoted(text, at, mark === '`' ? 'plain' : syntax.backslash);
  if (mark === '[' && syntax.hasBracketedNames) {
    const end = text.indexOf(']', at);
    return end === -1 ? 'must close every [ that it opens' : end + 1;
  }
  if (text.startsWith(CAST, at)) return at + CAST.length;
  const forbidden = FORBIDDEN.find(([pattern]) => matchesAt(pattern, text, at))?.[1];
  if (mark === '?' && syntax.questionMarkFix !== undefined) return `must not contain a ?: ${syntax.questionMarkFix}`;
  if (forbidden !== undefined) return `must not contain ${forbidden}`;
  if (mark === '#' && syntax.hasHashComments) return 'must not contain a comment';
  return matchesAt(WORD, text, at) ? WORD.lastIndex : at + 1;
}

/** Where the quoted text ends that begins at `start`; its own quote, doubled, is a part of it. */
function skipQuoted(text: string, start: number, backslash: ConditionSyntax['backslash']): number | string {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\' && backslash !== 'plain') {
      at += 1;
      if (text[at] === quote && backslash === 'either')
        return `must not have a backslash before ${quote}: double the ${quote}`;
    } else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at += 1;
    }
  }
  return `must close every ${quote} that it opens`;
}

function matchesAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
