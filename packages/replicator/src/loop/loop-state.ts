/**
 * running: changes flow, or there are none. retrying: something cannot be asked for the moment. log-full: the log is at its
 * limit. stopped: changes are missing; going on would hide that, so a person has to resync.
 */
export interface LoopState {
  readonly state: 'running' | 'retrying' | 'log-full' | 'stopped'
  /** Empty while running. */
  readonly why: string
}
