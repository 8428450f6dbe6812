import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillWritesConfig } from '@budao/model'
import type { Sample } from './load.ts'

/** What became of one acknowledged write. */
export interface WriteFate {
  readonly dueMs: number
  readonly ackMs: number
  /**
   * seen: read through the gateway. kept: an endpoint has it, the gateway's answer does not show it. lost: no endpoint
   * that answered has it. unknown: somebody could not be asked.
   */
  readonly fate: 'seen' | 'kept' | 'lost' | 'unknown'
}

const readers = 8
const readMsMax = 5_000
const attempts = 3

/** The writes of one drill: what each of them says, and where it is looked for afterwards. */
export class Writes {
  readonly #config: DrillWritesConfig
  readonly #prefix: string
  readonly #url: URL
  readonly #host: string

  /** `prefix` makes the ids of this drill differ from those of any other. */
  constructor(config: DrillWritesConfig, prefix: string, url: URL, host: string) {
    this.#config = config
    this.#prefix = prefix
    this.#url = new URL(config.path, url)
    this.#host = host
  }

  get url(): URL {
    return this.#url
  }

  /** The request that is due then. */
  request(dueMs: number): string {
    const { method, body = '' } = this.#config
    const id = this.#id(dueMs)
    const text = fill(body, id)
    return (
      `${method} ${fill(this.#config.path, id)} HTTP/1.1\r\nHost: ${this.#host}\r\nUser-Agent: budao-drill\r\n` +
      // The gateway that does it says in which epoch.
      'X-Budao-Echo: epoch\r\n' +
      `Content-Length: ${Buffer.byteLength(text)}\r\n${headerLines(this.#config.headers, id)}\r\n${text}`
    )
  }

  /** Looks for every acknowledged write, through the gateway first and then at each endpoint. */
  async fates(samples: readonly Sample[], endpoints: readonly string[]): Promise<readonly WriteFate[]> {
    const { readBack } = this.#config
    if (readBack === undefined) return []
    const todo = samples.filter(({ outcome }) => outcome === 'ok')
    const fates: WriteFate[] = []
    const work = async (): Promise<void> => {
      for (let sample = todo.pop(); sample !== undefined; sample = todo.pop()) {
        const { dueMs, endMs } = sample
        fates.push({ dueMs, ackMs: endMs, fate: await this.#fate(this.#id(dueMs), readBack, endpoints) })
      }
    }
    await Promise.all(Array.from({ length: readers }, work))
    return fates.toSorted((a, b) => a.ackMs - b.ackMs)
  }

  async #fate(
    id: string,
    readBack: NonNullable<DrillWritesConfig['readBack']>,
    endpoints: readonly string[],
  ): Promise<WriteFate['fate']> {
    let unknown = false
    for (const origin of [this.#url.origin, ...endpoints.map((address) => `http://${address}`)]) {
      const text = await read(`${origin}${fill(readBack.path, id)}`, filled(readBack.headers, id))
      if (text === null) unknown = true
      else if (text.includes(fill(readBack.contains, id)))
        return origin === this.#url.origin ? 'seen' : 'kept'
    }
    return unknown ? 'unknown' : 'lost'
  }

  /** A write is known by when it was due: two are never due at once. */
  #id(dueMs: number): string {
    return `${this.#prefix}-${Math.round(dueMs * 1000).toString(36)}`
  }
}

/** Null when nobody answered: then nothing is known. */
async function read(url: string, headers: Readonly<Record<string, string>>): Promise<string | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(readMsMax) })
      const text = await response.text()
      if (response.ok) return text
      if (response.status < 500) return ''
    } catch {
      // Not now; perhaps in a moment.
    }
    if (attempt === attempts) return null
    await sleep(200)
  }
}

function headerLines(headers: Readonly<Record<string, string>>, id: string): string {
  return Object.entries(filled(headers, id))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}

function filled(headers: Readonly<Record<string, string>>, id: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value, id)]))
}

function fill(text: string, id: string): string {
  return text.replaceAll('{id}', id)
}
