import { Resolver } from 'node:dns/promises'

/** What one DNS server did while it was asked. */
export interface DnsAnswers {
  /** `host:port`. */
  readonly server: string
  readonly asked: number
  readonly answered: number
  /** The longest time without an answer, milliseconds. */
  readonly longestSilenceMs: number
}

/** Which servers are asked for which name. */
export interface DnsQuestion {
  readonly name: string
  readonly servers: readonly string[]
}

const everyMs = 200
const waitMs = 1_000

/** Asks servers for a name, again and again, each on its own. */
export class DnsProbe {
  readonly #name: string
  readonly #now: () => number
  readonly #asked: Asked[]
  #timer: NodeJS.Timeout | undefined
  #startMs = 0

  constructor({ name, servers }: DnsQuestion, now: () => number) {
    this.#name = name
    this.#now = now
    this.#asked = servers.map((server) => {
      const resolver = new Resolver({ timeout: waitMs, tries: 1 })
      resolver.setServers([server])
      return { server, resolver, asked: 0, answers: [] }
    })
  }

  start(): void {
    this.#startMs = this.#now()
    for (const one of this.#asked) Object.assign(one, { asked: 0, answers: [] })
    this.#timer = setInterval(() => this.#ask(), everyMs)
    this.#ask()
  }

  /** What each server did since the start. Questions that are still open count as not answered. */
  stop(): readonly DnsAnswers[] {
    clearInterval(this.#timer)
    const endMs = this.#now()
    return this.#asked.map(({ server, resolver, asked, answers }) => {
      const silence = longest([this.#startMs, ...answers, endMs])
      const answered = answers.length
      resolver.cancel()
      return { server, asked, answered, longestSilenceMs: silence }
    })
  }

  /** The longest time in which none of them answered. */
  get longestSilenceMs(): number {
    const all = this.#asked.flatMap(({ answers }) => answers).toSorted((a, b) => a - b)
    return longest([this.#startMs, ...all, this.#now()])
  }

  #ask(): void {
    for (const one of this.#asked) {
      one.asked++
      const { answers } = one
      // Not found is an answer too; silence and refusal are none.
      one.resolver.resolve4(this.#name).then(
        () => answers.push(this.#now()),
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENODATA' || error.code === 'ENOTFOUND') answers.push(this.#now())
        },
      )
    }
  }
}

interface Asked {
  readonly server: string
  readonly resolver: Resolver
  asked: number
  answers: number[]
}

function longest(times: readonly number[]): number {
  return Math.round(Math.max(0, ...times.slice(1).map((ms, index) => ms - times[index]!)))
}
