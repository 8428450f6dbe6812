import { powerModulo } from './rsa.ts'
import { sha256 } from './sha256.ts'

/** The public half of an RSA key, as JWK has it (RFC 7518, 6.3.1). */
export interface PublicKey {
  readonly kty?: string
  readonly n: string
  readonly e: string
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** Before a SHA-256 under PKCS #1 v1.5 (RFC 8017, 9.2): says what the hash is. */
const digestInfo = '3031300d060960864801650304020105000420'
const BITS_MIN = 2048

/** Throws a RangeError for what is no key, or one too short to be worth anything. */
export function checkKey({ n, e }: PublicKey): void {
  const bits = hexOf(n).replace(/^0+/, '').length * 4
  if (bits >= BITS_MIN && hexOf(e) !== '') return
  throw new RangeError(
    `key: expected the n and e of an RSA key of ${BITS_MIN} bits or more, got ${bits} bits`,
  )
}

/**
 * The payload of a compact JWS that `key` has signed by RS256 (RFC 7515); undefined for anything else. Mini programs
 * have neither WebCrypto nor, on older phones, BigInt.
 */
export function signedText(jws: string, key: PublicKey): string | undefined {
  try {
    const [head = '', payload = '', signature = '', more] = jws.trim().split('.')
    const { alg, crit } = JSON.parse(textOf(head)) as { alg?: string; crit?: unknown }
    if (alg !== 'RS256' || crit !== undefined || more !== undefined) return undefined
    const modulus = hexOf(key.n).replace(/^(00)+/, '')
    const signed = hexOf(signature)
    const tail = `00${digestInfo}${sha256(`${head}.${payload}`)}`
    const expected = `0001${tail.padStart(modulus.length - 4, 'f')}`
    // Hexadecimal of one length compares as numbers do.
    const fits = signed.length === modulus.length && signed < modulus
    return fits && powerModulo(signed, hexOf(key.e), modulus) === expected ? textOf(payload) : undefined
  } catch {
    return undefined
  }
}

/** Base64url to hexadecimal; empty for what is none. */
function hexOf(base64: string): string {
  let hex = ''
  let bits = 0
  let held = 0
  for (const letter of base64.replace(/=+$/, '')) {
    const value = alphabet.indexOf(letter)
    if (value < 0) return ''
    held = ((held << 6) | value) & 0xfff
    bits += 6
    while (bits >= 4) hex += ((held >> (bits -= 4)) & 15).toString(16)
  }
  return hex.slice(0, hex.length & ~1)
}

function textOf(base64: string): string {
  return decodeURIComponent(hexOf(base64).replace(/../g, '%$&'))
}
