// npm run bench: makes its data, runs this command and its peers on it in turn, and writes BENCHMARKS.tsv and BENCHMARKS.md.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { mysqlServers } from '../support/mysql-servers.js';
import { postgresqlServers } from '../support/postgres-servers.js';
import { startServers } from '../support/servers.js';
import type { Contestant } from './arena.js';
import { benchBacklog, benchDeletion, benchScale, benchStartup, SIZES } from './benches.js';
import { findContestants, machine } from './contestants.js';
import { renderPage } from './page.js';
import { merge, type Question, type Result, readResults, writeResults } from './results.js';
import { benchTraffic } from './traffic.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'startup,deletion,backlog,traffic,scale' },
    engines: { type: 'string', default: 'sqlite,mariadb,mysql,postgresql' },
    rows: { type: 'string' },
    repeat: { type: 'string', default: '3' },
    full: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    into: { type: 'string', default: resolve(import.meta.dirname, '../../..') },
  },
});
const rows = Number(values.rows ?? 150_000);
const backlogRows = Number(values.rows ?? 1_000_000);
const repeat = Number(values.repeat);
const tsv = join(values.into, 'BENCHMARKS.tsv');

const questions: Readonly<Record<Question, (of: Contestant) => Promise<readonly Result[]>>> = {
  startup: (of) => benchStartup(of, 5 * repeat),
  deletion: (of) => benchDeletion(of, rows, repeat),
  backlog: (of) => benchBacklog(of, backlogRows, repeat),
  traffic: (of) => benchTraffic(of, rows, repeat),
  scale: (of) => benchScale(of, values.full ? SIZES : SIZES.slice(0, -1)),
};

if (!values.render) await measureAll();
writeFileSync(join(values.into, 'BENCHMARKS.md'), renderPage(readResults(tsv)));

async function measureAll(): Promise<void> {
  const only = values.only.split(',');
  const unknown = only.find((name) => !Object.hasOwn(questions, name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: one of ${Object.keys(questions).join(', ')}`);
  const servers = await startServers([mysqlServers, postgresqlServers], say);
  Object.assign(process.env, servers.variables);
  try {
    const contestants = await findContestants(values.engines.split(','));
    if (contestants.length === 0) throw new Error(`--engines ${values.engines}: none of them is here`);
    for (const [question, bench] of Object.entries(questions).filter(([name]) => only.includes(name))) {
      for (const contestant of contestants) {
        const startedAt = performance.now();
        // What has been measured stays where a later part fails.
        const measured = await bench(contestant).catch((error: unknown) => {
          say(`${question}, ${contestant.name}: ${error instanceof Error ? error.stack : error}`);
          process.exitCode = 1;
          return [];
        });
        const about = { machine: machine(), [contestant.name]: contestant.about };
        writeResults(tsv, merge(readResults(tsv), { about, measured }));
        say(`${question}, ${contestant.name}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
      }
    }
  } finally {
    servers.stop();
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
