import { isIP } from 'node:net'
import type { AdminRoute, AdminRoutesOptions } from './admin-routes.ts'
import { ApiError } from './api-error.ts'
import { badParameter, noQuery, object, onlyKeys, show } from './parameters.ts'

/** It ends by itself, and not in a day: nobody may forget a name server. */
const muteMsMax = 600_000

/** The part of the API that is about DNS: what each name is answered with, and why somebody gets what they get. */
export function dnsRoutes({ source, log }: AdminRoutesOptions): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      url: '/api/v1/dns/mute',
      role: 'operator',
      handle(request) {
        const forMs = muteBody(request.body)
        if (!source.muteDns(forMs)) off()
        log.info({ from: request.ip, forMs }, 'DNS muted for a drill')
        return { ok: true, forMs }
      },
    },
    {
      method: 'GET',
      url: '/api/v1/dns',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return source.dns() ?? off()
      },
    },
    {
      method: 'GET',
      url: '/api/v1/dns/explain',
      role: 'viewer',
      handle(request) {
        const given = request.query as Record<string, unknown>
        onlyKeys(given, ['name', 'client'], 'query parameter')
        const { name, client = request.ip } = given
        if (typeof name !== 'string' || name === '' || name.length > 254)
          throw badParameter(`name must be a domain name, got ${show(name)}`)
        if (typeof client !== 'string' || isIP(client) === 0)
          throw badParameter(`client must be an IPv4 or IPv6 address, got ${show(client)}`)
        const known = (source.dns() ?? off()).names
        const explanation = source.explainDns(name, client)
        if (explanation !== null) return explanation
        throw new ApiError('unknown-name', `${show(name)} is no name whose answers follow the sites`, {
          hint: `Known: ${known
            .slice(0, 10)
            .map((each) => each.name)
            .join(', ')}${known.length > 10 ? ', …' : ''}.`,
        })
      },
    },
  ]
}

function muteBody(body: unknown): number {
  const given = object('the body', body, 'For example {"forMs": 5000}.')
  onlyKeys(given, ['forMs'], 'key')
  const { forMs } = given
  if (typeof forMs === 'number' && forMs >= 0 && forMs <= muteMsMax) return forMs
  throw badParameter(`forMs must be a number from 0 to ${muteMsMax}, got ${show(forMs)}`)
}

function off(): never {
  throw new ApiError('dns-off', 'this process answers no DNS', {
    hint: 'Give it names under gslb in the configuration, and start it with budao up.',
  })
}
