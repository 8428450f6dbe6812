// node application-process.ts PLAN: the application of a site, which writes over HTTP and through its outbox. Told by a socket file.
import { createServer, Agent, type IncomingMessage, request } from 'node:http'
import { machineNow } from '@budao/testkit'
import type { ApplicationPlan, LoadPlan, Outcome, WriteAttempt } from './application.ts'
import { type CountedWrites, openCountedWrites } from './counted-writes.ts'

const relayMs = 5_000

const { socket, port, token } = JSON.parse(process.argv[2]!) as ApplicationPlan
const agent = new Agent({ keepAlive: true, maxSockets: 256 })
let load: Load | null = null

const server = createServer((asked, answer) => {
  void (async () => {
    const body = await textOf(asked)
    if (asked.url === '/begin') {
      const plan = JSON.parse(body) as LoadPlan
      load = new Load(plan, await openCountedWrites(plan.site, plan.database, plan.timeoutMs))
      answer.end()
    } else if (asked.url === '/end') {
      answer.end(JSON.stringify((await load?.end()) ?? []))
      load = null
    } else {
      const { status, text } = await ask(asked.method!, asked.url!, body, relayMs)
      answer.writeHead(status === 0 ? 502 : status).end(text)
    }
  })().catch((error: unknown) => answer.writeHead(500).end(String(error)))
})
server.listen(socket, () => process.stdout.write('ready\n'))
process.once('SIGTERM', () => process.exit(0))

/** Writes at a site until it is told to end. */
class Load {
  readonly #plan: LoadPlan
  readonly #counted: CountedWrites
  readonly #attempts: WriteAttempt[] = []
  readonly #underWay = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout
  readonly #startedAt = machineNow()
  #turn = 0

  constructor(plan: LoadPlan, counted: CountedWrites) {
    this.#plan = plan
    this.#counted = counted
    this.#timer = setInterval(() => this.#due(), 2)
  }

  async end(): Promise<readonly WriteAttempt[]> {
    clearInterval(this.#timer)
    await Promise.all(this.#underWay)
    await this.#counted.close()
    return this.#attempts
  }

  #due(): void {
    const now = machineNow()
    while (this.#startedAt + (this.#turn * 1000) / this.#plan.rate <= now) {
      const writing = this.#write(this.#turn++).finally(() => this.#underWay.delete(writing))
      this.#underWay.add(writing)
    }
  }

  async #write(turn: number): Promise<void> {
    const id = `${this.#plan.prefix}-${turn}`
    const sentAt = machineNow()
    const via = (['http', 'outbox', 'http', 'outbox', 'register'] as const)[turn % 5]!
    const { outcome, error } =
      via === 'outbox' ? await this.#transact(id) : await this.#publish(id, via, turn)
    this.#attempts.push({ id, via, outcome, sentAt, doneAt: machineNow(), error })
  }

  async #publish(id: string, via: 'http' | 'register', turn: number): Promise<Outcome> {
    const { site, timeoutMs } = this.#plan
    const payload =
      via === 'http' ? { id, site, via, text: 'a row' } : { id: `r${Math.floor(turn / 5) % 4}`, v: id }
    const event = { id, op: 'update', table: via === 'http' ? 'adds' : 'registers', payload }
    return this.#outcome(await ask('POST', '/v1/events', JSON.stringify(event), timeoutMs))
  }

  async #transact(id: string): Promise<Outcome> {
    const { durability, timeoutMs } = this.#plan
    const here = await this.#counted.transact(id)
    if (here.outcome !== 'acknowledged' || durability === 'async') return here
    return this.#outcome(await ask('GET', `/v1/events/settled?id=${id}-count`, '', timeoutMs), 'unknown')
  }

  #outcome({ status, text, error }: Answer, ifNotSent: WriteAttempt['outcome'] = 'refused'): Outcome {
    const wanted = this.#plan.durability === 'sync' ? 'peers' : 'here'
    if (status === 200 && text.includes(`"durability":"${wanted}"`))
      return { outcome: 'acknowledged', error: '' }
    if (error === 'ECONNREFUSED') return { outcome: ifNotSent, error }
    return { outcome: 'unknown', error: error || `${status} ${text.slice(0, 100)}` }
  }
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly error: string
}

/** Status 0: no answer, and why. */
function ask(method: string, path: string, body: string, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      resolve({ status: 0, text: '', error: error.code ?? error.message })
    const asked = request(
      {
        ...{ host: '127.0.0.1', port, agent, method, path },
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (answer) => {
        textOf(answer).then((text) => resolve({ status: answer.statusCode ?? 0, text, error: '' }), failed)
      },
    )
    asked.on('error', failed)
    asked.end(body)
  })
}

async function textOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts).toString()
}
