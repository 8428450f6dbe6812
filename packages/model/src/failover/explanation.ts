/** Why something is as it is: one line of `budao status --why`, as data. */
export interface Explanation {
  readonly code: ExplanationCode
  readonly unit: string
  /** One sentence for people. */
  readonly message: string
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>
}

/** Why a unit moves, or does not. A closed list. */
export const explanationCodes = [
  'owner-fine',
  'owner-suspect',
  'owner-down',
  'owner-degraded',
  'owner-lapsed',
  'owner-starting',
  'no-quorum',
  'no-witness',
  'vetoed',
  'automation-advise',
  'automation-off',
  'rate-limited',
  'no-target',
  'target-lags',
  'last-healthy-site',
  'capacity-short',
  'lease-ends',
  'lease-ended',
  'fence-acknowledged',
  'target-silent',
  'owner-came-back',
  'moved',
  'rolled-back',
  'not-leader',
  'no-lease',
  'wish-refused',
  'run-under-way',
  'draining',
  'in-sync-reduced',
  'queued',
  'standby-starting',
  'standby-failed',
] as const

/** One of `explanationCodes`. */
export type ExplanationCode = (typeof explanationCodes)[number]
