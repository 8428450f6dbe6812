import type { ReloadResult } from './admin-source.ts'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { alertRoutes } from './alert-routes.ts'
import { auditRoutes } from './audit-routes.ts'
import { cutRoutes } from './cut-routes.ts'
import { drillDeskRoutes } from './drill-desk-routes.ts'
import { streamEvents } from './event-stream.ts'
import { failoverRoutes } from './failover-routes.ts'
import { logRoutes } from './log-routes.ts'
import { eventQuery, noQuery } from './parameters.ts'
import { releaseFaultRoutes } from './release-fault-routes.ts'
import { rolloutRoutes } from './rollout-routes.ts'
import { processRoutes } from './process-routes.ts'
import { replicationRoutes } from './replication-routes.ts'
import { within } from './within.ts'

const reportTimeoutMs = 5_000
const reloadTimeoutMs = 30_000
const streamsMax = 64

/** What every process answers at its admin address, whatever its roles. */
export function nodeRoutes({ source, log }: NodeRoutesOptions): readonly AdminRoute[] {
  let streams = 0
  let reloading: Promise<ReloadResult> | undefined

  return [
    { method: 'GET', url: '/healthz', role: 'open', handle: () => ({ status: 'ok' }) },
    {
      method: 'GET',
      url: '/readyz',
      role: 'open',
      handle() {
        if (source.ready()) return { status: 'ready' }
        throw new ApiError('not-ready', 'starting or draining: send no new requests here')
      },
    },
    {
      method: 'GET',
      url: '/metrics',
      role: 'viewer',
      async handle(_request, reply) {
        reply.type('text/plain; version=0.0.4; charset=utf-8')
        return within(reportTimeoutMs, async () => source.metrics())
      },
    },
    {
      method: 'GET',
      url: '/api/v1/events',
      role: 'viewer',
      handle(request) {
        const events = source.events.list(eventQuery(request.query))
        return { lastSeq: source.events.lastSeq, events }
      },
    },
    {
      method: 'GET',
      url: '/api/v1/events/stream',
      role: 'viewer',
      handle(request, reply) {
        const query = eventQuery(request.query, request.headers['last-event-id'])
        if (streams >= streamsMax) {
          throw new ApiError('too-many-streams', `${streamsMax} readers follow the events already`, {
            hint: 'Read /api/v1/events?after= instead, or close other readers.',
          })
        }
        const raw = reply.hijack({
          'content-type': 'text/event-stream; charset=utf-8',
          'x-accel-buffering': 'no',
        })
        if (request.method === 'HEAD') return raw.end()
        streams++
        raw.on('close', () => streams--)
        return streamEvents(source.events, query, raw)
      },
    },
    {
      method: 'GET',
      url: '/api/v1/config',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return source.config()
      },
    },
    {
      method: 'POST',
      url: '/api/v1/reload',
      role: 'operator',
      async handle(request) {
        log.info({ from: request.ip }, 'reload asked for')
        // Two at once would race for the next snapshot number: whoever comes second shares the first's result.
        reloading ??= source.reload().finally(() => (reloading = undefined))
        const current = reloading
        const { ok, version, problems = [] } = await within(reloadTimeoutMs, () => current)
        if (ok) return { ok, version: version ?? null }
        throw new ApiError('config-refused', 'the new configuration is refused whole; the old one goes on', {
          hint: 'Correct the problems and reload again; budao check shows them too.',
          problems,
        })
      },
    },
    ...failoverRoutes({ source, log }),
    ...auditRoutes({ source, log }),
    ...cutRoutes({ source, log }),
    ...drillDeskRoutes({ source, log }),
    ...processRoutes({ source, log }),
    ...alertRoutes({ source, log }),
    ...rolloutRoutes({ source, log }),
    ...releaseFaultRoutes({ source, log }),
    ...logRoutes({ source, log }),
    ...replicationRoutes({ source }),
    {
      method: 'GET',
      url: '/api/v1/openapi.json',
      role: 'open',
      // Few ask, and it is large.
      handle: async () => (await import('./openapi.ts')).openapi,
    },
  ]
}
