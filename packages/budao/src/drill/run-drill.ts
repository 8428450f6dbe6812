import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillsConfig, GatewayReport } from '@budao/model'
import { CliError } from '../cli-error.ts'
import { abortReason } from './abort-watch.ts'
import { siteEndpoints } from './admin-api.ts'
import type { GatewayWitness } from './admin-api.ts'
import { finishedNote, restoredNote, startedNote, unfinishedNote } from './drill-notes.ts'
import type { DnsQuestion } from './dns-probe.ts'
import { DrillLoads } from './drill-loads.ts'
import { drillReport } from './drill-report.ts'
import type { DrillReport } from './drill-report.ts'
import { Endings } from './endings.ts'
import type { Injected } from './faults/fault.ts'
import { inject } from './faults/inject.ts'
import type { Guard } from './guard.ts'
import { Journal } from './journal.ts'
import { MoveWatch } from './moves.ts'
import { note, noteStart } from './note.ts'
import { mustBeReady, readiness } from './readiness.ts'
import type { ReadinessCheck } from './readiness-check.ts'
import { sameStates, statesOf, whenWhole } from './site-return.ts'
import type { Scenario, Targets } from './scenario.ts'
import { findTargets } from './targets.ts'
import type { TargetNames } from './targets.ts'

export interface DrillOptions {
  readonly scenario: Scenario
  readonly site: string
  /** What is read, through the gateway. */
  readonly url: URL
  /** The Host header. Default the URL's. */
  readonly host?: string
  /** Other gateways that users reach: writes go to them too. */
  readonly others: readonly URL[]
  readonly targets: TargetNames
  readonly rate: number
  /** Load before anything is measured. */
  readonly warmUpMs: number
  readonly durationMs: number
  /** From the start of the load. Less than `durationMs`. */
  readonly faultAfterMs: number
  /** How long the fault lasts where the drill ends it. */
  readonly faultMs: number
  readonly timeoutMs: number
  readonly slowMs: number
  /** How long after the load the site's return is waited for. 0: not at all. */
  readonly returnWithinMs: number
  readonly objectives: DrillReport['objectives']
  readonly drills: Pick<
    DrillsConfig,
    'abort' | 'writes' | 'blockWindows' | 'timezone' | 'dnsServers' | 'failback'
  >
  /** For the journal: where reports are kept, too. */
  readonly folder: string
  /** Of the admin API. */
  readonly token?: string
  /** Who asked for it. */
  readonly by: string
  /** Why the last usable place may be lost; absent: it may not. */
  readonly forceReason?: string
}

/** What a drill needs of the process that runs it. */
export interface DrillTools {
  readonly witness: GatewayWitness
  say(line: string): void
  /** A person wants it to end. */
  readonly stopping: AbortSignal
  startGuard(folder: string, forMs: number, token?: string): Promise<Guard>
  /** Asks for the failback of a unit. Rejects with CliError where it is refused. */
  failback(unit: string, reason: string): Promise<void>
}

const pollMs = 100
const impatientMs = 5_000
const now = (): number => performance.now()

/** What is looked at before a drill, and found out about its targets on the way. */
export async function checkReadiness(
  { witness }: Pick<DrillTools, 'witness'>,
  options: DrillOptions,
): Promise<{ readonly checks: readonly ReadinessCheck[]; readonly report: GatewayReport }> {
  const { scenario, site, folder, drills } = options
  const [report, units] = await Promise.all([witness.status(), witness.units()])
  const journal = new Journal(folder)
  const entry = journal.read()
  const targets = await findTargets(scenario, options.targets, siteEndpoints(report, site), () =>
    witness.leader(),
  ).then(
    (found) => ({ ok: true, text: shownTargets(found), todo: '' }),
    (error: unknown) => {
      if (!(error instanceof CliError)) throw error
      return {
        ok: false,
        text: error.message,
        todo: 'see docs/reference/drills.md, what each scenario needs',
      }
    },
  )
  const left = entry === undefined ? null : { entry, running: journal.isRunning(entry) }
  const checks = readiness({
    scenario,
    site,
    report,
    left,
    drills,
    now: Date.now(),
    units,
    rpoMs: options.objectives.rpoMs,
    targets,
  })
  return { checks, report }
}

/**
 * Breaks something under load, takes it back, and reports what users saw and what the gateway made of it. Rejects with CliError, with
 * nothing broken, when it is not ready, the gateway does not answer well beforehand, or does not let the drill note its start.
 * From the fault on it always resolves or rejects with the fault taken back.
 */
export async function runDrill(tools: DrillTools, options: DrillOptions): Promise<DrillReport> {
  const { witness, say } = tools
  const { scenario, site, forceReason } = options
  const { checks, report: before } = await checkReadiness(tools, options)
  mustBeReady(checks, forceReason)
  const id = drillId(scenario.name, site)
  const question = scenario.hits === 'dns' ? await dnsQuestion(witness, options) : null
  const loads = new DrillLoads(now, options, id, question)
  const watch = new AbortController()
  const moves = new MoveWatch(witness, (unit, reason) => tools.failback(unit, reason))
  let guard: Guard | null = null
  let injected: Injected | null = null
  try {
    guard = await warmUp(tools, options, loads)
    const lastSeq = await witness.lastSeq()
    const counted = await gatewayCounters(witness)
    await noteStart(witness, startedNote(options, id))
    loads.start()
    const startMs = now()
    const endings = new Endings(tools.stopping)
    await endings.wait(options.faultAfterMs)
    await moves.begin()
    const endpoints = siteEndpoints(before, site)
    const fault = scenario.fault(await targetsNow(tools, options, endpoints))
    const killWallMs = Date.now()
    const startedAt = new Date(killWallMs).toISOString()
    new Journal(options.folder).begin({ id, scenario: scenario.name, site, startedAt, fault })
    const killMs = now()
    injected = await inject(fault, options.faultMs, options.token)
    say(`${site}: ${scenario.name} of ${injected.hit.join(', ')}`)
    const stopLooking = endings.lookEvery(pollMs, async () =>
      abortReason(
        options.drills.abort,
        loads.recent(options.drills.abort.over),
        await witness.status().catch(() => null),
      ),
    )
    let restoreMs: number | null = null
    if (scenario.endedBy === 'drill') {
      await endings.wait(options.faultMs)
      await injected.restore()
      restoreMs = now()
      new Journal(options.folder).end()
      say(`${site}: taken back after ${((restoreMs - killMs) / 1000).toFixed(1)} s`)
      await note(witness, restoredNote(options, id, restoreMs - killMs, endings.reason), say)
      stopLooking()
    }
    const mustFall = scenario.endedBy === 'supervisor' && !['controllers', 'leader'].includes(scenario.hits)
    const whole = whenWhole(witness, site, { now, everyMs: pollMs, signal: watch.signal, mustFall })
    await endings.rest(Math.max(0, startMs + options.durationMs - now()))
    stopLooking()
    const dnsSilenceMs = loads.dnsSilenceMs
    const { reads, writes, dns } = await loads.stop()
    const endMs = Math.min(startMs + options.durationMs, now())
    const counters = await afterwards(gatewayCounters(witness), say)
    const backMs = await waitForReturn(whole, watch, options, endings.ended, say)
    if (options.drills.failback && endings.ended === 'completed' && backMs !== null)
      await moves.bringHome(`back after the drill ${id}`, options.returnWithinMs, say)
    await moves.end()
    const after = await afterwards(witness.status(), say)
    const fates = await loads.fates(allEndpoints(before))
    const report = drillReport({
      id,
      scenario,
      site,
      gateway: { node: before.node.name, version: before.version },
      samples: reads,
      writes:
        fates === null ? null : { samples: writes, fates, startMs, endMs, through: loads.writtenThrough },
      dns,
      dnsSilenceMs,
      moves: moves.moves(killWallMs),
      home: options.drills.failback ? moves.home : null,
      away: moves.away ?? [],
      startMs,
      endMs,
      killMs,
      killWallMs,
      hit: injected.hit,
      restoreMs,
      ended: endings.ended,
      endedBecause: endings.reason,
      forceReason: checks.some(({ ready }) => !ready) ? (forceReason ?? null) : null,
      endpoints,
      events: (await afterwards(witness.eventsAfter(lastSeq), say)) ?? [],
      slowMs: options.slowMs,
      longestPauseMs: loads.longestPauseMs,
      retries: counters === null ? null : counters.retries - counted.retries,
      fallbacks: counters === null ? null : counters.fallbacks - counted.fallbacks,
      returnedMs: backMs === null ? null : backMs - killMs,
      returnWithinMs: options.returnWithinMs,
      restored:
        after === null || options.returnWithinMs === 0 ? null : sameStates(statesOf(before), statesOf(after)),
      objectives: options.objectives,
    })
    await note(witness, finishedNote(report), say)
    return report
  } finally {
    watch.abort()
    await injected?.restore()
    if (injected !== null) new Journal(options.folder).end()
    await moves.end()
    guard?.dismiss()
    loads.close()
  }
}

/** Users are served well, and a guard watches where there will be something to take back. Rejects with CliError otherwise. */
async function warmUp(
  { say, stopping, startGuard }: DrillTools,
  { url, rate, drills, scenario, folder, warmUpMs, faultAfterMs, faultMs, token }: DrillOptions,
  loads: DrillLoads,
): Promise<Guard | null> {
  const writing = drills.writes === undefined ? '' : ` and ${drills.writes.rate} writes/s`
  say(`warming up ${url.origin} with ${rate} reads/s${writing}`)
  loads.start()
  const guarding =
    scenario.endedBy === 'drill' ? startGuard(folder, warmUpMs + faultAfterMs + faultMs, token) : null
  await sleep(warmUpMs, undefined, { signal: stopping }).catch(() => {})
  const guard = await guarding
  try {
    await loads.mustHaveAnswered(say)
    if (stopping.aborted) throw new CliError('ended by a person before anything was broken')
    return guard
  } catch (error) {
    guard?.dismiss()
    throw error
  }
}

/** A name that follows the sites, and who is asked for it: the server that will fall silent, and those that are named beside it. */
async function dnsQuestion(witness: GatewayWitness, { drills }: DrillOptions): Promise<DnsQuestion | null> {
  const { names, listening } = await witness.dns()
  const name = names[0]?.name
  return name === undefined ? null : { name, servers: [...listening, ...drills.dnsServers] }
}

function allEndpoints({ services }: GatewayReport): readonly string[] {
  return [...new Set(services.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)))]
}

/** Read anew: a process that was restarted meanwhile has another number. */
async function targetsNow(
  { witness, say, stopping }: DrillTools,
  options: DrillOptions,
  endpoints: readonly string[],
): Promise<Targets> {
  try {
    if (stopping.aborted) throw new CliError('ended by a person before anything was broken')
    return await findTargets(options.scenario, options.targets, endpoints, () => witness.leader())
  } catch (error) {
    if (error instanceof CliError) await note(witness, unfinishedNote(options, error), say)
    throw error
  }
}

function shownTargets({ processes, endpoints, dnsAdmin, nodeAdmin }: Targets): string {
  if (nodeAdmin !== '' && processes.length === 0) return `links of ${nodeAdmin}`
  if (processes.length > 0) return processes.map(({ name, pid }) => `${name} (${pid})`).join(', ')
  return dnsAdmin === '' ? endpoints.join(', ') : `DNS of ${dnsAdmin}`
}

/** What users saw was measured, whatever became of the gateway's admin API: the report says so and goes on. */
async function afterwards<T>(answer: Promise<T>, say: (line: string) => void): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    say(error.message)
    return null
  }
}

async function gatewayCounters(witness: GatewayWitness): Promise<{ retries: number; fallbacks: number }> {
  const { routes } = await witness.status()
  const sum = (key: 'retries' | 'fallbacks'): number => routes.reduce((total, route) => total + route[key], 0)
  return { retries: sum('retries'), fallbacks: sum('fallbacks') }
}

async function waitForReturn(
  returned: Promise<number | null>,
  watch: AbortController,
  { site, returnWithinMs }: DrillOptions,
  ended: DrillReport['ended'],
  say: (line: string) => void,
): Promise<number | null> {
  // A person who wants it to end does not want to wait a minute for that.
  const waitMs = ended === 'interrupted' ? Math.min(returnWithinMs, impatientMs) : returnWithinMs
  const timer = setTimeout(() => watch.abort(), waitMs)
  const notice = setTimeout(() => say(`waiting up to ${waitMs / 1000} s for ${site} to come back`), 500)
  try {
    return await returned
  } finally {
    clearTimeout(timer)
    clearTimeout(notice)
    watch.abort()
  }
}

/** `20261126T225501123Z-hang-east`: sorts by time. */
function drillId(scenario: string, site: string): string {
  return `${new Date().toISOString().replaceAll(/[-:.]/g, '')}-${scenario}-${site}`
}
