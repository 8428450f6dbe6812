import type { Script } from 'node:vm'
import {
  Ledger,
  Phone,
  SeededDraws,
  SimulatedLink,
  SimulatedServer,
  VirtualTime,
  type LinkQuality,
  type PhoneOptions,
  type ServerCondition,
} from '@budao/testkit'
import type { Outcome, Program } from './program.ts'

export const primary = 'https://a.example'
export const backup = 'https://b.example'

type BeginOptions = Parameters<Program['begin']>[0]

/** One phone with its network, and the program in it. */
export interface Handset {
  readonly phone: Phone
  readonly link: SimulatedLink
  app: Program
}

/** A call with what the user noticed of it. */
export interface Told extends Outcome {
  readonly at: number
  readonly ms: number
}

/** Two sites over one database, and phones. Everything in it follows from a seed. */
export class World {
  readonly time: VirtualTime = new VirtualTime()
  readonly draws: SeededDraws
  readonly ledger: Ledger = new Ledger()
  readonly primary: SimulatedServer
  readonly backup: SimulatedServer
  readonly #program: Script
  readonly #seed: number
  #handsets = 0

  constructor(seed: number, program: Script) {
    this.#seed = seed
    this.#program = program
    this.draws = new SeededDraws(seed)
    const { serve } = this.ledger
    this.primary = new SimulatedServer(this.time, { origin: primary, serve })
    this.backup = new SimulatedServer(this.time, { origin: backup, serve })
  }

  /** A phone that has just started the program. */
  handset(quality: Partial<LinkQuality> = {}, options: Partial<PhoneOptions> = {}): Handset {
    const seed = this.#seed * 100_003 + ++this.#handsets
    const link = new SimulatedLink(this.time, new SeededDraws(seed), [this.primary, this.backup], quality)
    const phone = new Phone({ time: this.time, network: link, domains: [primary, backup], seed, ...options })
    return { phone, link, app: this.launch(phone) }
  }

  launch(phone: Phone): Program {
    return phone.start(this.#program) as Program
  }

  begin(handset: Handset, options: Partial<BeginOptions> = {}, user = ''): void {
    const channels = [{ baseUrl: primary }, { baseUrl: backup }]
    handset.app.begin({ channels, keysHonoured: true, ...options }, user)
  }

  both(condition: ServerCondition): void {
    this.primary.condition = condition
    this.backup.condition = condition
  }

  async timed(call: Promise<Outcome>): Promise<Told> {
    const at = this.time.now()
    const outcome = await call
    return { ...outcome, at, ms: this.time.now() - at }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.time.after(ms, resolve))
  }

  /** Time until the next of events that come `meanMs` apart, each independent of the others. */
  pause(meanMs: number): number {
    return -Math.log(1 - this.draws.next()) * meanMs
  }

  /** Lives until all of it is over. */
  async all(lives: readonly Promise<unknown>[]): Promise<void> {
    await this.time.until(Promise.all(lives), 24 * 3_600_000)
  }
}
