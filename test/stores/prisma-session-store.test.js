// @quixo3/prisma-session-store, on the servers and in both forms that Prisma keeps a time in on SQLite.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PrismaSessionStore } from '@quixo3/prisma-session-store';
import { proveWithExpress } from './express.js';
import { createPrisma } from './prisma.js';
import { enginesOf } from './support.js';

const MODELS = `
  model Session {
    id        String   @id
    sid       String   @unique
    data      String
    expiresAt DateTime
  }`;

// What prisma migrate makes of it.
const TABLES = {
  sqlite: `
    CREATE TABLE IF NOT EXISTS "Session" ("id" TEXT NOT NULL PRIMARY KEY, "sid" TEXT NOT NULL, "data" TEXT NOT NULL,
      "expiresAt" DATETIME NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS "Session_sid_key" ON "Session"("sid")`,
  mysql: `
    CREATE TABLE IF NOT EXISTS \`Session\` (\`id\` VARCHAR(191) NOT NULL, \`sid\` VARCHAR(191) NOT NULL, \`data\` VARCHAR(191) NOT NULL,
      \`expiresAt\` DATETIME(3) NOT NULL, UNIQUE INDEX \`Session_sid_key\`(\`sid\`), PRIMARY KEY (\`id\`))
      DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`,
  postgresql: `
    CREATE TABLE IF NOT EXISTS "Session" ("id" TEXT NOT NULL, "sid" TEXT NOT NULL, "data" TEXT NOT NULL,
      "expiresAt" TIMESTAMP(3) NOT NULL, CONSTRAINT "Session_pkey" PRIMARY KEY ("id"));
    CREATE UNIQUE INDEX IF NOT EXISTS "Session_sid_key" ON "Session"("sid")`,
};

const parts = (stored, sqliteOptions) => ({
  idColumn: 'sid',
  async open(database) {
    await database.run(TABLES[database.family]);
    const prisma = await createPrisma('session-store', MODELS, database, sqliteOptions);
    const store = new PrismaSessionStore(prisma, { checkPeriod: undefined, logger: false });
    const clean = async () => {
      if (stored !== undefined) {
        const types = await database.query('SELECT DISTINCT typeof(expiresAt) AS type FROM Session');
        assert.deepEqual(types, [{ type: stored }]);
      }
      await store.prune();
    };
    return { store, clean, close: () => prisma.$disconnect() };
  },
});

describe('prisma-session-store', { concurrency: 4 }, () => {
  for (const engine of enginesOf('prisma-session-store')) {
    if (engine.family !== 'sqlite') {
      test(`on ${engine.name}`, () => proveWithExpress('prisma-session-store', engine, parts()));
      continue;
    }
    test(`on ${engine.name}, ISO 8601`, () => proveWithExpress('prisma-session-store', engine, parts('text')));
    test(`on ${engine.name}, milliseconds`, () =>
      proveWithExpress('prisma-session-store', engine, parts('integer', { timestampFormat: 'unixepoch-ms' })));
  }
});
