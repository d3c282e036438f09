// Steps that take back what was started. They are synchronous, so that they also work when the process exits.
import { constants } from 'node:os';

export interface Undo {
  add(step: () => void): void;
  /** Takes everything back, what came last first. */
  run(): void;
}

/** Runs at the latest when the process exits; the caller turns signals into exits. */
export function createUndo(): Undo {
  const steps: (() => void)[] = [];
  const run = (): void => {
    process.off('exit', run);
    for (const step of steps.splice(0).reverse()) step();
  };
  process.once('exit', run);
  return { add: (step) => void steps.push(step), run };
}

/** For what a test file starts: node's runner ends it by SIGTERM, which by itself is no exit. */
export function createUndoOfTest(): Undo {
  process.off('SIGTERM', exitAtSigterm).on('SIGTERM', exitAtSigterm);
  return createUndo();
}

function exitAtSigterm(): never {
  process.exit(128 + constants.signals.SIGTERM);
}
