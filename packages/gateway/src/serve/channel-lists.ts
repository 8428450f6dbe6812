import type {
  ChannelChange,
  ChannelChangeResult,
  ChannelListReport,
  ChannelsConfig,
  Config,
} from '@budao/model'
import type { ChannelList } from './channel-list.ts'
import type { ChannelOrder } from './channel-order.ts'
import type { ServeOutside } from './serve-keeper.ts'
import { channelsText, type ServedTextsByName } from './served-texts.ts'

/** How often files and clocks are looked at. */
const LOOK_MS = 5_000

export interface ChannelListsOptions {
  readonly outside: ServeOutside
  /** Milliseconds since 1970. */
  wallNow(): number
  onChange(): void
}

/** The signed lists of all routes. */
export class ChannelLists {
  readonly #options: ChannelListsOptions
  readonly #lists: Map<string, ChannelList> = new Map()
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(options: ChannelListsOptions) {
    this.#options = options
  }

  /** Rejects when a list cannot be made: a key that is missing or weak, a version that apps refuse. */
  async prepare(config: Config): Promise<void> {
    for (const [route, channels] of channelRoutes(config)) {
      const name = channelsText(route, channels)
      if (this.#lists.has(name)) continue
      // Loaded where it is used, like the rest of what signs.
      const { ChannelList } = await import('./channel-list.ts')
      const list = new ChannelList(route, channels, this.#inForce(route), {
        baseDir: this.#options.outside.baseDir,
        wallNow: this.#options.wallNow,
        report: (event) => this.#options.outside.report(event),
      })
      await list.look()
      this.#lists.set(name, list)
    }
  }

  retain(config: Config | undefined): void {
    const wanted = new Set(
      config === undefined
        ? []
        : channelRoutes(config).map(([route, channels]) => channelsText(route, channels)),
    )
    for (const name of this.#lists.keys()) if (!wanted.has(name)) this.#lists.delete(name)
    clearInterval(this.#timer)
    if (this.#lists.size === 0) return
    const everyMs = this.#options.outside.certificatePollMs ?? LOOK_MS
    this.#timer = setInterval(() => void this.#look(), everyMs).unref()
  }

  texts(): ServedTextsByName {
    return Object.fromEntries([...this.#lists].map(([name, { text }]) => [name, text]))
  }

  report(): ChannelListReport[] {
    return [...this.#lists.values()].map((list) => list.report())
  }

  /** Has a route tell apps another order, by its file. */
  async set(route: string, change: ChannelChange): Promise<ChannelChangeResult> {
    const list = [...this.#lists.values()].findLast((each) => each.route === route)
    if (list === undefined) {
      const known = [...this.#lists.values()].map((each) => each.route).join(', ')
      const problem = `no route ${route.slice(0, 100)} with a channel list: expected ${known === '' ? 'none' : known}`
      return { ok: false, code: 'unknown-route', problem }
    }
    const result = await list.set(change)
    if (result.ok) this.#options.onChange()
    return result
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      const changed = await Promise.all([...this.#lists.values()].map((list) => list.look()))
      if (changed.some(Boolean)) this.#options.onChange()
    } catch (error) {
      this.#options.outside.warn(`channel lists: ${String(error)}`)
    } finally {
      this.#looking = false
    }
  }

  /** What apps know of a route by now; null before it had a list. */
  #inForce(route: string): ChannelOrder | null {
    return [...this.#lists.values()].find((list) => list.route === route)?.order ?? null
  }
}

function channelRoutes({ routes }: Config): [route: string, channels: ChannelsConfig][] {
  return routes.flatMap(({ name, serve }) =>
    serve !== undefined && 'channels' in serve ? [[name, serve.channels] as [string, ChannelsConfig]] : [],
  )
}
