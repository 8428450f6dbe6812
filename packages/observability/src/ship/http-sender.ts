import type { Agent, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { SinkBusyError, SinkTooLargeError } from './log-sink.ts'

const http = process.getBuiltinModule('node:http')

/** An answer with its body, which is always read: a connection is kept only so. */
export class HttpAnswer {
  readonly status: number
  readonly #chunks: readonly Buffer[]

  constructor(status: number, chunks: readonly Buffer[]) {
    this.status = status
    this.#chunks = chunks
  }

  /** Made when it is asked for: what says of each record that it was taken is long, and seldom looked at. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8', 0, answerBytesMax)
  }

  /** Of what came first, at most so many letters. */
  beginning(letters: number): string {
    return this.#chunks[0]?.toString('latin1', 0, letters) ?? ''
  }
}

const answerBytesMax = 8_388_608
/** Servers that say nothing about it keep a connection at least so long: Node’s own 5 s. */
const idleMs = 4_000

/** Posts bodies to one address, one at a time, over a connection that is kept. `fetch` takes several times as long for each. */
export class HttpSender {
  readonly #url: URL
  readonly #headers: Readonly<Record<string, string>>
  readonly #agent: Agent
  readonly #request: typeof http.request

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#url = new URL(url)
    this.#headers = headers
    const isSecure = this.#url.protocol === 'https:'
    // Who closes a connection just when the next request is on its way has it sent twice.
    const kept = { keepAlive: true, maxSockets: 1, timeout: idleMs }
    this.#agent = isSecure ? new HttpsAgent(kept) : new http.Agent(kept)
    this.#request = isSecure ? httpsRequest : http.request
  }

  /** Rejects where the sink is away, asks to be left alone (429, 5xx), or finds the body too large (413). */
  async post(body: Buffer, signal: AbortSignal): Promise<HttpAnswer> {
    const response = await this.#ask(body, signal)
    const status = response.statusCode!
    const answer = new HttpAnswer(status, await chunksOf(response))
    if (status === 429 || status >= 500) {
      throw new SinkBusyError(
        `${status} ${answer.text.slice(0, 200)}`,
        retryAfterMs(response.headers['retry-after']),
      )
    }
    if (status === 413)
      throw new SinkTooLargeError(`413 for ${body.length} bytes: ${answer.text.slice(0, 200)}`)
    return answer
  }

  close(): void {
    this.#agent.destroy()
  }

  #ask(body: Buffer, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { ...this.#headers, 'content-length': String(body.length) }
      this.#request(this.#url, { method: 'POST', agent: this.#agent, headers, signal }, resolve)
        .on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error))
        .end(body)
    })
  }
}

async function chunksOf(response: IncomingMessage): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes < answerBytesMax) chunks.push(chunk)
    bytes += chunk.length
  }
  return chunks
}

const retryAfterMsMax = 300_000

/** Seconds or a date, as RFC 9110 has it; at most five minutes. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, Math.min(retryAfterMsMax, ms))
}
