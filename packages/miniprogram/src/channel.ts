import {
  CircuitBreaker,
  LocalCells,
  rejected,
  type BreakerOptions,
  type BreakerOutcome,
} from '@budao/resilience'
import type { Transport } from './transport.ts'

/** One way to the API: a domain that the mini program may call, or something that is none, such as WeChat's gateway. */
export interface ChannelOptions {
  /** In reports. Default the domain. */
  readonly name?: string
  /** `https://api.example.com`, with a path if all requests have it in common. */
  readonly baseUrl: string
  /** Instead of the client's. */
  readonly transport?: Transport
}

/** A phone makes few requests: the gateway's twenty in five seconds would never come together. */
const breakerOptions: BreakerOptions = {
  windowMs: 30_000,
  buckets: 6,
  requestVolumeThreshold: 4,
  errorThresholdPercentage: 50,
  sleepWindowMs: 5_000,
  trialLeaseMs: 60_000,
}

/** One channel with what was seen of it. The breaker is the gateway's own. */
export class Channel {
  readonly name: string
  readonly baseUrl: string
  readonly transport: Transport
  /** Failures in a row that speak against it. */
  failures = 0
  readonly #breaker: CircuitBreaker

  constructor(options: ChannelOptions, transport: Transport) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, '')
    this.name = options.name ?? this.baseUrl.replace(/^[a-z]+:\/\//, '')
    this.transport = options.transport ?? transport
    this.#breaker = new CircuitBreaker(
      new LocalCells(CircuitBreaker.cellsFor(breakerOptions)),
      breakerOptions,
    )
  }

  /** A permit for `record`, or null: its breaker is open. */
  admit(now: number): number | null {
    const permit = this.#breaker.admit(now)
    return permit === rejected ? null : permit
  }

  /** Whether a call would be let through. */
  usable(now: number): boolean {
    return this.#breaker.retryAfterMs(now) === 0
  }

  record(permit: number, outcome: BreakerOutcome, durationMs: number, now: number): void {
    this.#breaker.record(permit, outcome, durationMs, now)
  }
}
