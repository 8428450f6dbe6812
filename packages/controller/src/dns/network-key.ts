import { mix32 } from '@budao/resilience'

/** A number for the network of an address: its first 24 bits, of IPv6 56, or fewer where fewer are known. */
export function networkKey(address: Uint8Array, bits: number): number {
  const bytes = Math.min(Math.ceil(bits / 8), address.length === 4 ? 3 : 7)
  let key = address.length
  for (let at = 0; at < bytes; at++) key = Math.imul(key ^ address[at]!, 0x0100_0193)
  return mix32(key)
}
