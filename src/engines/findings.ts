// Findings and hints that every engine words alike.
import type { Finding } from './engine.js';

/** Where the engine refuses to delete a row because others refer to it, in a way that no condition can tell before. */
export const REFERRED_HINT =
  'Rows of another table refer to an expired row, directly or over others: delete them first.';

/** A statement to paste, of quoted names whose question marks are escaped for Knex. */
export function shown(sql: string): string {
  return sql.replaceAll('\\?', '?');
}

/** The name of the index that is advised. */
export const INDEX_NAME = 'session_cleanup_expiry';

/** Of a table whose rows refer to the sessions, by its rule ON DELETE. */
export function referenceFinding(child: unknown, rule: unknown): Finding {
  const topic = 'children';
  const text = `rows of ${child} refer to this table (ON DELETE ${rule})`;
  if (rule === 'RESTRICT' || rule === 'NO ACTION') {
    const fix =
      'a run leaves the expired rows that are referred to, and counts them; deleting what refers to them frees them';
    return { kind: 'advice', topic, text, fix };
  }
  return { kind: 'advice', topic, text, fix: `make sure that an index on ${child} leads with the referring column` };
}

export function triggerFinding(name: string): Finding {
  const text = `the trigger ${name} runs for every deleted row`;
  return { kind: 'advice', topic: 'trigger', text, fix: 'make sure that it is fast' };
}
