/**
 * stopped      nothing of it lives, and none is wanted: a standby, or somebody stopped it
 * waiting      wanted, and what it comes `after` is not ready yet
 * starting     it lives, and has passed no health check yet
 * running      it lives and is ready
 * stopping     it was told to end, or is being killed
 * clearing     it has ended, and what it had started is being ended
 * backing-off  it has ended, and is started again after a while
 * crash-loop   it has ended too often: a person has to start it again
 */
export type ProcessPhase =
  | 'stopped'
  | 'waiting'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'clearing'
  | 'backing-off'
  | 'crash-loop'

/**
 * Why a process ended: by itself, or because it was `asked` to, was to be `restarted`, failed its health checks (`hung`), never
 * passed one (`not-ready`), took too much memory (`too-large`), or could not be started at all (`unstartable`).
 */
export type ProcessEndCause =
  | 'itself'
  | 'asked'
  | 'restarted'
  | 'hung'
  | 'not-ready'
  | 'too-large'
  | 'unstartable'

/** What an agent says of one process that it supervises. */
export interface ProcessReport {
  readonly name: string
  readonly state: ProcessPhase
  /** Whether it is to run. */
  readonly wanted: boolean
  /** Why it is in its state, in a few words. */
  readonly why: string
  /** Since it is in its state, milliseconds. */
  readonly sinceMs: number
  readonly pid: number | null
  /** It was found running when the agent began, and not started by this one. */
  readonly adopted: boolean
  /** How long it has been living, milliseconds. */
  readonly upMs: number | null
  /** Until it is started again, or killed, milliseconds. */
  readonly nextMs: number | null
  readonly service: string | null
  readonly address: string | null
  /** The node it is, where it is a gateway of Budao. */
  readonly node: string | null
  readonly standby: boolean
  /** Starts after the first in this agent’s life, and those that followed a failed health check. */
  readonly restarts: number
  readonly hangs: number
  /** Lives in this agent’s life that ended and were not to: what a person, a controller or other settings ended is not among them. */
  readonly crashes: number
  /** Resident memory, bytes; null where nobody knows. */
  readonly memoryBytes: number | null
  readonly lastExit: ProcessExit | null
}

/** How a process ended. */
export interface ProcessExit {
  /** Wall-clock time, ISO 8601 in UTC. */
  readonly at: string
  readonly cause: ProcessEndCause
  /** Null where a signal ended it, or nobody can know: it was adopted. */
  readonly code: number | null
  readonly signal: string | null
}
