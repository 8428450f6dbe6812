/**
 * What a finding forbids. replication: changes would be missed, mixed up or go round in circles. no-loss: an acknowledged
 * write can be lost, so an RPO of 0 must not be claimed. nothing: it works, and this would be better.
 */
export type PreflightForbids = 'replication' | 'no-loss' | 'nothing'

/** Something about a site's server that is not as it must be. */
export interface PreflightFinding {
  readonly site: string
  readonly setting: string
  readonly found: string
  readonly expected: string
  /** What happens otherwise. */
  readonly why: string
  /** What to change: a line of the server's `my.cnf` under `[mysqld]`, or a statement. */
  readonly change: string
  readonly forbids: PreflightForbids
}

/** One finding in a few lines, for people. */
export function findingText({
  site,
  setting,
  found,
  expected,
  why,
  change,
  forbids,
}: PreflightFinding): string {
  const forbidden = { replication: 'refused', 'no-loss': 'no RPO of 0', nothing: 'advice' }[forbids]
  return `${site}: ${setting} (${forbidden}): expected ${expected}, found ${found}: ${why}\n    ${change}`
}
