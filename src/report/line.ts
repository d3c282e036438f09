// One line of JSON, for programs.
import { escapeControls } from './layout.js';
import type { LogRecord } from './record.js';

/** Without its end. JSON escapes what could break out of the line; C1 controls and direction marks it leaves. */
export function renderLine(record: LogRecord): string {
  return escapeControls(JSON.stringify(record));
}
