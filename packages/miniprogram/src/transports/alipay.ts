import type { Transport } from '../transport.ts'
import { nativeTransport, type NativeHost } from './native.ts'

/** Alipay: `alipay(my)`. It says `headers`, and `fail` for statuses that others call answers. */
export function alipay(host: NativeHost): Transport {
  return nativeTransport(host, { name: 'alipay', textType: 'text', headersKey: 'headers' })
}
