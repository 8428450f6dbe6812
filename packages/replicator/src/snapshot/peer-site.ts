import { crc32 } from 'node:zlib'
import type { DeadLetter, LogBounds, LogPosition, ReplicatorReport } from '@budao/model'
import type { RowPlace } from '../site-database.ts'
import type { ComparedSite } from './compare-sites.ts'
import { type DigestPart, digestKeysMax, DigestSum, type KeysPart, type TableDigest } from './digest.ts'
import type { KeyRange, RangeSum } from './key-ranges.ts'
import type { KeptRow, Repair, SnapshotChunk, SnapshotFacts, SnapshotPart } from './snapshot.ts'

/** A peer refused, and says why. */
export class PeerRefusedError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** A snapshot that a peer holds. */
export interface PeerSnapshot {
  readonly id: string
  /** Where its log stood before the snapshot was taken. */
  readonly positions: readonly LogPosition[]
  readonly facts: SnapshotFacts
}

/** How far a peer is, asked for one site. */
export interface PeerPlace {
  /** Where it goes on in that site’s log. */
  readonly applied: readonly LogPosition[]
  /** Of its own log. */
  readonly bounds: readonly LogBounds[]
  /** Where it goes on in all logs. */
  readonly watermarks: SnapshotFacts['watermarks']
  /** The lowest epochs of that site that it accepts, by unit; '': of all that it writes. */
  readonly epochs: Readonly<Record<string, number>>
  /** Why it reads that site’s log no more; empty: it does. */
  readonly stopped: string
}

/** Of one request; what takes longer is asked in parts. */
const askMsMax = 30_000

/** So many rows differ that nobody looks at them one by one. */
interface TooMany {
  readonly keys: null
}

/** Another site's replicator, as this one asks it for snapshots and rows. */
export class PeerSite implements ComparedSite {
  readonly site: string
  readonly #url: string
  readonly #token: string | undefined
  readonly #signal: AbortSignal

  constructor(
    peer: { readonly site: string; readonly url: string; readonly token?: string },
    signal: AbortSignal,
  ) {
    this.site = peer.site
    this.#url = peer.url
    this.#token = peer.token
    this.#signal = signal
  }

  /** Has it hold the database of this moment; `bounds`: this site's log, which it goes on to read. */
  async openSnapshot(
    site: string,
    bounds: readonly LogBounds[],
    discardUnread: boolean,
  ): Promise<PeerSnapshot> {
    return (await this.#json('POST', '/v1/snapshot', { site, bounds, discardUnread })) as PeerSnapshot
  }

  /** Some of a part. Throws where it was changed on its way. */
  async readSnapshot(id: string, part: SnapshotPart, after: string | null): Promise<SnapshotChunk> {
    const query = new URLSearchParams({ id, ...part })
    if (after !== null) query.set('after', after)
    const response = await this.#ask('GET', `/v1/snapshot/chunk?${query.toString()}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    const expected = response.headers.get('x-crc32')
    if (String(crc32(bytes)) !== expected)
      throw new Error(
        `a chunk of the snapshot was changed on its way: expected CRC-32 ${expected}, found ${crc32(bytes)}`,
      )
    return JSON.parse(bytes.toString()) as SnapshotChunk
  }

  async closeSnapshot(id: string): Promise<void> {
    await this.#json('POST', '/v1/snapshot/close', { id })
  }

  async place(site: string): Promise<PeerPlace> {
    return (await this.#json('GET', `/v1/place?site=${encodeURIComponent(site)}`)) as PeerPlace
  }

  async rowsOf(places: readonly RowPlace[]): Promise<KeptRow[]> {
    return ((await this.#json('POST', '/v1/rows', { places })) as { rows: KeptRow[] }).rows
  }

  async digest(table: string): Promise<TableDigest> {
    const sum = new DigestSum()
    for (let after: string | null = null; ;) {
      const query = new URLSearchParams({ table, ...(after !== null && { after }) })
      const part = (await this.#json('GET', `/v1/digest?${query.toString()}`)) as DigestPart
      sum.addPart(part)
      if (part.next === null) return sum.digest()
      after = part.next
    }
  }

  async digestKeys(table: string, buckets: readonly number[]): Promise<ReadonlyMap<string, string> | null> {
    const found = new Map<string, string>()
    for (let after: string | null = null; ;) {
      const asked = { table, buckets, after }
      const part = (await this.#json('POST', '/v1/digest/keys', asked)) as KeysPart | TooMany
      if (part.keys === null) return null
      for (const [key, digest] of part.keys) found.set(key, digest)
      if (found.size > digestKeysMax) return null
      if (part.next === null) return found
      after = part.next
    }
  }

  /** Of the first keys of a range; `count`: of the whole table, with its first range. */
  async sumRange(range: KeyRange, keys: number): Promise<RangeSum & { readonly count?: number }> {
    return (await this.#json('POST', '/v1/range/sum', { range, keys })) as RangeSum & { count?: number }
  }

  /** Null: too many. */
  async rangeKeys(range: KeyRange): Promise<[key: string, digest: string][] | null> {
    return ((await this.#json('POST', '/v1/range/keys', { range })) as { keys: [string, string][] | null })
      .keys
  }

  /** Makes rows there what they are to be; those that are now. */
  async repair(repairs: readonly Repair[]): Promise<RowPlace[]> {
    return ((await this.#json('POST', '/v1/repair', { repairs })) as { done: RowPlace[] }).done
  }

  async status(): Promise<ReplicatorReport> {
    return (await this.#json('GET', '/v1/status')) as ReplicatorReport
  }

  /** Its dead letters behind `after`. */
  async letters(after: number): Promise<DeadLetter[]> {
    const { deadLetters } = (await this.#json('GET', `/v1/dead-letters?limit=1000&after=${after}`)) as {
      deadLetters: DeadLetter[]
    }
    return deadLetters
  }

  /** Letters of this site there are of what it has taken back. */
  async setUndone(origin: string, ids: readonly number[]): Promise<void> {
    await this.#json('POST', '/v1/dead-letters/undone', { origin, ids })
  }

  async #json(method: string, path: string, body?: object): Promise<unknown> {
    const text = await (await this.#ask(method, path, body)).text()
    return text === '' ? null : (JSON.parse(text) as unknown)
  }

  async #ask(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(this.#url + path, {
      method,
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(askMsMax)]),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (response.ok) return response
    const text = await response.text()
    let refused: { readonly code?: string; readonly message?: string } = {}
    try {
      refused = JSON.parse(text) as typeof refused
    } catch {
      // Somebody in between answers.
    }
    const { code = 'refused', message = text.slice(0, 200) } = refused
    throw new PeerRefusedError(response.status, code, `${this.site} answers ${response.status}: ${message}`)
  }
}
