import { gslbWorstCase, type Config, type GslbPolicy, type GslbWorstCase } from '@budao/model'

/** One name that follows the sites, and how long its clients may still be sent to a dead one. */
export interface GslbNameSummary {
  readonly name: string
  readonly policy: GslbPolicy
  readonly sites: readonly string[]
  readonly worstCase: GslbWorstCase
}

/** All names that follow the sites, in file order. */
export function gslbSummary({ gslb, services }: Config): GslbNameSummary[] {
  if (gslb === undefined) return []
  return Object.entries(gslb.zones).flatMap(([zone, { names }]) =>
    Object.entries(names).map(([name, config]) => ({
      name: name === '@' ? zone : `${name}.${zone}`,
      policy: config.policy,
      sites: config.sites ?? Object.keys(gslb.sites),
      worstCase: gslbWorstCase(config, services),
    })),
  )
}

/** Lines for people; none without names. */
export function gslbLines(names: readonly GslbNameSummary[]): string[] {
  if (names.length === 0) return []
  return [
    ...names.map(
      ({ name, policy, sites, worstCase }) =>
        `dns ${name}, ${policy} of ${sites.join(', ')}: ${worstCaseText(worstCase)}`,
    ),
    'Resolvers that keep answers longer than they may come on top: gateways send their requests on meanwhile.',
  ]
}

function worstCaseText({ detectionMs, pushMs, ttlMs, totalMs }: GslbWorstCase): string {
  const kept = `answers given before may be kept for ${seconds(ttlMs)}`
  if (detectionMs === null || totalMs === null)
    return `a service has no healthCheck, so only failing requests notice a dead site; ${kept}`
  return `a dead site is noticed within ${seconds(detectionMs)} and out of the answers ${seconds(pushMs)} later; ${kept}: ${seconds(totalMs)} in all`
}

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(2))}s`
}
