import { PrefixTable } from '@budao/resilience'
import { ipBytes, networkOf } from './ip.ts'

/** Addresses and networks, of both families. */
export class NetworkSet {
  readonly #tables: Readonly<Record<4 | 16, PrefixTable>> = { 4: new PrefixTable(), 16: new PrefixTable() }
  readonly #isEmpty: boolean

  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0
    for (const text of networks) {
      const network = networkOf(text)
      if (network !== undefined)
        this.#tables[network.address.length as 4 | 16].add(network.address, network.length, 1)
    }
  }

  static isAddress(text: string): boolean {
    return ipBytes(text) !== undefined
  }

  /** @param address in text, or its 4 or 16 bytes */
  has(address: string | Uint8Array): boolean {
    if (this.#isEmpty) return false
    const bytes = typeof address === 'string' ? ipBytes(address) : address
    return bytes !== undefined && this.#tables[bytes.length as 4 | 16].find(bytes).value !== -1
  }
}
