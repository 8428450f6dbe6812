/**
 * How a site stands for one name, best first.
 * - `in`: answered with
 * - `returning`: serves again, not yet for long enough
 * - `weak`: too small a part of it is usable
 * - `unknown`: nobody knows
 * - `draining`: a person has taken it out
 * - `down`: nothing is usable
 */
export type SiteStandingName = (typeof siteStandings)[number]

/** From the best to the worst: a site is answered with only while no other stands better. */
export const siteStandings = ['in', 'returning', 'weak', 'unknown', 'draining', 'down'] as const

/** What is seen of a site at one moment. */
export interface SiteSight {
  readonly state: 'serving' | 'degraded' | 'draining' | 'down' | 'unknown'
  readonly usable: number
  readonly total: number
}

/** A standing and since when it has been this one, monotonic milliseconds. */
export interface SiteStandingAt {
  readonly standing: SiteStandingName
  readonly since: number
}

export interface SiteStandingRules {
  /** A site that was down or weak must serve for so long before it is `in` again, milliseconds. */
  readonly returnAfterMs: number
  /** With a smaller share of usable endpoints, percent, it is `weak`. */
  readonly minUsablePercent: number
}

/**
 * The standing that follows. Bad news counts at once. Good news of a site that was down or weak waits for `returnAfterMs` without
 * a relapse, so that one that flaps does not take its clients to and fro; what a person drained and put back does not wait.
 */
export function nextStanding(
  before: SiteStandingAt | undefined,
  seen: SiteSight,
  now: number,
  { returnAfterMs, minUsablePercent }: SiteStandingRules,
): SiteStandingAt {
  const fit = seen.state === 'serving' || seen.state === 'degraded'
  const standing = !fit
    ? (seen.state as 'draining' | 'down' | 'unknown')
    : seen.usable * 100 < seen.total * minUsablePercent
      ? 'weak'
      : fitStanding(before, now, returnAfterMs)
  return before?.standing === standing ? before : { standing, since: now }
}

function fitStanding(
  before: SiteStandingAt | undefined,
  now: number,
  returnAfterMs: number,
): 'in' | 'returning' {
  switch (before?.standing) {
    case 'down':
    case 'weak':
      return returnAfterMs > 0 ? 'returning' : 'in'
    case 'returning':
      return now - before.since >= returnAfterMs ? 'in' : 'returning'
    case 'in':
    case 'unknown':
    case 'draining':
    case undefined:
      return 'in'
  }
}

/** The best standing of these; `down` where there is none. */
export function bestStanding(standings: readonly SiteStandingAt[]): SiteStandingName {
  let best = siteStandings.length - 1
  for (const { standing } of standings) best = Math.min(best, siteStandings.indexOf(standing))
  return siteStandings[best]!
}
