// Writes man/session-cleanup.1 from the very description that the command line is parsed by. `npm run man` runs it.
import { readFileSync, writeFileSync } from 'node:fs';
import { COMMAND_LINE } from '../dist/src/cli/description.js';
import { renderManPage } from '../dist/src/cli/man-page.js';
import { EXIT_STATUSES } from '../dist/src/cli/statuses.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const page = renderManPage({
  commandLine: COMMAND_LINE,
  version,
  date: '2026-11-23',
  sections: [
    { heading: 'EXIT STATUS', terms: EXIT_STATUSES.map(({ statuses, meaning }) => [statuses.join(', '), meaning]) },
    { heading: 'EXAMPLES', code: COMMAND_LINE.commands.flatMap(({ examples }) => examples) },
  ],
});
writeFileSync(new URL('../man/session-cleanup.1', import.meta.url), page);
