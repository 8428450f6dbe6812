// Ours, as the README begins: two channels, a gateway that honours keys.
import {
  createClient,
  followPlatform,
  nativeStorage,
  weixin,
  type ApiResponse,
  type Client,
} from '@budao/miniprogram'
import { expose, type Got, type PlatformHost } from '../contender.ts'

declare const wx: PlatformHost & Parameters<typeof followPlatform>[1]

let api: Client

const got = ({ status, data }: ApiResponse<unknown>): Got => ({ status, data })

expose({
  begin({ origins }) {
    api = createClient({
      channels: origins.map((baseUrl) => ({ baseUrl })),
      transport: weixin(wx),
      storage: nativeStorage(wx),
      keysHonoured: true,
    })
    followPlatform(api, wx)
    void api.outbox.load().then(() => api.outbox.flush())
  },
  get: (path, priority) => api.get(path, { priority: priority ?? 'normal' }).then(got),
  post: (path, data) => api.post(path, data).then(got),
  write: (entity, path, data) => api.queue({ entity, path, data }),
})
