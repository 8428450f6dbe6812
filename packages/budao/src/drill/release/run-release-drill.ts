import { setTimeout as sleep } from 'node:timers/promises'
import type { BudaoEvent, NodesReport, RolloutReport } from '@budao/model'
import type { ReleaseFaultKind } from '@budao/controller'
import { CliError } from '../../cli-error.ts'
import { AdminApi, AdminRefusal } from '../admin-api.ts'
import { mendRelease, spoilRelease, type BadRelease } from '../faults/bad-release.ts'
import type { Guard } from '../guard.ts'
import { Journal } from '../journal.ts'
import { Load } from '../load.ts'
import { isFailure } from '../measures.ts'
import { noteStart, note } from '../note.ts'
import { releaseDrillReport, type GatewayWayBack, type ReleaseDrillReport } from './release-report.ts'
import { userRequests, type ReleaseRoute } from './release-users.ts'

export interface ReleaseDrillOptions {
  readonly rollout: string
  readonly kind: ReleaseFaultKind
  /** Where users come in. */
  readonly url: URL
  readonly route: ReleaseRoute
  readonly rate: number
  /** From the start of the rollout to the decision at most. */
  readonly limitMs: number
  readonly folder: string
  readonly admin: string
  readonly token?: string
  readonly by: string
  readonly forceReason?: string
}

export interface ReleaseDrillTools {
  say(line: string): void
  readonly stopping: AbortSignal
  startGuard(folder: string, forMs: number, token?: string): Promise<Guard>
}

const warmUpMs = 2_000
const afterMs = 2_000
const pollMs = 100
/** A gateway that still gives it something so long after is reported as such. */
const zeroWaitMs = 15_000

/** Rolls a release out that gateways make a bad one, and measures how it goes back. Whatever happens, it has no users at the end. */
export async function runReleaseDrill(
  { say, stopping, startGuard }: ReleaseDrillTools,
  options: ReleaseDrillOptions,
): Promise<ReleaseDrillReport> {
  const { rollout, kind, url, route, rate, limitMs, folder, admin, token, by } = options
  const api = new AdminApi(admin, token)
  const path = `/api/v1/rollouts/${encodeURIComponent(rollout)}`
  const read = (): Promise<RolloutReport> => api.read<RolloutReport>(path)
  const { node, version } = await api.status()
  const site = node.site
  const gateways = await gatewaysOf(api, node.name, admin)
  const before = await read()
  const at = new Date()
  const id = `${at.toISOString().replaceAll(/[-:.]/g, '')}-bad-release-${rollout}`
  const load = new Load(() => performance.now(), { url, rate, request: userRequests(route) })
  const fault: BadRelease = { kind: 'bad-release', admin, rollout }
  const journal = new Journal(folder)
  let guard: Guard | null = null
  let begun = false
  try {
    say(`warming up ${url.origin} with ${rate} requests/s of users`)
    load.start()
    guard = await startGuard(folder, warmUpMs + limitMs + zeroWaitMs + afterMs, token)
    await sleep(warmUpMs, undefined, { signal: stopping }).catch(() => {})
    mustBeServed(load, route.path)
    if (stopping.aborted) throw new CliError('ended by a person before anything was broken')
    await noteStart(api, {
      phase: 'started',
      site,
      message: `A drill (bad-release, ${kind}) of rollout ${rollout} is about to begin under ${rate} requests/s.`,
      ...(options.forceReason === undefined ? {} : { reason: options.forceReason }),
      evidence: { id, scenario: 'bad-release', kind, by, rate },
    })
    const lastSeq = await api.lastSeq()
    journal.begin({ id, scenario: 'bad-release', site, startedAt: at.toISOString(), fault })
    begun = true
    const startMs = performance.now()
    await spoilRelease(fault, kind, limitMs + zeroWaitMs, token)
    await api.change(path, {
      action: before.phase === 'aborted' ? 'retry' : 'start',
      by,
      reason: `a drill: ${kind}`,
    })
    say(`${rollout}: started, a release with the flaw ${kind}`)
    let first: number | null = null
    const zeroAt = new Map<string, number>()
    let report = await read()
    let decidedAt: number | null = null
    for (;;) {
      const readings = await Promise.all(gateways.map((gateway) => shareOf(gateway, rollout, token)))
      report = await read().catch(() => report)
      const now = Date.now()
      if (first === null && (report.verdict?.numbers['canaryRequests'] ?? 0) > 0) first = now
      if (report.phase === 'aborted') {
        decidedAt ??= now
        for (const [index, gateway] of gateways.entries())
          if (readings[index] === 0 && !zeroAt.has(gateway.node)) zeroAt.set(gateway.node, now)
        if (zeroAt.size === gateways.length || now - decidedAt > zeroWaitMs) break
      }
      if (stopping.aborted || report.phase === 'promoted') break
      if (performance.now() - startMs > limitMs && decidedAt === null) break
      await sleep(pollMs)
    }
    const decided = report.phase === 'aborted'
    say(decided ? `${rollout}: sent back: ${report.why}` : `${rollout}: not sent back`)
    await mendRelease(fault, token)
    journal.end()
    begun = false
    await sleep(afterMs, undefined, { signal: stopping }).catch(() => {})
    const samples = await load.stop()
    const durationMs = performance.now() - startMs
    const events = await rolloutEvents(gateways, lastSeq, api, rollout, at.getTime())
    const startedAt = events.find(({ kind: what }) => what === 'rollout.started')
    const abortedAt = events.find(({ kind: what }) => what === 'rollout.aborted')
    const decisionMs = abortedAt === undefined ? decidedAt : Date.parse(abortedAt.at)
    const wayBack: GatewayWayBack[] = gateways.map(({ node: name }) => ({
      node: name,
      zeroAfterMs:
        zeroAt.has(name) && decisionMs !== null ? Math.max(0, zeroAt.get(name)! - decisionMs) : null,
    }))
    const latencies = samples
      .filter(({ outcome }) => !isFailure({ outcome }))
      .map(({ dueMs, endMs }) => endMs - dueMs)
      .toSorted((a, b) => a - b)
    const since = (from: number | null): number | null =>
      from === null || decisionMs === null ? null : Math.max(0, Math.round(decisionMs - from))
    const after = await read().catch(() => null)
    const number = (name: string): number => report.verdict?.numbers[name] ?? 0
    const result = releaseDrillReport({
      id,
      at: at.toISOString(),
      site,
      rollout,
      release: report.release,
      kind,
      gateway: { node: node.name, version },
      rate,
      durationMs: Math.round(durationMs),
      wayBack,
      requests: {
        sent: samples.length,
        failed: samples.filter(({ outcome }) => isFailure({ outcome })).length,
        p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? null,
      },
      canaryRequests: number('canaryRequests'),
      canaryErrors: number('canaryErrors'),
      startToDecisionMs: since(startedAt === undefined ? null : Date.parse(startedAt.at)),
      firstToDecisionMs: since(first),
      decision: decided ? { why: report.why, verdict: report.verdict } : null,
      longestPauseMs: Math.round(load.longestPauseMs),
      endedBecause: stopping.aborted ? 'ended by a person' : null,
      notices: events.filter(({ kind: what }) => what === 'rollout.aborted').length,
      limitMs,
      restored: after?.phase === 'aborted' && after.basisPoints === 0,
      interrupted: stopping.aborted,
    })
    await note(
      api,
      {
        phase: 'finished',
        site,
        message: `The drill (bad-release, ${kind}) of rollout ${rollout}: ${result.verdict}.`,
        evidence: { id, scenario: 'bad-release', kind, verdict: result.verdict },
      },
      say,
    )
    return result
  } finally {
    if (begun) {
      await mendRelease(fault, token)
      journal.end()
    }
    guard?.dismiss()
    load.close()
  }
}

interface AskedGateway {
  readonly node: string
  readonly api: AdminApi
  readonly admin: string
}

/** This one, and those that nodes of `control` know: each has to give the release nothing. */
async function gatewaysOf(api: AdminApi, self: string, admin: string): Promise<readonly AskedGateway[]> {
  const own = { node: self, api, admin }
  try {
    const { nodes } = await api.read<NodesReport>('/api/v1/failover/nodes')
    const others = nodes.flatMap(({ node, admin: url }) =>
      url === null || node === self ? [] : [{ node, api: api.at(url), admin: url }],
    )
    const rolling = await Promise.all(
      others.map((other) =>
        other.api.read('/api/v1/rollouts').then(
          () => true,
          () => false,
        ),
      ),
    )
    return [own, ...others.filter((_, index) => rolling[index])]
  } catch (error) {
    if (error instanceof AdminRefusal) return [own]
    throw error
  }
}

/** What a gateway gives the release now, 0 to 1; null: it does not say. */
async function shareOf({ admin }: AskedGateway, rollout: string, token?: string): Promise<number | null> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  const text = await fetch(`${admin}/metrics`, { headers, signal: AbortSignal.timeout(2_000) }).then(
    (answer) => answer.text(),
    () => '',
  )
  const line = text.split('\n').find((each) => each.startsWith(`budao_rollout_share{rollout="${rollout}"}`))
  return line === undefined ? null : Number(line.split(' ').at(-1))
}

/** Whoever decided tells of it, and nobody else does. */
async function rolloutEvents(
  gateways: readonly AskedGateway[],
  lastSeq: number,
  own: AdminApi,
  rollout: string,
  since: number,
): Promise<readonly BudaoEvent[]> {
  const all = await Promise.all(
    gateways.map(async ({ api }) => {
      const events = api === own ? await own.eventsAfter(lastSeq) : await recent(api)
      return events.filter(({ subject, at }) => subject === rollout && Date.parse(at) >= since - 1_000)
    }),
  )
  return all.flat().filter(({ kind }) => kind.startsWith('rollout.'))
}

async function recent(api: AdminApi): Promise<readonly BudaoEvent[]> {
  const path = '/api/v1/events?kind=rollout.*&limit=100'
  return api.read<{ events: BudaoEvent[] }>(path).then(
    ({ events }) => events,
    () => [],
  )
}

function mustBeServed(load: Load, path: string): void {
  const samples = load.since(0)
  const failed = samples.filter(({ outcome }) => isFailure({ outcome }))
  if (samples.length > 0 && failed.length === 0) return
  const what = samples.length === 0 ? 'nothing was answered' : failed[0]!.outcome
  throw new CliError(
    `before the drill GET ${path} is not served well (${what}): name by --path what users ask for; nothing was broken`,
  )
}
