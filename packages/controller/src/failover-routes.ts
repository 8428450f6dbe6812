import type { Explanation, SiteDrainResult, UnitReport, WishResult } from '@budao/model'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { destinationOf } from './failover/destination.ts'
import type { FailoverDesk } from './failover-desk.ts'
import { acknowledgeBody, automationBody, moveBody, siteDrainBody } from './failover-parameters.ts'
import { badParameter, noQuery } from './parameters.ts'
import { within } from './within.ts'

const wishTimeoutMs = 5_000
/** A move that has not begun by then is said to be queued: fifty may wait their turn. */
const beginsMs = 3_000
const namesMax = 10

/** The part of the API that is about failover: units, moves, drains of sites, nodes. */
export function failoverRoutes({ source, log }: NodeRoutesOptions): readonly AdminRoute[] {
  const desk = (): FailoverDesk => source.failover?.() ?? off()

  return [
    {
      method: 'GET',
      url: '/api/v1/failover',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        const asked = desk()
        return {
          leader: asked.nodes().leader,
          units: asked.reports(),
          drains: asked.drains(),
          watched: asked.watched(),
        }
      },
    },
    {
      method: 'GET',
      url: '/api/v1/failover/nodes',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return desk().nodes()
      },
    },
    {
      method: 'GET',
      url: '/api/v1/failover/units/:unit',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return unitOf(desk(), request.params)
      },
    },
    {
      method: 'POST',
      url: '/api/v1/failover/units/:unit/move',
      role: 'operator',
      async handle(request, reply) {
        const asked = desk()
        const report = unitOf(asked, request.params)
        const { unit } = report
        const { to, ...wanted } = moveBody(request.body)
        // Where it may go is for whoever leads to say.
        if (to === null && !report.leads) throw notLeader(asked, unit)
        const wish = { unit, ...wanted, to: to ?? destinationOf(report, wanted.kind) ?? nowhere(report) }
        if (!report.sites.includes(wish.to)) throw unknownSite(wish.to, report.sites)
        log.warn({ from: request.ip, ...wish }, 'move asked for')
        const result = await begun(asked, unit, asked.move(wish))
        reply.code(202)
        return { ...taken(asked, result), unit, to: wish.to }
      },
    },
    {
      method: 'POST',
      url: '/api/v1/failover/units/:unit/acknowledge',
      role: 'operator',
      async handle(request) {
        const asked = desk()
        const { unit } = unitOf(asked, request.params)
        const wish = { unit, ...acknowledgeBody(request.body) }
        log.info({ from: request.ip, ...wish }, 'failover acknowledged')
        return taken(asked, await within(wishTimeoutMs, () => asked.acknowledge(wish)))
      },
    },
    {
      method: 'POST',
      url: '/api/v1/failover/automation',
      role: 'operator',
      async handle(request) {
        const asked = desk()
        const change = automationBody(request.body)
        const { scope } = change
        const all = asked.reports()
        if (scope !== 'all' && 'unit' in scope) unitOf(asked, scope)
        else if (scope !== 'all' && !all.some(({ service }) => service === scope.service)) {
          throw new ApiError('unknown-service', `no unit belongs to ${JSON.stringify(scope.service)}`, {
            hint: known(all.map(({ service }) => service)),
          })
        }
        log.warn({ from: request.ip, ...change }, 'automation changed')
        return taken(asked, await within(wishTimeoutMs, () => asked.setAutomation(change)))
      },
    },
    {
      method: 'GET',
      url: '/api/v1/failover/drains',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return { drains: desk().drains() }
      },
    },
    {
      method: 'POST',
      url: '/api/v1/failover/drains',
      role: 'operator',
      async handle(request, reply) {
        const asked = desk()
        const { undo, ...wish } = siteDrainBody(request.body)
        const { site, force } = wish
        if (undo && force) throw badParameter('force goes with a drain, not with undo')
        const all = sitesOf(asked)
        if (!all.includes(site)) throw unknownSite(site, all)
        log.warn({ from: request.ip, ...wish }, undo ? 'site let in again' : 'site drain asked for')
        if (undo) return taken(asked, await within(wishTimeoutMs, () => asked.undrainSite(wish)))
        const result = await within(wishTimeoutMs, () => asked.drainSite(wish))
        if (!result.ok) throw drainRefusal(asked, result)
        reply.code(202)
        return result
      },
    },
  ]
}

/** The result, or that it waits for its turn. */
async function begun(desk: FailoverDesk, unit: string, result: Promise<WishResult>): Promise<WishResult> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<WishResult | null>((resolve) => {
    timer = setTimeout(() => {
      const why = desk.reports().find((report) => report.unit === unit)?.why
      resolve(why?.code === 'queued' ? { ok: true, why, runId: null } : null)
    }, beginsMs)
  })
  try {
    return (await Promise.race([result, late])) ?? (await within(wishTimeoutMs - beginsMs, () => result))
  } finally {
    clearTimeout(timer)
  }
}

/** A refusal of the desk is one of the API. */
function taken(desk: FailoverDesk, { ok, why, runId }: WishResult): object {
  if (ok) return { ok, runId, why }
  throw refusal(desk, why)
}

function notLeader(desk: FailoverDesk, unit: string): ApiError {
  return refusal(desk, { code: 'not-leader', unit, message: 'another controller leads', evidence: {} })
}

function refusal(desk: FailoverDesk, why: Explanation, more: object = {}): ApiError {
  if (why.code !== 'not-leader') return new ApiError('wish-refused', why.message, { why, ...more })
  const { leader } = desk.nodes()
  const hint =
    leader === null
      ? 'Nobody leads at this moment: ask again in two seconds, and look at GET /api/v1/failover/nodes.'
      : `Ask ${leader.node}${leader.admin === null ? '' : ` at ${leader.admin}`}: it leads.`
  return new ApiError('not-leader', why.message, { hint, why, leader })
}

function drainRefusal(
  desk: FailoverDesk,
  { why, refused }: Extract<SiteDrainResult, { ok: false }>,
): ApiError {
  const hint = 'Bring another site up first, or insist with force: true.'
  return refusal(desk, why, { refused, ...(refused.length > 0 ? { hint } : {}) })
}

function unitOf(desk: FailoverDesk, params: unknown): UnitReport {
  const { unit } = params as { unit: string }
  const reports = desk.reports()
  const found = reports.find((report) => report.unit === unit)
  if (found !== undefined) return found
  throw new ApiError('unknown-unit', `there is no unit ${JSON.stringify(unit.slice(0, 100))}`, {
    hint: known(reports.map((report) => report.unit)),
  })
}

function sitesOf(desk: FailoverDesk): readonly string[] {
  const ofNodes = desk.nodes().nodes.flatMap(({ site }) => site ?? [])
  return [...new Set([...desk.reports().flatMap(({ sites }) => sites), ...ofNodes])]
}

function unknownSite(site: string, sites: readonly string[]): ApiError {
  return new ApiError('unknown-site', `there is no site ${JSON.stringify(site.slice(0, 100))} here`, {
    hint: known(sites),
  })
}

/** Nobody said where, and the rules find nothing. */
function nowhere({ unit, owner, sites, verdicts }: UnitReport): never {
  const stands = sites.map((site) => {
    const state = verdicts.find((verdict) => verdict.site === site)?.state ?? 'unknown'
    return `${site} ${site === owner ? 'has it' : `is ${state}`}`
  })
  const message = `no site to move ${unit} to: ${stands.join(', ')}`
  throw new ApiError('wish-refused', message, {
    why: { code: 'no-target', unit, message, evidence: {} },
    hint: 'Name one with to.',
  })
}

function known(names: readonly string[]): string {
  const all = [...new Set(names)]
  if (all.length === 0) return 'None is known: no service has a failover section.'
  return `Known: ${all.slice(0, namesMax).join(', ')}${all.length > namesMax ? ', …' : ''}.`
}

function off(): never {
  throw new ApiError('failover-off', 'this process decides nothing about failover', {
    hint: 'Ask a controller: one started by budao controller, or a gateway with control.controller: true.',
  })
}
