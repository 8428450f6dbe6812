import { drillScenarios } from '@budao/model'
import type { DrillWish } from '@budao/model'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import type { DrillDesk } from './admin-source.ts'
import { ApiError } from './api-error.ts'
import { badParameter, noQuery, object, onlyKeys, show, text } from './parameters.ts'
import { within } from './within.ts'

/** Looking takes a process of its own. */
const checkTimeoutMs = 30_000
const timeMsMax = 600_000
const rateMax = 20_000
/** After the fault, so that one sees whether users recover. */
const aroundFaultMs = 7_000

/** The part of the API that is about drills: what is planned, what was run, one that is begun, watched and ended from here. */
export function drillDeskRoutes({ source, log }: NodeRoutesOptions): readonly AdminRoute[] {
  const desk = (): DrillDesk => source.drills?.() ?? off()
  return [
    {
      method: 'GET',
      url: '/api/v1/drills',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return desk().overview()
      },
    },
    {
      method: 'GET',
      url: '/api/v1/drills/:id',
      role: 'viewer',
      handle(request, reply) {
        noQuery(request.query)
        const { id } = request.params as { id: string }
        reply.type('application/json; charset=utf-8')
        return desk().report(id) ?? unknown(id)
      },
    },
    {
      method: 'GET',
      url: '/api/v1/drills/:id/page',
      role: 'viewer',
      handle(request, reply) {
        noQuery(request.query)
        const { id } = request.params as { id: string }
        const page = desk().page(id) ?? unknown(id)
        // The page needs its own script and style and nothing else, and may not speak for whoever reads it.
        reply.header(
          'content-security-policy',
          "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
        )
        reply.type('text/html; charset=utf-8')
        return page
      },
    },
    {
      method: 'POST',
      url: '/api/v1/drills/start',
      role: 'operator',
      async handle(request, reply) {
        const { wish, dryRun, confirm } = startBody(request.body)
        const asked = desk()
        if (dryRun) return { started: false, ...(await within(checkTimeoutMs, () => asked.check(wish))) }
        if (confirm !== wish.site)
          throw badParameter(
            `confirm must be the name of the site, ${show(wish.site)}, got ${show(confirm)}`,
            'It says that whoever is on call knows.',
          )
        log.warn({ from: request.ip, ...wish }, 'drill asked for')
        if (!asked.start(wish))
          throw new ApiError('drill-running', 'another drill that was begun here still runs', {
            hint: 'Wait until it has ended, or end it: POST /api/v1/drills/abort.',
          })
        reply.code(202)
        return { started: true }
      },
    },
    {
      method: 'POST',
      url: '/api/v1/drills/abort',
      role: 'operator',
      handle(request) {
        const given = object('the body', request.body, 'For example {"reason": "…"}.')
        onlyKeys(given, ['by', 'reason'], 'key')
        const reason = text('reason', given['reason'])
        const by = given['by'] === undefined ? 'operator' : text('by', given['by'])
        log.warn({ from: request.ip, by, reason }, 'drill ended by a person')
        return { ok: true, running: desk().abort() }
      },
    },
  ]
}

function startBody(body: unknown): { wish: DrillWish; dryRun: boolean; confirm: unknown } {
  const given = object('the body', body, 'For example {"scenario": "hang", "site": "east"}.')
  const keys = [
    'scenario',
    'site',
    'faultFor',
    'duration',
    'rate',
    'path',
    'by',
    'force',
    'dryRun',
    'confirm',
  ]
  onlyKeys(given, keys, 'key')
  const scenario = drillScenarios.find((name) => name === given['scenario'])
  if (scenario === undefined)
    throw badParameter(`scenario must be one of ${drillScenarios.join(', ')}, got ${show(given['scenario'])}`)
  const { dryRun = true, path = '/', force, confirm } = given
  if (typeof dryRun !== 'boolean') throw badParameter(`dryRun must be true or false, got ${show(dryRun)}`)
  if (typeof path !== 'string' || !/^\/(?!\/)[^\s#]{0,2000}$/.test(path))
    throw badParameter(`path must be a path that starts with one /, got ${show(path)}`)
  const faultFor = number('faultFor', given['faultFor'], 6_000, 100, timeMsMax)
  const wish = {
    scenario,
    site: text('site', given['site']),
    faultFor,
    duration: number('duration', given['duration'], faultFor + 9_000, faultFor + aroundFaultMs, timeMsMax),
    rate: number('rate', given['rate'], 50, 1, rateMax),
    path,
    by: given['by'] === undefined ? 'operator' : text('by', given['by']),
    ...(force === undefined ? {} : { force: text('force', force) }),
  }
  return { wish, dryRun, confirm }
}

function number(name: string, value: unknown, otherwise: number, min: number, max: number): number {
  if (value === undefined) return otherwise
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw badParameter(`${name} must be a whole number from ${min} to ${max}, got ${show(value)}`)
}

function unknown(id: string): never {
  throw new ApiError('unknown-drill', `there is no report of a drill ${show(id)}`)
}

function off(): never {
  throw new ApiError('drills-off', 'this process knows of no drills', {
    hint: 'Ask a gateway, or a controller.',
  })
}
