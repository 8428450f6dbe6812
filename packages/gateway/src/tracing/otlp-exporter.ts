import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'

/** As the exporters of OpenTelemetry: at most so many spans wait, so many go at once, at the latest after this time. */
const WAITING_MAX = 2_048
const BATCH_MAX = 512
const DELAY_MS = 5_000
/** For one batch, connection included. */
const TIMEOUT_MS = 10_000
const CLOSE_MS = 2_000

export interface OtlpExporterOptions {
  /** The whole address, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  /** Makes the body of a request of these spans. */
  body(spans: readonly string[]): string
  onSpans(exported: number, dropped: number): void
  warn(message: string): void
}

type Request = (
  url: URL,
  options: RequestOptions,
  onResponse: (response: IncomingMessage) => void,
) => ClientRequest

/**
 * Sends spans to a collector by OTLP over HTTP, in JSON, one batch at a time. Nobody waits for it: spans beyond those
 * that may wait, and those of a batch that the collector does not take, are dropped and counted.
 */
export class OtlpExporter {
  readonly #options: OtlpExporterOptions
  readonly #url: URL
  readonly #request: Request
  readonly #agent: Agent
  #waiting: string[] = []
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #failing = false

  /** HTTP's client is loaded where traces are wanted. */
  static async create(options: OtlpExporterOptions): Promise<OtlpExporter> {
    const { request, Agent } = options.endpoint.startsWith('https:')
      ? await import('node:https')
      : process.getBuiltinModule('node:http')
    return new OtlpExporter(
      options,
      request as Request,
      new Agent({ keepAlive: true, maxSockets: 1 }) as Agent,
    )
  }

  private constructor(options: OtlpExporterOptions, request: Request, agent: Agent) {
    this.#options = options
    this.#url = new URL(options.endpoint)
    this.#request = request
    this.#agent = agent
  }

  /** Takes one span, as JSON. */
  add(span: string): void {
    if (this.#waiting.length >= WAITING_MAX) return this.#options.onSpans(0, 1)
    this.#waiting.push(span)
    if (this.#waiting.length >= BATCH_MAX) void this.flush()
    else this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref()
  }

  /** Sends what waits. Resolves when all of it is sent or dropped; never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#sending === undefined && this.#waiting.length > 0) {
      this.#sending = this.#sendAll().finally(() => {
        this.#sending = undefined
      })
    }
    return this.#sending ?? Promise.resolve()
  }

  /** Sends what waits, for at most 2 s. */
  async close(): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref())
    await Promise.race([this.flush(), late])
    this.#agent.destroy()
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX)
      const problem = await this.#send(this.#options.body(batch))
      this.#options.onSpans(problem === '' ? batch.length : 0, problem === '' ? 0 : batch.length)
      this.#tell(problem)
    }
  }

  /** What went wrong in a few words; empty when nothing did. */
  #send(body: string): Promise<string> {
    return new Promise((resolve) => {
      const bytes = Buffer.from(body, 'latin1')
      const headers = {
        ...this.#options.headers,
        'Content-Type': 'application/json',
        'Content-Length': bytes.length,
      }
      const options = { method: 'POST', agent: this.#agent, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }
      const request = this.#request(this.#url, options, (response) => {
        response.resume()
        response.on('end', () => {
          const { statusCode = 0 } = response
          resolve(statusCode >= 200 && statusCode < 300 ? '' : `it answered ${statusCode}`)
        })
        response.on('error', (error) => resolve(error.message))
      })
      request.on('error', (error) => resolve(error.message))
      request.end(bytes)
    })
  }

  /** Once when it begins to fail, once when it is well again. */
  #tell(problem: string): void {
    const { endpoint, warn } = this.#options
    if (problem !== '' && !this.#failing)
      warn(`traces: ${endpoint}: ${problem}; spans are dropped and counted`)
    else if (problem === '' && this.#failing) warn(`traces: ${endpoint} takes spans again`)
    this.#failing = problem !== ''
  }
}
