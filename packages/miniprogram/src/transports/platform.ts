import { ApiError } from '../api-error.ts'
import type { Storage } from '../storage.ts'
import type { Transport } from '../transport.ts'
import { alipay } from './alipay.ts'
import { douyin } from './douyin.ts'
import { fetchTransport, type FetchHost } from './fetch.ts'
import type { NativeEventsHost } from './native-events.ts'
import type { NativeLoginHost } from './native-login.ts'
import { nativeStorage, type NativeStorageHost } from './native-storage.ts'
import type { NativeHost } from './native.ts'
import { uni as uniTransport } from './uni.ts'
import { weixin } from './weixin.ts'

/** All that is used of a mini program's platform. */
export type Host = NativeHost & NativeStorageHost & NativeEventsHost & NativeLoginHost

/** What the phone gives a client that was told nothing. */
export interface Platform {
  readonly transport: Transport
  /** Undefined in a browser: what is kept ends with the page. */
  readonly storage: Storage | undefined
  readonly host: Host | undefined
}

declare const my: Host | undefined
declare const tt: Host | undefined
declare const wx: Host | undefined
declare const uni: Host | undefined
declare const fetch: FetchHost['fetch'] | undefined
declare const AbortController: FetchHost['AbortController'] | undefined

/** The platform this runs on. Its own object comes before uni-app's, which is there beside it. Throws `misuse` where there is none. */
export function platform(): Platform {
  // Each by its name: mini programs have no common object that globals could be looked up in.
  if (typeof my !== 'undefined' && isHost(my)) return native(my, alipay)
  if (typeof tt !== 'undefined' && isHost(tt)) return native(tt, douyin)
  if (typeof wx !== 'undefined' && isHost(wx)) return native(wx, weixin)
  if (typeof uni !== 'undefined' && isHost(uni)) return native(uni, uniTransport)
  if (typeof fetch !== 'function')
    throw new ApiError('misuse', 'No platform was found: give `transport`, `weixin(wx)` for example.')
  const host: FetchHost = {
    fetch: (url, init: unknown) => fetch(url, init),
    AbortController: typeof AbortController === 'undefined' ? undefined : AbortController,
  }
  return { transport: fetchTransport(host), storage: undefined, host: undefined }
}

/** Pages in a browser have a `wx` of another kind. */
function isHost(host: Host | undefined): host is Host {
  return typeof host?.request === 'function'
}

function native(host: Host, transport: (host: NativeHost) => Transport): Platform {
  return { transport: transport(host), storage: nativeStorage(host), host }
}
