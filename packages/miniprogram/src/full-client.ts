import { auth, type AuthOptions } from './auth.ts'
import { cacheAnswers } from './cache-feature.ts'
import type { CacheTimes } from './cache-policy.ts'
import type { CacheStoreOptions } from './cache-store.ts'
import { channelList, type ChannelListOptions } from './channel-list.ts'
import { Client as CoreClient } from './client.ts'
import type { Feature } from './feature.ts'
import type { CoreOptions } from './options.ts'
import { Outbox, type OutboxOptions, type OutboxWatcher, type QueuedWrite } from './outbox.ts'
import type { OutboxItem } from './outbox-item.ts'
import { session, type LoginCode } from './session.ts'
import type { Storage } from './storage.ts'
import { telemetry, type TelemetryOptions } from './telemetry.ts'
import type { Transport } from './transport.ts'
import { followPlatform, type NativeHost } from './transports/index.ts'
import { platform } from './transports/platform.ts'
import { wrapRequest } from './wrap.ts'

/** The platform's login changed for a token at the gateway. */
export interface LoginOptions {
  /** `weixinLogin(wx)` for example. */
  login(): Promise<LoginCode>
  /** The session route. Default `/budao/v1/session`. */
  readonly path?: string
  /** Keeps the session in storage for the next start. Default false. */
  readonly keep?: boolean
}

export interface ClientOptions extends Omit<CoreOptions, 'transport'> {
  /** How requests are sent: `weixin(wx)`, `fetchTransport(globalThis)` and so on. Default that of the platform it runs on, with its storage and events. */
  readonly transport?: Transport
  /** Where answers, writes and reports are kept, `nativeStorage(wx)` for example. Default the platform's; memory where `transport` is given. */
  readonly storage?: Storage
  /** Keeps answers to GETs for that long; `{}` for the usual times. Default: none are kept, but for calls that ask for it. */
  readonly cache?: Partial<CacheTimes>
  readonly cacheStore?: Partial<CacheStoreOptions>
  /** A token and how to renew it, or a login that gives one. */
  readonly auth?: AuthOptions | LoginOptions
  readonly outbox?: Partial<OutboxOptions>
  /** Is told what became of queued writes. */
  readonly onQueued?: OutboxWatcher
  /** Reports how calls went. Default: it does not. */
  readonly telemetry?: Partial<TelemetryOptions>
  /** Lets the operator order the channels. Default: their order is that of `channels`. */
  readonly channelList?: ChannelListOptions
}

/** A client with everything in it. */
export class Client extends CoreClient {
  /** Writes that wait, and those that the server refused. */
  readonly outbox: Outbox

  /** Throws a RangeError that says what was expected and got. */
  constructor(options: ClientOptions) {
    const found = options.transport === undefined ? platform() : undefined
    const { transport = found!.transport, storage = found?.storage, cache, cacheStore } = options
    super(Object.assign({}, options, { transport, features: [] }))
    const optional: (Feature | undefined)[] = [
      cacheAnswers(
        Object.assign(
          {},
          cache && { times: cache },
          storage && { storage },
          cacheStore && { store: cacheStore },
        ),
      ),
      options.channelList && channelList(options.channelList, storage),
      options.telemetry && telemetry(options.telemetry, storage),
      options.auth && authOf(options.auth, storage),
      ...(options.features ?? []),
    ]
    for (const feature of optional) if (feature) this.attach(feature)
    this.outbox = new Outbox(this, storage, options.outbox, options.onQueued)
    if (found?.host) followPlatform(this, found.host)
  }

  /** As `outbox.add`: resolves once the write cannot be lost. */
  queue(write: QueuedWrite): Promise<OutboxItem> {
    return this.outbox.add(write)
  }

  /** A `wx.request` one to one, behind which this client works: `const request = api.wrap(wx)`. */
  wrap<Host extends NativeHost>(host: Host): Host['request'] {
    return wrapRequest(this, host)
  }
}

function authOf(options: AuthOptions | LoginOptions, storage: Storage | undefined): Feature {
  if (!('login' in options)) return auth(options)
  const { keep = false } = options
  return auth(session(Object.assign({}, options, keep && storage && { storage })))
}

/** The one line to begin with. Throws a RangeError for options that cannot work. */
export function createClient(options: ClientOptions): Client {
  return new Client(options)
}
