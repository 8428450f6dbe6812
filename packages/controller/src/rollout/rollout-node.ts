import type {
  AuditAction,
  AuditDraft,
  CoordinationStore,
  EventDraft,
  RolloutConfig,
  RolloutDesk,
  RolloutReport,
  RolloutResult,
  RolloutWish,
  RouteReleaseCounts,
  Versioned,
} from '@budao/model'
import { TimedStore } from '../control/timed-store.ts'
import { RolloutAnalysis, type RolloutAnalysisOptions } from './rollout-analysis.ts'
import { isUnderWay, stepRollout, type RolloutEvent, type RolloutMoment } from './rollout-machine.ts'
import { reportRollout } from './rollout-report.ts'
import {
  readState,
  rulesOf,
  type GatewayCounts,
  type RolloutNotice,
  type RolloutState,
} from './rollout-state.ts'
import { wayBackRefusal } from './schema-guard.ts'

/** The gateway of this process. */
export interface RolloutGateway {
  /** Of a release’s users from now on, until then; Infinity for good. */
  share(rollout: string, basisPoints: number, until: number): void
  /** Of stable’s requests, of 10 000, that are shown to the release too. */
  mirror(rollout: string, basisPoints: number, until: number): void
  counts(rollout: string): RouteReleaseCounts | null
  /** Monotonic milliseconds, of the clock of `until`. */
  now(): number
}

/** What a node has to do with rollouts with. */
export interface RolloutNodeOptions {
  /** The node with this start of its process. */
  readonly self: string
  readonly store: CoordinationStore
  readonly gateway: RolloutGateway
  /** Milliseconds since 1970. */
  wall(): number
  readonly analysis: Omit<RolloutAnalysisOptions, 'wall'>
  report(event: EventDraft): void
  /** For the audit log of this node. */
  record(draft: AuditDraft): void
  warn(message: string): void
}

/** Counts are told, and looked at, so often, milliseconds. */
const turnMs = 500
/** A failure of the release is told within this, and looked at when it is told: of one that fails all requests few are to be tried. */
const glanceMs = 20
/** Beyond so many requests of the release in a step a turn is soon enough: in an outage every glance would write to the store that a failover needs. */
const promptRequestsMax = 200
/** Neither the holder nor another gateway lets anybody wait for a sign of life for longer than this. */
const takeOverMs = 3_000
const attemptsMax = 5
/** Gateways whose counts are kept for a rollout. */
const gatewaysMax = 256

/** What this node knows of one rollout. */
interface Known {
  record: Versioned<RolloutState> | null
  /** When the holder was heard of last, by this node’s clock. */
  beatAt: number
  /** Counts of the other gateways, and of this one, and when each was heard of last. */
  counts: Map<string, { readonly counts: RouteReleaseCounts; readonly at: number }>
  /** Failures of the release that a turn has taken into account, over all gateways. */
  failures: number
  /** The version of what this node told of its own. */
  toldVersion: number
  /** It has been taken to nothing here, and that is not stored yet. */
  sendingBack: boolean
}

/**
 * Rollouts at one node with a gateway: it obeys what stands in the store, tells what it has counted, and one of all such nodes looks after each
 * rollout. Who that is stands in the record, and every decision is stored against its version: two never both act. A holder that is
 * not heard of for three seconds is succeeded by whoever is first. A gateway that hears of no beat gives the release nothing any more when its lease is over.
 */
export class RolloutNode implements RolloutDesk {
  readonly #options: RolloutNodeOptions
  readonly #store: TimedStore
  readonly #watch: { close(): void }
  readonly #known: Map<string, Known> = new Map()
  readonly #analysis: RolloutAnalysis
  #rollouts: Readonly<Record<string, RolloutConfig>>
  #timer: NodeJS.Timeout | undefined
  #turnAt: number
  #closed = false

  constructor(rollouts: Readonly<Record<string, RolloutConfig>>, options: RolloutNodeOptions) {
    this.#options = options
    this.#rollouts = rollouts
    this.#store = new TimedStore(options.store, () => options.gateway.now())
    this.#watch = options.store.watch(prefix, (key, record) => this.#seen(key, record))
    this.#analysis = new RolloutAnalysis({ ...options.analysis, wall: () => options.wall() })
    this.#turnAt = options.gateway.now() + turnMs
    this.#schedule()
  }

  /** These are configured from now on. What is under way and is no longer configured stands still, and its leases end. */
  apply(rollouts: Readonly<Record<string, RolloutConfig>>): void {
    this.#rollouts = rollouts
    for (const name of Object.keys(rollouts)) this.#obey(name)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#watch.close()
  }

  reports(): readonly RolloutReport[] {
    const now = this.#options.gateway.now()
    return Object.entries(this.#rollouts).map(([name, config]) => {
      const known = this.#of(name)
      return reportRollout(name, config, known.record?.value ?? null, now - known.beatAt <= takeOverMs)
    })
  }

  async wish({ name, action, by, reason, force = false }: RolloutWish): Promise<RolloutResult> {
    // A release that is to go back goes back here before anything is asked.
    const known = this.#of(name)
    if (action === 'abort' && (force || wayBackRefusal(this.#rollouts[name]?.schema) === null)) {
      known.sendingBack = true
      this.#takeBack(name)
    }
    const why = await this.#wish(name, { kind: 'wish', action, by, reason, force })
    known.sendingBack = false
    this.#obey(name)
    if (why !== null) return { ok: false, why }
    return { ok: true, rollout: this.reports().find((report) => report.name === name)! }
  }

  async #wish(name: string, wish: Extract<RolloutEvent, { kind: 'wish' }>): Promise<string | null> {
    const after = this.#rollouts[name]?.schema?.after
    if (after === undefined) return this.#change(name, wish)
    const found = (await this.#store.get(`${prefix}${after}`)) as Versioned<RolloutState> | null | undefined
    if (found === undefined) return 'the store does not answer'
    return this.#change(name, { ...wish, after: found?.value.phase ?? null })
  }

  #seen(key: string, record: Versioned): void {
    const [, name, gateway] = key.split('/')
    if (this.#closed || name === undefined) return
    const known = this.#of(name)
    if (gateway !== undefined) {
      if (known.counts.has(gateway) || known.counts.size < gatewaysMax)
        known.counts.set(gateway, this.#heard(record.value as RouteReleaseCounts))
      if (known.record?.value.holder === this.#options.self && this.#failsAnew(name)) this.#glanceNow()
      return
    }
    this.#learn(name, record as Versioned<RolloutState>)
  }

  #learn(name: string, record: Versioned<RolloutState>): void {
    const known = this.#of(name)
    // What is late says nothing: an older record never gives anybody back what a newer one took.
    if (known.record !== null && record.version <= known.record.version) return
    const beats = record.value.beat !== known.record?.value.beat
    known.record = { ...record, value: readState(record.value) }
    if (beats) known.beatAt = this.#options.gateway.now()
    this.#obey(name)
  }

  /** The lease of a share begins with the last sign of life of whoever looks after it. */
  #obey(name: string): void {
    const config = this.#rollouts[name]
    const { record, beatAt, sendingBack } = this.#of(name)
    if (config === undefined || record === null || sendingBack) return
    const { basisPoints, mirrorBasisPoints } = record.value
    const { gateway } = this.#options
    const lease = isUnderWay(record.value) ? beatAt + config.lease : Infinity
    // Users whose data only this release can read are not given to another one by silence.
    const until = wayBackRefusal(config.schema) === null ? lease : Infinity
    gateway.share(name, basisPoints, until)
    gateway.mirror(name, basisPoints === 0 ? mirrorBasisPoints : 0, lease)
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#glance(), glanceMs)
    this.#timer.unref()
  }

  #glanceNow(): void {
    if (this.#timer === undefined || this.#closed) return
    clearTimeout(this.#timer)
    void this.#glance()
  }

  async #glance(): Promise<void> {
    this.#timer = undefined
    const now = this.#options.gateway.now()
    if (now >= this.#turnAt || Object.keys(this.#rollouts).some((name) => this.#failsAnew(name))) {
      this.#turnAt = now + turnMs
      await this.#turn()
    }
    this.#schedule()
  }

  /** Whether a release that few have tried has failed, at any gateway, since the last turn. */
  #failsAnew(name: string): boolean {
    const { record, failures } = this.#of(name)
    if (record === null || !isUnderWay(record.value)) return false
    return record.value.evidence.stepRequests < promptRequestsMax && this.#failures(name) > failures
  }

  #failures(name: string): number {
    const { self, gateway } = this.#options
    let failures = gateway.counts(name)?.release.errors ?? 0
    for (const [key, { counts }] of this.#of(name).counts) if (key !== self) failures += counts.release.errors
    return failures
  }

  async #turn(): Promise<void> {
    for (const name of Object.keys(this.#rollouts)) {
      const known = this.#of(name)
      const { record, beatAt } = known
      if (record === null || !isUnderWay(record.value) || this.#closed) continue
      known.failures = this.#failures(name)
      await this.#tell(name)
      const { holder } = record.value
      const now = this.#options.gateway.now()
      if (holder === this.#options.self) await this.#look(name)
      else if (now - beatAt > takeOverMs) await this.#change(name, { kind: 'take' }, record.version)
    }
  }

  /** Tells what this gateway has counted. */
  async #tell(name: string): Promise<void> {
    const counts = this.#options.gateway.counts(name)
    if (counts === null) return
    const known = this.#of(name)
    const { self } = this.#options
    const key = `${prefix}${name}/${self}`
    known.counts.set(self, this.#heard(counts))
    const result = await this.#store.compareAndSet(key, known.toldVersion, counts)
    if (result !== null) known.toldVersion = result.current?.version ?? 0
  }

  async #look(name: string): Promise<void> {
    const { counts, record } = this.#of(name)
    const all: GatewayCounts = Object.fromEntries(
      [...counts].map(([gateway, told]) => [gateway, told.counts]),
    )
    const now = this.#options.gateway.now()
    const silent = [...counts].flatMap(([gateway, { at }]) => (now - at > takeOverMs ? gateway : []))
    const measured = this.#analysis.turn(name, this.#rollouts[name]!, record!.value)
    await this.#change(name, { kind: 'look', counts: all, silent, measured })
  }

  #heard(counts: RouteReleaseCounts): { counts: RouteReleaseCounts; at: number } {
    return { counts, at: this.#options.gateway.now() }
  }

  /** Null: done; otherwise why not. `onlyAt`: of this version, or not at all. */
  async #change(name: string, event: RolloutEvent, onlyAt?: number): Promise<string | null> {
    const config = this.#rollouts[name]
    if (config === undefined) return 'it is not configured here'
    const { self, wall } = this.#options
    // Whoever looks after it wrote it last: what is stored meanwhile is found out when it writes.
    let found = event.kind === 'look' ? this.#of(name).record : undefined
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      found ??= (await this.#store.get(`${prefix}${name}`)) as Versioned<RolloutState> | null | undefined
      if (found === undefined) return 'the store does not answer'
      if (found !== null) this.#learn(name, found)
      const before = found === null ? null : readState(found.value)
      if (onlyAt !== undefined && found?.version !== onlyAt) return 'somebody else was faster'
      if (event.kind === 'look' && before?.holder !== self) return 'another one looks after it'
      const moment: RolloutMoment = { wall: wall(), self }
      const outcome = stepRollout(before, event, rulesOf(config), moment)
      if (!outcome.ok) return outcome.why
      const { state, notices } = outcome
      // Down at once, up once it is written.
      if (state.phase === 'aborted') this.#takeBack(name)
      const stored = await this.#store.compareAndSet(`${prefix}${name}`, found?.version ?? 0, state)
      if (stored === null) return 'the store does not say whether it was stored: look, and try again'
      if (stored.current !== null) this.#learn(name, stored.current as Versioned<RolloutState>)
      if (!stored.ok) {
        found = stored.current as Versioned<RolloutState> | null
        continue
      }
      for (const notice of notices) this.#notify(name, config, state, notice)
      return null
    }
    return 'others change the same: try again'
  }

  /** Nothing goes to the release any more, neither users nor copies. */
  #takeBack(name: string): void {
    const { gateway } = this.#options
    gateway.share(name, 0, Infinity)
    gateway.mirror(name, 0, Infinity)
  }

  #notify(name: string, { route, release }: RolloutConfig, state: RolloutState, notice: RolloutNotice): void {
    this.#options.report({
      kind: `rollout.${notice.kind}`,
      severity:
        notice.kind === 'aborted' || notice.kind === 'blocked'
          ? 'critical'
          : notice.kind === 'held' || notice.kind === 'paused'
            ? 'warning'
            : 'info',
      subject: name,
      message: `Rollout ${name} of ${release}: ${notice.message}.`,
      evidence: {
        route,
        release,
        step: state.step + 1,
        basisPoints: state.basisPoints,
        generation: state.generation,
        epoch: state.epoch,
        by: state.by,
        ...(state.verdict === null ? {} : state.verdict.numbers),
      },
    })
    if (notice.kind !== 'held') this.#record(name, `rollout.${notice.kind}`, state, notice.message)
  }

  #record(name: string, action: AuditAction, state: RolloutState, message: string): void {
    const { basisPoints, step, epoch, generation, by, verdict } = state
    this.#options.record({
      at: new Date(this.#options.wall()).toISOString(),
      actor: by === 'verdict' ? this.#options.self : by,
      action,
      subject: name,
      term: 0,
      epoch,
      detail: { message, basisPoints, step: step + 1, generation, verdict },
    })
  }

  #of(name: string): Known {
    let known = this.#known.get(name)
    if (known === undefined) {
      known = {
        record: null,
        beatAt: this.#options.gateway.now(),
        counts: new Map(),
        failures: 0,
        toldVersion: 0,
        sendingBack: false,
      }
      this.#known.set(name, known)
    }
    return known
  }
}

const prefix = 'rollout/'
