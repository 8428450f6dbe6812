import type { LogSinkConfig } from '@budao/model'
import type { Repeats } from './repeats.ts'

/** Where a process that is killed passes lines on to, as a trial sees it. */
export interface TrialSink {
  readonly config: LogSinkConfig
  /** What comes from now on is another process’s. */
  nextLife(): void
  /** Resolves when this life has sent something, or has had time to: it may have nothing. */
  asked(): Promise<void>
  repeats(): Repeats
  close(): void | Promise<void>
}
