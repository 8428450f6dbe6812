import type { GatewayReport } from '@budao/model'
import type { AdminLog, AdminRoute } from './admin-route.ts'
import type { AdminSource, NodeSource } from './admin-source.ts'
import { ApiError } from './api-error.ts'
import { cacheRoutes } from './cache-routes.ts'
import { consoleAsset, consoleIndex } from './console-pages.ts'
import type { ConsoleFiles } from './console-pages.ts'
import { dnsRoutes } from './dns-routes.ts'
import { drillRoutes } from './drill-routes.ts'
import { endpointRoutes } from './endpoint-routes.ts'
import { nodeRoutes } from './node-routes.ts'
import { serveRoutes } from './serve-routes.ts'
import { breakerBody, noQuery } from './parameters.ts'
import type { SiteSeries } from './site-series.ts'
import { within } from './within.ts'

export type { AdminLog, AdminRoute } from './admin-route.ts'

export interface AdminRoutesOptions {
  readonly source: AdminSource
  readonly consoleFiles?: ConsoleFiles
  readonly log: AdminLog
  /** Absent: nothing is kept. */
  readonly series?: SiteSeries
}

const reportTimeoutMs = 5_000

/** Everything the admin address answers. The server adds nothing to this list but refusals. */
export function adminRoutes({
  source,
  consoleFiles,
  log,
  series,
}: AdminRoutesOptions): readonly AdminRoute[] {
  const report = (): Promise<GatewayReport> => within(reportTimeoutMs, async () => source.report())

  return [
    ...nodeRoutes({ source, log }),
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
      method: 'GET',
      url: '/api/v1/series',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return series?.report() ?? { stepMs: 0, at: 0, sites: [] }
      },
    },
    ...drillRoutes({ source, log }),
    ...endpointRoutes({ source, log }),
    ...cacheRoutes({ source, log }),
    ...dnsRoutes({ source, log }),
    ...serveRoutes({ source, log }),
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

/** The same of a process that may have no gateway. */
export function routesOf(
  options: Omit<AdminRoutesOptions, 'source'> & { readonly source: AdminSource | NodeSource },
): readonly AdminRoute[] {
  const { source } = options
  return 'report' in source ? adminRoutes({ ...options, source }) : nodeRoutes({ source, log: options.log })
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

function known(names: readonly string[]): { hint: string } {
  const shown = names.slice(0, 10).join(', ')
  return { hint: `Known: ${shown === '' ? 'none' : shown}${names.length > 10 ? ', …' : ''}.` }
}
