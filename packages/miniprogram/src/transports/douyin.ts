import type { Transport } from '../transport.ts'
import { nativeTransport, type NativeHost } from './native.ts'

/** Douyin and Toutiao: `douyin(tt)`. Any `dataType` but `json` is text to them. */
export function douyin(host: NativeHost): Transport {
  return nativeTransport(host, { name: 'douyin', textType: 'string', headersKey: 'header' })
}
