import { CliError } from '../cli-error.ts'
import type { RecentRequests } from './abort-watch.ts'
import { DnsProbe } from './dns-probe.ts'
import type { DnsAnswers, DnsQuestion } from './dns-probe.ts'
import { Load } from './load.ts'
import type { Sample } from './load.ts'
import type { DrillOptions } from './run-drill.ts'
import { Writes } from './writes.ts'
import type { WriteFate } from './writes.ts'

/** What was answered. */
interface Answers {
  readonly reads: readonly Sample[]
  readonly writes: readonly Sample[]
  /** Null: no DNS server was asked. */
  readonly dns: readonly DnsAnswers[] | null
}

/** Writes through one gateway. */
interface Writer {
  readonly plan: Writes
  readonly load: Load
  /** When it was stopped last. */
  answers: readonly Sample[]
}

/** Without an answer for so long a request counts as failed while the drill is watched. */
const overdueMs = 2_000

/** Everything that a drill asks while it runs: reads, writes, and DNS servers where those are what is failed. */
export class DrillLoads {
  readonly #now: () => number
  readonly #options: DrillOptions
  readonly #reads: Load
  /** One for each gateway that is written through; the first is the one that is drilled. */
  #writers: readonly Writer[]
  readonly #probe: DnsProbe | null

  /** `id` makes the writes of this drill differ from those of any other. */
  constructor(now: () => number, options: DrillOptions, id: string, question: DnsQuestion | null) {
    const { url, rate, timeoutMs, drills } = options
    const host = options.host === undefined ? {} : { host: options.host }
    this.#now = now
    this.#options = options
    this.#reads = new Load(now, { url, rate, timeoutMs, ...host })
    this.#probe = question === null ? null : new DnsProbe(question, now)
    this.#writers = []
    const { writes } = drills
    if (writes === undefined) return
    const origins = [url, ...options.others]
    this.#writers = origins.map((origin, index) => {
      const plan = new Writes(writes, index === 0 ? id : `${id}-g${index}`, origin, options.host ?? url.host)
      const request = (dueMs: number): string => plan.request(dueMs)
      const share = writes.rate / origins.length
      return {
        plan,
        load: new Load(now, { url: plan.url, rate: share, timeoutMs, ...host, request }),
        answers: [],
      }
    })
  }

  /** Gateways that writes go through. */
  get writtenThrough(): readonly string[] {
    return this.#writers.map(({ plan }) => plan.url.host)
  }

  get #all(): readonly Load[] {
    return [this.#reads, ...this.#writers.map(({ load }) => load)]
  }

  /** How long the generator was held up at worst, milliseconds. */
  get longestPauseMs(): number {
    return Math.max(...this.#all.map((load) => load.longestPauseMs))
  }

  /** The longest time in which no DNS server answered; null: none is asked. */
  get dnsSilenceMs(): number | null {
    return this.#probe?.longestSilenceMs ?? null
  }

  start(): void {
    for (const load of this.#all) load.start()
    this.#probe?.start()
  }

  /** Ends what `start` began. Rejects with CliError where not everything was answered well: then nothing may be broken. */
  async mustHaveAnswered(say: (line: string) => void): Promise<void> {
    const { url, drills } = this.#options
    const { reads, dns } = await this.stop()
    mustAnswer(reads, `GET ${url.href}`)
    const [own, ...others] = this.#writers
    if (own !== undefined) mustAnswer(own.answers, `${drills.writes!.method} ${own.plan.url.href}`)
    for (const other of others) {
      if (other.answers.length > 0 && other.answers.every(({ outcome }) => outcome === 'ok')) continue
      // Its listener may be open to gateways only, and not from here.
      say(`${other.plan.url.origin} is not written through: it does not answer well`)
      other.load.close()
      this.#writers = this.#writers.filter((writer) => writer !== other)
    }
    const silent = dns?.find(({ answered }) => answered === 0)
    if (silent !== undefined) {
      throw new CliError(
        `the DNS server ${silent.server} must answer before a drill, and does not. Nothing was broken.`,
      )
    }
  }

  /** Ends the schedules and waits for what is under way. */
  async stop(): Promise<Answers> {
    const dns = this.#probe?.stop() ?? null
    const [reads, ...written] = await Promise.all(this.#all.map((load) => load.stop()))
    for (const [index, writer] of this.#writers.entries()) writer.answers = written[index]!
    const writes = written.flat().toSorted((a, b) => a.endMs - b.endMs)
    return { reads: reads!, writes, dns }
  }

  /** What ended in that time, and what should have. */
  recent(overMs: number): readonly RecentRequests[] {
    const now = this.#now()
    return this.#all.map((load) => ({
      ended: load.since(now - overMs),
      overdue: load.overdue(now - overdueMs),
    }))
  }

  /** What became of acknowledged writes; null where none are sent. */
  async fates(endpoints: readonly string[]): Promise<readonly WriteFate[] | null> {
    if (this.#writers.length === 0) return null
    const all = this.#writers.map(({ plan, answers }) => plan.fates(answers, endpoints))
    return (await Promise.all(all)).flat().toSorted((a, b) => a.ackMs - b.ackMs)
  }

  close(): void {
    for (const load of this.#all) load.close()
    this.#probe?.stop()
  }
}

/** A drill against a wrong path would measure errors that no fault has caused. */
function mustAnswer(samples: readonly Sample[], what: string): void {
  const bad = samples.find(({ outcome }) => outcome !== 'ok')
  if (bad === undefined && samples.length > 0) return
  throw new CliError(
    `${what} must answer well before a drill, got: ${bad?.outcome ?? 'nothing'}. ` +
      'Nothing was broken. Check --via, --path and drills.writes, or wait until the site is whole.',
  )
}
