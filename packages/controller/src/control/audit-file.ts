import { constants, createReadStream } from 'node:fs'
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { AuditDraft, AuditQuery, AuditRecord, AuditVerdict } from '@budao/model'
import { brokenLink, chainAudit } from '../failover/audit-chain.ts'

/** Where records are, in `dataDir`. */
export const auditFileName = 'audit.ndjson'

/** Of records that could not be written so many wait; what is above is lost, and counted. */
const waitingMax = 1_000
/** The newest records, kept for those who ask for them. */
const recentMax = 1_000
const againMs = 1_000

/** What of a file’s handle is used. */
export type AuditHandle = Pick<FileHandle, 'write' | 'truncate' | 'datasync' | 'close'>

/** Where the file is, and who wants to know how it is. */
export interface AuditFileOptions {
  readonly folder: string
  /** Opens it to be read and written. Default by the file system. */
  open?(path: string): Promise<AuditHandle>
  /** Called when it cannot be written any more (with the reason) and when it can again (null). */
  onWritable(problem: string | null): void
}

/**
 * The audit log of one controller: one record a line, each with the hash of the one before, only appended to, and on the
 * disk before it counts. While the disk takes nothing records wait in memory, in their order.
 */
export class AuditFile {
  readonly #path: string
  readonly #file: AuditHandle
  readonly #options: AuditFileOptions
  #last: Pick<AuditRecord, 'seq' | 'hash'> | null
  #recent: AuditRecord[]
  #count: number
  /** Bytes that are surely whole lines: what a failed write left behind is cut off. */
  #bytes: number
  #waiting: { readonly draft: AuditDraft; readonly done: (ok: boolean) => void }[] = []
  #writing = false
  #problem: string | null = null
  #lost = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** Reads what is there. Rejects where the file cannot be opened. */
  static async open(options: AuditFileOptions): Promise<AuditFile> {
    await mkdir(options.folder, { recursive: true })
    const path = join(options.folder, auditFileName)
    const file = await (options.open ?? openFile)(path)
    const read = await readAll(path)
    // The last line of a process that died in the middle of it is no record.
    await file.truncate(read.bytes)
    return new AuditFile(path, file, read, options)
  }

  private constructor(path: string, file: AuditHandle, read: ReadAudit, options: AuditFileOptions) {
    this.#path = path
    this.#file = file
    this.#options = options
    const last = read.records.at(-1)
    this.#last = last === undefined ? null : { seq: last.seq, hash: last.hash }
    this.#count = read.count
    this.#recent = read.records
    this.#bytes = read.bytes
  }

  /** Null: it can be written, as far as is known. */
  get problem(): string | null {
    return this.#problem
  }

  /** Records that never came to the disk, because too many waited. */
  get lost(): number {
    return this.#lost
  }

  /** Resolves once it is on the disk: true; or false, when that has failed and it waits, or was lost. */
  append(draft: AuditDraft): Promise<boolean> {
    if (this.#waiting.length >= waitingMax) {
      this.#lost++
      return Promise.resolve(false)
    }
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#waiting.push({ draft, done: resolve })
    if (this.#problem === null) void this.#write()
    else resolve(false)
    return promise
  }

  /** As `AuditQuery` says. */
  async query({ subject, after, limit = 100 }: AuditQuery): Promise<readonly AuditRecord[]> {
    const wanted = (record: AuditRecord): boolean =>
      (subject === undefined || record.subject === subject) && record.seq > (after ?? 0)
    const all = this.#recent.length === this.#count
    const known = all ? this.#recent : (await readAll(this.#path, Infinity)).records
    const found = known.filter(wanted)
    return after === undefined ? found.slice(-limit) : found.slice(0, limit)
  }

  /** Reads the whole file again and follows its hashes. */
  async verify(): Promise<AuditVerdict> {
    const { count, broken, records } = await readAll(this.#path)
    const last = records.at(-1)
    return {
      ok: broken === null,
      records: count,
      last: last ? { seq: last.seq, hash: last.hash } : null,
      broken,
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    while (this.#writing) await new Promise((resolve) => setImmediate(resolve))
    await this.#file.close()
  }

  async #write(): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    while (this.#waiting.length > 0 && !this.#closed) {
      const batch = this.#waiting.slice()
      let last = this.#last
      const records = batch.map(({ draft }) => (last = chainAudit(last, draft)) as AuditRecord)
      const bytes = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
      try {
        await this.#put(bytes)
      } catch (error) {
        await this.#file.truncate(this.#bytes).catch(() => undefined)
        this.#failed((error as Error).message)
        break
      }
      this.#waiting.splice(0, batch.length)
      this.#bytes += bytes.length
      this.#last = last
      this.#count += records.length
      const kept = this.#recent.length === this.#count - records.length || this.#recent.length >= recentMax
      if (kept) this.#recent = [...this.#recent, ...records].slice(-recentMax)
      for (const { done } of batch) done(true)
      if (this.#problem === null) continue
      this.#problem = null
      this.#options.onWritable(null)
    }
    this.#writing = false
  }

  async #put(bytes: Buffer): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        written,
        bytes.length - written,
        this.#bytes + written,
      )
      written += bytesWritten
    }
    await this.#file.datasync()
  }

  #failed(why: string): void {
    const first = this.#problem === null
    this.#problem = why
    for (const { done } of this.#waiting) done(false)
    if (first) this.#options.onWritable(why)
    this.#timer = setTimeout(() => void this.#write(), againMs)
    this.#timer.unref()
  }
}

function openFile(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
}

/** What stands in a file. */
interface ReadAudit {
  /** The newest of them. */
  readonly records: AuditRecord[]
  readonly count: number
  readonly bytes: number
  readonly broken: AuditVerdict['broken']
}

/** Reads line by line, and checks each against the one before. */
async function readAll(path: string, keep: number = recentMax): Promise<ReadAudit> {
  const records: AuditRecord[] = []
  let [count, bytes, last] = [0, 0, null as AuditRecord | null]
  let broken: AuditVerdict['broken'] = null
  const { size } = await stat(path)
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
  for await (const line of lines) {
    const end = bytes + Buffer.byteLength(line) + 1
    // Without its end of line it was not written whole.
    if (end > size) break
    bytes = end
    let record: AuditRecord
    try {
      record = JSON.parse(line) as AuditRecord
    } catch {
      broken ??= { seq: (last?.seq ?? 0) + 1, why: 'unreadable' }
      continue
    }
    broken ??= brokenLink([record], last)
    last = record
    count++
    records.push(record)
    if (records.length > keep) records.shift()
  }
  return { records, count, bytes, broken }
}
