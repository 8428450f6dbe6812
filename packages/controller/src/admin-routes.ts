import type { FastifyReply, FastifyRequest } from 'fastify'
import type { EventDraft, GatewayReport } from '@budao/model'
import type { Role } from './access.ts'
import type { AdminSource, DrillNote, ReloadResult } from './admin-source.ts'
import { ApiError } from './api-error.ts'
import { auditRoutes } from './audit-routes.ts'
import { cacheRoutes } from './cache-routes.ts'
import { consoleAsset, consoleIndex } from './console-pages.ts'
import type { ConsoleFiles } from './console-pages.ts'
import { dnsRoutes } from './dns-routes.ts'
import { endpointRoutes } from './endpoint-routes.ts'
import { failoverRoutes } from './failover-routes.ts'
import { streamEvents } from './event-stream.ts'
import { openapi } from './openapi.ts'
import { serveRoutes } from './serve-routes.ts'
import { eventQuery, breakerBody, drillBody, noQuery } from './parameters.ts'
import { within } from './within.ts'

export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** In the router's notation, `:name` for a parameter. */
  readonly url: string
  readonly role: Role
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => unknown
}

/** Carries the audit trail of changes, and failures. A pino logger is one. */
export interface AdminLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface AdminRoutesOptions {
  readonly source: AdminSource
  readonly consoleFiles?: ConsoleFiles
  readonly log: AdminLog
}

const reportTimeoutMs = 5_000
const reloadTimeoutMs = 30_000
const streamsMax = 64

/** Everything the admin address answers. The server adds nothing to this list but refusals. */
export function adminRoutes({ source, consoleFiles, log }: AdminRoutesOptions): readonly AdminRoute[] {
  let streams = 0
  let reloading: Promise<ReloadResult> | undefined

  const report = (): Promise<GatewayReport> => within(reportTimeoutMs, async () => source.report())

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
      url: '/api/v1/status',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return report()
      },
    },
    {
      method: 'GET',
      url: '/api/v1/services',
      role: 'viewer',
      async handle(request) {
        noQuery(request.query)
        return { services: (await report()).services }
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
        reply.hijack()
        const { raw } = reply
        raw.writeHead(200, {
          ...(reply.getHeaders() as Record<string, string>),
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
    {
      method: 'POST',
      url: '/api/v1/services/:service/breaker',
      role: 'operator',
      async handle(request) {
        const wanted = {
          service: (request.params as { service: string }).service,
          ...breakerBody(request.body),
        }
        mustExist(await report(), wanted)
        log.warn({ from: request.ip, ...wanted }, 'breaker forced')
        await within(reportTimeoutMs, async () => source.forceBreaker(wanted))
        return { ok: true, service: wanted.service, endpoint: wanted.endpoint ?? null, to: wanted.to }
      },
    },
    {
      method: 'POST',
      url: '/api/v1/drills',
      role: 'operator',
      async handle(request) {
        const note = drillBody(request.body)
        const sites = (await report()).sites.map(({ name }) => name)
        if (!sites.includes(note.site)) {
          throw new ApiError('unknown-site', `there is no site ${JSON.stringify(note.site)}`, known(sites))
        }
        log.info({ from: request.ip, site: note.site }, `drill ${note.phase}`)
        const event = drillEvent(note)
        source.record(event)
        return { ok: true, kind: event.kind }
      },
    },
    ...endpointRoutes({ source, log }),
    ...cacheRoutes({ source, log }),
    ...dnsRoutes({ source }),
    ...failoverRoutes({ source, log }),
    ...auditRoutes({ source, log }),
    ...serveRoutes({ source, log }),
    { method: 'GET', url: '/api/v1/openapi.json', role: 'open', handle: () => openapi },
    {
      method: 'GET',
      url: '/',
      role: 'open',
      async handle(_request, reply) {
        const { type, body } = await consoleIndex(consoleFiles)
        reply.type(type)
        return body
      },
    },
    {
      method: 'GET',
      url: '/assets/:name',
      role: 'open',
      async handle(request, reply) {
        const { type, body } = await consoleAsset(consoleFiles, (request.params as { name: string }).name)
        reply.type(type)
        return body
      },
    },
  ]
}

function mustExist(
  report: GatewayReport,
  { service, endpoint }: { service: string; endpoint?: string },
): void {
  const found = report.services.find(({ name }) => name === service)
  if (found === undefined) {
    const names = report.services.map(({ name }) => name)
    throw new ApiError('unknown-service', `there is no service ${JSON.stringify(service)}`, known(names))
  }
  if (endpoint !== undefined && !found.endpoints.some(({ address }) => address === endpoint)) {
    const addresses = found.endpoints.map(({ address }) => address)
    throw new ApiError(
      'unknown-endpoint',
      `${service} has no endpoint ${JSON.stringify(endpoint)}`,
      known(addresses),
    )
  }
}

/** A reason goes with the evidence, where readers of events look for why. */
function drillEvent({ phase, site, message, reason, evidence }: DrillNote): EventDraft {
  return {
    kind: `drill.${phase}`,
    severity: phase === 'started' ? 'warning' : 'info',
    subject: site,
    site,
    message,
    evidence: reason === undefined ? evidence : { ...evidence, reason },
  }
}

function known(names: readonly string[]): { hint: string } {
  const shown = names.slice(0, 10).join(', ')
  return { hint: `Known: ${shown === '' ? 'none' : shown}${names.length > 10 ? ', …' : ''}.` }
}
