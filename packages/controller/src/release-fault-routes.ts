import { releaseFaultKinds, type ReleaseFaultKind } from '@budao/resilience/release-fault'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { badParameter, object, onlyKeys, show } from './parameters.ts'
import { releaseFaultMsMax } from './rollout/release-faults.ts'
import { rolloutOf, rolloutsOff } from './rollout-routes.ts'
import { within } from './within.ts'

const timeoutMs = 5_000

/** The part of the API by which drills make a release a bad one. */
export function releaseFaultRoutes({ source, log }: NodeRoutesOptions): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      url: '/api/v1/rollouts/:name/fault',
      role: 'operator',
      async handle(request) {
        const { name } = rolloutOf(source.rollouts?.() ?? rolloutsOff(), request.params)
        const desk = source.releaseFaults?.() ?? rolloutsOff()
        const { kind, forMs } = faultBody(request.body)
        log.warn({ from: request.ip, rollout: name, kind, forMs }, 'release made a bad one for a drill')
        const why = await within(timeoutMs, () => desk.set(name, kind, forMs))
        if (why !== null) throw new ApiError('wish-refused', `rollout ${name}: ${why}`)
        return { ok: true, forMs }
      },
    },
  ]
}

function faultBody(body: unknown): { kind: ReleaseFaultKind | null; forMs: number } {
  const given = object('the body', body, 'For example {"kind": "errors", "forMs": 30000}.')
  onlyKeys(given, ['kind', 'forMs'], 'key')
  const { kind, forMs } = given
  if (typeof forMs !== 'number' || !(forMs >= 0 && forMs <= releaseFaultMsMax))
    throw badParameter(`forMs must be a number from 0 to ${releaseFaultMsMax}, got ${show(forMs)}`)
  if (forMs === 0) return { kind: null, forMs }
  const found = releaseFaultKinds.find((each) => each === kind)
  if (found === undefined)
    throw badParameter(`kind must be one of ${releaseFaultKinds.join(', ')}, got ${show(kind)}`)
  return { kind: found, forMs }
}
