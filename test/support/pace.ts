// How fast this machine is at the moment, so that a test's timeouts are ample on a slow one and short on a fast one.
import { runCommand } from './command.js';
import { engines } from './databases.js';

/**
 * A timeout in which a run reaches its work with room to spare, in milliseconds: several times what a whole run takes
 * here and now.
 */
export async function measureTimeout(): Promise<number> {
  const engine = engines.at(-1);
  const database = await engine?.create();
  if (database === undefined) throw new Error('no engine');
  await database.run('CREATE TABLE sessions (id INT NOT NULL PRIMARY KEY, expires_at DATETIME NULL)');
  const startedAt = performance.now();
  const { status, stderr } = await runCommand(['run', '--db-url', database.url, '--timeout', '0']);
  const tookMs = performance.now() - startedAt;
  await database.drop();
  if (status !== 0) throw new Error(`the plainest run failed: ${stderr}`);
  return 1_000 + Math.ceil(3 * tookMs);
}
