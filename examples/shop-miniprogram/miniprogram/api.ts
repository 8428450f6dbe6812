import {
  ApiError,
  createClient,
  followPlatform,
  nativeStorage,
  weixin,
  weixinLogin,
} from '@budao/miniprogram'
import type { CallOptions, OutboxWatcher } from '@budao/miniprogram'
import { answeredBy, networkIs, nobodyAnswered, sitesGone } from './answering'
import { channelKey, channels } from './config'

/** Is told what became of writes in the queue, by whoever has put them there. */
export const queued: OutboxWatcher = {}

/** The shop's API, over whichever gateway works. This is all there is to do: everything else is ordinary pages. */
export const api = createClient({
  channels,
  transport: weixin(wx),
  storage: nativeStorage(wx),
  // Lists are asked for anew after ten seconds, and kept for a day for when nobody answers.
  cache: { freshMs: 10_000 },
  keysHonoured: true,
  auth: { login: weixinLogin(wx), keep: true },
  onQueued: queued,
  // The operator may have phones go west first. Looked at often here, so that it can be seen; usual are ten minutes.
  ...(channelKey === null ? {} : { channelList: { key: channelKey, intervalMs: 10_000 } }),
  telemetry: { app: 'budao-shop', appVersion: '0.1.0' },
})
followPlatform(api, wx)

/** Data, and whether it is of now. */
export interface Loaded<T> {
  readonly data: T
  /** The site that it comes from; empty where the gateway did not say. */
  readonly site: string
  /** When it was right, in milliseconds since 1970, where nobody could be asked; null: just now. */
  readonly staleSince: number | null
}

/** Rejects with an `ApiError`, also where the gateway had nothing but its regrets. */
export async function load<T>(path: string, options: CallOptions = {}): Promise<Loaded<T>> {
  const { data, headers, source } = await api.get<{ data?: T }>(path, options)
  if (data.data === undefined) throw new ApiError('network', 'The gateway has no site to ask.')
  // Kept by this phone, or by a gateway that has lost all sites.
  const isStale = source === 'stale' || headers['x-budao-fallback'] !== undefined
  const date = Date.parse(headers['date'] ?? '')
  const age = Number(headers['age'] ?? 0) * 1000
  const staleSince = isStale ? (Number.isNaN(date) ? Date.now() : date) - age : null
  if (source === 'stale') nobodyAnswered()
  return { data: data.data, site: headers['x-site'] ?? '', staleSince }
}

const unanswered: readonly string[] = ['network', 'timeout', 'no-channel', 'bad-answer']

api.use({
  onResponse({ source, channel, headers }) {
    if (source !== 'network') return
    if (headers['x-budao-fallback'] !== undefined) sitesGone(channel)
    else answeredBy(channel, headers['x-site'] ?? '')
  },
  onError({ code }) {
    if (unanswered.includes(code)) nobodyAnswered()
  },
})
wx.onNetworkStatusChange(({ isConnected }) => networkIs(isConnected))
void wx.getNetworkType({ success: ({ networkType }) => networkIs(networkType !== 'none') })
