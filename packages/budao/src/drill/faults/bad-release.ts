import type { ReleaseFaultKind } from '@budao/controller'
import { CliError } from '../../cli-error.ts'
import { AdminApi } from '../admin-api.ts'

/** A release that gateways make a bad one: enough to take it back. */
export interface BadRelease {
  readonly kind: 'bad-release'
  readonly admin: string
  readonly rollout: string
}

/** Makes the release a bad one at every gateway for so long. */
export async function spoilRelease(
  { admin, rollout }: BadRelease,
  flaw: ReleaseFaultKind,
  forMs: number,
  token?: string,
): Promise<void> {
  await new AdminApi(admin, token).change(faultPath(rollout), { kind: flaw, forMs: Math.ceil(forMs) })
}

/** Takes its users from it first, then what is wrong with it: whatever it is, nobody meets it. What cannot be asked ends by itself. */
export async function mendRelease({ admin, rollout }: BadRelease, token?: string): Promise<void> {
  const api = new AdminApi(admin, token)
  const wish = { action: 'abort', by: 'drill', reason: 'the drill is over' }
  for (const [path, body] of [
    [`/api/v1/rollouts/${encodeURIComponent(rollout)}`, wish],
    [faultPath(rollout), { forMs: 0 }],
  ] as const)
    try {
      await api.change(path, body)
    } catch (error) {
      // Sent back already, most likely.
      if (!(error instanceof CliError)) throw error
    }
}

function faultPath(rollout: string): string {
  return `/api/v1/rollouts/${encodeURIComponent(rollout)}/fault`
}
