import { Breaker } from './breaker.ts'
import type { Transport } from './transport.ts'

/** One way to the API: a domain that the mini program may call, or something that is none, such as a platform's own gateway. */
export interface ChannelOptions {
  /** In reports. Default the domain. */
  readonly name?: string
  /** `https://api.example.com`, with a path if all requests have it in common. */
  readonly baseUrl: string
  /** Instead of the client's. */
  readonly transport?: Transport
}

/** One channel with what was seen of it. */
export class Channel {
  readonly name: string
  readonly baseUrl: string
  readonly transport: Transport
  readonly breaker: Breaker = new Breaker()
  /** Failures in a row that speak against it: of calls, and of probes between them. */
  failures = 0
  /** Failed last, and has said nothing since: others that work go first. */
  suspect = false

  /** Throws a RangeError for what is no base URL. */
  constructor(given: ChannelOptions | string, transport: Transport) {
    const options: ChannelOptions = typeof given === 'string' ? { baseUrl: given } : given
    const { baseUrl } = options
    if (!/^https?:\/\/[^/?#]+(\/[^?#]*)?$/.test(baseUrl))
      throw new RangeError(`channels: expected a baseUrl such as https://api.example.com, got ${baseUrl}`)
    this.baseUrl = baseUrl.replace(/\/+$/, '')
    this.name = options.name ?? this.baseUrl.replace(/^[a-z]+:\/\//, '')
    this.transport = options.transport ?? transport
  }
}
