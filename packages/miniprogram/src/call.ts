import { parseRetryAfter, type RetryBudget } from '@budao/resilience'
import { ApiError, type ApiErrorCode, type ApiErrorFacts } from './api-error.ts'
import type { Channel } from './channel.ts'
import type { Channels } from './channels.ts'
import { failureOf, type Failure } from './failure.ts'
import { nextStep } from './next-step.ts'
import type { Parking } from './parking.ts'
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
  readonly backoff: { readonly baseMs: number; readonly maxMs: number }
  /** Names the header that tells servers how many milliseconds are left; empty for none. */
  readonly timeoutHeader: string
}

export interface CallUser {
  onAnswer(answer: TransportAnswer, channel: Channel, attempts: number): void
  onError(error: ApiError): void
}

/** How long a call may wait for the foreground or a network: behind that its user has long gone. */
const PARKED_MAX_MS = 300_000
/** A switch of networks is over soon, and not every platform says when. */
const SWITCHED_MS = 300

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
  #counted = 0
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
    this.#stopDeadline()
    this.#deadlineAt = this.#env.runtime.now() + ms
    this.#stopDeadline = this.#env.runtime.after(ms, () =>
      this.#fail('timeout', `No answer within ${this.#request.timeoutMs} ms.`),
    )
  }

  #queue(): void {
    let started = false
    const stop = this.#env.scheduler.acquire(this.#request.priority, () => {
      started = true
      this.#stopWaiting = nothing
      this.#attempt()
    })
    if (stop === null) this.#fail('overloaded', 'Too many calls wait for a slot.')
    else if (!started) this.#stopWaiting = stop
  }

  #attempt(): void {
    const { runtime, channels, scheduler } = this.#env
    const now = runtime.now()
    const channel = channels.choose(now, this.#tried)
    const permit = channel?.admit(now) ?? null
    if (channel === null || permit === null) {
      scheduler.release()
      return this.#fail('no-channel', 'All channels have just failed too often to be asked again now.')
    }
    this.#channel = channel
    this.#attempts++
    this.#counted++
    const leftMs = Math.max(1, this.#deadlineAt - now)
    const mayFollow = this.#counted < this.#request.attemptsMax && this.#request.repeatable
    const timeoutMs = mayFollow ? Math.min(this.#request.attemptMs, leftMs) : leftMs
    let over = false
    const end = (): boolean => {
      if (over) return false
      over = true
      stopTimer()
      this.#stopWaiting = nothing
      scheduler.release()
      return true
    }
    const fail = (failure: Failure): void => {
      if (!end()) return
      const failedAt = runtime.now()
      channels.onFailure(channel, permit, failure, failedAt - now, failedAt)
      this.#onFailure(failure, 0, failedAt)
    }
    // Platforms have been seen that forget a timeout: whoever waits keeps the time as well.
    const stopTimer = runtime.after(timeoutMs, () => {
      breakOff()
      fail(failureOf('timeout', `no answer within ${Math.round(timeoutMs)} ms`))
    })
    this.#stopWaiting = () => {
      if (!end()) return
      breakOff()
      const stoppedAt = runtime.now()
      channels.onFailure(channel, permit, failureOf('aborted', ''), stoppedAt - now, stoppedAt)
    }
    const { method, path, headers, body, responseType, native } = this.#request
    const { timeoutHeader } = this.#env
    const breakOff = channel.transport.send(
      {
        method,
        url: channel.baseUrl + path,
        headers: timeoutHeader === '' ? headers : { ...headers, [timeoutHeader]: String(Math.floor(leftMs)) },
        body,
        timeoutMs: Math.ceil(timeoutMs),
        responseType,
        native,
      },
      {
        onAnswer: (answer) => {
          if (!end()) return
          this.#onAnswer(answer, channel, permit, now)
        },
        onFailure: fail,
      },
    )
  }

  #onAnswer(answer: TransportAnswer, channel: Channel, permit: number, beganAt: number): void {
    const { runtime, channels } = this.#env
    const now = runtime.now()
    const { status } = answer
    const unavailable = status === 502 || status === 503 || status === 504
    const wrong = unavailable ? `status ${status}` : this.#request.check(answer)
    channels.onAnswer(channel, permit, now - beganAt, wrong !== '', now)
    if (wrong === '') return this.#end(() => this.#user.onAnswer(answer, channel, this.#attempts))
    const retryAfterMs = unavailable
      ? (parseRetryAfter(answer.headers['retry-after'], runtime.wallNow()) ?? 0)
      : 0
    this.#onFailure(failureOf('broken', wrong), retryAfterMs, now, answer)
  }

  #onFailure(failure: Failure, retryAfterMs: number, now: number, answer?: TransportAnswer): void {
    const { channels, runtime, budget, parking } = this.#env
    this.#sent ||= failure.sent
    const channel = this.#channel!
    if (failure.blames && !this.#tried.includes(channel)) this.#tried.push(channel)
    const next = channels.choose(now, this.#tried)
    const step = nextStep(
      {
        failure,
        retryAfterMs,
        repeatable: this.#request.repeatable,
        attempts: this.#counted,
        attemptsMax: this.#request.attemptsMax,
        otherChannel: next !== null && !this.#tried.includes(next),
        deadlineAt: this.#deadlineAt,
        now,
        backoff: this.#env.backoff,
      },
      runtime.random,
    )
    if (step.step === 'park') {
      this.#counted--
      this.#park(step.until, parking, now)
    } else if (step.step === 'retry' && (step.free || budget.withdraw(now))) {
      if (step.delayMs === 0) this.#queue()
      else this.#wait(step.delayMs)
    } else if (answer !== undefined && isErrorOfApi(answer)) {
      // What the server says of its trouble is worth more than what could be said here.
      this.#end(() => this.#user.onAnswer(answer, channel, this.#attempts))
    } else this.#giveUp(failure, step.step === 'fail' ? step.because : 'attempts-used', answer)
  }

  #wait(ms: number): void {
    this.#stopWaiting = this.#env.runtime.after(ms, () => {
      this.#stopWaiting = nothing
      this.#queue()
    })
  }

  /** The time a call is parked is not its own: its deadline moves. */
  #park(until: 'network' | 'foreground', parking: Parking, now: number): void {
    const leftMs = this.#deadlineAt - now
    this.#stopDeadline()
    const { runtime } = this.#env
    const resume = (): void => {
      this.#stopWaiting()
      this.#stopWaiting = nothing
      this.#setDeadline(leftMs)
      this.#queue()
    }
    const leave = parking.park(until, resume)
    const longest = until === 'network' ? SWITCHED_MS : PARKED_MAX_MS
    const stopTimer = runtime.after(longest, () => {
      if (until === 'network') resume()
      else this.#fail('timeout', 'The mini program stayed in the background too long.')
    })
    this.#stopWaiting = () => {
      leave()
      stopTimer()
    }
  }

  #giveUp(failure: Failure, because: string, answer: TransportAnswer | undefined): void {
    if (because === 'misuse') return this.#fail('misuse', failure.message, { errno: failure.errno })
    if (because === 'maybe-sent')
      return this.#fail('maybe-sent', `It is not known whether the server got this: ${failure.message}.`, {
        errno: failure.errno,
      })
    if (answer !== undefined) return this.#fail('bad-answer', failure.message, { status: answer.status })
    const code = failure.kind === 'timeout' ? 'timeout' : 'network'
    this.#fail(code, failure.message, { errno: failure.errno })
  }

  #fail(code: ApiErrorCode, message: string, facts: ApiErrorFacts = {}): void {
    this.#end(() =>
      this.#user.onError(
        new ApiError(code, message, {
          sent: this.#sent,
          attempts: this.#attempts,
          channel: this.#channel?.name ?? '',
          ...facts,
        }),
      ),
    )
  }

  #end(tell: () => void): void {
    if (this.#ended) return
    this.#ended = true
    this.#stopDeadline()
    this.#stopWaiting()
    this.#stopWaiting = nothing
    tell()
  }
}

/** A 503 that the API itself gives, with its JSON; not a page of something that stands in the way. */
function isErrorOfApi({ status, headers }: TransportAnswer): boolean {
  return status >= 500 && /\bjson\b/i.test(headers['content-type'] ?? '')
}

function nothing(): void {}
