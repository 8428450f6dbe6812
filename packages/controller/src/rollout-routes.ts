import {
  rolloutActions,
  type RolloutAction,
  type RolloutDesk,
  type RolloutReport,
  type RolloutWish,
} from '@budao/model'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { badParameter, noQuery, object, onlyKeys, show, text } from './parameters.ts'
import { within } from './within.ts'

const wishTimeoutMs = 5_000

/** The part of the API that is about rollouts. */
export function rolloutRoutes({ source, log }: NodeRoutesOptions): readonly AdminRoute[] {
  const desk = (): RolloutDesk => source.rollouts?.() ?? rolloutsOff()
  return [
    {
      method: 'GET',
      url: '/api/v1/rollouts',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return { rollouts: desk().reports() }
      },
    },
    {
      method: 'GET',
      url: '/api/v1/rollouts/:name',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return rolloutOf(desk(), request.params)
      },
    },
    {
      method: 'POST',
      url: '/api/v1/rollouts/:name',
      role: 'operator',
      async handle(request) {
        const asked = desk()
        const { name } = rolloutOf(asked, request.params)
        const wish: RolloutWish = { name, ...wishBody(request.body) }
        log.warn({ from: request.ip, ...wish }, 'rollout changed')
        const result = await within(wishTimeoutMs, () => asked.wish(wish))
        if (result.ok) return result.rollout
        throw new ApiError('wish-refused', `rollout ${name}: ${result.why}`)
      },
    },
  ]
}

function wishBody(body: unknown): Omit<RolloutWish, 'name'> {
  const given = object('the body', body, 'For example {"action": "start", "reason": "2.4.0"}.')
  onlyKeys(given, ['action', 'by', 'reason', 'force'], 'key')
  const { action, by, reason, force } = given
  if (!isAction(action))
    throw badParameter(`action must be one of ${rolloutActions.join(', ')}, got ${show(action)}`)
  if (force !== undefined && (typeof force !== 'boolean' || action !== 'abort'))
    throw badParameter(`force must be true or false, with abort only, got ${show(force)} with ${action}`)
  return {
    action,
    by: by === undefined ? 'operator' : text('by', by),
    reason: reason === undefined ? '' : text('reason', reason),
    ...(force === true ? { force } : {}),
  }
}

function isAction(action: unknown): action is RolloutAction {
  return (rolloutActions as readonly unknown[]).includes(action)
}

/** The rollout that is named in the path. Throws where there is none. */
export function rolloutOf(desk: RolloutDesk, params: unknown): RolloutReport {
  const { name } = params as { name: string }
  const all = desk.reports()
  const found = all.find((report) => report.name === name)
  if (found !== undefined) return found
  const known = all.map((report) => report.name).slice(0, 10)
  throw new ApiError('unknown-rollout', `there is no rollout ${show(name)}`, {
    hint: `Known: ${known.length === 0 ? 'none' : known.join(', ')}.`,
  })
}

export function rolloutsOff(): never {
  throw new ApiError('rollouts-off', 'this process knows of no rollouts', {
    hint: 'Ask a gateway whose configuration has `rollouts`.',
  })
}
