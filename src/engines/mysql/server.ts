// What kind of server of MySQL or MariaDB it is, as far as the rest of the engine has to know.

export interface Server {
  readonly mariadb: boolean;
  readonly skipLocked: boolean;
  /** Names of tables are the same in upper and lower case. */
  readonly foldsNames: boolean;
  /** A lock wait that ends in vain gives up the whole transaction. */
  readonly lockWaitRollsBack: boolean;
  /** It takes no longer statement. */
  readonly packetBytes: number;
}
