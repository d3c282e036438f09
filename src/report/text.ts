// A report becomes a text for people: the verdict first, then two to four details. How it is set is layout.ts.
import { checkPage } from './check-text.js';
import type { EventReport, Report } from './facts.js';
import { escapeControls, type Look, layOut, type Page } from './layout.js';
import { maskUrls, type Redact } from './redact.js';
import { failurePage, runPage } from './run-text.js';
import { schedulePage } from './schedule-text.js';

/** Without its end. @param redact for what drivers, servers and the system said */
export function renderText(report: Report, redact: Redact, look: Look): string {
  switch (report.kind) {
    case 'run':
      return layOut(masked(runPage(report, redact)), look);
    case 'check':
      return layOut(masked(checkPage(report, redact)), look);
    case 'failure':
      return layOut(masked(failurePage(report, redact)), look);
    case 'schedule':
      return layOut(masked(schedulePage(report)), look);
    case 'event':
      return describeEvent(report);
  }
}

/** Our own words may quote what was typed. */
function masked({ headline, mood, sections }: Page): Page {
  return {
    headline: maskUrls(headline),
    mood,
    sections: sections.map(({ rows, ...section }) => ({
      ...section,
      rows: rows.map((row) => ({ ...row, text: maskUrls(row.text) })),
    })),
  };
}

function describeEvent({ name, details }: EventReport): string {
  const fields = Object.entries(details).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return escapeControls(['session-cleanup:', name, ...fields].join(' '));
}
