export type NetworkType = WechatMiniprogram.GetNetworkTypeSuccessCallbackResult['networkType']

type Listener = WechatMiniprogram.OnNetworkStatusChangeCallback

/** Whether the phone has a network: as the browser says, and as the desk around the phone pretends. */
export class Network {
  readonly #listeners: Set<Listener> = new Set()
  #pretended: NetworkType | undefined
  #known: NetworkType

  constructor() {
    this.#known = this.type
    addEventListener('online', () => this.#look())
    addEventListener('offline', () => this.#look())
  }

  get type(): NetworkType {
    if (!navigator.onLine) return 'none'
    return this.#pretended ?? 'wifi'
  }

  get isConnected(): boolean {
    return this.type !== 'none'
  }

  /** Undefined: as it is. */
  pretend(type: NetworkType | undefined): void {
    this.#pretended = type
    this.#look()
  }

  on(listener: Listener): void {
    this.#listeners.add(listener)
  }

  off(listener: unknown): void {
    this.#listeners.delete(listener as Listener)
  }

  #look(): void {
    const { type: networkType, isConnected } = this
    if (networkType === this.#known) return
    this.#known = networkType
    for (const listener of this.#listeners) listener({ isConnected, networkType })
  }
}
