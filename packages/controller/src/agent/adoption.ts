import type { ProcessRecord } from './process-record.ts'

/** What an agent finds of a process that it, or one before it, had started. */
export interface Found {
  readonly record: ProcessRecord
  readonly wanted: boolean
  /** This boot of the machine. */
  readonly boot: string
  /** What it would be started with now; null: it is not configured any more. */
  readonly started: string | null
  /** Its leader lives, and is the one that was started. */
  readonly alive: boolean
  /** Something that it had started lives. */
  readonly remains: boolean
}

/**
 * nothing   nothing of it lives
 * adopt     it runs as it is to run: it is looked after from now on
 * replace   it runs, but not as configured now: it is ended, and started anew
 * end       it runs, and is not to: it is ended
 * clear     it has ended, and what it had started has not: that is ended first
 */
export type Adoption = 'nothing' | 'adopt' | 'replace' | 'end' | 'clear'

/** What becomes of what is found of a process when an agent begins. */
export function adoption({ record, wanted, boot, started, alive, remains }: Found): Adoption {
  if (record.boot !== boot || record.start === '') return 'nothing'
  if (!alive) return remains ? 'clear' : 'nothing'
  if (started === null || !wanted) return 'end'
  return record.started === started ? 'adopt' : 'replace'
}
