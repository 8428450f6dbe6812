import type { MessagePort } from 'node:worker_threads'
import type { EventDraft } from '@budao/model'
import { type KeyCounts, type KeyFile, SWEPT_MAX } from './key-file.ts'
import type { KeyFileAnswer, KeyFileCall } from './key-file-messages.ts'

/** A file that stays full is told of again behind this. */
const FULL_AGAIN_MS = 60_000

interface Waiting {
  readonly port: MessagePort
  readonly holder: number
  readonly asked: KeyFileCall
}

/**
 * Serves the threads that ask for keys. What has come while the disk was waited for is the next batch: many writes share one
 * wait, and a single one never waits for company.
 */
export class KeyFileDesk {
  readonly #file: KeyFile
  readonly #path: string
  readonly #report: (event: EventDraft) => void
  readonly #fullToldAt: Map<string, number> = new Map()
  #waiting: Waiting[] = []
  #holders = 0
  #away = false
  #closed = false

  constructor(file: KeyFile, path: string, report: (event: EventDraft) => void) {
    this.#file = file
    this.#path = path
    this.#report = report
  }

  /** One more thread asks by this port; when it closes, nobody knows what became of its writes. */
  serve(port: MessagePort): void {
    const holder = this.#holders++
    port.on('message', (calls: readonly KeyFileCall[]) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#work())
      for (const asked of calls) this.#waiting.push({ port, holder, asked })
    })
    port.on('close', () => {
      if (!this.#closed) this.#try(false, () => this.#file.abandon(holder))
    })
  }

  /** Forgets what has expired, a part at a time: those who wait come in between. */
  sweep(): void {
    if (this.#closed) return
    let removed = 0
    this.#try(false, () => (removed = this.#file.sweep()))
    if (removed >= SWEPT_MAX) setImmediate(() => this.sweep())
  }

  counts(): ReadonlyMap<string, Readonly<KeyCounts>> {
    return this.#file.counts()
  }

  close(): void {
    this.#work()
    this.#closed = true
    this.#file.close()
  }

  #work(): void {
    const batch = this.#waiting
    if (batch.length === 0 || this.#closed) return
    this.#waiting = []
    const answers: KeyFileAnswer[] = []
    const problem = this.#try(batch.some(mustBeSynced), () => {
      for (const { asked, holder } of batch) answers.push(this.#answer(asked, holder))
    })
    const letters = new Map<MessagePort, KeyFileAnswer[]>()
    for (const [index, { port, asked }] of batch.entries()) {
      const answer = problem === null ? answers[index]! : { call: asked.call, problem }
      const letter = letters.get(port)
      if (letter === undefined) letters.set(port, [answer])
      else letter.push(answer)
    }
    // One message each: what it costs is the message, not what it holds.
    for (const [port, letter] of letters) port.postMessage(letter)
  }

  #answer(asked: KeyFileCall, holder: number): KeyFileAnswer {
    const { call } = asked
    if ('settlement' in asked) {
      const { name } = asked.owner
      const before = this.#file.cutShort.get(name)
      const settled = this.#file.settle(asked.owner, asked.settlement)
      const after = this.#file.cutShort.get(name)
      if (after !== before) this.#tellFull(name, 'bytes', 'Results are kept without their bodies')
      return { call, settled }
    }
    const { name } = asked.claim
    const claimed = this.#file.claim(asked.claim, holder)
    if (claimed.kind === 'full') this.#tellFull(name, 'entries', 'Further keys are not kept')
    return { call, claimed }
  }

  /** Returns what went wrong: nothing of the work was done then. */
  #try(synced: boolean, work: () => void): string | null {
    try {
      this.#file.batch(synced, work)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (!this.#away) this.#tell('idempotency.away', 'warning', 'Idempotency keys cannot be kept.', reason)
      this.#away = true
      return reason
    }
    if (this.#away) this.#tell('idempotency.back', 'info', 'Idempotency keys are kept again.', '')
    this.#away = false
    return null
  }

  #tell(
    kind: 'idempotency.away' | 'idempotency.back',
    severity: EventDraft['severity'],
    message: string,
    reason: string,
  ): void {
    this.#report({ kind, severity, subject: this.#path, message, evidence: { reason } })
  }

  #tellFull(name: string, limit: 'entries' | 'bytes', consequence: string): void {
    const now = performance.now()
    if (now - (this.#fullToldAt.get(`${limit} ${name}`) ?? -Infinity) < FULL_AGAIN_MS) return
    this.#fullToldAt.set(`${limit} ${name}`, now)
    const { entries = 0, bytes = 0 } = this.#file.counts().get(name) ?? {}
    this.#report({
      kind: 'idempotency.full',
      severity: 'warning',
      subject: name,
      message: `The idempotency keys of ${name} have reached \`${limit}\`. ${consequence}.`,
      evidence: { limit, entries, bytes, file: this.#path },
    })
  }
}

/**
 * A result is told to the client once it is kept. A claim need not outlive a loss of power where an uncertain key is forwarded as an
 * unknown one is.
 */
function mustBeSynced({ asked }: Waiting): boolean {
  return 'settlement' in asked ? asked.settlement.kind === 'keep' : !asked.claim.takesUncertain
}
