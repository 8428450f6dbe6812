export type NetworkType = WechatMiniprogram.GetNetworkTypeSuccessCallbackResult['networkType']

type Listener = WechatMiniprogram.OnNetworkStatusChangeCallback

/** Whether the phone has a network: as the browser says, and as the desk around the phone pretends. */
export class Network {
  readonly #listeners: Set<Listener> = new Set()
  #pretended: NetworkType | undefined

  constructor() {
    addEventListener('online', () => this.#tell())
    addEventListener('offline', () => this.#tell())
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
    this.#tell()
  }

  on(listener: Listener): void {
    this.#listeners.add(listener)
  }

  off(listener: unknown): void {
    this.#listeners.delete(listener as Listener)
  }

  /** Not compared with what was told before: a page may load before its browser knows that it is offline. */
  #tell(): void {
    const { type: networkType, isConnected } = this
    for (const listener of this.#listeners) listener({ isConnected, networkType })
  }
}
