import type { LettersOfSite } from '../site-database.ts'

/** Another site’s replicator, to be asked. */
export interface AskedPeer {
  readonly site: string
  readonly url: string
  readonly token?: string
}

const everyMs = 1000
const askMsMax = 2000

/** What of this site’s changes waits or was refused at the others: asked again and again. */
export class PeerLetters {
  readonly #site: string
  readonly #peers: readonly AskedPeer[]
  readonly #known: Map<string, LettersOfSite> = new Map()
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #closing: AbortController = new AbortController()
  readonly #asking: Set<string> = new Set()

  constructor(site: string, peers: readonly AskedPeer[]) {
    this.#site = site
    this.#peers = peers
    this.#timers = peers.map((peer) => setInterval(() => void this.ask(peer), everyMs))
    for (const peer of peers) void this.ask(peer)
  }

  /** As it was told last; null: never since this process began. */
  at(peer: string): LettersOfSite | null {
    return this.#known.get(peer) ?? null
  }

  /** Asks all of them, however lately that was done. */
  async askAll(): Promise<void> {
    this.#asking.clear()
    await Promise.all(this.#peers.map((peer) => this.ask(peer)))
  }

  /** Asks once more, unless that is being done. */
  async ask(peer: AskedPeer): Promise<void> {
    if (this.#asking.has(peer.site)) return
    this.#asking.add(peer.site)
    const counts = await this.#get<LettersOfSite>(peer, '/v1/dead-letters/counts?')
    // What was told last stands: how old it is is seen by the silence of the peer.
    if (counts !== null) this.#known.set(peer.site, counts)
    this.#asking.delete(peer.site)
  }

  /** Ids of this site’s writes that a peer refused, since their epoch had ended; null: it does not answer. */
  async refusedAt(site: string, limit: number): Promise<readonly string[] | null> {
    const peer = this.#peers.find((each) => each.site === site)
    if (peer === undefined) return null
    return (await this.#get<{ ids: string[] }>(peer, `/v1/ended?limit=${limit}&`))?.ids ?? null
  }

  close(): void {
    this.#closing.abort()
    for (const timer of this.#timers) clearInterval(timer)
  }

  async #get<T>({ url, token }: AskedPeer, path: string): Promise<T | null> {
    try {
      const response = await fetch(`${url}${path}origin=${encodeURIComponent(this.#site)}`, {
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(askMsMax)]),
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
      const answer = (await response.json()) as T
      return response.ok ? answer : null
    } catch {
      return null
    }
  }
}
