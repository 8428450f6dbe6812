import { sendAside } from './aside.ts'
import type { Feature } from './feature.ts'
import { checkKey, signedText, type PublicKey } from './signed-text.ts'
import type { Storage } from './storage.ts'
import { withDefaults } from './with-defaults.ts'

export interface ChannelListOptions {
  /** Whose signature counts: the public half of the gateway's RSA key, 2048 bits or more. */
  readonly key: PublicKey
  /** Gives the list. Default `/budao/v1/channels`. */
  readonly path?: string
  /** At least this long from one look to the next; a failover looks at once. Default 10 min. */
  readonly intervalMs?: number
}

export const channelListDefaults: Required<Omit<ChannelListOptions, 'key'>> = {
  path: '/budao/v1/channels',
  intervalMs: 600_000,
}

/** What the list says: an order among the channels that are built in, and nothing that is not. */
interface ChannelList {
  readonly v: number
  readonly version: number
  /** Seconds since 1970. */
  readonly exp: number
  readonly order: readonly string[]
}

const KEY = 'budao:channels'
const ASK_MS = 5_000

/**
 * Lets the operator say which channel comes first: a signed list, asked for beside calls, kept in storage. It can only
 * put in order what the mini program was built with, and never goes back to an older one.
 */
export function channelList(options: ChannelListOptions, storage?: Storage): Feature {
  const { key } = options
  const { path, intervalMs } = withDefaults(channelListDefaults, options)
  checkKey(key)
  return ({ env }) => {
    const { runtime, channels } = env
    let version = -1
    let lookedAt = -Infinity
    let left = channels.left
    let loading: Promise<void> | null = null

    /** Whether it is in force now. */
    const take = (jws: string | undefined): boolean => {
      const list = jws === undefined ? undefined : listOf(signedText(jws, key))
      if (list === undefined || list.version < version || list.exp * 1_000 <= runtime.wallNow()) return false
      if (list.version > version) channels.reorder(list.order, runtime.now())
      version = list.version
      return true
    }

    const look = (): void => {
      const now = runtime.now()
      if (now - lookedAt < intervalMs && left === channels.left) return
      lookedAt = now
      left = channels.left
      sendAside(env, channels.active, { path, timeoutMs: ASK_MS }, (answer) => {
        const jws = answer?.status === 200 && typeof answer.body === 'string' ? answer.body : undefined
        if (take(jws)) void storage?.set(KEY, jws!).catch(() => {})
      })
    }

    const load = async (): Promise<void> => {
      take(await storage?.get(KEY))
    }

    return {
      onCall() {
        void (loading ??= load()).then(look)
      },
    }
  }
}

function listOf(text: string | undefined): ChannelList | undefined {
  const list = JSON.parse(text ?? 'null') as ChannelList | null
  const whole = list?.v === 1 && Number.isInteger(list.version) && typeof list.exp === 'number'
  return whole && Array.isArray(list.order) ? list : undefined
}
