import type { SharedRegistry } from '@budao/controller'
import type { Gateway } from '@budao/gateway'
import type { DirectoryResult, DrainWish, EndpointRegistration } from '@budao/model'

/** What the admin API does with registered endpoints: in force here first, then told to the other gateways. */
export class SharedEndpoints {
  readonly #directory: Gateway['directory']
  readonly #registry: () => SharedRegistry | null

  /** `registry` gives null where this gateway stands alone. */
  constructor(directory: Gateway['directory'], registry: () => SharedRegistry | null) {
    this.#directory = directory
    this.#registry = registry
  }

  async register(registration: EndpointRegistration): Promise<DirectoryResult> {
    const result = await this.#directory.register(registration)
    if (result.ok) this.#registry()?.registered(registration)
    return result
  }

  renew(service: string, address: string): DirectoryResult {
    const result = this.#directory.renew(service, address)
    if (result.ok) this.#registry()?.renewed(service, address)
    return result
  }

  async deregister(service: string, address: string, wish: DrainWish): Promise<DirectoryResult> {
    const result = await this.#directory.deregister(service, address, wish)
    if (result.ok) this.#registry()?.deregistered(service, address)
    return result
  }
}
