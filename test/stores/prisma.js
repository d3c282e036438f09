// A Prisma client for a schema, generated as its own command line does it. Prisma 7 needs no engine of its own to query;
// the one that makes tables is downloaded when it is first used, so the tests make their tables themselves.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { PrismaPg } from '@prisma/adapter-pg';

const require = createRequire(import.meta.url);
const clients = new Map();

/** A client named `name` for the models, on the database; `sqliteOptions` are those of its SQLite adapter. */
export async function createPrisma(name, models, database, sqliteOptions) {
  const { family, path, options } = database;
  const key = `${name}-${family}`;
  if (!clients.has(key)) clients.set(key, generate(key, family, models));
  const { PrismaClient } = await clients.get(key);
  const adapters = {
    sqlite: () => new PrismaBetterSqlite3({ url: `file:${path}` }, sqliteOptions),
    mysql: () => new PrismaMariaDb({ ...options, connectionLimit: 2, allowPublicKeyRetrieval: true }),
    postgresql: () => new PrismaPg(options),
  };
  return new PrismaClient({ adapter: adapters[family]() });
}

async function generate(key, provider, models) {
  // Under node_modules: removed with it, and where the client finds its runtime.
  const folder = join(import.meta.dirname, 'node_modules', '.session-cleanup', key);
  mkdirSync(folder, { recursive: true });
  const schema = join(folder, 'schema.prisma');
  const client = join(folder, 'client');
  const generator = `generator client {\n  provider = "prisma-client-js"\n  output   = ${JSON.stringify(client)}\n}`;
  writeFileSync(schema, `${generator}\ndatasource db {\n  provider = "${provider}"\n}\n${models}\n`);
  // It is not run here, but it is looked for: any program will do.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' };
  const cli = join(import.meta.dirname, 'node_modules', 'prisma', 'build', 'index.js');
  await promisify(execFile)(process.execPath, [cli, 'generate', '--no-hints', '--schema', schema], {
    env,
    cwd: folder,
  });
  return require(client);
}
