// What kind of server of PostgreSQL it is, as far as the rest of the engine has to know.

export interface Server {
  /** Such as 18. */
  readonly major: number;
  /** Between transactions, others are served over the same connection to the server. */
  readonly isPooled: boolean;
}
