import type { RolloutReport } from '@budao/model'

/** A rollout in a few lines, every verdict with its numbers. */
export function rolloutText(rollout: RolloutReport): string {
  const { name, route, release, phase, step, steps, basisPoints, stepAt, holder, why, verdict } = rollout
  if (phase === null) return `${name}  ${release} on route ${route}: not started`
  const place = phase === 'running' || phase === 'paused' ? `, step ${step + 1} of ${steps}` : ''
  const by = holder === null ? '' : `, looked after by ${holder}`
  const lines = [
    `${name}  ${release} on route ${route}: ${phase}${place}, ${basisPoints / 100} % of users since ${stepAt}${by}`,
    `  ${why}`,
  ]
  if (verdict !== null) {
    const numbers = Object.entries(verdict.numbers).map(([key, value]) => `${key} ${value}`)
    lines.push(
      `  verdict: ${verdict.kind}${verdict.cause === '' ? '' : ` (${verdict.cause})`}; ${numbers.join(', ')}`,
    )
  }
  return lines.join('\n')
}
