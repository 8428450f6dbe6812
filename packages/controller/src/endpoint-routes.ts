import type { DirectoryRefusal, DirectoryResult, GatewayReport } from '@budao/model'
import type { AdminLog, AdminRoute, AdminRoutesOptions } from './admin-routes.ts'
import { ApiError } from './api-error.ts'
import { drainBody, endpointAddress, registrationBody, watchQuery, wishQuery } from './endpoint-parameters.ts'
import { noQuery } from './parameters.ts'
import { EndpointWatch } from './registry/endpoint-watch.ts'
import { within } from './within.ts'

/** Bringing a snapshot into force may take as long as a reload does. */
const applyTimeoutMs = 30_000
const reportTimeoutMs = 5_000
const watchersMax = 64

interface EndpointPath {
  readonly service: string
  readonly address: string
}

/** The part of the API that is about endpoints: who they are, registration with a lease, drains. */
export function endpointRoutes({ source, log }: AdminRoutesOptions): readonly AdminRoute[] {
  const report = (): Promise<GatewayReport> => within(reportTimeoutMs, async () => source.report())
  const watch = new EndpointWatch(report, source.events)

  return [
    {
      method: 'GET',
      url: '/api/v1/services/:service/endpoints',
      role: 'viewer',
      async handle(request) {
        const { service } = request.params as { service: string }
        const { after, waitMs } = watchQuery(request.query)
        if (after !== undefined && watch.size >= watchersMax) {
          throw new ApiError('too-many-streams', `${watchersMax} wait for changes of endpoints already`)
        }
        const gone = new AbortController()
        if (after !== undefined) request.raw.once('close', () => gone.abort())
        const found =
          after === undefined
            ? await watch.list(service)
            : await watch.changed(service, after, waitMs, gone.signal)
        if (found !== undefined) return found
        const { services } = await report()
        throw new ApiError('unknown-service', `there is no service ${JSON.stringify(service)}`, {
          hint: `Known: ${services.map(({ name }) => name).join(', ')}.`,
        })
      },
    },
    {
      method: 'PUT',
      url: '/api/v1/services/:service/endpoints/:address',
      role: 'operator',
      async handle(request, reply) {
        noQuery(request.query)
        const { service, address } = pathOf(request.params)
        const registration = { service, address, ...registrationBody(request.body) }
        const done = answer(await within(applyTimeoutMs, async () => source.registerEndpoint(registration)))
        if (done.effect !== 'unchanged') note(log, request.ip, service, address, 'endpoint registered')
        if (done.effect === 'created') reply.code(201)
        return done
      },
    },
    {
      method: 'DELETE',
      url: '/api/v1/services/:service/endpoints/:address',
      role: 'operator',
      async handle(request) {
        const { service, address } = pathOf(request.params)
        const wish = wishQuery(request.query)
        const done = answer(
          await within(applyTimeoutMs, async () => source.deregisterEndpoint(service, address, wish)),
        )
        note(log, request.ip, service, address, 'endpoint deregistered')
        return done
      },
    },
    {
      method: 'POST',
      url: '/api/v1/services/:service/endpoints/:address/renew',
      role: 'operator',
      async handle(request) {
        noQuery(request.query)
        const { service, address } = pathOf(request.params)
        return answer(await within(reportTimeoutMs, async () => source.renewEndpoint(service, address)))
      },
    },
    {
      method: 'GET',
      url: '/api/v1/drains',
      role: 'viewer',
      async handle(request) {
        noQuery(request.query)
        return { drains: (await within(reportTimeoutMs, async () => source.report())).drains }
      },
    },
    {
      method: 'POST',
      url: '/api/v1/drains',
      role: 'operator',
      async handle(request) {
        noQuery(request.query)
        const { target, undo, reason, force } = drainBody(request.body)
        const done = answer(
          await within(reportTimeoutMs, async () =>
            undo ? source.undrain(target, reason) : source.drain(target, { reason, force }),
          ),
        )
        log.warn({ from: request.ip, ...target, reason, force }, undo ? 'drain undone' : 'drain begun')
        return done
      },
    },
  ]
}

function pathOf(params: unknown): EndpointPath {
  const { service, address } = params as EndpointPath
  return { service, address: endpointAddress(address) }
}

function note(log: AdminLog, from: string, service: string, endpoint: string, what: string): void {
  log.info({ from, service, endpoint }, what)
}

/** The refusals of a gateway are those of the API. */
function answer(result: DirectoryResult): Extract<DirectoryResult, { ok: true }> {
  if (result.ok) return result
  const code: DirectoryRefusal = result.code
  throw new ApiError(code, result.message, result.hint === undefined ? {} : { hint: result.hint })
}
