// The statements that a run inside this process really sends, each with the engine's plan for it at that very moment.
import mysql from 'mysql2';
import sqlite3 from 'sqlite3';

type Rows = readonly Readonly<Record<string, unknown>>[];

export interface Sent {
  readonly kind: 'select' | 'delete';
  readonly sql: string;
  /** MySQL: the rows of EXPLAIN. SQLite: those of EXPLAIN QUERY PLAN. */
  readonly plan: Rows;
  /** SQLite only: its virtual machine's program. */
  readonly program: Rows;
}

type Answer = (error: unknown, rows: Rows) => void;
type Send = (this: unknown, statement: string | { readonly sql: string }, values: unknown, answer: Answer) => unknown;
type Prototype = Record<string, Send>;

/** Runs `work` and resolves to what it sent that names the table `sessions`. Nothing else may use the drivers meanwhile. */
export async function explained(work: () => Promise<unknown>): Promise<readonly Sent[]> {
  const { Connection } = mysql as unknown as { Connection: { prototype: Prototype } };
  const Database = sqlite3.Database as unknown as { prototype: Prototype };
  const { all } = Database.prototype;
  const sent: Promise<Sent>[] = [];
  const restore = [
    watch(Connection.prototype, 'query', Connection.prototype.query, ['FORMAT=TRADITIONAL']),
    watch(Database.prototype, 'all', all, ['QUERY PLAN', '']),
    // It gives no rows back.
    watch(Database.prototype, 'run', all, ['QUERY PLAN', '']),
  ];
  try {
    await work();
  } finally {
    for (const undo of restore) undo();
  }
  return Promise.all(sent);

  function watch(prototype: Prototype, method: string, ask: Send | undefined, forms: readonly string[]): () => void {
    const original = prototype[method];
    prototype[method] = function (statement, values, answer) {
      const whole = typeof statement === 'string' ? statement : statement.sql;
      // MariaDB explains no SET STATEMENT … FOR.
      const [, sql = '', verb] =
        /^(?:\/\*.*?\*\/ )?(?:SET STATEMENT .*? FOR )?((select|delete|insert)\b.*)$/is.exec(whole) ?? [];
      // What finds the rows that a trigger deletes.
      const kind = verb?.toLowerCase().replace('insert', 'delete');
      if ((kind === 'select' || kind === 'delete') && /\bfrom (`\w+`\.)?[`"]sessions[`"]/i.test(sql)) {
        const plans = forms.map(
          (form) =>
            new Promise<Rows>((resolve, reject) => {
              const settle: Answer = (error, rows) => (error ? reject(error) : resolve(rows));
              ask?.call(this, `EXPLAIN ${form} ${sql}`, values, settle);
            }),
        );
        const told = Promise.all(plans);
        sent.push(told.then(([plan = [], program = []]) => ({ kind, sql, plan, program })));
        // SQLite's driver sends side by side: an EXPLAIN that ended after the DELETE would say that nothing was changed.
        if (prototype === Database.prototype) {
          told.finally(() => original?.call(this, statement, values, answer));
          return this;
        }
      }
      return original?.call(this, statement, values, answer);
    };
    return () => {
      if (original !== undefined) prototype[method] = original;
    };
  }
}
