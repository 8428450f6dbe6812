/** What the application of a site is told. */
export interface ApplicationPlan {
  /** A socket file: whoever runs the trial asks there, whatever network the application is in. */
  readonly socket: string
  /** The site's replicator. */
  readonly port: number
  readonly token: string
}

/** Where it writes: a SQLite file, or a MariaDB of its own machine. */
export type DatabasePlan =
  | { readonly sqlite: string }
  | {
      readonly mariadb: {
        readonly host: string
        readonly port: number
        readonly user: string
        readonly database: string
      }
    }

/** How it writes. */
export interface LoadPlan {
  readonly site: string
  readonly database: DatabasePlan
  /** Begins every id. */
  readonly prefix: string
  /** Writes a second, by a fixed schedule. */
  readonly rate: number
  readonly timeoutMs: number
  readonly durability: 'async' | 'sync'
}

/**
 * One write and what came of it.
 * acknowledged  somebody may count on it
 * unknown       nobody knows
 * refused       surely not done
 */
export interface WriteAttempt {
  readonly id: string
  /** http: one row. outbox: a row and a count in one transaction. register: a row that both sites write. */
  readonly via: 'http' | 'outbox' | 'register'
  readonly outcome: 'acknowledged' | 'unknown' | 'refused'
  /** Monotonic milliseconds of the machine. */
  readonly sentAt: number
  readonly doneAt: number
  readonly error: string
}

/** What came of one of them. */
export type Outcome = Pick<WriteAttempt, 'outcome' | 'error'>
