import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaBroker } from '@budao/testkit'
import type { Stage } from '../stage.ts'
import { paced, TwoSites } from './two-sites.ts'

const commitRows = 500

/** Two sites under as much as they can take, and under a paced load. */
export interface SiteToSite {
  readonly perSecond: number
  /** Of both replicators, microseconds of CPU for each row. */
  readonly cpuUs: number
  /** From the commit at one site to the commit at the other. */
  readonly lagMsP50: number
  readonly lagMsP99: number
}

/** A peer was away. */
export interface Backlog {
  readonly rows: number
  /** From the start of its process until it was less than a quarter of a second behind, with live traffic all the while. */
  readonly drainedMs: number
}

/** The brokers were away. */
export interface BrokerAway {
  readonly seconds: number
  /** Highest of both replicators, MiB. */
  readonly peakRssMib: number
  readonly written: number
  /** Writes that a full outbox refused. */
  readonly refused: number
  /** How full the outbox was when its alarm was first seen, percent; null: it never was. */
  readonly alarmAtPercent: number | null
  /** From the return of the broker until all was at the other site. */
  readonly drainedMs: number
}

/** One load after the other over the same two sites. */
export async function siteToSite(
  stage: Stage,
  name: string,
  log: unknown,
  {
    events,
    perSecond,
    seconds,
  }: { readonly events: number; readonly perSecond: number; readonly seconds: number },
): Promise<SiteToSite> {
  const sites = await TwoSites.start(stage, name, { log })
  // The first of everything is not what is sustained: connections, compiled code.
  sites.write(2000)
  await sites.allArrived()
  const cpu = (): number => sites.usage('east').cpuMicros + sites.usage('west').cpuMicros
  const [beganAt, cpuBefore, before] = [performance.now(), cpu(), sites.written]
  while (sites.written - before < events) {
    sites.write(commitRows)
    await sleep(0)
  }
  await sites.allArrived()
  const rows = sites.written - before
  const speed = {
    perSecond: (rows / (performance.now() - beganAt)) * 1000,
    cpuUs: (cpu() - cpuBefore) / rows,
  }
  const lags = await lagsOf(sites, perSecond, seconds)
  await sites.close()
  const at = (share: number): number => lags[Math.min(lags.length - 1, Math.floor(lags.length * share))]!
  return { ...speed, lagMsP50: at(0.5), lagMsP99: at(0.99) }
}

/** A peer is killed, a minute's traffic is written, the peer comes back while traffic goes on. */
export async function backlog(
  stage: Stage,
  name: string,
  log: unknown,
  perSecond: number,
  backlogSeconds: number,
): Promise<Backlog> {
  const sites = await TwoSites.start(stage, name, { log })
  sites.write(100)
  await sites.allArrived()
  await sites.kill('west')
  const rows = perSecond * backlogSeconds
  for (let n = 0; n < rows; n += commitRows) {
    sites.write(Math.min(commitRows, rows - n))
    await sleep(0)
  }
  while ((await sites.report('east')).outgoing.backlog > 10) await sleep(50)
  const beganAt = performance.now()
  sites.run('west')
  const until = beganAt + 300_000
  const isDrained = (): boolean => sites.arrived > sites.written - perSecond / 4
  await paced(
    perSecond,
    () => isDrained() || performance.now() > until,
    (count) => sites.write(count),
  )
  const drainedMs = performance.now() - beganAt
  await sites.allArrived()
  await sites.close()
  return { rows, drainedMs }
}

/** The broker is killed under a paced load with an outbox that is too small for it, and comes back with what it had. */
export async function brokerAway(
  stage: Stage,
  log: unknown,
  broker: KafkaBroker,
  perSecond: number,
  seconds: number,
  say: (text: string) => void = () => {},
): Promise<BrokerAway> {
  const outbox = Math.round(perSecond * seconds * 0.9)
  const sites = await TwoSites.start(stage, 'away', { log, outbox })
  sites.write(100)
  await sites.allArrived()
  await broker.process.kill()
  let refused = 0
  let alarmAtPercent: number | null = null
  const endsAt = performance.now() + seconds * 1000
  const watching = (async () => {
    while (performance.now() < endsAt && alarmAtPercent === null) {
      // On a machine that does much else it may not be in time with an answer.
      const report = await sites.report('east').catch(() => null)
      if (report?.alarms.some(({ code }) => code === 'outbox-filling') === true)
        alarmAtPercent = report.outgoing.outboxPercent
      await sleep(200)
    }
  })()
  await paced(
    perSecond,
    () => performance.now() > endsAt,
    (count) => {
      try {
        sites.write(count)
      } catch (error) {
        if ((error as { code?: string }).code !== 'outbox-full') throw error
        refused += count
      }
    },
  )
  await watching
  const peakMib = (): number =>
    Math.max(sites.usage('east').peakRssBytes, sites.usage('west').peakRssBytes) / 2 ** 20
  say(
    `  broker away    for ${seconds} s: ${sites.written} written, ${refused} refused, at most ${Math.round(peakMib())} MiB, alarm seen at ${alarmAtPercent ?? '–'} %`,
  )
  await broker.restart()
  const backAt = performance.now()
  await sites.allArrived()
  const drainedMs = performance.now() - backAt
  const peakRssMib = peakMib()
  const { written } = sites
  await sites.close()
  return { seconds, written, refused, alarmAtPercent, drainedMs, peakRssMib }
}

/** Milliseconds, sorted. */
async function lagsOf(sites: TwoSites, perSecond: number, seconds: number): Promise<number[]> {
  const lags: number[] = []
  const waiting: { readonly upTo: number; readonly at: number }[] = []
  const endsAt = performance.now() + seconds * 1000
  const isOver = (): boolean => performance.now() > endsAt
  const looking = (async () => {
    while (!isOver() || waiting.length > 0) {
      await sleep(1)
      const { arrived } = sites
      while (waiting.length > 0 && waiting[0]!.upTo <= arrived)
        lags.push(performance.now() - waiting.shift()!.at)
    }
  })()
  await paced(perSecond, isOver, (count) => {
    sites.write(count)
    waiting.push({ upTo: sites.written, at: performance.now() })
  })
  await looking
  return lags.toSorted((a, b) => a - b)
}
