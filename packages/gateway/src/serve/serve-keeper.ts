import type {
  AccessToken,
  ChannelChange,
  ChannelChangeResult,
  ChannelListReport,
  Config,
  EventDraft,
} from '@budao/model'
import type { Random } from '@budao/resilience'
import type { AccessTokenReport } from './access-token-keeper.ts'
import { AccessTokens } from './access-tokens.ts'
import { ChannelLists } from './channel-lists.ts'
import type { ServedTextsByName } from './served-texts.ts'

/** What a gateway has from outside. */
export interface ServeOutside {
  readonly baseDir: string
  /** How often files are looked at, milliseconds. Default 5000. */
  readonly certificatePollMs?: number
  report(event: EventDraft): void
  warn(message: string): void
}

export interface ServeKeeperOptions {
  readonly outside: ServeOutside
  readonly random: Random
  /** Monotonic milliseconds. */
  now(): number
  /** Tells all threads all there is now. */
  tell(texts: ServedTextsByName): void
}

/**
 * Makes in the main thread, once, what routes of all threads answer with: signed channel lists and access tokens. `prepare`
 * makes what a configuration needs before it is in force, `retain` ends what is needed no more.
 */
export class ServeKeeper {
  readonly #tell: () => void
  readonly #lists: ChannelLists
  readonly #tokens: AccessTokens

  constructor({ outside, random, now, tell }: ServeKeeperOptions) {
    const onChange = (): void => this.#tell()
    const wallNow = (): number => Date.now()
    this.#tell = () => tell({ ...this.#lists.texts(), ...this.#tokens.texts() })
    this.#lists = new ChannelLists({ outside, wallNow, onChange })
    this.#tokens = new AccessTokens({ outside, random, now, wallNow, onChange })
  }

  /** Rejects when a configuration cannot be served: a key that is missing or weak, a version that apps refuse, a secret that cannot be read. */
  async prepare(config: Config): Promise<void> {
    await this.#lists.prepare(config)
    await this.#tokens.prepare(config)
    this.#tell()
  }

  /** Keeps what this configuration needs, and nothing else. */
  retain(config: Config | undefined): void {
    this.#lists.retain(config)
    this.#tokens.retain(config)
  }

  /** What apps are told now. */
  channels(): readonly ChannelListReport[] {
    return this.#lists.report()
  }

  /** Has a route tell apps another order, by its file. */
  setChannels(route: string, change: ChannelChange): Promise<ChannelChangeResult> {
    return this.#lists.set(route, change)
  }

  /** Undefined for a provider of which none is kept, null while there is none that is good. */
  accessToken(provider: string): AccessToken | null | undefined {
    return this.#tokens.get(provider)
  }

  report(): {
    readonly channels: readonly ChannelListReport[]
    readonly tokens: readonly AccessTokenReport[]
  } {
    return { channels: this.#lists.report(), tokens: this.#tokens.report() }
  }

  close(): void {
    this.retain(undefined)
  }
}
