import { openSync, readFileSync, existsSync, writeSync } from 'node:fs'
import { request } from 'node:http'

/** A write as a site’s data has it. */
export interface LoggedWrite {
  readonly id: number
  readonly epoch: number
}

/** What a site is told of the right to write. */
interface Known {
  readonly epoch: number
  readonly owner: string | null
}

/** From the owner: what follows the given length; null: this one’s log is not a beginning of the owner’s. */
type Tail = { readonly entries: readonly LoggedWrite[] } | null

const pullMs = 50
const timeoutMs = 1_000
/** Entries of one answer. */
const entriesMax = 5_000

/**
 * The data of a site in a trial: a log of writes, which is brought along from the owner’s without waiting for anybody. An entry of an epoch at an
 * index is the same everywhere, since an epoch has one site: two logs that agree in one entry agree before it.
 */
export class ReplicaLog {
  readonly #site: string
  readonly #peer: { readonly host: string; readonly port: number }
  readonly #entries: LoggedWrite[] = []
  readonly #file: number
  #known: Known = { epoch: 0, owner: null }
  /** Everything acknowledged in that epoch before that moment is here. */
  #mark: { readonly epoch: number; readonly at: number } | null = null

  constructor(site: string, file: string, peer: { readonly host: string; readonly port: number }) {
    this.#site = site
    this.#peer = peer
    for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
      const [, id, epoch] = /^\+(\d+) (\d+)$/.exec(line) ?? []
      const [, length] = /^=(\d+)$/.exec(line) ?? []
      if (epoch !== undefined) this.#entries.push({ id: Number(id), epoch: Number(epoch) })
      else if (length !== undefined) this.#entries.length = Number(length)
    }
    this.#file = openSync(file, 'a')
    setInterval(() => void this.#pull(), pullMs)
  }

  /** It was applied here, in the epoch of this site. */
  append(write: LoggedWrite): void {
    this.#entries.push(write)
    writeSync(this.#file, `+${write.id} ${write.epoch}\n`)
  }

  /** The answer to a gateway’s question about the data; what it asks says who writes. */
  position({ epoch, owner }: Known): object {
    if (epoch >= this.#known.epoch) this.#known = { epoch, owner }
    const mark = this.#mark?.epoch === this.#known.epoch ? this.#mark : null
    return {
      position: this.#entries.length,
      epoch: mark?.epoch ?? 0,
      lagMs: mark === null ? null : performance.now() - mark.at,
    }
  }

  /** What another site lacks, where this one writes in that epoch. Undefined: it does not. */
  tail(epoch: number, length: number, lastEpoch: number): Tail | undefined {
    if (this.#known.owner !== this.#site || this.#known.epoch !== epoch) return undefined
    const agrees = length === 0 || this.#entries[length - 1]?.epoch === lastEpoch
    return agrees ? { entries: this.#entries.slice(length, length + entriesMax) } : null
  }

  async #pull(): Promise<void> {
    const { epoch, owner } = this.#known
    if (owner === null || owner === this.#site) return
    const askedAt = performance.now()
    const { length } = this.#entries
    const tail = await this.#ask(epoch, length, this.#entries.at(-1)?.epoch ?? 0)
    // Meanwhile this one may have begun to write itself, or have learned of a later epoch.
    const same = this.#known.epoch === epoch && this.#known.owner === owner && this.#entries.length === length
    if (tail === undefined || !same || (this.#entries.at(-1)?.epoch ?? 0) > epoch) return
    if (tail === null) {
      // Back to before its last epoch: what it has of that is not what the owner has.
      const last = this.#entries.at(-1)!.epoch
      this.#cut(this.#entries.findIndex((each) => each.epoch === last))
      return
    }
    for (const entry of tail.entries) this.append(entry)
    if (tail.entries.length < entriesMax) this.#mark = { epoch, at: askedAt }
  }

  #cut(length: number): void {
    this.#entries.length = length
    this.#mark = null
    writeSync(this.#file, `=${length}\n`)
  }

  #ask(epoch: number, length: number, lastEpoch: number): Promise<Tail | undefined> {
    return new Promise((resolve) => {
      const path = `/_log?epoch=${epoch}&length=${length}&last=${lastEpoch}`
      const asked = request({ ...this.#peer, path, timeout: timeoutMs }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
        response.on('error', () => resolve(undefined))
        response.on('end', () => {
          try {
            resolve(response.statusCode === 200 ? (JSON.parse(body) as Tail) : undefined)
          } catch {
            resolve(undefined)
          }
        })
      })
      asked.on('timeout', () => asked.destroy())
      asked.on('error', () => resolve(undefined))
      asked.end()
    })
  }
}
