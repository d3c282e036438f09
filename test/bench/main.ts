// npm run bench: makes its data, runs this command and its peers on it in turn, and prints Markdown tables.
import { cpus, totalmem, type } from 'node:os';
import { parseArgs } from 'node:util';
import { mysqlServers } from '../support/mysql-servers.js';
import { startServers } from '../support/servers.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    repeat: { type: 'string', default: '3' },
    only: { type: 'string', default: 'startup,deletion,traffic,scale' },
    engines: { type: 'string', default: 'sqlite,server' },
    full: { type: 'boolean', default: false },
  },
});
const rows = Number(values.rows);
const repeat = Number(values.repeat);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const servers = await startServers([mysqlServers], (line) => void process.stderr.write(`${line}\n`));
Object.assign(process.env, servers.variables);
const { engines: all } = await import('../support/databases.js');
const engines = all.filter(({ family }) => values.engines.includes(family === 'sqlite' ? 'sqlite' : 'server'));

const sections: Record<string, () => Promise<string>> = {
  startup: async () => (await import('./startup.js')).benchStartup(engines, 10 * repeat),
  deletion: async () => (await import('./deletion.js')).benchDeletion(engines, rows, repeat, values.full),
  traffic: async () => (await import('./traffic.js')).benchTraffic(engines, rows, repeat),
  scale: async () =>
    (await import('./scale.js')).benchScale(engines, [rows / 10, rows, ...(values.full ? [10 * rows] : [])], repeat),
};

try {
  const [cpu] = cpus();
  say(
    `${type()}, ${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  );
  for (const engine of engines.filter(({ family }) => family === 'mysql')) {
    const database = await engine.create();
    const [row] = await database.query(
      'SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS flushed, @@innodb_buffer_pool_size AS pool',
    );
    await database.drop();
    say(
      `${database.engine} ${row?.version}, innodb_flush_log_at_trx_commit ${row?.flushed}, buffer pool ${Number(row?.pool) / 2 ** 20} MiB`,
    );
  }
  for (const name of values.only.split(',')) {
    const section = sections[name];
    if (section === undefined) throw new Error(`--only ${name}: one of ${Object.keys(sections).join(', ')}`);
    say(`\n### ${name}\n`);
    say(await section());
  }
} finally {
  servers.stop();
}
