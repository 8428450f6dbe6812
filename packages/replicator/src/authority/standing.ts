import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog, LogBounds, LogPosition } from '@budao/model'
import { type AskedPeer, PeerLetters } from '../loop/peer-letters.ts'
import type { PeerProgress } from '../loop/peer-progress.ts'
import type { LettersOfSite, SiteDatabase } from '../site-database.ts'
import { Coverage } from './coverage.ts'
import { epochName } from './epoch-name.ts'

/** Writes may stand still meanwhile. */
const askedMs = 500

/** What a site stands on against the others. */
export interface StandingOptions {
  readonly site: string
  readonly database: Pick<SiteDatabase, 'epochs' | 'fence' | 'claim'>
  readonly log: Pick<EventLog, 'bounds' | 'partitions'>
  readonly peers: readonly AskedPeer[]
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** What a peer says when it has applied something. */
export interface PeerWord {
  readonly positions: readonly LogPosition[]
  /** Of a moment of its, to be said back with a heartbeat. */
  readonly mark?: string
  /** Epochs of this site that have ended there, by unit; '': of all that this site writes. */
  readonly ended?: Readonly<Record<string, number>>
}

/** The right under which something was written. */
export interface WriteRight {
  readonly unit?: string
  readonly epoch: number
}

/** How this site stands to the others: whose epochs have ended, until when each is covered here, what each has of this one. */
export class Standing {
  readonly #options: StandingOptions
  readonly #coverage: ReadonlyMap<string, Coverage>
  readonly #letters: PeerLetters
  /** The newest mark that each peer has sent. */
  readonly #heard: Record<string, string> = {}
  /** What was fenced and claimed here, as the database has it. */
  #epochs: Promise<ReadonlyMap<string, number>> | null = null
  /** Where this site’s log ended when this process began, by partition. */
  #begun: Promise<readonly LogBounds[]> | null = null
  readonly #given: Set<string> = new Set()

  constructor(options: StandingOptions) {
    this.#options = options
    this.#coverage = new Map(options.peers.map(({ site }) => [site, new Coverage(options.now)]))
    this.#letters = new PeerLetters(options.site, options.peers)
  }

  /** All that was fenced and claimed here, by `epochName`. */
  epochs(): Promise<ReadonlyMap<string, number>> {
    this.#epochs ??= this.#options.database.epochs().catch((error: unknown) => {
      this.#epochs = null
      throw error
    })
    return this.#epochs
  }

  /** Nothing of `origin` below this epoch is accepted here any more; of this site nothing is written below it. */
  async fence(origin: string, epoch: number, unit?: string): Promise<void> {
    await this.#options.database.fence(origin, epoch, unit)
    this.#epochs = null
  }

  /** This site writes in this epoch from here on. */
  async claim(epoch: number, unit?: string): Promise<void> {
    await this.#options.database.claim(epoch, unit)
    this.#epochs = null
  }

  /** Marks that the next heartbeat says back. */
  get heard(): Readonly<Record<string, string>> {
    return { ...this.#heard }
  }

  /** A mark of this moment for a peer. */
  mark(peer: string): string {
    return this.#coverage.get(peer)!.mark()
  }

  /** A heartbeat of a peer was applied that had heard this mark. */
  covered(peer: string, mark: string): void {
    this.#coverage.get(peer)?.heard(mark)
  }

  /** Everything that was committed at a peer longer ago than this is here, milliseconds; null: unknown. */
  lagMs(peer: string): number | null {
    return this.#coverage.get(peer)?.lagMs ?? null
  }

  /** Of this site’s changes, those that wait at a peer, as it said last; null: it has not said so yet. */
  lettersAt(peer: string): LettersOfSite | null {
    return this.#letters.at(peer)
  }

  /** Asks all peers anew what waits there, and waits for their answers a moment. */
  async askAgain(): Promise<void> {
    await Promise.race([this.#letters.askAll(), sleep(askedMs)])
  }

  /** Ids of this site’s writes that a peer refused, since their epoch had ended; null: it does not answer. */
  refusedAt(peer: string, limit: number): Promise<readonly string[] | null> {
    return this.#letters.refusedAt(peer, limit)
  }

  /** Whether a peer has said that it has what was in this site’s log when this process began. */
  isGiven(peer: string): boolean {
    return this.#given.has(peer)
  }

  /** A peer’s word, before anything of it counts: what has ended there ends here first, for it may have been refused. */
  async hear(peer: string, { mark, ended = {} }: PeerWord): Promise<void> {
    const { site } = this.#options
    for (const [name, epoch] of Object.entries(ended)) {
      const unit = name === '' ? undefined : name
      const known = (await this.epochs()).get(epochName(site, unit)) ?? 0
      if (known < epoch) await this.fence(site, epoch, unit)
    }
    if (mark !== undefined) this.#heard[peer] = mark
  }

  /** The word counts. */
  async counted(peer: string, progress: PeerProgress): Promise<void> {
    if (this.#given.has(peer)) return
    const { log } = this.#options
    this.#begun ??= Promise.all(
      Array.from({ length: log.partitions }, (_, partition) => log.bounds(partition)),
    ).catch((error: unknown) => {
      this.#begun = null
      throw error
    })
    const begun = await this.#begun
    const isThere = ({ logId, end }: LogBounds, partition: number): boolean =>
      end === 0 || progress.has([{ logId, partition, offset: end - 1 }])
    if (begun.every(isThere)) this.#given.add(peer)
  }

  /** Epochs of a peer that have ended here, by unit. */
  async endedOf(peer: string): Promise<Readonly<Record<string, number>>> {
    const ended: Record<string, number> = {}
    for (const [name, epoch] of await this.epochs()) {
      const [origin, unit = ''] = name.split(' ')
      if (origin === peer) ended[unit] = epoch
    }
    return ended
  }

  /** Whether what was written here under this right may have been refused elsewhere; null: under any right of this site. */
  async hasEnded(right: WriteRight | null): Promise<boolean> {
    const known = await this.epochs()
    const { site } = this.#options
    if (right !== null) return right.epoch < (known.get(epochName(site, right.unit)) ?? 0)
    for (const [name, epoch] of known) {
      const [origin, unit] = name.split(' ')
      if (origin === site && (known.get(epochName('', unit)) ?? 1) < epoch) return true
    }
    return false
  }

  close(): void {
    this.#letters.close()
  }
}
