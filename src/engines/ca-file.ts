// The file of certificates that a URL names.
import { CleanupError } from '../errors.js';
import { readTextFile } from '../text-file.js';

/** @throws CleanupError `usage`; `parameter` is the URL's name for the file */
export async function readCaFile(path: string, parameter: string, stop: AbortSignal): Promise<string> {
  try {
    return (await readTextFile(path, stop)).text;
  } catch (cause) {
    throw new CleanupError('usage', `--db-url: the file of ${parameter} cannot be read`, {
      code: (cause as NodeJS.ErrnoException).code,
      hint: 'Check the path and its permissions.',
      cause,
    });
  }
}
