import type { DetectionConfig, FailoverConfig } from './config-failover.ts'
import { clockDriftMax } from './failover/write-lease.ts'

/** What happens to a site, as far as it matters to how soon it is noticed. */
export type FaultClass = 'process-gone' | 'silent' | 'errors'

/** The latest moments after a fault, milliseconds. */
export interface WorstCase {
  readonly fault: FaultClass
  readonly means: string
  readonly suspectMs: number
  readonly downMs: number
  /** Until another site accepts writes; null where writes need no lease. */
  readonly servingMs: number | null
}

/** Standard deviations beyond which a normal arrival is as improbable as phi says; phi 8 is 5.61. */
export function phiDeviations(phi: number): number {
  // The normal tail 10^-phi, by bisection over a bound that is tight there (Chernoff, with Mills' ratio).
  let low = 0
  let high = 10
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (tailLog10(middle) > -phi) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** log10 of the share of a normal distribution that lies beyond `z` deviations. */
export function tailLog10(z: number): number {
  if (z < 0.5) return Math.log10(0.5 - z / Math.sqrt(2 * Math.PI))
  // Mills' ratio by its continued fraction, cut after 40 terms: exact to a millionth from half a deviation on.
  let ratio = z
  for (let n = 40; n >= 1; n--) ratio = z + n / ratio
  return (-z * z) / 2 / Math.LN10 - Math.log10(ratio * Math.sqrt(2 * Math.PI))
}

/** Least spread of beats that is assumed, milliseconds: what a loaded event loop makes of an even beat. */
export const beatDeviationMinMs = 100
/** A probe may take so long at least, at most (unless the network itself is slower), milliseconds. */
export const probeTimeoutMs = { min: 200, max: 400 } as const
/** Between probes where the kernel there has already said that the process is gone, milliseconds. */
export const hardProbeEveryMs = 100
/** An event of the kernel is noticed, and an opinion is with the controllers, within this time, milliseconds. */
export const noticeMs = 50
/** A placement is with all gateways within this time after the decision, milliseconds. */
export const publishMs = 100

/** The defaults, where a service says nothing. */
export const detectionDefaults: DetectionConfig = {
  mode: 'accelerated',
  interval: 3000,
  timeout: 2000,
  misses: 3,
  budget: 5000,
  beat: 500,
  phi: 8,
  pause: 400,
  probes: 3,
  probeEvery: 150,
  blip: 1000,
  rise: 3,
  stable: 30_000,
  slow: { factor: 3, atLeast: 50, hold: 10_000, weightPercent: 10 },
}

/** Silence after which beats are suspect, milliseconds: 1461 with the defaults. */
export function silenceLimitMs({
  beat,
  phi,
  pause,
}: Pick<DetectionConfig, 'beat' | 'phi' | 'pause'>): number {
  return beat + beatDeviationMinMs * phiDeviations(phi) + pause
}

/**
 * The worst case of a configuration, one row a class of faults, on a network whose round trips are below 50 ms. What
 * the rules compute is exact; what a loaded machine adds is not in it.
 */
export function detectionWorstCase(
  detection: DetectionConfig,
  failover: FailoverConfig | undefined,
): readonly WorstCase[] {
  const { mode, interval, timeout, misses, blip, probes, probeEvery } = detection
  const burst = (probes - 1) * probeEvery + probeTimeoutMs.max
  const row = (fault: FaultClass, means: string, suspectMs: number, downMs: number): WorstCase => ({
    fault,
    means,
    suspectMs: Math.ceil(suspectMs),
    downMs: Math.ceil(downMs),
    servingMs: failover === undefined ? null : Math.ceil(servingMs(fault, downMs, mode, failover)),
  })
  // A fault just after an answered heartbeat: the next one is due a whole interval later, and must be missed in full.
  const plainSilent = misses * interval + timeout
  const plainRefused = misses * interval
  if (mode === 'literal') {
    return [
      row('process-gone', 'its connections are refused', interval, plainRefused),
      row('silent', 'black hole, power loss, SIGSTOP', interval + timeout, plainSilent),
    ]
  }
  const hard = noticeMs + (probes - 1) * hardProbeEveryMs + noticeMs
  const silent = silenceLimitMs(detection)
  const traffic = 1000
  return [
    row('process-gone', 'killed or crashed; its agent is there', noticeMs, hard),
    row(
      'silent',
      'black hole, power loss, SIGSTOP',
      Math.min(silent, interval + timeout),
      Math.min(Math.max(silent + burst, blip), plainSilent) + noticeMs,
    ),
    row(
      'errors',
      'it answers probes with failure; seen by 20 requests/s or more',
      traffic,
      Math.max(traffic + burst, blip) + noticeMs,
    ),
  ]
}

/** The old lease must have ended, unless somebody there can say that the holder has stopped: then that decides. */
function servingMs(
  fault: FaultClass,
  downMs: number,
  mode: DetectionConfig['mode'],
  { lease, guard }: FailoverConfig,
): number {
  const acknowledged = fault === 'process-gone' && mode === 'accelerated'
  const leaseEndMs = lease * (1 + clockDriftMax) + guard
  return (acknowledged ? downMs + noticeMs : Math.max(downMs, leaseEndMs)) + publishMs
}
