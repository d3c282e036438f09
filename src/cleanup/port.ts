// What the walk needs of a database. Every method throws CleanupError.

/** Why a run does not go on. */
export type Wait =
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'lock' }
  /** `reason` says who is waited for. */
  | { readonly kind: 'others'; readonly reason: string };

/** Numbers of rows. */
export interface DeletedStep {
  readonly deleted: number;
  /** Expired, but passed over because somebody else held them locked. */
  readonly locked: number;
}

export interface ExpiredSessions<Step> {
  /** How long a step had best take, in milliseconds. */
  readonly stepTargetMs: number;
  /** More rows in a step would not be faster, or take too much memory, where the engine knows. */
  readonly mostStepRows?: number | undefined;
  /**
   * How long a transaction had best be where nobody has said how many rows it takes, in milliseconds. A row that is
   * deleted stays locked until the commit: whoever comes by it (a returning visitor with an old cookie, a login that
   * removes the user's old sessions) waits as long.
   */
  readonly transactionMs: number;
  /** How long others need to get their turn after a commit, in milliseconds. */
  readonly restMs: number;
  begin(): Promise<void>;
  /** Resolves once the database has confirmed. Kind `unknown` where it did not answer. */
  commit(): Promise<void>;
  /** Never throws: a transaction that cannot be rolled back is dropped with its connection. */
  rollback(): Promise<void>;
  /** The step of about `rows` rows that follows `previous`; undefined after the last. */
  nextStep(previous: Step | undefined, rows: number): Promise<Step | undefined>;
  /**
   * Deletes the expired rows of a step, and counts those that others hold locked. Yields what each statement did: it is
   * in the transaction also where the next one is stopped.
   */
  deleteExpired(step: Step): AsyncIterable<DeletedStep>;
}
