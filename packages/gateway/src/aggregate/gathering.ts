import {
  BackendCall,
  type CallAnswer,
  type CallFailure,
  type CallOrigin,
  type CallUser,
} from '../upstream/backend-call.ts'
import { outcomeOf, type CallOutcome } from '../metrics/call-metrics.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { errorCodes } from '../errors.ts'
import type { PartRecord, Reply } from '../filters/filter.ts'
import { linesOf, linesWithout } from '../exchange/header-lines.ts'
import { errorReply } from '../exchange/reply.ts'
import type { OnWorkEnd, WorkRequest, WorkUnderWay } from '../exchange/own-work.ts'
import type { Aggregate } from './aggregate.ts'
import type { Part, PartProblem, PartQuestion } from './part.ts'

/**
 * waiting  to be asked, for others to end first
 * asked    its call is under way
 * given    its answer is there
 * missing  there is none
 */
type PartState = 'waiting' | 'asked' | 'given' | 'missing'

/** One part on the way to the answer. */
class Slot implements PartRecord {
  readonly part: Part
  readonly question: PartQuestion | null
  state: PartState = 'waiting'
  call: BackendCall | null = null
  json = ''
  reason = ''
  status = 0
  durationMs = 0
  beganAt = 0

  constructor(part: Part, question: PartQuestion | null) {
    this.part = part
    this.question = question
  }

  get name(): string {
    return this.part.name
  }

  get endpoint(): string {
    return this.call?.endpoint?.address ?? ''
  }

  get attempts(): number {
    return this.call?.attempts ?? 0
  }
}

/** The calls of one request to an aggregate route, and what they make together. */
export class Gathering implements CallUser, WorkUnderWay {
  readonly #plane: DataPlane
  readonly #aggregate: Aggregate
  readonly #origin: CallOrigin
  readonly #lines: string
  readonly #slots: readonly Slot[]
  readonly #deadlineAt: number
  readonly #onEnd: OnWorkEnd
  #underWay = 0
  #next = 0
  #ended = false

  /** `onEnd` is told once, perhaps before `start` has returned: the answer, and why it is not complete. */
  constructor(plane: DataPlane, aggregate: Aggregate, request: WorkRequest, onEnd: OnWorkEnd) {
    this.#plane = plane
    this.#aggregate = aggregate
    // All of it now: the request is somebody else's by the time that a part's turn has come.
    this.#origin = request.callOrigin()
    this.#deadlineAt = Math.min(
      plane.clock.now() + aggregate.config.timeout,
      this.#origin.terms?.deadlineAt ?? Infinity,
    )
    this.#lines = linesOf(request.forwardedLines, aggregate.passHeaders)
    this.#onEnd = onEnd
    const parameters = request.parameters()
    this.#slots = aggregate.parts.map((part) => {
      const question = part.question({ request, parameters })
      const slot = new Slot(part, typeof question === 'string' ? null : question)
      if (typeof question === 'string') slot.reason = question
      return slot
    })
  }

  /** For the access log, in the order of the configuration. */
  get records(): readonly PartRecord[] {
    return this.#slots
  }

  start(): void {
    for (const slot of this.#slots) {
      if (slot.question === null) this.#miss(slot, slot.reason as PartProblem, 'skipped')
      if (this.#ended) return
    }
    this.#goOn()
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#ended = true
    for (const { state, call } of this.#slots) if (state === 'asked') call!.cancel()
  }

  onCallAnswer(call: BackendCall, answer: CallAnswer): void {
    const slot = this.#leave(call)
    slot.status = answer.status
    const read = slot.part.read(answer)
    if (typeof read === 'string') {
      this.#miss(slot, read, answer.status > 299 ? outcomeOf(answer.status) : 'unusable')
    } else {
      slot.state = 'given'
      slot.json = read.json
      this.#count(slot, outcomeOf(answer.status))
    }
    this.#goOn()
  }

  onCallFailed(call: BackendCall, code: CallFailure): void {
    const outcome = code === 'upstream_timeout' ? 'late' : code === 'answer_too_large' ? 'unusable' : 'failed'
    this.#miss(this.#leave(call), code, outcome)
    this.#goOn()
  }

  /** Asks for as many parts as may be asked for at once; answers when there are no more. */
  #goOn(): void {
    while (
      !this.#ended &&
      this.#next < this.#slots.length &&
      this.#underWay < this.#aggregate.config.concurrency
    ) {
      const slot = this.#slots[this.#next++]!
      if (slot.state === 'waiting') this.#ask(slot)
    }
    if (!this.#ended && this.#underWay === 0 && this.#next === this.#slots.length) this.#answer()
  }

  #ask(slot: Slot): void {
    const { part } = slot
    const { path, query, lines } = slot.question!
    const now = this.#plane.clock.now()
    slot.beganAt = now
    // Its turn came too late.
    if (now >= this.#deadlineAt) return this.#miss(slot, 'upstream_timeout', 'late')
    const passed = linesWithout(this.#lines, part.headers)
    slot.call = new BackendCall(
      this.#plane,
      {
        service: part.service,
        origin: this.#origin,
        method: part.config.method,
        path,
        query,
        lines: passed + lines,
        ...(part.body === undefined ? {} : { body: part.body }),
        deadlineAt: Math.min(this.#deadlineAt, now + (part.config.timeout ?? Infinity)),
        bytesMax: part.config.bytes,
      },
      this,
    )
    slot.state = 'asked'
    this.#underWay++
    slot.call.start()
  }

  #leave(call: BackendCall): Slot {
    this.#underWay--
    const slot = this.#slots.find((each) => each.call === call)!
    slot.durationMs = this.#plane.clock.now() - slot.beganAt
    return slot
  }

  #miss(slot: Slot, reason: PartProblem, outcome: CallOutcome): void {
    slot.state = 'missing'
    slot.reason = reason
    this.#count(slot, outcome)
    if (slot.part.required && !this.#ended) this.#fail(slot, reason)
  }

  #count({ part, durationMs }: Slot, outcome: CallOutcome): void {
    this.#plane.calls.ended(part.row, outcome, durationMs)
  }

  /** A part without which there is no answer is missing: the others need not go on. */
  #fail({ part, status, name }: Slot, reason: PartProblem): void {
    this.cancel()
    const late = reason === 'upstream_timeout'
    const code = late ? 'part_late' : 'part_failed'
    const { status: own, message } = errorCodes[code]
    const passed = status !== 0 && part.config.passStatus.includes(status)
    this.#onEnd(errorReply(passed ? status : own, code, message, [], { part: name, reason }), code)
  }

  #answer(): void {
    const { bytes, cacheControl } = this.#aggregate.config
    const members: string[] = []
    let left = bytes
    for (const slot of this.#slots) {
      if (slot.state === 'given' && Buffer.byteLength(slot.json) > left) {
        // Not counted again: the part did what it should.
        slot.state = 'missing'
        slot.reason = 'answer_full'
        if (slot.part.required) return this.#fail(slot, 'answer_full')
      }
      const json = slot.state === 'given' ? slot.json : slot.part.fallback
      if (json === undefined) continue
      left -= Buffer.byteLength(json)
      members.push(slot.part.member + json)
    }
    this.#ended = true
    const missing = this.#slots.filter(({ state }) => state === 'missing')
    if (missing.length > 0) members.push(...partial(missing))
    const reply: Reply = {
      status: 200,
      headers: [
        ['Content-Type', 'application/json'],
        ['Cache-Control', missing.length > 0 ? 'no-store' : cacheControl],
      ],
      body: `{${members.join(',')}}`,
    }
    this.#onEnd(reply, missing.length > 0 ? 'partial' : '')
  }
}

function partial(missing: readonly Slot[]): string[] {
  const reasons = Object.fromEntries(missing.map(({ name, reason }) => [name, reason]))
  return [
    `"partial":${JSON.stringify(missing.map(({ name }) => name))}`,
    `"reasons":${JSON.stringify(reasons)}`,
  ]
}
