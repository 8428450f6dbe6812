import type { EventDraft, ProcessConfig, ProcessEndCause, ProcessExit, ProcessPhase } from '@budao/model'

/** Everything the rules of one process look at. A value: `stepProcess` makes the next one of it. Times are monotonic. */
export interface ProcessState {
  readonly name: string
  readonly rules: ProcessRules
  readonly phase: ProcessPhase
  readonly since: number
  /** Whether it is to run; a crash loop does not change that. */
  readonly wanted: boolean
  /** Why it is in its phase, in a few words. */
  readonly why: string
  /** When the phase must be over: wait ended, first check passed, grace ended. Null: never. */
  readonly deadline: number | null
  readonly startedAt: number | null
  /** Everything it comes after is ready. */
  readonly clearToStart: boolean
  /** Why it is being ended from here; null while it is not. */
  readonly ending: ProcessEndCause | null
  /** Ends that nobody asked for, in a row: each doubles the wait. */
  readonly failures: number
  /** When such ends were, as far back as the window of the limit. */
  readonly ends: readonly number[]
  /** Failed checks in a row. */
  readonly misses: number
  readonly starts: number
  readonly hangs: number
  /** Lives that nobody ended. */
  readonly crashes: number
  readonly lastExit: ProcessExit | null
}

/** What of a process’s configuration the rules look at. */
export type ProcessRules = Pick<ProcessConfig, 'restart' | 'stop' | 'health' | 'memoryMax'>

/** What happens to a process. */
export type ProcessEvent =
  /** Somebody wants it to run, or not to. `anew`: also where it runs already. */
  | { readonly kind: 'wanted'; readonly wanted: boolean; readonly anew: boolean; readonly why: string }
  /** Whether all it comes after is ready. */
  | { readonly kind: 'clear-to-start'; readonly clear: boolean }
  /** It was found running, as it is to run. */
  | { readonly kind: 'adopted'; readonly pid: number; readonly startedAt: number }
  /** It was found running or half gone, and must end before it may be started. */
  | { readonly kind: 'left-over'; readonly why: string }
  | { readonly kind: 'spawned'; readonly pid: number }
  | { readonly kind: 'unstartable'; readonly why: string }
  /** The process itself has ended: waitpid or the process table says so. */
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: string | null }
  /** Nothing of it lives any more, whatever it had started. */
  | { readonly kind: 'cleared' }
  | { readonly kind: 'checked'; readonly problem: string }
  | { readonly kind: 'weighed'; readonly bytes: number }
  /** Other rules hold from now on; the process is not touched. */
  | { readonly kind: 'rules'; readonly rules: ProcessRules }
  | { readonly kind: 'tick' }

/** What the rules want done about a process. */
export type ProcessEffect =
  /** Start it; answered by `spawned` or `unstartable`. */
  | { readonly kind: 'spawn' }
  /** Ask its group to end, by the signal of its configuration. */
  | { readonly kind: 'signal' }
  /** SIGKILL to its group. */
  | { readonly kind: 'kill' }
  /** It has ended: SIGKILL to whatever it has started; answered by `cleared`. */
  | { readonly kind: 'clear' }
  | { readonly kind: 'tell'; readonly event: Omit<EventDraft, 'subject' | 'service' | 'site'> }

/** The moment of an event: `now` monotonic, `wall` ISO 8601, `random` from 0 to 1. */
export interface ProcessMoment {
  readonly now: number
  readonly wall: string
  readonly random: number
}

/** What an event made. */
export interface ProcessStep {
  readonly state: ProcessState
  readonly effects: readonly ProcessEffect[]
}

/** A process of which nothing lives and nothing is wanted. */
export function unstartedProcess(name: string, rules: ProcessRules, now: number): ProcessState {
  return {
    name,
    rules,
    phase: 'stopped',
    since: now,
    wanted: false,
    why: 'not started yet',
    deadline: null,
    startedAt: null,
    clearToStart: true,
    ending: null,
    failures: 0,
    ends: [],
    misses: 0,
    starts: 0,
    hangs: 0,
    crashes: 0,
    lastExit: null,
  }
}

/** Whether something of it may live in that phase. */
export function mayLive(phase: ProcessPhase): boolean {
  return phase === 'starting' || phase === 'running' || phase === 'stopping' || phase === 'clearing'
}
