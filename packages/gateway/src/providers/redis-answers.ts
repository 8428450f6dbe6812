import { hash } from 'node:crypto'
import type { AnswerStore } from '../cache/answer-store.ts'
import { isMeant, type PurgeMatch } from '../cache/purge-match.ts'
import { recordOf, recordParts, type StoredRecord } from '../cache/stored-answer.ts'
import type { SharedAnswers } from '../stores/store.ts'
import type { RedisConnection, RedisScript } from './redis-connection.ts'

/** Keys that one step of a purge looks at. */
const SCAN_KEYS = 1_000

/**
 * Keeps an answer and names it in the sets of its tags, each of which lives as long as the longest of its answers.
 *
 * KEYS: the answer's, then those of its tags. ARGV: value, milliseconds, what the sets are to hold.
 */
const source = `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
for i = 2, #KEYS do
  redis.call('SADD', KEYS[i], ARGV[3])
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
end
return 1
`

const script: RedisScript = { source, digest: hash('sha1', source) }

/** One cache over the keys of a Redis server: `PREFIXcache:NAME:a:KEY`, and `…:t:TAG` for the sets of tags. */
export class RedisAnswers implements AnswerStore {
  readonly entryBytesMax: number
  readonly isHere = false
  readonly #connection: RedisConnection
  readonly #answers: string
  readonly #tags: string
  readonly #purges: Int32Array

  constructor(connection: RedisConnection, keyPrefix: string, { name, entryBytes, purges }: SharedAnswers) {
    this.#connection = connection
    this.#answers = `${keyPrefix}cache:${name}:a:`
    this.#tags = `${keyPrefix}cache:${name}:t:`
    this.entryBytesMax = entryBytes
    this.#purges = purges
  }

  get epoch(): number {
    return Atomics.load(this.#purges, 0)
  }

  get(key: string): undefined | Promise<StoredRecord | undefined> {
    if (this.#connection.here) return this.#get(key)
    this.#connection.passedBy()
    return undefined
  }

  put(key: string, record: StoredRecord, epoch: number): void {
    if (epoch !== this.epoch) return
    if (this.#connection.here) void this.#put(key, record, epoch)
    else this.#connection.passedBy()
  }

  remove(key: string): void {
    if (this.#connection.here) this.#connection.call('UNLINK', this.#answers + key).catch(() => {})
    else this.#connection.passedBy()
  }

  async purge(match: PurgeMatch): Promise<number> {
    Atomics.add(this.#purges, 0, 1)
    if (match.tag !== undefined) return this.#purgeTag(match, this.#tags + match.tag)
    const beginnings = match.prefixes.length === 0 ? [''] : match.prefixes
    let removed = 0
    for (const beginning of beginnings)
      removed += await this.#sweep(['SCAN'], `${escaped(this.#answers + beginning)}*`, (found) =>
        found.filter((key) => isMeant(match, key.slice(this.#answers.length), () => [])),
      )
    return removed
  }

  async #get(key: string): Promise<StoredRecord | undefined> {
    try {
      const value = await this.#connection.getBuffer(this.#answers + key)
      return value === null ? undefined : (decoded(value) ?? undefined)
    } catch {
      return undefined
    }
  }

  async #put(key: string, record: StoredRecord, epoch: number): Promise<void> {
    const tags = record.kind === 'answer' ? record.tags.map((tag) => this.#tags + tag) : []
    const keepMs = Math.max(1, Math.ceil(record.keepMs))
    try {
      await this.#connection.run(script, [this.#answers + key, ...tags], [encoded(record), keepMs, key])
      // A purge that began meanwhile may have looked there already.
      if (epoch !== this.epoch) this.remove(key)
    } catch {
      // Not kept: the next request asks the service.
    }
  }

  #purgeTag({ prefixes, whole }: PurgeMatch, set: string): Promise<number> {
    return this.#sweep(['SSCAN', set], '*', (found) =>
      found.filter((key) => isMeant({ prefixes, whole }, key, () => [])).map((key) => this.#answers + key),
    )
  }

  /** Goes through keys, or through a set, and removes what `choose` makes of them. Rejects when the server does not answer. */
  async #sweep(
    command: readonly [string, ...string[]],
    pattern: string,
    choose: (found: string[]) => string[],
  ): Promise<number> {
    const [name, ...first] = command
    let removed = 0
    let cursor = '0'
    do {
      const args = [...first, cursor, 'MATCH', pattern, 'COUNT', SCAN_KEYS]
      const [next, found] = (await this.#connection.call(name, ...args)) as [string, string[]]
      const chosen = choose(found)
      if (chosen.length > 0) removed += Number(await this.#connection.call('UNLINK', ...chosen))
      cursor = next
    } while (cursor !== '0')
    return removed
  }
}

/** Length of what is said of the record, that, and the body. */
function encoded(record: StoredRecord): Buffer {
  const { meta, body } = recordParts(record)
  return Buffer.from(`${meta.length}\n${meta}${body}`, 'latin1')
}

function decoded(value: Buffer): StoredRecord | null {
  const text = value.toString('latin1')
  const lineEnd = text.indexOf('\n')
  const metaEnd = lineEnd + 1 + Number(text.slice(0, lineEnd))
  return recordOf({ meta: text.slice(lineEnd + 1, metaEnd), body: text.slice(metaEnd) })
}

/** A text as a pattern that means only it. */
function escaped(text: string): string {
  return text.replaceAll(/[\\*?[\]^]/g, String.raw`\$&`)
}
