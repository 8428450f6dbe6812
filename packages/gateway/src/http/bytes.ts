/** Character classes of RFC 9110 and 9112, looked up by code. */

const TOKEN_CHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** 1 where the character may stand in a token (method, field name). */
export const TOKEN: Uint8Array = new Uint8Array(256)
for (const char of TOKEN_CHARS) TOKEN[char.charCodeAt(0)] = 1

/** 1 where the character may stand in a field value: visible, space, tab, and obs-text. */
export const FIELD_VALUE: Uint8Array = new Uint8Array(256).fill(1)
FIELD_VALUE.fill(0, 0, 0x20)
FIELD_VALUE[0x09] = 1
FIELD_VALUE[0x7f] = 0

/** 1 where the character may stand in a request target: visible ASCII without `#`, which never is sent. */
export const TARGET: Uint8Array = new Uint8Array(256)
TARGET.fill(1, 0x21, 0x7f)
TARGET['#'.charCodeAt(0)] = 0

/** 1 where the character may stand in Host: reg-name, IPv4, bracketed IPv6, port. No percent-encoding, no userinfo. */
export const HOST: Uint8Array = new Uint8Array(256)
for (const char of '-._~:[]0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
  HOST[char.charCodeAt(0)] = 1

/** Value of a hexadecimal digit; 255 where the character is none. */
export const HEX: Uint8Array = new Uint8Array(256).fill(255)
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/** True when `text` from `start` to `end` is `lower` in any case; `lower` must be lower-case ASCII. */
export function equalsIgnoringCase(text: string, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false
  for (let i = 0; i < lower.length; i++) {
    const code = text.charCodeAt(start + i)
    const folded = code >= 0x41 && code <= 0x5a ? code | 0x20 : code
    if (folded !== lower.charCodeAt(i)) return false
  }
  return true
}
