import type { FailoverRun, SiteOpinion, SiteStandby, Versioned, WriteLease } from '@budao/model'
import { detectionDefaults, detectorSettings, leaseKey, runKey, slownessSettings } from '@budao/model'
import { SeededDraws } from '../../packages/testkit/src/random.ts'
import { Timeline } from '../timeline.ts'
import { Checker } from './checker.ts'
import { unitRules } from './decisions.ts'
import { Faults } from './faults.ts'
import { Network, outside } from './network.ts'
import type { Schedule } from './schedule.ts'
import { domains, sites } from './schedule.ts'
import { PaceChecker } from './pace-checker.ts'
import { SimAgent } from './sim-agent.ts'
import { SimBackend } from './sim-backend.ts'
import { SimController } from './sim-controller.ts'
import type { Mutation } from './keeper-world.ts'
import { unit } from './keeper-world.ts'
import { SimKeeper } from './sim-keeper.ts'
import { SimLog } from './sim-log.ts'
import { SimObserver } from './sim-observer.ts'
import { SimProcess } from './sim-process.ts'
import { SimStore } from './sim-store.ts'

/** After the last fault everything has to be well within this time: three minutes of damped flapping included. */
const convergeMs = 240_000
/** Nothing breaks before. */
const calmMs = 5_000

/** Far more than happens in the longest run. */
const stepsMax = 3_000_000

/** What came of one run. */
export interface Outcome {
  readonly violations: readonly string[]
  readonly story: readonly string[]
  readonly writes: number
  readonly asked: number
  readonly lost: number
  readonly moves: number
  readonly epochs: number
  /** From the last fault’s end until a write was acknowledged by a unit at rest, milliseconds. */
  readonly convergedMs: number
  /** First acknowledged write of each epoch, milliseconds from the start. */
  readonly firstWrites: readonly number[]
  /** What happened, counted. */
  readonly steps: number
}

/** With one fault alone, in whatever one domain, writes go on within this time. */
const serveMs = 9_000

/** When writes must be acknowledged although the first fault lasts; null where it is over before, or not alone. */
function servesBy({ faults, acts, mode, cold }: Schedule): number | null {
  const [first, second] = faults
  if (first === undefined || mode === 'literal' || cold !== null) return null
  const at = first.from + serveMs
  const alone = (second === undefined || second.from > at) && acts.every((act) => act.at > at)
  const counts = !['store', 'slow', 'slow-site', 'lossy', 'one-way'].includes(first.kind)
  return alone && counts && first.until > at ? at : null
}

/** Runs are short: four seconds instead of ten. */
const slowInSimulation = { factor: 3, atLeast: 50, hold: 4_000, weightPercent: 10 }

/** Lives through a schedule. `tells` keeps the story; `until` ends the run early, for measurements. */
export function live(
  schedule: Schedule,
  options: { readonly mutation?: Mutation; readonly tells?: boolean; readonly until?: number } = {},
): Outcome {
  const { mutation = 'none', tells = false, until } = options
  const timeline = new Timeline()
  const draws = new SeededDraws(schedule.seed ^ 0x5eed)
  const network = new Network(timeline, draws, schedule.networkMs, schedule.lossPercent)
  const store = new SimStore(timeline, draws, network, domains)
  const checker = new Checker(() => timeline.now(), tells)
  let made = 0
  const process = (name: string, domain: string): SimProcess =>
    new SimProcess(
      timeline,
      name,
      domain,
      schedule.rates[made++ % schedule.rates.length]!,
      draws.integer(0, 1e6),
    )

  const backends = sites.map((site) => new SimBackend(process(`backend-${site}`, site), timeline, network))
  const keepers: SimKeeper[] = []
  const keeperWorld = { network, store, checker, keepers, synchronous: schedule.synchronous, mutation, draws }
  for (const [index, site] of sites.entries()) {
    keepers.push(
      new SimKeeper(site, process(`gateway-${site}`, site), backends[index]!, new SimLog(), keeperWorld),
    )
  }
  const watcher = process('witness', 'witness')
  const rules = {
    ...unitRules(
      unit,
      'shop',
      sites,
      {
        automation: 'on',
        lease: 2500,
        guard: mutation === 'no-guard' ? 0 : 250,
        fence: schedule.fence,
        every: schedule.everyMs,
        priority: 50,
        minSites: 1,
        minCapacityPercent: 0,
        failback: 'manual',
        shadow: 30_000,
        rest: 60_000,
        startGrace: 15_000,
        standby: { startTimeout: schedule.startTimeoutMs, stopAfter: schedule.stopAfterMs },
      },
      {},
      { mode: schedule.mode },
    ),
    lossless: schedule.synchronous,
    restores: schedule.restores,
  }
  const wall = (): number => 1_790_000_000_000 + timeline.now()
  const agents: SimAgent[] = []
  const controllerWorld = { network, store, checker, keepers, agents, rules, draws, mutation, wall }
  const controllers = domains.map(
    (domain) => new SimController(process(`controller-${domain}`, domain), controllerWorld),
  )

  const { mode, stableMs: stable } = schedule
  const detection = { ...detectionDefaults, mode, stable, slow: slowInSimulation }
  const detector = detectorSettings(detection)
  const slowness = slownessSettings(detection)
  // Only where a site is slow anybody looks, so that other runs stay what they were.
  const paced =
    slowness === null || !schedule.faults.some(({ kind }) => kind === 'slow-site')
      ? null
      : { nodes: keepers.map((keeper) => keeper.process), options: slowness }
  const observers = new Map<SimProcess, SimObserver>()
  const observe = (from: SimProcess): SimObserver => {
    const observer = new SimObserver(
      from,
      network,
      backends,
      detector,
      (opinions: readonly SiteOpinion[]) => {
        for (const controller of controllers)
          network.send(from, controller.process, () => controller.hear(opinions))
      },
      paced,
    )
    observers.set(from, observer)
    return observer
  }
  const begin = {
    keeper: (keeper: SimKeeper): void => {
      keeper.start()
      keeper.observer = observe(keeper.process)
    },
    controller: (controller: SimController): void => controller.start(),
    watcher: (): void => void observe(watcher),
    agent: (agent: SimAgent): void => agent.start(),
  }
  if (schedule.cold !== null) {
    const agentProcess = process('agent-west', 'west')
    const tell = (standby: SiteStandby): void => {
      for (const controller of controllers)
        network.send(agentProcess, controller.process, () => controller.hearStandby(standby))
      if (standby.state !== 'starting') return
      for (const from of observers.keys())
        network.send(agentProcess, from, () => observers.get(from)!.starting(standby.site))
    }
    agents.push(new SimAgent(keepers[1]!, agentProcess, schedule.cold, keeperWorld, tell))
  }
  for (const agent of agents) begin.agent(agent)
  for (const keeper of keepers) begin.keeper(keeper)
  for (const controller of controllers) begin.controller(controller)
  begin.watcher()

  const faults = new Faults({
    timeline,
    network,
    store,
    checker,
    keepers,
    controllers,
    agents,
    watcher,
    begin,
  })
  for (const fault of schedule.faults) faults.plan(fault)
  const { lateMs } = schedule
  if (lateMs > 0)
    faults.plan({
      ...{ kind: 'site', domain: 'east', to: 'witness', process: 'backend', much: 1 },
      ...{ from: 0, until: lateMs },
    })

  let ending = until ?? schedule.faultsEndAt + convergeMs
  let asked = 0
  const ask = (): void => {
    if (timeline.now() >= ending) return
    timeline.after((-Math.log(1 - draws.next()) * 1_000) / schedule.writesPerSecond, ask)
    const keeper = draws.pick(keepers)
    const id = ++asked
    const there = network.delayMs(outside, keeper.site)
    if (there < 0 || !keeper.process.alive) return
    const { starts } = keeper.process
    timeline.after(there, () => {
      if (keeper.process.starts === starts) keeper.process.reach(() => keeper.write(id, () => undefined))
    })
  }
  timeline.after(3_000, ask)

  for (const [index, { at, kind, to }] of schedule.acts.entries()) {
    timeline.after(at, () => {
      const leader = controllers.find((each) => each.process.alive && each.unit.term !== null)
      const wish = {
        id: `wish-${index}`,
        wish: 'move',
        run: kind,
        to,
        by: 'ann',
        reason: 'maintenance',
        force: true,
      } as const
      leader?.process.reach(() => leader.feed({ kind: 'wish', wish }))
    })
  }
  checker.onNotice = (id, { code }) => {
    if (code !== 'rate-limited') return
    timeline.after(schedule.acknowledgeMs, () => {
      const leader = controllers.find((each) => each.process.alive && each.unit.term !== null)
      const wish = { id: `acknowledge ${id}`, wish: 'acknowledge', by: 'ann' } as const
      leader?.process.reach(() => leader.feed({ kind: 'wish', wish }))
    })
  }

  checker.limited = schedule.everyMs > 0
  const pace = new PaceChecker(schedule, () => timeline.now(), checker)
  for (const controller of controllers)
    controller.onVerdicts = (verdicts) => pace.judged(controller.name, verdicts)
  const mustWriteAt = servesBy(schedule)
  if (mustWriteAt !== null) {
    timeline.after(mustWriteAt, () => {
      if (checker.lastAckAt < mustWriteAt - 3_000)
        checker.broken(
          `one fault for ${serveMs / 1000} s, a site is well, and no write was acknowledged for 3 s`,
        )
    })
  }

  let runVersion = 0
  let convergedMs = -1
  const look = (): void => {
    const now = timeline.now()
    const run = store.peek(runKey(unit)) as Versioned<FailoverRun> | null
    if (run !== null && run.version !== runVersion) {
      runVersion = run.version
      checker.stored(run.value)
    }
    faults.judge(run?.value ?? null)
    if (lateMs > 0 && now < calmMs) {
      const first = store.peek(leaseKey(unit)) as Versioned<WriteLease> | null
      if (first !== null && first.value.site !== 'east')
        checker.broken(
          `the unit began at ${first.value.site}, and east, which is preferred, was only starting`,
        )
    }
    if (now >= ending) return
    timeline.after(100, look)
    if (until !== undefined || now < schedule.faultsEndAt + 500) return
    const lease = store.peek(leaseKey(unit)) as Versioned<WriteLease> | null
    const rests = run === null || run.value.outcome !== null
    const owner = keepers.find(({ site }) => site === lease?.value.site)
    if (rests && owner !== undefined && lease?.value.state === 'held' && checker.lastAckAt > now - 500) {
      if (checker.epoch !== lease.value.epoch) return
      convergedMs = checker.lastAckAt - schedule.faultsEndAt
      ending = now
      checker.ended(owner.log)
    }
  }
  timeline.after(100, look)
  let steps = 0
  timeline.run(() => {
    if (++steps === stepsMax) checker.broken(`runs in circles: ${stepsMax} steps`)
    return timeline.now() >= ending || steps >= stepsMax
  })
  if (until === undefined) pace.ended()
  if (until === undefined && convergedMs === -1)
    checker.broken(`no write was acknowledged for ${convergeMs / 1000} s after the last fault`)
  return {
    violations: checker.violations,
    story: checker.story,
    writes: checker.writes,
    asked,
    lost: checker.lost,
    moves: checker.moves,
    epochs: checker.epoch,
    convergedMs,
    firstWrites: [...checker.firstAckOf.values()],
    steps,
  }
}
