import type { ServiceConfig } from '@budao/model'
import type { Endpoint } from '../service/service.ts'
import type { ServiceTls, TlsMaterial } from './tls-material.ts'
import { UpstreamTls } from './upstream-tls.ts'

interface Kept {
  readonly config: string
  readonly material: ServiceTls
  readonly tls: UpstreamTls
}

/** The `UpstreamTls` of a thread's endpoints, the same one as long as nothing of it has changed: its session is worth keeping. */
export class UpstreamTlsSet {
  #kept: Map<string, Kept> = new Map()
  #next: Map<string, Kept> = new Map()

  /** Null where the service speaks plainly. */
  get(
    service: string,
    { address, serverHost }: Pick<Endpoint, 'address' | 'serverHost'>,
    config: ServiceConfig,
    { services }: TlsMaterial,
  ): UpstreamTls | null {
    if (config.tls === undefined) return null
    const key = `${service} ${address}`
    const { tlsHandshake } = config.timeouts
    const text = JSON.stringify([config.tls, tlsHandshake, serverHost])
    const material = services[service] ?? {}
    const before = this.#kept.get(key)
    const same =
      before !== undefined &&
      before.config === text &&
      (before.material === material || JSON.stringify(before.material) === JSON.stringify(material))
    const kept = same
      ? before
      : {
          config: text,
          material,
          tls: new UpstreamTls(serverHost, config.tls, material, tlsHandshake),
        }
    this.#next.set(key, kept)
    return kept.tls
  }

  /** Forgets those that `get` was not asked for since the last call. */
  sweep(): void {
    this.#kept = this.#next
    this.#next = new Map()
  }
}
