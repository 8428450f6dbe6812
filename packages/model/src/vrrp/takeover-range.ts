import type { TakeoverVerdict } from './takeover.ts'
import { masterDownMs, skewMs, type VrrpTiming } from './timing.ts'

/** Between which times something takes place, milliseconds. */
export interface Range {
  readonly leastMs: number
  readonly mostMs: number
}

/** What the time of a takeover depends on. */
export interface TakeoverTimes extends VrrpTiming {
  /** Of the script that notices. */
  readonly intervalMs: number
  readonly fall: number
  /** Effective priority of the node that takes over. */
  readonly backupPriority: number
}

/**
 * From the failure of what a script asks to the address at the next node, without the time an answer takes; undefined
 * where the verdict is never.
 */
export function serviceFailureRange(verdict: TakeoverVerdict, times: TakeoverTimes): Range | undefined {
  const { intervalMs, fall, backupPriority, advertMs } = times
  const [least, most] = [(fall - 1) * intervalMs, fall * intervalMs]
  if (verdict === 'fault') {
    const skew = skewMs(backupPriority, times)
    return { leastMs: least + skew, mostMs: most + skew }
  }
  if (verdict !== 'outvoted') return undefined
  // Worse adverts are passed over: the backup waits from the last good one, which is up to one interval old.
  const down = masterDownMs(backupPriority, times)
  return { leastMs: least + down - advertMs, mostMs: most + down }
}

/** From the death of a machine, or of its VRRP process, to the address at the next node. */
export function machineDeathRange(times: TakeoverTimes): Range {
  const down = masterDownMs(times.backupPriority, times)
  return { leastMs: down - times.advertMs, mostMs: down }
}
