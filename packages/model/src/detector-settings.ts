import type { DetectionConfig } from './config-failover.ts'
import { detectionDefaults, hardProbeEveryMs, phiDeviations } from './detection-worst-case.ts'

/** The same of what is slow: `new SlowSites(sites, slownessSettings(…))`; null where nothing ever is. */
export function slownessSettings({ mode, slow, stable }: DetectionConfig = detectionDefaults): {
  readonly factor: number
  readonly atLeastMs: number
  readonly holdMs: number
  readonly stableMs: number
} | null {
  if (slow === false || mode === 'literal') return null
  return { factor: slow.factor, atLeastMs: slow.atLeast, holdMs: slow.hold, stableMs: stable }
}

/** The configuration of a service’s detection in the terms of the detector: `new Detector(now, detectorSettings(…))`. */
export function detectorSettings({
  mode,
  misses,
  beat,
  phi,
  pause,
  probes,
  probeEvery,
  blip,
  rise,
  stable,
}: DetectionConfig = detectionDefaults): {
  readonly mode: DetectionConfig['mode']
  readonly misses: number
  readonly beatMs: number
  readonly deviations: number
  readonly pauseMs: number
  readonly probes: number
  readonly probeEveryMs: number
  readonly hardProbeEveryMs: number
  readonly blipMs: number
  readonly rise: number
  readonly stableMs: number
} {
  return {
    mode,
    misses,
    beatMs: beat,
    deviations: phiDeviations(phi),
    pauseMs: pause,
    probes,
    probeEveryMs: probeEvery,
    hardProbeEveryMs,
    blipMs: blip,
    rise,
    stableMs: stable,
  }
}
