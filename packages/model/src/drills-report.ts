import type { DrillName, DrillScenario } from './config-drills.ts'

/** What a process says of drills: read by the admin API and `budao status`. */
export interface DrillsReport {
  /** Id of the drill that runs, or was broken off and not restored; null: everything is as it should be. */
  readonly open: { readonly id: string; readonly scenario: DrillName; readonly running: boolean } | null
  /** Drills that begin by themselves, in the order of the configuration. */
  readonly schedule: readonly ScheduledDrillReport[]
  /** Drills that were run, the newest first; at most fifty. */
  readonly drills: readonly PastDrillReport[]
  /** The one that was begun here by a person, while it runs and afterwards; null: none was. */
  readonly current: CurrentDrillReport | null
}

/** A drill that a person began over the API. */
export interface CurrentDrillReport {
  readonly scenario: DrillScenario
  readonly site: string
  readonly by: string
  /** ISO 8601 in UTC. */
  readonly at: string
  /** What it has said so far, the newest last; at most twenty lines. */
  readonly progress: readonly string[]
  /** A verdict, or `refused`; null: it runs. */
  readonly outcome: string | null
  /** Id of its report, or why it was refused. */
  readonly about: string | null
}

/** A drill as a person asks for it over the API. Times in milliseconds. */
export interface DrillWish {
  readonly scenario: DrillScenario
  readonly site: string
  readonly faultFor: number
  readonly duration: number
  readonly rate: number
  readonly path: string
  readonly by: string
  /** Why what may be overruled is overruled; absent: nothing is. */
  readonly force?: string
}

/** What was looked at before a drill. */
export interface DrillReadiness {
  readonly ready: boolean
  readonly checks: readonly {
    readonly name: string
    readonly ready: boolean
    readonly found: string
    readonly todo: string
    readonly forceable: boolean
  }[]
  /** Why nothing could be looked at; empty: it was. */
  readonly problem: string
}

/** A drill that begins by itself. */
export interface ScheduledDrillReport {
  readonly name: string
  readonly scenario: DrillScenario
  readonly site: string
  /** ISO 8601 in UTC; null: it never begins within a year. */
  readonly nextAt: string | null
  /** The same on a clock on the wall of `drills.timezone`. */
  readonly nextLocal: string | null
  /** A window of `drills.blockWindows` is in its way then: it will be skipped. */
  readonly blocked: boolean
  readonly last: {
    /** ISO 8601 in UTC. */
    readonly at: string
    /** A verdict, `skipped`, or `refused`: it was not ready, or could not be run. */
    readonly outcome: string
    /** Why it was skipped or refused; otherwise the id of its report. */
    readonly about: string
  } | null
}

/** A drill that was run. */
export interface PastDrillReport {
  readonly id: string
  /** ISO 8601 in UTC. */
  readonly at: string
  readonly scenario: DrillName
  readonly site: string
  /** `broken off`: it was killed, and what it broke taken back for it. */
  readonly verdict: 'passed' | 'failed' | 'aborted' | 'interrupted' | 'broken off'
}
