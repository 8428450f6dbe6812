/** The 4 or 16 bytes of an address in text; undefined where it is none. An IPv4 address written as IPv6 gives 4. */
export function ipBytes(text: string): Uint8Array | undefined {
  return text.includes(':') ? ip6(text) : ip4(text)
}

/** The address and prefix length of `10.0.0.0/8`; a single address has all its bits. */
export function networkOf(
  text: string,
): { readonly address: Uint8Array; readonly length: number } | undefined {
  const [host = '', bits] = text.split('/')
  const address = ipBytes(host)
  if (address === undefined) return undefined
  const mapped = address.length === 4 && host.includes(':') ? 96 : 0
  const length = bits === undefined ? address.length * 8 : Number(bits) - mapped
  return length >= 0 && length <= address.length * 8 ? { address, length } : undefined
}

/** As people write it; IPv6 shortened only by leading zeros of its groups. */
export function ipText(address: Uint8Array): string {
  if (address.length === 4) return address.join('.')
  const groups: string[] = []
  for (let at = 0; at < 16; at += 2) groups.push(((address[at]! << 8) | address[at + 1]!).toString(16))
  return groups.join(':')
}

function ip4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4)
  let at = 0
  let value = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46) {
      if (value < 0 || at === 3) return undefined
      bytes[at++] = value
      value = -1
    } else if (code >= 48 && code <= 57) {
      value = (value < 0 ? 0 : value * 10) + code - 48
      if (value > 255) return undefined
    } else return undefined
  }
  if (at !== 3 || value < 0) return undefined
  bytes[3] = value
  return bytes
}

function ip6(text: string): Uint8Array | undefined {
  const dotted = text.lastIndexOf('.') > 0 ? text.slice(text.lastIndexOf(':') + 1) : ''
  const tail = dotted === '' ? undefined : ip4(dotted)
  if (dotted !== '' && tail === undefined) return undefined
  const plain = (dotted === '' ? text : `${text.slice(0, text.length - dotted.length)}0:0`).split('%', 1)[0]!
  const [before = '', after, ...rest] = plain.split('::')
  if (rest.length > 0) return undefined
  const head = before === '' ? [] : before.split(':')
  const end = after === undefined || after === '' ? [] : after.split(':')
  const missing = 8 - head.length - end.length
  if (after === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...end]
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  const bytes = new Uint8Array(16)
  for (const [index, group] of groups.entries()) {
    const value = parseInt(group, 16)
    bytes[index * 2] = value >> 8
    bytes[index * 2 + 1] = value & 255
  }
  if (tail !== undefined) bytes.set(tail, 12)
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  return mapped ? bytes.slice(12) : bytes
}
