// Django's sessions in the database, made and looked for by Django itself: where a Python of this machine has it.
import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { enginesOf, prove } from './support.js';

const SCRIPT = fileURLToPath(new URL('django-sessions.py', import.meta.url));

/** Django's driver for each kind of database. */
const DRIVERS = { sqlite: 'sqlite3', mysql: 'MySQLdb', postgresql: 'psycopg2' };

/** The first in PATH, or that of the system's packages. */
function findPython(driver) {
  return ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', `import django, ${driver}`]).status === 0,
  );
}

async function ask(python, url, ...args) {
  const child = spawn(python, [SCRIPT, url, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(await text(child.stdout));
}

for (const engine of enginesOf('django')) {
  const driver = DRIVERS[engine.family];
  const python = findPython(driver);
  const skip = python === undefined && `no Python with django and ${driver} (Debian: python3-django and a driver)`;
  test(`django on ${engine.name}`, { skip }, async () => {
    const database = await engine.create();
    try {
      const { live, expired } = await ask(python, database.url, 'make');
      let found;
      const find = () => ask(python, database.url, 'find', ...live, ...expired);
      await prove('django', database, {
        idColumn: 'session_key',
        live,
        expired,
        async isFound(key) {
          found ??= await find();
          return found.includes(key);
        },
        cleanCopy: (copy) => ask(python, copy.url, 'clear'),
      });
    } finally {
      await database.drop();
    }
  });
}
