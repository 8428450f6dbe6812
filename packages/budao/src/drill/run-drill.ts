import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillsConfig, GatewayReport } from '@budao/model'
import { CliError } from '../cli-error.ts'
import { abortReason } from './abort-watch.ts'
import { siteEndpoints } from './admin-api.ts'
import type { GatewayWitness } from './admin-api.ts'
import { finishedNote, restoredNote, startedNote, unfinishedNote } from './drill-notes.ts'
import { drillReport } from './drill-report.ts'
import type { DrillReport } from './drill-report.ts'
import { Endings } from './endings.ts'
import type { Injected } from './faults/fault.ts'
import { inject } from './faults/inject.ts'
import type { Guard } from './guard.ts'
import { Journal } from './journal.ts'
import { Load } from './load.ts'
import { note, noteStart } from './note.ts'
import { mustBeReady, readiness } from './readiness.ts'
import type { ReadinessCheck } from './readiness.ts'
import { sameStates, statesOf, whenWhole } from './site-return.ts'
import type { Scenario, Targets } from './scenario.ts'
import { findTargets } from './targets.ts'
import type { TargetNames } from './targets.ts'
import { Writes } from './writes.ts'

export interface DrillOptions {
  readonly scenario: Scenario
  readonly site: string
  /** What is read, through the gateway. */
  readonly url: URL
  /** The Host header. Default the URL's. */
  readonly host?: string
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
  readonly drills: Pick<DrillsConfig, 'abort' | 'writes' | 'blockWindows' | 'timezone'>
  /** For the journal: where reports are kept, too. */
  readonly folder: string
  /** Of the admin API. */
  readonly token?: string
  /** Why the last usable place may be lost; absent: it may not. */
  readonly forceReason?: string
}

/** What a drill needs of the process that runs it. */
export interface DrillTools {
  readonly witness: GatewayWitness
  say(line: string): void
  /** A person wants it to end. */
  readonly stopping: AbortSignal
  startGuard(folder: string, forMs: number): Promise<Guard>
}

const pollMs = 100
const now = (): number => performance.now()

/** What is looked at before a drill, and found out about its targets on the way. */
export async function checkReadiness(
  { witness }: Pick<DrillTools, 'witness'>,
  options: DrillOptions,
): Promise<{ readonly checks: readonly ReadinessCheck[]; readonly report: GatewayReport }> {
  const { scenario, site, folder, drills } = options
  const [report, moving] = await Promise.all([witness.status(), witness.unitsOnTheMove()])
  const journal = new Journal(folder)
  const entry = journal.read()
  const targets = await findTargets(scenario, options.targets, siteEndpoints(report, site)).then(
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
  const checks = readiness({ scenario, site, report, left, drills, now: Date.now(), moving, targets })
  return { checks, report }
}

/**
 * Breaks something under load, takes it back, and reports what users saw and what the gateway made of it. Rejects with CliError, with
 * nothing broken, when it is not ready, the gateway does not answer well beforehand, or does not let the drill note its start.
 * From the fault on it always resolves or rejects with the fault taken back.
 */
export async function runDrill(tools: DrillTools, options: DrillOptions): Promise<DrillReport> {
  const { witness, say } = tools
  const { scenario, site, url, rate, forceReason } = options
  const { checks, report: before } = await checkReadiness(tools, options)
  mustBeReady(checks, forceReason)
  const forced = checks.some(({ ready }) => !ready) ? (forceReason ?? null) : null
  const endpoints = siteEndpoints(before, site)
  const id = drillId(scenario.name, site)
  const host = options.host === undefined ? {} : { host: options.host }
  const { drills } = options
  const reads = new Load(now, { url, rate, timeoutMs: options.timeoutMs, ...host })
  const writes = drills.writes === undefined ? null : new Writes(drills.writes, id, url, options.host)
  const writeLoad =
    writes === null
      ? null
      : new Load(now, {
          url: writes.url,
          rate: drills.writes!.rate,
          timeoutMs: options.timeoutMs,
          ...host,
          request: (dueMs) => writes.request(dueMs),
        })
  const loads = writeLoad === null ? [reads] : [reads, writeLoad]
  const journal = new Journal(options.folder)
  const watch = new AbortController()
  let guard: Guard | null = null
  let injected: Injected | null = null
  try {
    say(
      `warming up ${url.origin} with ${rate} reads/s${writes === null ? '' : ` and ${drills.writes!.rate} writes/s`}`,
    )
    for (const load of loads) load.start()
    const guarding =
      scenario.endedBy === 'drill'
        ? tools.startGuard(options.folder, options.warmUpMs + options.faultAfterMs + options.faultMs)
        : null
    await sleep(options.warmUpMs, undefined, { signal: tools.stopping }).catch(() => {})
    guard = await guarding
    mustAnswer(await reads.stop(), `GET ${url.href}`)
    if (writeLoad !== null) mustAnswer(await writeLoad.stop(), `${drills.writes!.method} ${writes!.url.href}`)
    if (tools.stopping.aborted) throw new CliError('ended by a person before anything was broken')

    const lastSeq = await witness.lastSeq()
    const counted = await gatewayCounters(witness)
    await noteStart(witness, startedNote(options, id))
    for (const load of loads) load.start()
    const startMs = now()
    const endings = new Endings(tools.stopping)
    await endings.wait(options.faultAfterMs)
    const targets = await findTargetsAgain(tools, options, endpoints)
    if (tools.stopping.aborted) {
      await note(witness, unfinishedNote(options, new CliError('ended by a person')), say)
      throw new CliError('ended by a person before anything was broken')
    }
    const fault = scenario.fault(targets)
    const killWallMs = Date.now()
    journal.begin({ id, scenario: scenario.name, site, startedAt: new Date(killWallMs).toISOString(), fault })
    const killMs = now()
    injected = await inject(fault, options.faultMs, options.token)
    say(`${site}: ${scenario.name} of ${injected.hit.join(', ')}`)
    const stopLooking = endings.lookEvery(pollMs, async () => {
      const sinceMs = now() - drills.abort.over
      const recent = loads.map((load) => ({
        ended: load.since(sinceMs),
        overdue: load.overdue(now() - overdueMs),
      }))
      return abortReason(drills.abort, recent, await witness.status().catch(() => null))
    })

    let restoreMs: number | null = null
    if (scenario.endedBy === 'drill') {
      await endings.wait(options.faultMs)
      await injected.restore()
      restoreMs = now()
      journal.end()
      guard?.dismiss()
      say(`${site}: taken back after ${((restoreMs - killMs) / 1000).toFixed(1)} s`)
      await note(witness, restoredNote(options, id, restoreMs - killMs, endings.reason), say)
    }
    stopLooking()
    const mustFall = scenario.endedBy === 'supervisor' && scenario.hits !== 'controllers'
    const whole = whenWhole(witness, site, { now, everyMs: pollMs, signal: watch.signal, mustFall })
    await endings.rest(Math.max(0, startMs + options.durationMs - now()))
    const [samples, writeSamples] = await Promise.all([reads.stop(), writeLoad?.stop() ?? []])
    const endMs = Math.min(startMs + options.durationMs, now())
    const counters = await afterwards(gatewayCounters(witness), say)
    const backMs = await waitForReturn(
      whole,
      watch,
      endings.ended === 'interrupted'
        ? { ...options, returnWithinMs: Math.min(options.returnWithinMs, 5_000) }
        : options,
      say,
    )
    const after = await afterwards(witness.status(), say)
    const all = before.services.flatMap((service) => service.endpoints.map(({ address }) => address))
    const fates = writes === null ? [] : await writes.fates(writeSamples, [...new Set(all)])
    const report = drillReport({
      id,
      scenario,
      site,
      gateway: { node: before.node?.name ?? '', version: before.version ?? '' },
      samples,
      writes: writes === null ? null : { samples: writeSamples, fates, startMs, endMs },
      startMs,
      endMs,
      killMs,
      killWallMs,
      hit: injected.hit,
      restoreMs,
      ended: endings.ended,
      endedBecause: endings.reason,
      forceReason: forced,
      endpoints,
      events: (await afterwards(witness.eventsAfter(lastSeq), say)) ?? [],
      slowMs: options.slowMs,
      longestPauseMs: Math.max(...loads.map((load) => load.longestPauseMs)),
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
    if (injected !== null) journal.end()
    guard?.dismiss()
    for (const load of loads) load.close()
  }
}

/** Without an answer for so long a request counts as failed while the drill is watched. */
const overdueMs = 2_000

/** Read anew: a process that was restarted meanwhile has another number. */
async function findTargetsAgain(
  { witness, say }: DrillTools,
  options: DrillOptions,
  endpoints: readonly string[],
): Promise<Targets> {
  try {
    return await findTargets(options.scenario, options.targets, endpoints)
  } catch (error) {
    if (error instanceof CliError) await note(witness, unfinishedNote(options, error), say)
    throw error
  }
}

function shownTargets({ processes, endpoints, dnsAdmin }: Targets): string {
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

/** A drill against a wrong path would measure errors that no fault has caused. */
function mustAnswer(samples: readonly { readonly outcome: string }[], what: string): void {
  const bad = samples.find(({ outcome }) => outcome !== 'ok')
  if (bad === undefined && samples.length > 0) return
  throw new CliError(
    `${what} must answer well before a drill, got: ${bad?.outcome ?? 'nothing'}. ` +
      'Nothing was broken. Check --via, --path and drills.writes, or wait until the site is whole.',
  )
}

async function gatewayCounters(witness: GatewayWitness): Promise<{ retries: number; fallbacks: number }> {
  const { routes } = await witness.status()
  const sum = (key: 'retries' | 'fallbacks'): number => routes.reduce((total, route) => total + route[key], 0)
  return { retries: sum('retries'), fallbacks: sum('fallbacks') }
}

async function waitForReturn(
  returned: Promise<number | null>,
  watch: AbortController,
  { site, returnWithinMs }: Pick<DrillOptions, 'site' | 'returnWithinMs'>,
  say: (line: string) => void,
): Promise<number | null> {
  const timer = setTimeout(() => watch.abort(), returnWithinMs)
  const notice = setTimeout(
    () => say(`waiting up to ${returnWithinMs / 1000} s for ${site} to come back`),
    500,
  )
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
