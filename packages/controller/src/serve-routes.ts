import type { ChannelChange } from '@budao/model'
import type { AdminRoute, AdminRoutesOptions } from './admin-routes.ts'
import { ApiError } from './api-error.ts'
import { badParameter, noQuery, object, onlyKeys, show, text } from './parameters.ts'
import { within } from './within.ts'

const changeTimeoutMs = 10_000

/** The part of the API that is about what apps ask the gateway for: channel lists, and access tokens for backends. */
export function serveRoutes({ source, log }: AdminRoutesOptions): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      url: '/api/v1/channels',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return { channels: source.channels() }
      },
    },
    {
      method: 'PUT',
      url: '/api/v1/channels/:route',
      role: 'operator',
      async handle(request) {
        const { route } = request.params as { route: string }
        const change = channelBody(request.body)
        const result = await within(changeTimeoutMs, () => source.setChannels(route, change))
        if (!result.ok) throw new ApiError(result.code, result.problem)
        log.info({ from: request.ip, route, ...change }, 'channel list changed')
        return result
      },
    },
    {
      method: 'GET',
      url: '/api/v1/identity/:name/access-token',
      role: 'operator',
      handle(request) {
        noQuery(request.query)
        const { name } = request.params as { name: string }
        const token = source.accessToken(name)
        if (token === undefined)
          throw new ApiError('unknown-provider', `no access token is kept of ${show(name)}`, {
            hint: 'Give its entry of identity accessToken: true.',
          })
        if (token === null)
          throw new ApiError('no-access-token', `there is no access token of ${show(name)} now`)
        log.info({ from: request.ip, provider: name }, 'access token given out')
        return { accessToken: token.token, expiresAt: new Date(token.expiresAt).toISOString() }
      },
    },
  ]
}

/** Reads an order. Whether apps would take it is for the gateway to say. */
function channelBody(body: unknown): ChannelChange {
  const given = object('the body', body, 'For example {"order": ["https://b.example.com"], "reason": "…"}.')
  onlyKeys(given, ['order', 'version', 'reason'], 'key')
  const { order, version } = given
  if (!Array.isArray(order) || order.length > 100 || !order.every((each) => typeof each === 'string'))
    throw badParameter(`order must be a list of origins, got ${show(order)}`)
  if (version !== undefined && (typeof version !== 'number' || !Number.isSafeInteger(version)))
    throw badParameter(`version must be a whole number, got ${show(version)}`)
  return {
    order: order as string[],
    ...(version === undefined ? {} : { version }),
    reason: text('reason', given['reason']),
  }
}
