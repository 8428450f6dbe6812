import type { Transport } from '../transport.ts'
import { nativeTransport, type NativeHost } from './native.ts'

/** uni-app and Taro: `uni(uni)`, `uni(Taro)`. */
export function uni(host: NativeHost): Transport {
  return nativeTransport(host, { name: 'uni', textType: 'text', headersKey: 'header' })
}
