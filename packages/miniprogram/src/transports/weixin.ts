import type { Transport } from '../transport.ts'
import { nativeTransport, type NativeHost } from './native.ts'

/** WeChat: `weixin(wx)`. */
export function weixin(host: NativeHost): Transport {
  return nativeTransport(host, { name: 'weixin', textType: 'text', headersKey: 'header' })
}
