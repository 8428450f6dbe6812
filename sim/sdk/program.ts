// The mini program that simulations run: bundled, and started in a phone of the test kit.
import { createClient, followPlatform, nativeStorage, weixin } from '@budao/miniprogram'
import type { ApiError, Client, ClientOptions } from '@budao/miniprogram'

/** What became of one call. */
export interface Outcome {
  readonly ok: boolean
  /** The error's code; empty when it went well. */
  readonly code: string
  readonly attempts: number
  readonly channel: string
  readonly source: string
}

/** What the simulation asks of it. */
export interface Program {
  begin(options: Omit<ClientOptions, 'transport' | 'storage'>, user: string): void
  get(path: string): Promise<Outcome>
  /** The same without the SDK. */
  bare(url: string): Promise<Outcome>
  post(path: string, data: unknown): Promise<Outcome>
  /** True once it is accepted. */
  queue(entity: string, n: number): Promise<boolean>
  setUser(user: string): void
  readonly channel: string
  readonly waiting: number
}

declare const wx: Parameters<typeof weixin>[0] &
  Parameters<typeof nativeStorage>[0] &
  Parameters<typeof followPlatform>[1]

let api: Client
let token = ''

const program: Program = {
  begin(options, user) {
    api = createClient({
      ...options,
      transport: weixin(wx),
      storage: nativeStorage(wx),
      auth: { token: () => (token === '' ? undefined : token), refresh: () => Promise.resolve(undefined) },
    })
    followPlatform(api, wx)
    program.setUser(user)
  },
  get: (path) => outcomeOf(api.get(path)),
  bare: (url) =>
    new Promise((resolve) => {
      const outcome = { code: '', attempts: 1, channel: '', source: 'network' }
      wx.request({
        url,
        success: () => resolve({ ...outcome, ok: true }),
        fail: ({ errMsg }: { errMsg: string }) => resolve({ ...outcome, ok: false, code: errMsg }),
      })
    }),
  post: (path, data) => outcomeOf(api.post(path, data)),
  queue: (entity, n) =>
    api.queue({ entity, path: `/${entity}`, data: { entity, n } }).then(
      () => true,
      () => false,
    ),
  setUser(user) {
    token = user
    void api.setUser(user)
  },
  get channel() {
    return api.channel
  },
  get waiting() {
    return api.outbox.waiting
  },
}

function outcomeOf(call: Promise<{ attempts: number; channel: string; source: string }>): Promise<Outcome> {
  return call.then(
    ({ attempts, channel, source }) => ({ ok: true, code: '', attempts, channel, source }),
    ({ code, attempts, channel }: ApiError) => ({ ok: false, code, attempts, channel, source: '' }),
  )
}

const realm = globalThis as unknown as { app: Program }
realm.app = program
