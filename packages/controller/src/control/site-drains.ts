import type {
  MoveWish,
  SiteDrainMove,
  SiteDrainReport,
  SiteDrainResult,
  SiteDrainWish,
  Versioned,
  WishResult,
} from '@budao/model'
import { planDrain } from '../failover/drain-plan.ts'
import type { UnitState } from '../failover/unit-state.ts'
import { explain, type DeskWorld } from './desk-world.ts'
import { StoredDocument } from './stored-document.ts'

const drainsKey = 'drains'

/** What the store keeps of a site that a person takes out of service. */
interface StoredDrain extends Pick<SiteDrainReport, 'site' | 'since' | 'by' | 'reason' | 'forced' | 'lost'> {
  readonly moves: readonly { readonly unit: string; readonly to: string }[]
}

/** Sites that people take out of service: kept in the store, so that nobody gives them work again, whoever leads. */
export class SiteDrains {
  readonly #world: DeskWorld
  readonly #move: (wish: MoveWish) => Promise<WishResult>
  readonly #document: StoredDocument<readonly StoredDrain[]>
  /** What came of the moves that this controller began, by site and unit. */
  readonly #begun: Map<string, WishResult> = new Map()

  constructor(world: DeskWorld, move: (wish: MoveWish) => Promise<WishResult>) {
    this.#world = world
    this.#move = move
    this.#document = new StoredDocument<readonly StoredDrain[]>(world.store, drainsKey, [])
  }

  seen(key: string, record: Versioned): void {
    if (key !== drainsKey) return
    this.#document.seen(record)
    this.#apply()
  }

  async drain(wish: SiteDrainWish): Promise<SiteDrainResult> {
    const { site, by, reason, force } = wish
    const { controller, journal } = this.#world
    const plan = planDrain(site, controller.states(), { force, reason })
    if (!plan.ok) {
      const message = plan.refused.map(({ unit, why }) => `${unit}: ${why}`).join('; ')
      journal.changed('drain.refused', 'failover.refused', {
        subject: site,
        by,
        message: `${site} is not drained: ${message}`,
        detail: { reason, message },
      })
      return { ok: false, why: explain('last-healthy-site', '', message), refused: plan.refused }
    }
    const { moves, lost } = plan
    const before = this.#document.value.find((drain) => drain.site === site)
    const since = before?.since ?? new Date().toISOString()
    const drain: StoredDrain = { site, since, by, reason, forced: force && lost.length > 0, lost, moves }
    const problem = await this.#document.change((drains) => [
      ...drains.filter((each) => each.site !== site),
      drain,
    ])
    if (problem !== null) return { ok: false, why: explain('wish-refused', '', problem), refused: [] }
    journal.changed(drain.forced ? 'drain.forced' : 'drain.started', 'failover.drained', {
      subject: site,
      by,
      message: `${site} is taken out of service: ${reason}`,
      detail: {
        reason,
        moves: moves.map(({ unit, to }) => `${unit} to ${to}`).join(', '),
        lost: lost.join(', '),
      },
    })
    this.#apply()
    for (const { unit, to } of moves) void this.#begin(site, { unit, to, by, reason })
    return { ok: true, drain: this.#report(drain) }
  }

  async undrain({
    site,
    by,
    reason,
  }: {
    readonly site: string
    readonly by: string
    readonly reason: string
  }): Promise<WishResult> {
    if (!this.#document.value.some((drain) => drain.site === site))
      return { ok: false, why: explain('wish-refused', '', `${site} is not drained`), runId: null }
    const problem = await this.#document.change((drains) => drains.filter((drain) => drain.site !== site))
    if (problem !== null) return { ok: false, why: explain('wish-refused', '', problem), runId: null }
    this.#apply()
    this.#world.journal.changed('drain.ended', 'failover.undrained', {
      subject: site,
      by,
      message: `${site} may have work again: ${reason}`,
      detail: { reason },
    })
    return { ok: true, why: explain('draining', '', `${site} may have work again`), runId: null }
  }

  reports(): readonly SiteDrainReport[] {
    return this.#document.value.map((drain) => this.#report(drain))
  }

  #apply(): void {
    this.#world.drained(this.#document.value.map(({ site }) => site))
  }

  async #begin(
    site: string,
    { unit, to, by, reason }: Pick<MoveWish, 'unit' | 'to' | 'by' | 'reason'>,
  ): Promise<void> {
    const key = `${site} ${unit}`
    this.#begun.delete(key)
    const wish = {
      unit,
      kind: 'switchover',
      to,
      by,
      reason: `drain of ${site}: ${reason}`,
      force: false,
    } as const
    this.#begun.set(key, await this.#move(wish))
  }

  #report({ moves: planned, ...drain }: StoredDrain): SiteDrainReport {
    const states = this.#world.controller.states()
    const moves = planned.map(({ unit, to }) =>
      this.#moveReport(
        drain.site,
        unit,
        to,
        states.find(({ rules }) => rules.unit === unit),
      ),
    )
    const left = moves.filter(({ state }) => state !== 'moved')
    const stuck = left.length > 0 && left.every(({ state }) => state === 'failed')
    return { ...drain, moves, state: left.length === 0 ? 'drained' : stuck ? 'stuck' : 'moving' }
  }

  #moveReport(site: string, unit: string, to: string, state: UnitState | undefined): SiteDrainMove {
    const begun = this.#begun.get(`${site} ${unit}`)
    const run = state?.run?.value ?? null
    const runId = begun?.runId ?? null
    const as = (word: SiteDrainMove['state'], why = ''): SiteDrainMove => ({
      unit,
      to,
      state: word,
      runId,
      why,
    })
    const rests = run === null || run.outcome !== null
    if (state?.lease?.value.site !== site) return as(rests ? 'moved' : 'moving')
    if (!rests) return as('moving')
    if (begun === undefined) {
      // Another controller began it, and has left: nobody will go on by himself.
      return state.wants === null && this.#world.controller.term !== null
        ? as('failed', 'the controller that began it leads no longer: drain the site again')
        : as('waiting')
    }
    if (!begun.ok) return as('failed', begun.why.message)
    return run?.id === runId && run?.outcome === 'rolled-back'
      ? as('failed', 'it was rolled back')
      : as('waiting')
  }
}
