import { isDeepStrictEqual } from 'node:util'
import { priorityLoad } from '@budao/resilience'
import { show } from './vector-file.ts'
import type { Mismatch, PriorityVector, Replay } from './vector-file.ts'

const optionKeys = ['overprovisioningFactorPct', 'panicThresholdPct'] as const

/** Compares the loads of one set of counts with what the vector expects. */
export function replayPriority(vector: PriorityVector): Replay {
  const { healthy, degraded, total, config } = vector
  const options: Partial<Record<(typeof optionKeys)[number], number>> = {}
  for (const key of optionKeys) if (typeof config[key] === 'number') options[key] = config[key]
  const notes = Object.keys(config)
    .filter((key) => !optionKeys.some((known) => known === key))
    .map((key) => `config key "${key}" is unknown here and has no effect`)
  const seen: Record<string, unknown> = { ...priorityLoad({ healthy, degraded, total }, options) }
  const failures: Mismatch[] = []
  for (const [key, expected] of Object.entries(vector.expect)) {
    if (isDeepStrictEqual(seen[key], expected)) continue
    failures.push({ at: key, expected: show(expected), seen: show(seen[key]) })
  }
  return { failures, notes }
}
