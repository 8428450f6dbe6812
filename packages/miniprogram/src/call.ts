import { ApiError, type ApiErrorCode, type ApiErrorFacts } from './api-error.ts'
import { isFromBelow, isInProgress } from './answer-body.ts'
import type { Channel } from './channel.ts'
import type { Channels } from './channels.ts'
import { failureOf, type Failure } from './failure.ts'
import { nextStep, type GiveUp } from './next-step.ts'
import type { Parked, Parking } from './parking.ts'
import { retryAfterMs } from './retry-after.ts'
import { ANSWERED, type RetryBudget } from './retry-budget.ts'
import type { Runtime } from './runtime.ts'
import type { Priority, Scheduler } from './scheduler.ts'
import type { Method, TransportAnswer } from './transport.ts'

/** One call, ready to go out over whichever channel. */
export interface CallRequest {
  readonly method: Method
  /** Behind the channel's base: path and query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ArrayBuffer | undefined
  readonly responseType: 'text' | 'arraybuffer'
  readonly priority: Priority
  /** Milliseconds for everything: waiting for a slot, all attempts, the time between them. */
  readonly timeoutMs: number
  /** Milliseconds for one attempt where another may follow. */
  readonly attemptMs: number
  readonly attemptsMax: number
  /** Sending it twice does no harm. */
  readonly repeatable: boolean
  /** Whoever has seen it has used it up, even if he did nothing. */
  readonly once: boolean
  readonly native: Readonly<Record<string, unknown>> | undefined
  /** What is wrong with an answer that arrived whole; empty when it is well. Such an answer counts against its channel. */
  check(answer: TransportAnswer): string
}

/** What calls of one client share. */
export interface CallEnv {
  readonly runtime: Runtime
  readonly channels: Channels
  readonly scheduler: Scheduler
  readonly parking: Parking
  readonly budget: RetryBudget
  /** Names the header that tells servers how many milliseconds are left; empty for none. */
  readonly timeoutHeader: string
}

/** Where an answer comes from. `stale` was kept for longer than it is fresh. */
export type AnswerSource = 'network' | 'cache' | 'stale'

/** A complete answer with its way here. */
export interface Answered {
  readonly answer: TransportAnswer
  readonly channel: string
  readonly attempts: number
  /** How long the call waited for slots. Milliseconds. */
  readonly queueMs: number
  readonly source: AnswerSource
}

export interface CallUser {
  onAnswer(answered: Answered): void
  onError(error: ApiError): void
}

/** Nothing is said of the channel. */
const nobodys = failureOf('aborted', '')
/** How long a call may wait for the foreground: behind that its user has long gone. */
const PARKED_MAX_MS = 300_000
/** A switch of networks is over soon, and not every platform says when. */
const SWITCHED_MS = 300
/** A phone that breaks off one call this often has no network at all. */
const PARKINGS_MAX = 10

/**
 * One call from its wish to its answer: waits for a slot, tries channels one after the other, waits between, is parked
 * while the phone has no network or is in the background. Ends exactly once, also by `abort`.
 */
export class Call {
  readonly #env: CallEnv
  readonly #request: CallRequest
  readonly #user: CallUser
  readonly #tried: Channel[] = []
  #deadlineAt = 0
  #attempts = 0
  /** Those of them that count: what the phone broke off is made again. */
  #counted = 0
  #parkings = 0
  /** Of the mini program to the background, when the deadline was last set. */
  #visits = 0
  #queueMs = 0
  #channel: Channel | null = null
  #sent = false
  #ended = false
  #stopDeadline: () => void = nothing
  /** Takes back whatever is being waited for: a slot, an attempt, a pause, the foreground. */
  #stopWaiting: () => void = nothing

  constructor(env: CallEnv, request: CallRequest, user: CallUser) {
    this.#env = env
    this.#request = request
    this.#user = user
  }

  start(): void {
    this.#env.budget.deposit()
    this.#setDeadline(this.#request.timeoutMs)
    this.#queue()
  }

  abort(): void {
    this.#fail('aborted', 'The call was aborted.')
  }

  #setDeadline(ms: number): void {
    const { runtime, parking } = this.#env
    this.#stopDeadline()
    this.#deadlineAt = runtime.now() + ms
    this.#visits = parking.visits
    this.#stopDeadline = runtime.after(ms, () => {
      // In the background nothing arrives, or nothing runs: that time is not the call's.
      if (parking.visits !== this.#visits && (this.#request.repeatable || this.#attempts === 0)) {
        this.#stopWaiting()
        this.#park('foreground', this.#request.attemptMs)
      } else this.#fail('timeout', `No answer within ${this.#request.timeoutMs} ms.`)
    })
  }

  #queue(): void {
    const { runtime, scheduler } = this.#env
    const since = runtime.now()
    let started = false
    const stop = scheduler.acquire(this.#request.priority, () => {
      started = true
      const now = runtime.now()
      this.#queueMs += now - since
      this.#attempt(now)
    })
    if (stop === null) this.#fail('overloaded', 'Too many calls wait.')
    else if (!started) this.#stopWaiting = stop
  }

  #attempt(now: number): void {
    const { runtime, channels, scheduler, parking, timeoutHeader } = this.#env
    const { method, path, headers, body, responseType, native, attemptMs } = this.#request
    const channel = channels.choose(now, this.#tried)
    if (channel === null) {
      scheduler.release()
      return this.#fail('no-channel', 'All channels have just failed too often.')
    }
    const permit = channel.breaker.admit(now)
    this.#channel = channel
    this.#attempts++
    this.#counted++
    const leftMs = Math.max(1, this.#deadlineAt - now)
    const mayFollow = this.#counted < this.#request.attemptsMax && this.#request.repeatable
    const timeoutMs = mayFollow ? Math.min(attemptMs, leftMs) : leftMs
    let over = false
    /** `failure` undefined: an answer that speaks for the channel. */
    const end = (failure: Failure | undefined, answer?: TransportAnswer): void => {
      if (over) return
      over = true
      stopTimer()
      this.#stopWaiting = nothing
      scheduler.release()
      // What did not arrive while the mini program was in the background says nothing of the server.
      if (failure?.blames && answer === undefined && parking.visits !== this.#visits)
        failure = failureOf('interrupted', failure.message, failure.errno)
      const fromBelow = answer !== undefined && isFromBelow(answer)
      const against = fromBelow ? nobodys : speaksFor(failure) ? undefined : failure
      channels.onEnd(channel, permit, against, runtime.now())
      if (failure === undefined) this.#answer(answer!)
      else this.#onFailure(failure, answer)
    }
    // Platforms have been seen that forget a timeout: whoever waits keeps the time as well.
    const stopTimer = runtime.after(timeoutMs, () => {
      breakOff()
      end(failureOf('timeout', `no answer within ${Math.round(timeoutMs)} ms`))
    })
    this.#stopWaiting = () => {
      breakOff()
      if (over) return
      over = true
      stopTimer()
      scheduler.release()
      channels.onEnd(channel, permit, nobodys, runtime.now())
    }
    const breakOff = channel.transport.send(
      {
        method,
        url: channel.baseUrl + path,
        headers:
          timeoutHeader === ''
            ? headers
            : Object.assign({}, headers, { [timeoutHeader]: String(Math.floor(leftMs)) }),
        body,
        timeoutMs: Math.ceil(timeoutMs),
        responseType,
        native,
      },
      { onAnswer: (answer) => end(failureIn(answer, this.#request), answer), onFailure: end },
    )
  }

  #onFailure(failure: Failure, answer?: TransportAnswer): void {
    const { channels, runtime, budget } = this.#env
    const now = runtime.now()
    const channel = this.#channel!
    this.#sent ||= failure.sent
    if (failure.blames && !this.#tried.includes(channel)) this.#tried.push(channel)
    const next = channels.choose(now, this.#tried)
    const step = nextStep(
      {
        failure,
        retryAfterMs: retryAfterMs(answer?.headers['retry-after'], runtime.wallNow()),
        repeatable: this.#request.repeatable,
        attempts: this.#counted,
        attemptsMax: this.#request.attemptsMax,
        otherChannel: next !== null && !this.#tried.includes(next),
        deadlineAt: this.#deadlineAt,
        now,
      },
      runtime.random,
    )
    if (step.step === 'park' && this.#parkings < PARKINGS_MAX) {
      this.#counted--
      this.#park(step.until, this.#deadlineAt - now)
    } else if (step.step === 'retry' && ((step.free && !next!.suspect) || budget.withdraw()))
      this.#pause(step.delayMs)
    // What the server says of its trouble is worth more than what could be said here.
    else if (answer !== undefined && (!failure.blames || isErrorOfApi(answer))) this.#answer(answer)
    else this.#giveUp(failure, step.step === 'fail' ? step.because : 'attempts-used', answer)
  }

  #pause(ms: number): void {
    if (ms === 0) return this.#queue()
    this.#stopWaiting = this.#env.runtime.after(ms, () => {
      this.#stopWaiting = nothing
      this.#queue()
    })
  }

  /** The time a call is parked is not its own: its deadline moves. */
  #park(until: Parked, leftMs: number): void {
    const { runtime, parking } = this.#env
    this.#stopDeadline()
    this.#parkings++
    const resume = (): void => {
      this.#stopWaiting()
      this.#stopWaiting = nothing
      this.#setDeadline(leftMs)
      this.#queue()
    }
    const leave = parking.park(until, resume)
    // Back already, or on a platform that does not tell: nobody will wake it.
    const soon = until === 'network' || parking.foreground
    const stopTimer = runtime.after(soon ? SWITCHED_MS : PARKED_MAX_MS, () => {
      if (soon) resume()
      else this.#fail('timeout', 'Too long in the background.')
    })
    this.#stopWaiting = () => {
      leave()
      stopTimer()
    }
  }

  #giveUp({ kind, message, errno }: Failure, because: GiveUp, answer: TransportAnswer | undefined): void {
    const status = answer === undefined ? 0 : answer.status
    if (because === 'misuse' || because === 'aborted') this.#fail(because, message, { errno })
    else if (because === 'maybe-sent')
      this.#fail(because, `It is not known whether the server got this: ${message}.`, { errno, status })
    else if (status > 0) this.#fail('bad-answer', message, { status })
    else this.#fail(kind === 'timeout' ? 'timeout' : 'network', message, { errno })
  }

  #answer(answer: TransportAnswer): void {
    this.#end()
    const source = isFromBelow(answer) ? 'cache' : 'network'
    if (answer.status < 500 && source === 'network') this.#env.budget.deposit(ANSWERED)
    const { name } = this.#channel!
    this.#user.onAnswer({
      answer,
      channel: name,
      attempts: this.#attempts,
      queueMs: this.#queueMs,
      source,
    })
  }

  #fail(code: ApiErrorCode, message: string, facts?: ApiErrorFacts): void {
    if (this.#ended) return
    this.#end()
    const known: ApiErrorFacts = {
      sent: this.#sent,
      attempts: this.#attempts,
      channel: this.#channel?.name ?? '',
      queueMs: this.#queueMs,
    }
    this.#user.onError(new ApiError(code, message, Object.assign(known, facts)))
  }

  #end(): void {
    this.#ended = true
    this.#stopDeadline()
    this.#stopWaiting()
    this.#stopWaiting = nothing
  }
}

/** What makes a complete answer a failure; undefined where it is the call's answer, whatever its status. */
function failureIn(answer: TransportAnswer, { method, once, check }: CallRequest): Failure | undefined {
  const { status } = answer
  const text = `status ${status}`
  if (status === 502 || status === 503 || status === 504) return failureOf('wrong', text)
  if (!once && (status === 429 || isInProgress(answer))) return failureOf('busy', text)
  // What is only read may be asked for again; whether a write was done at a 500 nobody knows, and its caller is told.
  if (status >= 500 && /^(GET|HEAD)$/.test(method)) return failureOf('error', text)
  const wrong = check(answer)
  return wrong === '' ? undefined : failureOf('wrong', wrong)
}

/** A server that says it is busy, or that its program failed, is there. */
function speaksFor(failure: Failure | undefined): boolean {
  return failure === undefined || failure.kind === 'busy' || failure.kind === 'error'
}

/** A 503 that the API itself gives, with its JSON; not a page of something that stands in the way. */
function isErrorOfApi({ status, headers }: TransportAnswer): boolean {
  return status >= 500 && /\bjson\b/i.test(headers['content-type'] ?? '')
}

function nothing(): void {}
