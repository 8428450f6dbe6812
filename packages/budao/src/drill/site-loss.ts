import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillNote } from '@budao/controller'
import { CliError } from '../cli-error.ts'
import { AccessDenied, servicesLost, siteEndpoints, siteReturn } from './admin-api.ts'
import type { GatewayWitness } from './admin-api.ts'
import { finishedNote, startedNote, unfinishedNote } from './drill-notes.ts'
import { drillReport } from './drill-report.ts'
import type { DrillReport } from './drill-report.ts'
import { Load } from './load.ts'
import type { Sample } from './load.ts'
import { killSite, readSiteProcesses } from './site-processes.ts'
import type { SiteProcess } from './site-processes.ts'

export interface SiteLossOptions {
  readonly site: string
  /** What is asked for, through the gateway. */
  readonly url: URL
  /** The Host header. Default the URL's. */
  readonly host?: string
  readonly pidFile: string
  readonly rate: number
  /** Load before anything is measured. */
  readonly warmUpMs: number
  readonly durationMs: number
  /** From the start of the load. Less than `durationMs`. */
  readonly killAfterMs: number
  readonly timeoutMs: number
  readonly slowMs: number
  /** How long after the load the site's return is waited for. 0: not at all. */
  readonly returnWithinMs: number
  /** Why the last usable place may be killed; absent: it may not. */
  readonly forceReason?: string
}

const pollMs = 100
const now = (): number => performance.now()

/**
 * Kills a site's processes under load and reports what users saw and what the gateway made of it. Rejects with
 * CliError, with nothing killed, when the pid file does not hold, the site is the last usable one, or the gateway
 * does not answer well beforehand or does not let the drill note its start.
 */
export async function siteLoss(
  witness: GatewayWitness,
  options: SiteLossOptions,
  say: (line: string) => void,
): Promise<DrillReport> {
  const { site, url, rate } = options
  const expected = readSiteProcesses(options.pidFile)
  const before = await witness.status()
  const endpoints = siteEndpoints(before, site)
  if (endpoints.length === 0) throw new CliError(`the gateway has no endpoint at site ${site}`)
  refuseLastPlace(servicesLost(before, site), options)

  const load = new Load(now, {
    url,
    rate,
    timeoutMs: options.timeoutMs,
    ...(options.host === undefined ? {} : { host: options.host }),
  })
  const watch = new AbortController()
  try {
    say(`warming up ${url.origin} with ${rate} requests/s`)
    load.start()
    await sleep(options.warmUpMs)
    mustAnswer(await load.stop(), url)

    const lastSeq = await witness.lastSeq()
    const counted = await gatewayCounters(witness)
    await recordStart(witness, startedNote(options, expected))
    load.start()
    const startMs = now()
    await sleep(options.killAfterMs)
    const processes = await processesNow(witness, options, say)
    const killMs = now()
    const killWallMs = Date.now()
    const killed = killSite(processes)
    say(`killed ${killed.map(({ name, pid }) => `${name} (${pid})`).join(', ')} with SIGKILL`)

    const returned = siteReturn(witness, site, { now, everyMs: pollMs, signal: watch.signal })
    await sleep(Math.max(0, startMs + options.durationMs - now()))
    const samples = await load.stop()
    const longestPauseMs = load.longestPauseMs
    const endMs = startMs + options.durationMs
    const counters = await afterwards(gatewayCounters(witness), say)
    const backMs = await waitForReturn(returned, watch, options, say)
    const report = drillReport({
      site,
      samples,
      startMs,
      endMs,
      killMs,
      killWallMs,
      killed,
      forceReason: options.forceReason ?? null,
      endpoints,
      events: (await afterwards(witness.eventsAfter(lastSeq), say)) ?? [],
      slowMs: options.slowMs,
      longestPauseMs,
      retries: counters === null ? null : counters.retries - counted.retries,
      fallbacks: counters === null ? null : counters.fallbacks - counted.fallbacks,
      returnedMs: backMs === null ? null : backMs - killMs,
      returnWithinMs: options.returnWithinMs,
    })
    await recordEnd(witness, finishedNote(report), say)
    return report
  } finally {
    watch.abort()
    load.close()
  }
}

/** A drill that may not be noted kills nobody: the audit log must be able to say what happened to the site. */
async function recordStart(witness: GatewayWitness, note: DrillNote): Promise<void> {
  try {
    await witness.record(note)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const hint = error instanceof AccessDenied ? '. A drill needs the operator token: see --token' : ''
    throw new CliError(
      `the gateway did not note the drill, so nothing was killed: ${error.message}${hint}`,
      1,
      { cause: error },
    )
  }
}

/** The figures are there, whether the gateway keeps them or not. */
async function recordEnd(
  witness: GatewayWitness,
  note: DrillNote,
  say: (line: string) => void,
): Promise<void> {
  try {
    await witness.record(note)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    say(`warning: the gateway did not note the end of the drill: ${error.message}`)
  }
}

/** Read anew: a process that was restarted meanwhile has another number. */
async function processesNow(
  witness: GatewayWitness,
  options: SiteLossOptions,
  say: (line: string) => void,
): Promise<readonly SiteProcess[]> {
  try {
    return readSiteProcesses(options.pidFile)
  } catch (error) {
    if (error instanceof CliError) await recordEnd(witness, unfinishedNote(options.site, error), say)
    throw error
  }
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

function refuseLastPlace(lost: readonly string[], { site, forceReason }: SiteLossOptions): void {
  if (lost.length === 0 || forceReason !== undefined) return
  throw new CliError(
    `${site} is the last usable site of ${lost.join(', ')}: nothing was killed. ` +
      'Bring another site up first, or say why with --force --reason TEXT.',
  )
}

/** A drill against a wrong path would measure errors that no site has caused. */
function mustAnswer(samples: readonly Sample[], url: URL): void {
  const bad = samples.find(({ outcome }) => outcome !== 'ok')
  if (bad === undefined && samples.length > 0) return
  throw new CliError(
    `GET ${url.href} must answer well before a drill, got: ${bad?.outcome ?? 'nothing'}. ` +
      'Nothing was killed. Check --via and --path, or wait until the site is whole.',
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
  { site, returnWithinMs }: SiteLossOptions,
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
