import { setTimeout as sleep } from 'node:timers/promises'
import type { FailoverRun, UnitReport } from '@budao/model'
import { CliError } from '../cli-error.ts'
import type { GatewayWitness } from './admin-api.ts'

/** The right to write went from one site to another, or should have. Times are milliseconds from the fault. */
export interface DrillMove {
  readonly unit: string
  readonly kind: FailoverRun['kind']
  readonly from: string
  readonly to: string
  /** The epoch that ended. */
  readonly fromEpoch: number
  /** The one that began; null: none has. */
  readonly toEpoch: number | null
  /** `automatic`, or who asked for it. */
  readonly by: string
  readonly reason: string
  /** Null: it had not ended when the drill did. */
  readonly outcome: FailoverRun['outcome']
  /** When it was decided, by the clock of whoever led. */
  readonly beganMs: number
  /** When each step began; the last one is its end. */
  readonly steps: readonly { readonly step: string; readonly ms: number }[]
  /** Acknowledged writes of so many milliseconds may not have come along, as the move itself says; null: unknown. */
  readonly lossMs: number | null
}

const lookEveryMs = 200
/** Between two moves there are ten seconds, and a site that came back is looked at for a while before it gets its work back. */
const askAgainMs = 500

/** Every move of a unit that is seen while a drill runs. A unit's report has only its last one: several are looked at one by one. */
export class MoveWatch {
  readonly #witness: Pick<GatewayWitness, 'units'>
  readonly #failback: (unit: string, reason: string) => Promise<void>
  readonly #runs = new Map<string, { run: FailoverRun; epoch: number | null }>()
  readonly #before = new Set<string>()
  readonly #ending = new AbortController()
  #homes: readonly { readonly unit: string; readonly owner: string | null }[] | null = null
  #last: readonly UnitReport[] | null = null
  #looking: Promise<void> | null = null

  /** `failback` asks for it as a person would, and rejects with CliError where it is refused. */
  constructor(
    witness: Pick<GatewayWitness, 'units'>,
    failback: (unit: string, reason: string) => Promise<void>,
  ) {
    this.#witness = witness
    this.#failback = failback
  }

  /** What was before the fault; looks from now on. */
  async begin(): Promise<void> {
    const units = await this.#units()
    if (units === null) return
    this.#homes = units.map(({ unit, owner }) => ({ unit, owner }))
    for (const { run } of units) if (run !== null) this.#before.add(run.id)
    this.#looking = this.#look()
  }

  /** Ends the looking, after a last look. */
  async end(): Promise<void> {
    this.#ending.abort()
    await this.#looking
    if (this.#homes !== null) this.#take(await this.#units())
  }

  /** Null where nothing moves units. */
  moves(faultWallMs: number): readonly DrillMove[] | null {
    if (this.#homes === null) return null
    return [...this.#runs.values()]
      .map(({ run, epoch }) => moveOf(run, epoch, faultWallMs))
      .toSorted((a, b) => a.beganMs - b.beganMs)
  }

  /** Whether every unit is where it was before the fault, or where it belongs; null: nothing moves units, or nobody could say. */
  get home(): boolean | null {
    const { away } = this
    return away === null ? null : away.length === 0
  }

  /** Units that are elsewhere now. One that had been away before, and was moved to the site that it prefers, is home. */
  get away(): readonly string[] | null {
    if (this.#homes === null || this.#last === null) return null
    const now = new Map(this.#last.map((report) => [report.unit, report]))
    return this.#homes
      .filter(({ unit, owner }) => {
        const then = now.get(unit)
        return owner !== null && then?.owner !== owner && (then === undefined || then.owner !== then.sites[0])
      })
      .map(({ unit }) => unit)
  }

  /** Asks for failback of every unit that is away, again and again until all are home or the time is over. */
  async bringHome(reason: string, forMs: number, say: (line: string) => void): Promise<void> {
    const until = performance.now() + forMs
    const asked = new Set<string>()
    let refused = ''
    while (performance.now() < until) {
      this.#take(await this.#units())
      const away = this.away ?? []
      // A granted move is home before its account has ended.
      if (away.length === 0 && !this.#homes?.some(({ unit }) => this.#underWay(unit))) return
      for (const unit of away) {
        if (this.#underWay(unit)) continue
        try {
          await this.#failback(unit, reason)
          if (!asked.has(unit)) say(`${unit}: failback has begun`)
          asked.add(unit)
        } catch (error) {
          if (!(error instanceof CliError)) throw error
          refused = error.message
        }
      }
      await sleep(askAgainMs)
    }
    say(`not everything is home after ${Math.round(forMs / 1000)} s: ${refused}`)
  }

  async #look(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      this.#take(await this.#units())
      await sleep(lookEveryMs, undefined, { signal }).catch(() => {})
    }
  }

  /** Null: nobody answered, which is asked on. */
  async #units(): Promise<readonly UnitReport[] | null> {
    try {
      return await this.#witness.units()
    } catch (error) {
      if (error instanceof CliError) return null
      throw error
    }
  }

  #take(units: readonly UnitReport[] | null): void {
    if (units === null) return
    this.#last = units
    for (const { run, epoch } of units)
      if (run !== null && !this.#before.has(run.id)) this.#runs.set(run.id, { run, epoch })
  }

  #underWay(unit: string): boolean {
    const found = this.#last?.find((each) => each.unit === unit)
    return found !== undefined && (found.lease !== 'held' || found.run?.outcome === null)
  }
}

function moveOf(run: FailoverRun, epoch: number | null, faultWallMs: number): DrillMove {
  const { unit, kind, from, to, by, reason, outcome, startedAt, lossMs } = run
  const beganMs = startedAt - faultWallMs
  const steps = run.steps.map(({ step, atMs }) => ({ step, ms: Math.round(beganMs + atMs) }))
  const toEpoch = epoch !== null && epoch > run.epoch ? epoch : null
  return { unit, kind, from, to, fromEpoch: run.epoch, toEpoch, by, reason, outcome, beganMs, steps, lossMs }
}
