import type { EndpointConfig, HealthCheckConfig } from '@budao/model'
import { parseAddress, srvName } from '@budao/model'
import { median, type HardCause, type ProbeOutcome } from '@budao/resilience'
import { openProbe, type EndpointProbe, type ProbeTls } from './endpoint-probe.ts'
import { bestOf, type Place } from './place.ts'

/** Of a service with more endpoints at one site so many are asked: one that answers is enough. */
const endpointsMax = 8
/** The one that answered last is asked alone for so long a part of the time, then the others too. */
const alonePart = 0.4

/** A service’s endpoints at one site. */
export class EndpointPlace implements Place {
  readonly #probes: readonly EndpointProbe[]
  readonly #broken: (cause: HardCause) => void
  #current = 0

  /** `broken`: the connection to the endpoint that answered last has ended. */
  constructor(
    endpoints: readonly EndpointConfig[],
    check: HealthCheckConfig | undefined,
    tls: ProbeTls,
    broken: (cause: HardCause) => void,
  ) {
    this.#broken = broken
    this.#probes = endpoints
      .filter(({ address }) => srvName(address) === undefined && parseAddress(address) !== undefined)
      .slice(0, endpointsMax)
      .map(({ address }, index) =>
        openProbe(address, check, tls, (cause) => {
          if (index === this.#current) this.#broken(cause)
        }),
      )
  }

  /** Whether there is anything that could be asked. */
  get size(): number {
    return this.#probes.length
  }

  async probe(timeoutMs: number): Promise<ProbeOutcome> {
    const first = this.#current
    if (this.#probes.length === 1) return this.#probes[0]!.ask(timeoutMs)
    const asked = this.#ask(first, timeoutMs)
    const outcome = await Promise.race([asked, silence(timeoutMs * alonePart)])
    if (outcome === 'answered') return outcome
    const left = outcome === null ? timeoutMs * (1 - alonePart) : timeoutMs
    const others = [...this.#probes.keys()].filter((index) => index !== first)
    return bestOf([asked, ...others.map((index) => this.#ask(index, left))])
  }

  /** How long they take to answer, the middle of them, milliseconds; null where none does in time. */
  async paceMs(timeoutMs: number, now: () => number): Promise<number | null> {
    const asked = this.#probes.map(async (probe) => {
      const sentAt = now()
      return (await probe.ask(timeoutMs)) === 'answered' ? [now() - sentAt] : []
    })
    const times = (await Promise.all(asked)).flat()
    return times.length === 0 ? null : median(times)
  }

  close(): void {
    for (const probe of this.#probes) probe.close()
  }

  async #ask(index: number, timeoutMs: number): Promise<ProbeOutcome> {
    const outcome = await this.#probes[index]!.ask(timeoutMs)
    if (outcome === 'answered') this.#current = index
    return outcome
  }
}

function silence(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, ms, null).unref())
}
