import { priorityRange } from './priority.ts'
import type { Takeover } from './takeover.ts'

/** Why a service never moves, and what to write instead. Both go on after a colon. */
export interface TakeoverAdvice {
  readonly problem: string
  readonly instead: string
}

/** What the format at hand calls things. */
export interface TakeoverWords {
  /** How it says that a backup leaves a master alone. */
  readonly neverPreempts: string
}

/** What to tell about a takeover that `weight` of the failing thing decides; undefined where it happens. */
export function adviceOn(
  takeover: Takeover,
  weight: number,
  words: TakeoverWords,
): TakeoverAdvice | undefined {
  const { master, backup } = takeover
  const gap = master.base - backup.base
  switch (takeover.verdict) {
    case 'fault':
    case 'outvoted':
      return undefined
    case 'gap':
      return {
        problem: `never fails over: failing, the master still has priority ${master.failing} and the backup ${backup.well}${
          weight > 0 ? ' (a positive weight is added while all is well, it takes nothing away)' : ''
        }`,
        instead: `weight 0 (fault)${otherWeights(gap)}`,
      }
    case 'never-preempts':
      return {
        problem: `never fails over: failing, the master falls to priority ${master.failing} below the backup's ${backup.well}, and ${words.neverPreempts} makes the backup leave it alone all the same`,
        instead: `weight 0 (fault), which ${words.neverPreempts} does not hinder, or no ${words.neverPreempts}`,
      }
    case 'saturated':
      return {
        problem: `never fails over: the priority is ${master.well} when all is well and when it fails, since it is kept within ${priorityRange.min} and ${priorityRange.max}`,
        instead: `weight 0 (fault)${gap > 0 && gap < 253 ? `, or -${gap + 1}` : ''}`,
      }
    case 'owner':
      return {
        problem: 'never fails over: priority 255 owns the address, and no weight changes it',
        instead: 'weight 0 (fault), or a priority of at most 254',
      }
    case 'raised':
      return {
        problem: `never fails over: failing makes the master more wanted (${master.well} → ${master.failing})`,
        instead: 'the weight without reverse',
      }
  }
}

function otherWeights(gap: number): string {
  if (gap < 1) return ''
  return gap >= 253 ? ': no weight is that large' : `, or at least ${gap + 1} or at most -${gap + 1}`
}
