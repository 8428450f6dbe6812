import type { HardCause } from '@budao/resilience'
import type { LinkGate } from './link-gate.ts'
import { lineBytesMax, parseFrame, type Answer, type Frame, type Hello, type Question } from './frames.ts'
import type { LineReader, LineSocket } from './line-socket.ts'

/** Questions under way over one link at most: a peer that answers none is asked nothing more. */
const questionsMax = 1_024
/** Beats whose echo is still of interest. */
const beatsMax = 64

/** What came of a question: the answer, none in time, or no link any more. */
export type Asked =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'timeout' | 'gone' }

/** What a link tells. */
export interface LinkUser {
  echoed(rttMs: number): void
  opinions(frame: Extract<Frame, { t: 'opinions' }>): void
  /** Resolves with the answer; undefined: none is given. */
  question(question: Question): Promise<Answer | undefined>
  /** Whether the loop that serves has moved lately: only then a beat is echoed. */
  serves(): boolean
  /** `leaves`: the other node said that it goes. `cause` null: its end says nothing. */
  ended(cause: HardCause | null, why: string, leaves: boolean): void
}

/** One connection with a node that has proved who it is. */
export class Link implements LineReader {
  readonly peer: Hello
  /** Whether this side has dialed. */
  readonly dialed: boolean
  readonly #socket: LineSocket
  readonly #user: LinkUser
  readonly #gate: LinkGate
  readonly #now: () => number
  readonly #questions: Map<number, (asked: Asked) => void> = new Map()
  readonly #beats: Map<number, number> = new Map()
  readonly #probes: Map<number, (outcome: 'answered' | 'gone') => void> = new Map()
  #next = 0
  #bye: { readonly leaves: boolean } | null = null

  constructor(
    peer: Hello,
    dialed: boolean,
    socket: LineSocket,
    user: LinkUser,
    gate: LinkGate,
    now: () => number,
  ) {
    this.peer = peer
    this.dialed = dialed
    this.#socket = socket
    this.#user = user
    this.#gate = gate
    this.#now = now
    socket.read(this, lineBytesMax)
  }

  send(frame: Frame): boolean {
    // Who loses it does not know.
    return !this.#gate.says(this.peer.node) || this.#socket.send(JSON.stringify(frame))
  }

  beat(): void {
    const n = this.#next++
    this.#beats.set(n, this.#now())
    if (this.#beats.size > beatsMax) this.#beats.delete(this.#beats.keys().next().value!)
    this.send({ t: 'beat', n })
  }

  /** A beat that is waited for. */
  probe(timeoutMs: number): Promise<'answered' | 'failed' | 'gone'> {
    const { promise, resolve } = Promise.withResolvers<'answered' | 'failed' | 'gone'>()
    const n = this.#next
    const timer = setTimeout(() => end('failed'), timeoutMs)
    timer.unref()
    const end = (outcome: 'answered' | 'failed' | 'gone'): void => {
      clearTimeout(timer)
      this.#probes.delete(n)
      resolve(outcome)
    }
    this.#probes.set(n, end)
    this.beat()
    return promise
  }

  /** Never rejects. */
  ask(ask: Question, timeoutMs: number): Promise<Asked> {
    const id = this.#next++
    const { promise, resolve } = Promise.withResolvers<Asked>()
    if (this.#questions.size >= questionsMax) return Promise.resolve({ kind: 'timeout' })
    const timer = setTimeout(() => end({ kind: 'timeout' }), timeoutMs)
    timer.unref()
    const end = (asked: Asked): void => {
      clearTimeout(timer)
      this.#questions.delete(id)
      resolve(asked)
    }
    this.#questions.set(id, end)
    if (!this.send({ t: 'ask', id, ask })) end({ kind: 'gone' })
    return promise
  }

  /** Ends it so that the other side concludes nothing. */
  bye(leaves: boolean, why: string): void {
    this.send({ t: 'bye', leaves })
    this.#socket.end(why)
  }

  destroy(why: string): void {
    this.#socket.destroy(why)
  }

  line(text: string): void {
    if (!this.#gate.hears(this.peer.node)) return
    const frame = parseFrame(text)
    if (typeof frame === 'string') return this.destroy(`it says what is not understood: ${frame}`)
    switch (frame.t) {
      case 'beat':
        if (this.#user.serves()) this.send({ t: 'echo', n: frame.n })
        break
      case 'echo': {
        const sentAt = this.#beats.get(frame.n)
        this.#beats.delete(frame.n)
        this.#probes.get(frame.n)?.('answered')
        if (sentAt !== undefined) this.#user.echoed(this.#now() - sentAt)
        break
      }
      case 'opinions':
        this.#user.opinions(frame)
        break
      case 'ask':
        void this.#answer(frame.id, frame.ask)
        break
      case 'answer':
        this.#questions.get(frame.id)?.({ kind: 'answer', answer: frame.answer })
        break
      case 'bye':
        this.#bye = { leaves: frame.leaves }
        this.#socket.end('the other side said good-bye')
        break
      case 'refuse':
        this.destroy(frame.why)
        break
      case 'welcome':
        this.destroy('a second welcome came')
        break
    }
  }

  ended(cause: HardCause | null, why: string): void {
    for (const end of this.#questions.values()) end({ kind: 'gone' })
    for (const end of this.#probes.values()) end('gone')
    // Where packets get lost, so does the end of a connection: nobody is surely gone.
    const known = this.#bye === null && !this.#gate.cuts(this.peer.node)
    this.#user.ended(known ? cause : null, why, this.#bye?.leaves ?? false)
  }

  async #answer(id: number, ask: Question): Promise<void> {
    const answer = await this.#user.question(ask)
    if (answer !== undefined) this.send({ t: 'answer', id, answer })
  }
}
