import type { SiteVerdict } from '@budao/model'
import type { Checker } from './checker.ts'
import type { Schedule } from './schedule.ts'

/** A site may still be found slow so long after it was: it has to be fast for `stable`, and be looked at. */
const echoMs = 6_000
/** By then it has been found: four seconds, looks that lie badly, words on their way. */
const foundMs = 8_000

/** What comes after a word that is newer comes so soon after it. */
const overtakenMs = 300

/** What must hold of slow sites: none is found slow that is not, one that is alone in that is found, and nobody changes his mind. */
export class PaceChecker {
  readonly #schedule: Schedule
  readonly #now: () => number
  readonly #checker: Checker
  readonly #slow: Set<string> = new Set()
  readonly #turns: Map<string, number> = new Map()
  readonly #endedAt: Map<string, number> = new Map()
  readonly #found: Set<string> = new Set()

  constructor(schedule: Schedule, now: () => number, checker: Checker) {
    this.#schedule = schedule
    this.#now = now
    this.#checker = checker
  }

  judged(controller: string, verdicts: readonly SiteVerdict[]): void {
    for (const { site, slow } of verdicts) {
      const key = `${controller} ${site}`
      if ((slow !== undefined) === this.#slow.has(key)) continue
      if (slow === undefined) {
        this.#slow.delete(key)
        this.#endedAt.set(key, this.#now())
        this.#checker.say(`${controller} finds ${site} slow no more`)
        continue
      }
      this.#slow.add(key)
      const [ms, usualMs] = [Math.round(slow.ms), Math.round(slow.usualMs)]
      this.#checker.say(`${controller} finds ${site} slow: ${ms} ms, usual ${usualMs} ms`)
      this.#becameSlow(site, key)
    }
  }

  /** The run is over. */
  ended(): void {
    const { faults, mode, lossPercent } = this.#schedule
    const [fault] = faults
    if (!this.#isAlone || fault === undefined || mode === 'literal' || lossPercent >= 1) return
    const { domain, from, until, much } = fault
    if (until - from >= foundMs && much >= 100 && !this.#found.has(domain))
      this.#checker.broken(`${domain} was slow by ${much} ms for ${until - from} ms, and nobody noticed`)
  }

  #becameSlow(site: string, key: string): void {
    this.#found.add(site)
    const now = this.#now()
    if (!this.#isSlow(site, now)) this.#checker.broken(`${site} is found slow, and is not`)
    // Words overtake one another here, which those on one connection do not.
    if (now - (this.#endedAt.get(key) ?? -Infinity) < overtakenMs) return
    const turns = (this.#turns.get(key) ?? 0) + 1
    this.#turns.set(key, turns)
    if (this.#isAlone && turns > 1) this.#checker.broken(`${key}: found slow ${turns} times for one fault`)
  }

  #isSlow(site: string, now: number): boolean {
    const { faults, stableMs } = this.#schedule
    const lately = faults.filter(({ from, until }) => now >= from && now <= until + stableMs + echoMs)
    if (lately.some(({ kind, domain }) => kind === 'slow-site' && domain === site)) return true
    // With nobody there to echo, a slow network cannot be told from a slow site.
    const isUnheard = lately.some(
      ({ kind, domain, process }) =>
        domain === site && (kind === 'keeper' || (kind === 'freeze' && process === 'keeper')),
    )
    return isUnheard && lately.some(({ kind }) => kind === 'slow')
  }

  /** Nothing else is broken: words that are lost with a network are no change of mind. */
  get #isAlone(): boolean {
    const { faults, acts } = this.#schedule
    return faults.length === 1 && faults[0]!.kind === 'slow-site' && acts.length === 0
  }
}
