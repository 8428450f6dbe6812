import type { Script } from 'node:vm'
import {
  Ledger,
  Phone,
  SeededDraws,
  SimulatedLink,
  SimulatedServer,
  VirtualTime,
  type LinkQuality,
} from '@budao/testkit'
import { PATIENCE_MS, type Contender, type Got } from './contender.ts'

const primary = 'https://a.example'
const backup = 'https://b.example'

export interface Handset {
  readonly phone: Phone
  readonly link: SimulatedLink
  readonly draws: SeededDraws
  app: Contender
}

/** What one contender did in one scenario. */
export interface Tally {
  calls: number
  /** Answered in time, with what was asked for. */
  right: number
  /** Handed over as answered, and something else: a login page, half of an object. */
  wrong: number
  /** Of right ones. Milliseconds. */
  readonly ms: number[]
  /** Requests that left the phone. */
  requests: number
  /** Done at the server beyond once. */
  duplicates: number
  writes: number
  /** Writes of the user that were never done. */
  lost: number
  /** Most requests that arrived in a second behind an outage, as a multiple of the mean before it; 0 where there was none. */
  peak: number
}

/** Two sites over one ledger, and phones that all run the same contender. Everything in it follows from a seed. */
export class Stage {
  readonly time: VirtualTime = new VirtualTime()
  readonly draws: SeededDraws
  readonly ledger: Ledger = new Ledger()
  readonly sites: readonly [primary: SimulatedServer, backup: SimulatedServer]
  readonly tally: Tally = {
    calls: 0,
    right: 0,
    wrong: 0,
    ms: [],
    requests: 0,
    duplicates: 0,
    writes: 0,
    lost: 0,
    peak: 0,
  }
  readonly #script: Script
  readonly #seed: number
  readonly #handsets: Handset[] = []

  constructor(seed: number, script: Script, workMs = 20) {
    this.#seed = seed
    this.#script = script
    this.draws = new SeededDraws(seed)
    const { serve } = this.ledger
    const site = (origin: string): SimulatedServer =>
      new SimulatedServer(this.time, { origin, serve, workMs })
    this.sites = [site(primary), site(backup)]
  }

  handset(quality: Partial<LinkQuality> = {}): Handset {
    const seed = this.#seed * 1_009 + this.#handsets.length + 1
    const link = new SimulatedLink(this.time, new SeededDraws(seed), this.sites, quality)
    const phone = new Phone({ time: this.time, network: link, domains: [primary, backup], seed })
    const handset = { phone, link, draws: new SeededDraws(seed * 31), app: this.#start(phone) }
    this.#handsets.push(handset)
    return handset
  }

  restart(handset: Handset): void {
    handset.phone.kill()
    handset.app = this.#start(handset.phone)
  }

  /** A call as its user sees it. */
  async call(
    handset: Handset,
    path: string,
    write?: { entity: string; n: number },
    priority?: 'high',
  ): Promise<void> {
    const { tally, time } = this
    tally.calls++
    if (write !== undefined) tally.writes++
    const at = time.now()
    const { app } = handset
    const call = write === undefined ? app.get(path, priority) : app.post(path, write)
    const answered = call.then(
      (each) => each,
      () => undefined,
    )
    const got = await Promise.race([answered, this.sleep(PATIENCE_MS)])
    if (got === undefined || got === null) return
    if (!isRight(got, write === undefined ? path : `${write.entity} ${write.n}`)) {
      tally.wrong++
      return
    }
    tally.right++
    tally.ms.push(time.now() - at)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.time.after(ms, resolve))
  }

  /** Time until the next of a user's calls, which come `meanMs` apart. */
  pause({ draws }: Handset, meanMs: number): Promise<void> {
    return this.sleep(-Math.log(1 - draws.next()) * meanMs)
  }

  async all(lives: readonly Promise<unknown>[]): Promise<Tally> {
    await this.time.until(Promise.all(lives), 24 * 3_600_000)
    this.tally.requests = this.#handsets.reduce((sum, { link }) => sum + link.carried, 0)
    this.tally.duplicates = this.ledger.duplicates
    return this.tally
  }

  #start(phone: Phone): Contender {
    const app = phone.start(this.#script) as Contender
    app.begin({ origins: [primary, backup] })
    return app
  }
}

/** Whether it is what the server says to exactly this call. */
function isRight({ status, data }: Got, expected: string): boolean {
  if (status < 200 || status > 299) return false
  const body = typeof data === 'string' ? data : JSON.stringify(data)
  try {
    const { path, done } = JSON.parse(body) as { path?: string; done?: string }
    return path === expected || done === expected
  } catch {
    return false
  }
}
