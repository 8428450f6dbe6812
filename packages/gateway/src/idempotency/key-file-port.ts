import type { MessagePort } from 'node:worker_threads'
import { StoreAway } from '../stores/store.ts'
import type { KeyFileAnswer, KeyFileCall } from './key-file-messages.ts'
import type { ClaimAnswer, FirstResult, KeyClaim, KeyOwner, KeyStore, Settlement } from './key-store.ts'

/** A disk that takes longer is none. */
const CALL_MS = 2_000
/** Calls that may wait at once in one thread. */
const PENDING_MAX = 10_000

interface Pending {
  readonly timer: NodeJS.Timeout
  resolve(answer: KeyFileAnswer): void
  reject(error: StoreAway): void
}

/** The gateway's key file as one thread sees it. */
export class KeyFilePort implements KeyStore {
  readonly #pending: Map<number, Pending> = new Map()
  #port: MessagePort | null = null
  #outgoing: KeyFileCall[] = []
  #calls = 0

  /** From now on this port leads to the file. */
  connect(port: MessagePort): void {
    this.#port?.close()
    this.#port = port
    port.on('message', (answers: readonly KeyFileAnswer[]) => {
      for (const answer of answers) this.#onAnswer(answer)
    })
    port.on('close', () => {
      if (this.#port === port) this.#onClose()
    })
    // It is no reason for the thread to live on.
    port.unref()
  }

  get here(): boolean {
    return this.#port !== null
  }

  /** The file counts nothing; its routes do. */
  passedBy(): void {}

  async claim(claim: KeyClaim): Promise<ClaimAnswer> {
    const answer = await this.#ask({ call: ++this.#calls, claim }, (late) => {
      // Whoever wanted it has gone on without it.
      if ('claimed' in late && late.claimed.kind === 'claimed') this.#release(claim)
    })
    return 'claimed' in answer ? answer.claimed : failed(answer)
  }

  async settle(owner: KeyOwner, settlement: Settlement): Promise<FirstResult | null> {
    const answer = await this.#ask({ call: ++this.#calls, owner, settlement }, () => {})
    return 'settled' in answer ? answer.settled : failed(answer)
  }

  #ask(asked: KeyFileCall, onLate: (answer: KeyFileAnswer) => void): Promise<KeyFileAnswer> {
    const port = this.#port
    if (port === null) return Promise.reject(new StoreAway('the thread of the key file is not there'))
    if (this.#pending.size >= 2 * PENDING_MAX)
      return Promise.reject(new StoreAway(`${PENDING_MAX} calls wait already`))
    return new Promise((resolve, reject) => {
      const late = (): void => {
        reject(new StoreAway(`no answer within ${CALL_MS} ms`))
        this.#pending.set(asked.call, { timer, resolve: onLate, reject: () => {} })
      }
      // A thread that was held up itself finds its timers due before it has read what has long arrived: read first.
      const timer = setTimeout(() => setImmediate(() => this.#pending.has(asked.call) && late()), CALL_MS)
      this.#pending.set(asked.call, { timer, resolve, reject })
      this.#post(asked)
    })
  }

  /** What is asked in one turn of the event loop goes in one message. */
  #post(asked: KeyFileCall): void {
    if (this.#outgoing.push(asked) > 1) return
    setImmediate(() => {
      const calls = this.#outgoing
      this.#outgoing = []
      this.#port?.postMessage(calls)
    })
  }

  #release({ name, id, fingerprint, owner }: KeyClaim): void {
    const settlement = { kind: 'release' } as const
    this.#post({ call: ++this.#calls, owner: { name, id, fingerprint, owner }, settlement })
  }

  #onAnswer(answer: KeyFileAnswer): void {
    const pending = this.#pending.get(answer.call)
    if (pending === undefined) return
    clearTimeout(pending.timer)
    this.#pending.delete(answer.call)
    pending.resolve(answer)
  }

  #onClose(): void {
    this.#port = null
    for (const { timer, reject } of this.#pending.values()) {
      clearTimeout(timer)
      reject(new StoreAway('the thread of the key file has ended'))
    }
    this.#pending.clear()
  }
}

function failed(answer: KeyFileAnswer): never {
  throw new StoreAway('problem' in answer ? answer.problem : 'an answer to something else')
}
