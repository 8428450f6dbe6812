import type { AnalysisReport, RolloutReport } from '@budao/model'

/** A rollout in a few lines, every verdict with its numbers. */
export function rolloutText(rollout: RolloutReport): string {
  const { name, route, release, phase, step, steps, stepAt, holder, why, verdict } = rollout
  if (phase === null) return `${name}  ${release} on route ${route}: not started`
  const place = phase === 'running' || phase === 'paused' ? `, step ${step + 1} of ${steps}` : ''
  const by = holder === null ? '' : `, looked after by ${holder}`
  const lines = [
    `${name}  ${release} on route ${route}: ${phase}${place}, ${shareText(rollout)} since ${stepAt}${by}`,
    `  ${why}`,
    ...(rollout.blocked ? ['  it cannot be sent back: a person decides'] : []),
    ...(rollout.schema === null ? [] : [`  data: ${rollout.schema.phase}, ${rollout.schema.change}`]),
    ...rollout.analysis.map(analysisText),
  ]
  if (verdict !== null) {
    const numbers = Object.entries(verdict.numbers).map(([key, value]) => `${key} ${value}`)
    lines.push(
      `  verdict: ${verdict.kind}${verdict.cause === '' ? '' : ` (${verdict.cause})`}; ${numbers.join(', ')}`,
    )
  }
  return lines.join('\n')
}

function shareText({ basisPoints, mirrorBasisPoints }: RolloutReport): string {
  const copies = mirrorBasisPoints > 0 ? `copies of ${mirrorBasisPoints / 100} % of requests, ` : ''
  return `${copies}${basisPoints / 100} % of users`
}

function analysisText({ name, outcome, value, stable, failures, failuresMax, why }: AnalysisReport): string {
  const numbers = value === null ? '' : `, ${value}${stable === null ? '' : ` (stable ${stable})`}`
  return `  ${name}: ${outcome}${numbers}, ${failures} of ${failuresMax} allowed outside${why === '' ? '' : `; ${why}`}`
}
