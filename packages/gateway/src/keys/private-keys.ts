import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'

/** Below this an RSA key can be broken (NIST SP 800-131A). */
export const rsaBitsMin = 2_048

/** A private key and how it signs. */
export interface SigningKey {
  readonly key: KeyObject
  readonly algorithm: 'RS256' | 'ES256' | 'ES384' | 'EdDSA'
  /** Thumbprint of its public part (RFC 7638). */
  readonly id: string
}

/** Reads private keys in PEM, one behind the other. Throws an Error that says what is wrong, never with a part of a key. */
export function parsePrivateKeys(text: string): readonly [SigningKey, ...SigningKey[]] {
  const [first, ...others] = pemBlocks(text, 'PRIVATE KEY').map(signingKey)
  if (first === undefined) throw new Error('expected a private key in PEM')
  return [first, ...others]
}

/** The public parts of keys in PEM, private ones included; empty where there is no PEM. */
export function publicKeys(text: string): JWK[] {
  return pemBlocks(text, 'KEY').map((pem) => publicJwk(readKey(() => createPublicKey(pem))))
}

/** A key's public part as others check with it. */
export function publicJwk(key: KeyObject): JWK {
  const shown = key.type === 'public' ? key : createPublicKey(key)
  const jwk = shown.export({ format: 'jwk' }) as JWK
  return { ...jwk, kid: thumbprint(jwk), use: 'sig' }
}

function signingKey(pem: string): SigningKey {
  const key = readKey(() => createPrivateKey(pem))
  return { key, algorithm: algorithmOf(key), id: publicJwk(key).kid! }
}

function algorithmOf(key: KeyObject): SigningKey['algorithm'] {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa') {
    if (modulusLength >= rsaBitsMin) return 'RS256'
    throw new Error(`expected an RSA key of at least ${rsaBitsMin} bits, got ${modulusLength}`)
  }
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (namedCurve === 'prime256v1') return 'ES256'
  if (namedCurve === 'secp384r1') return 'ES384'
  throw new Error(
    `expected a key of RSA, P-256, P-384 or Ed25519, got ${namedCurve ?? key.asymmetricKeyType ?? 'none'}`,
  )
}

/** What the library says of a key that it cannot read may quote it. */
function readKey(read: () => KeyObject): KeyObject {
  try {
    return read()
  } catch {
    throw new Error('expected a key in PEM without a password')
  }
}

function pemBlocks(text: string, kind: string): string[] {
  const block = new RegExp(`-----BEGIN ([A-Z ]*${kind})-----[^-]+-----END \\1-----`, 'g')
  return text.match(block) ?? []
}

function thumbprint({ kty, n, e, crv, x, y }: JWK): string {
  // Members that are required, by name: the same for everybody who has the key.
  const members = kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}
