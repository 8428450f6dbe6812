import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogSinkConfig } from '@budao/model'
import type { Repeats } from './repeats.ts'
import type { TrialSink } from './trial-sink.ts'

/** Behaves as `_bulk` does, and remembers every document with the life of the process that sent it. */
export class BulkServer implements TrialSink {
  /** Messages by life, in the order they were taken. */
  readonly taken: string[][] = []
  readonly #server = createServer((request, response) => {
    const life = this.taken.length - 1
    void (async () => {
      const lines = (await text(request)).trimEnd().split('\n')
      const documents = lines.filter((_, index) => index % 2 === 1)
      for (const document of documents)
        this.taken[life]!.push((JSON.parse(document) as { readonly message: string }).message)
      // Taken, and not answered yet: where a kill makes the most of it.
      await sleep(this.#random() * 20)
      response.end(
        JSON.stringify({ errors: false, items: documents.map(() => ({ create: { status: 201 } })) }),
      )
    })().catch(() => response.destroy())
  })
  readonly #random: () => number
  #config: LogSinkConfig | null = null

  /** Listens already, and takes so many records at a time. */
  static async open(random: () => number, batch: number): Promise<BulkServer> {
    const made = new BulkServer(random)
    made.#config = {
      elasticsearch: { url: await made.start(), index: 'logs', headers: {} },
      batch,
      timeout: 5_000,
    }
    return made
  }

  constructor(random: () => number) {
    this.#random = random
  }

  get config(): LogSinkConfig {
    return this.#config!
  }

  async start(port = 0): Promise<string> {
    await once(this.#server.listen(port, '127.0.0.1'), 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What comes from now on is another process’s. */
  nextLife(): void {
    this.taken.push([])
  }

  /** Resolves when this life has sent something, or nothing for a second: it may have nothing. */
  async asked(): Promise<void> {
    const life = this.taken.at(-1)!
    for (let waited = 0; life.length === 0 && waited < 1_000; waited += 2) await sleep(2)
  }

  /** Documents that had been taken before, the most in one life and in all; and how many there are. */
  repeats(): Repeats {
    const known = new Set<string>()
    let most = 0
    let all = 0
    for (const life of this.taken) {
      const again = life.filter((message) => {
        const isKnown = known.has(message)
        known.add(message)
        return isKnown
      }).length
      most = Math.max(most, again)
      all += again
    }
    return { most, all, different: [...known] }
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
