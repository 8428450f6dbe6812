import type { AdminSource, BreakerRequest, SharedRegistry } from '@budao/controller'
import type { Gateway } from '@budao/gateway'
import type {
  AccessToken,
  CachePurge,
  ChannelChange,
  ChannelChangeResult,
  ChannelListReport,
  DirectoryResult,
  DrainTarget,
  DrainWish,
  EndpointRegistration,
} from '@budao/model'
import { SharedEndpoints } from './control/shared-endpoints.ts'

type OfTheGateway =
  | 'forceBreaker'
  | 'channels'
  | 'setChannels'
  | 'accessToken'
  | 'purgeCache'
  | 'registerEndpoint'
  | 'renewEndpoint'
  | 'deregisterEndpoint'
  | 'drain'
  | 'undrain'

/** What the admin API has the gateway itself do. */
export class GatewayDesk implements Pick<AdminSource, OfTheGateway> {
  readonly #gateway: Gateway
  readonly #endpoints: SharedEndpoints

  /** `registry`: endpoints that are shared with other gateways; null where this one stands alone. */
  constructor(gateway: Gateway, registry: () => SharedRegistry | null) {
    this.#gateway = gateway
    this.#endpoints = new SharedEndpoints(gateway.directory, registry)
  }

  forceBreaker({ service, endpoint, to, reason }: BreakerRequest): void {
    this.#gateway.forceBreaker(service, endpoint ?? null, to, reason)
  }

  channels(): readonly ChannelListReport[] {
    return this.#gateway.served.channels()
  }

  setChannels(route: string, change: ChannelChange): Promise<ChannelChangeResult> {
    return this.#gateway.served.setChannels(route, change)
  }

  accessToken(provider: string): AccessToken | null | undefined {
    return this.#gateway.served.accessToken(provider)
  }

  purgeCache(purge: CachePurge): Promise<number> {
    return this.#gateway.purgeCache(purge)
  }

  registerEndpoint(registration: EndpointRegistration): Promise<DirectoryResult> {
    return this.#endpoints.register(registration)
  }

  renewEndpoint(service: string, address: string): DirectoryResult {
    return this.#endpoints.renew(service, address)
  }

  deregisterEndpoint(service: string, address: string, wish: DrainWish): Promise<DirectoryResult> {
    return this.#endpoints.deregister(service, address, wish)
  }

  drain(target: DrainTarget, wish: DrainWish): Promise<DirectoryResult> {
    return this.#gateway.directory.drain(target, wish)
  }

  undrain(target: DrainTarget, reason: string): Promise<DirectoryResult> {
    return this.#gateway.directory.undrain(target, reason)
  }
}
