import type { RolloutPhase, SchemaChangeConfig } from '@budao/model'

/** Why a release cannot go back, and what to do; null: it can. */
export function wayBackRefusal(schema: SchemaChangeConfig | undefined): string | null {
  if (schema?.phase !== 'contract') return null
  return `it contracts data (${schema.change}), which the release before cannot read any more: roll forward with a release that is well; with force and a reason it is sent back all the same`
}

/** Why it must not begin yet; `after` is how the rollout stands that it names. */
export function startRefusal(
  schema: SchemaChangeConfig | undefined,
  after: RolloutPhase | null,
): string | null {
  if (schema?.after === undefined || after === 'promoted') return null
  const stands = after === null ? 'was not started' : `is ${after}`
  return `its ${schema.phase} (${schema.change}) comes after ${schema.after}, which ${stands}: until that has everything, an older release has a share`
}
