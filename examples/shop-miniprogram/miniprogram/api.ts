import { createClient, followPlatform, nativeStorage, weixin } from '@budao/miniprogram'
import { channels } from './config'

/** The shop's API: over whichever gateway works. */
export const api = createClient({
  channels,
  transport: weixin(wx),
  storage: nativeStorage(wx),
  cache: {},
  keysHonoured: true,
})

followPlatform(api, wx)
