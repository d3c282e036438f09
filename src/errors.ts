// The one error class and the exit statuses. Imports nothing of ours.

/** A signal that ends a run. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Why a run did not do its job. The names are those of the `outcome` key, except `usage`, whose outcome is `failed`. */
export type FailureKind =
  | 'failed'
  | 'usage'
  | 'refused'
  | 'unavailable'
  | 'busy'
  | 'incomplete'
  | 'timed_out'
  | 'interrupted'
  | 'unknown';

const EXIT_STATUSES: Readonly<Record<Exclude<FailureKind, 'interrupted'>, number>> = {
  failed: 1,
  unknown: 1,
  usage: 2,
  refused: 3,
  unavailable: 4,
  busy: 75,
  incomplete: 124,
  timed_out: 124,
};

const SIGNAL_STATUSES: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

export interface CleanupErrorOptions {
  /** What a driver, a server or the system said, which may quote a secret: kept apart from our own words. */
  readonly said?: string | undefined;
  /** What the operator can do about it: one sentence. */
  readonly hint?: string | undefined;
  /** The engine's or the driver's own code, such as `ER_LOCK_WAIT_TIMEOUT` or `SQLITE_BUSY`. */
  readonly code?: string | undefined;
  /** The transaction is gone already: the engine gave it up, or the connection ended before COMMIT was sent. */
  readonly rolledBack?: boolean | undefined;
  /** Only with kind `interrupted`. */
  readonly signal?: StopSignal | undefined;
  readonly cause?: unknown;
}

export class CleanupError extends Error {
  override readonly name = 'CleanupError';
  readonly kind: FailureKind;
  readonly said: string | undefined;
  readonly hint: string | undefined;
  readonly code: string | undefined;
  readonly rolledBack: boolean;
  readonly signal: StopSignal | undefined;

  constructor(kind: FailureKind, message: string, options: CleanupErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.kind = kind;
    this.said = options.said;
    this.hint = options.hint;
    this.code = options.code;
    this.rolledBack = options.rolledBack ?? false;
    this.signal = options.signal;
  }

  get exitStatus(): number {
    if (this.kind === 'interrupted') return SIGNAL_STATUSES[this.signal ?? 'SIGTERM'];
    return EXIT_STATUSES[this.kind];
  }
}

/** What nobody has foreseen is a defect, unless it is the missing working directory, for which Node asks anywhere. */
export function asCleanupError(error: unknown): CleanupError {
  if (error instanceof CleanupError) return error;
  if ((error as NodeJS.ErrnoException).syscall === 'uv_cwd') {
    return new CleanupError('usage', 'the working directory no longer exists, and a relative path starts there', {
      code: 'NO_WORKING_DIRECTORY',
      hint: 'Change to a directory that exists, or give absolute paths.',
      cause: error,
    });
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new CleanupError('failed', 'an unexpected error', {
    said: `${name}: ${message}`,
    code: 'INTERNAL',
    hint: 'This is a defect of session-cleanup: please report it with this line.',
    cause: error,
  });
}
