// Chance that can be repeated: SESSION_CLEANUP_TEST_SEED is the seed that a failure has named.
import { createHash, randomInt } from 'node:crypto';

export const seed = process.env.SESSION_CLEANUP_TEST_SEED || String(randomInt(2 ** 31));

/** Numbers from 0 up to 1, the same for the same seed and name. */
export function createRandom(name: string): () => number {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed} ${name} ${drawn++}`).digest().readUInt32BE() / 2 ** 32;
}
