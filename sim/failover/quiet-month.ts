import type { SiteOpinion } from '@budao/model'
import { Detector, LocalHealth } from '@budao/resilience'
import type { DetectorOptions } from '@budao/resilience'
import { SeededDraws } from '../../packages/testkit/src/random.ts'
import { judgeSite } from './decisions.ts'
import type { HeardOpinion } from './decisions.ts'
import { domains, sites } from './schedule.ts'

const stepMs = 25
const dayMs = 86_400_000

/** What a quiet time has seen. */
export interface Quiet {
  readonly days: number
  readonly beats: number
  readonly suspicions: number
  /** One observer’s detector said down. */
  readonly falls: number
  /** The common verdict was down: work would have moved. */
  readonly verdicts: number
}

/** A path from an observer to a backend, with the beat and the probes that are on it. */
interface Path {
  readonly detector: Detector
  readonly site: number
  readonly waiting: { at: number; sentAt: number; burst: number; ok: boolean; plain: boolean }[]
  nextBeatAt: number
  nextPlainAt: number
}

/**
 * Days in which nothing is broken: 1 % of the packets is lost and sent again after 200 ms, 400 ms, …; every process is
 * stopped for 300 ms once in ten minutes, and once a day for 0.8 to 1.5 s. Three observers watch two sites. Nothing but
 * heartbeats, detectors and the common verdict runs here, in steps of 25 ms, or a month would take a day.
 */
export function quietTime(days: number, seed: number, options: Partial<DetectorOptions> = {}): Quiet {
  const draws = new SeededDraws(seed)
  const health = domains.map(() => new LocalHealth(0))
  // Moments until which each process is stopped, the observers first, then the backends.
  const stoppedUntil = Array.from({ length: domains.length + sites.length }, () => 0)
  const nextStop = stoppedUntil.map(() => exponential(draws, 600_000))
  const nextLong = stoppedUntil.map(() => exponential(draws, dayMs))
  const paths = domains.map((_domain, observer) =>
    sites.map((_site, site): Path => ({
      detector: new Detector(0, options),
      site,
      waiting: [],
      nextBeatAt: 37 * observer + 11 * site,
      nextPlainAt: 91 * observer + 13 * site,
    })),
  )
  const counts = { beats: 0, suspicions: 0, falls: 0, verdicts: 0 }
  const end = days * dayMs
  for (let now = 0; now < end; now += stepMs) {
    for (let index = 0; index < stoppedUntil.length; index++) {
      if (now >= nextStop[index]!) {
        stoppedUntil[index] = now + 300
        nextStop[index] = now + exponential(draws, 600_000)
      }
      if (now >= nextLong[index]!) {
        stoppedUntil[index] = now + 800 + draws.next() * 700
        nextLong[index] = now + exponential(draws, dayMs)
      }
    }
    let doubted = false
    for (let observer = 0; observer < domains.length; observer++) {
      if (now < stoppedUntil[observer]!) continue
      const paused = health[observer]!.turn(now)
      for (const path of paths[observer]!) {
        const { detector } = path
        if (paused) detector.restart(now)
        const before = detector.state
        advance(path, now, stoppedUntil, draws, health[observer]!.stretch, counts)
        if (detector.state === before) continue
        if (detector.state === 'suspect') counts.suspicions++
        if (detector.state === 'down') {
          counts.falls++
          doubted = true
        }
      }
    }
    if (doubted) counts.verdicts += judged(paths, health, now)
  }
  return { days, ...counts }
}

/** Prints a month; false where work would have moved. */
export function printMonth(days: number): boolean {
  const beganAt = performance.now()
  const quiet = quietTime(days, 1)
  const { beats, suspicions, falls, verdicts } = quiet
  const paths = domains.length * sites.length
  console.log(
    `${days} simulated days, 1 % loss, pauses of 300 ms every ten minutes and of 0.8 to 1.5 s a day: ${beats} beats on ${paths} paths`,
  )
  console.log(
    `${suspicions} suspicions (${(suspicions / days / paths).toFixed(2)} a day and path), ${falls} times down for one observer, ` +
      `${verdicts} false failovers; ${((performance.now() - beganAt) / 1000).toFixed(0)} s`,
  )
  return verdicts === 0
}

function advance(
  path: Path,
  now: number,
  stoppedUntil: readonly number[],
  draws: SeededDraws,
  stretch: number,
  counts: { beats: number },
): void {
  const { detector, waiting } = path
  const send = (burst: number, timeoutMs: number, plain: boolean): void => {
    // Where the backend is stopped it answers when it goes on.
    const readyAt = Math.max(now, stoppedUntil[domains.length + path.site]!)
    const at = readyAt + oneWayMs(draws) + oneWayMs(draws)
    waiting.push({ at: Math.min(at, now + timeoutMs), sentAt: now, burst, ok: at <= now + timeoutMs, plain })
  }
  if (now >= path.nextBeatAt) {
    path.nextBeatAt += 500
    if (now >= path.nextBeatAt) path.nextBeatAt = now + 500
    counts.beats++
    send(-1, 2_000, false)
  }
  if (now >= path.nextPlainAt) {
    path.nextPlainAt = now + 3_000
    send(-1, 2_000, true)
  }
  for (let index = 0; index < waiting.length; index++) {
    const { at, sentAt, burst, ok, plain } = waiting[index]!
    if (at > now) continue
    waiting.splice(index--, 1)
    if (plain) detector.plain(ok, now)
    else if (burst >= 0) detector.probed(burst, ok ? 'answered' : 'failed', at - sentAt, now)
    else if (ok) detector.beat(at - sentAt, now)
  }
  const { probeTimeoutMs, burst } = detector.step(now, stretch)
  if (probeTimeoutMs > 0) send(burst, probeTimeoutMs, false)
}

function judged(paths: readonly (readonly Path[])[], health: readonly LocalHealth[], now: number): number {
  const heard: HeardOpinion[] = paths.flatMap((own, observer) =>
    own.map(({ detector, site }) => {
      const { deviations: _, rttP99Ms: __, ...evidence } = detector.evidence(now)
      const opinion: SiteOpinion = {
        observer: domains[observer]!,
        domain: domains[observer]!,
        service: 'shop',
        site: sites[site]!,
        state: detector.state,
        abstains: health[observer]!.abstains(now),
        evidence: { ...evidence, phi: 0 },
      }
      return { opinion, at: now }
    }),
  )
  return sites.filter((site) => judgeSite('shop', site, heard, domains, now).state === 'down').length
}

function oneWayMs(draws: SeededDraws): number {
  let ms = 2 + draws.next() * 3
  for (let again = 200; draws.next() < 0.01 && again <= 1600; again *= 2) ms += again
  return ms
}

function exponential(draws: SeededDraws, meanMs: number): number {
  return -Math.log(1 - draws.next()) * meanMs
}
