import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { SigningKey } from '../keys/private-keys.ts'

const IV_BYTES = 12
const TAG_BYTES = 16
const TEXT_MAX = 1_024

/** What a refresh token stands for. */
export interface RefreshClaims {
  readonly user: string
  readonly provider: string
  readonly session: string
  /** Login, seconds since 1970. */
  readonly bornAt: number
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/**
 * Seals what a refresh token stands for: AES-256-GCM with a key derived from the one that signs tokens, so that all gateways that share it take
 * one another's. It is no JWT: nobody who checks tokens can take it for one. `purpose` binds it to one kind of session.
 */
export function sealRefresh(claims: RefreshClaims, purpose: string, signing: SigningKey): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', derived(signing), iv).setAAD(Buffer.from(purpose))
  const text = Buffer.concat([cipher.update(JSON.stringify(claims), 'utf8'), cipher.final()])
  return Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64url')
}

/** Null when none of the keys has sealed it for this purpose. Whether it has expired, the caller looks. */
export function openRefresh(
  token: string,
  purpose: string,
  keys: readonly SigningKey[],
): RefreshClaims | null {
  if (token.length > TEXT_MAX || !/^[\w-]+$/.test(token)) return null
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length <= IV_BYTES + TAG_BYTES) return null
  for (const signing of keys) {
    const decipher = createDecipheriv('aes-256-gcm', derived(signing), bytes.subarray(0, IV_BYTES))
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(-TAG_BYTES))
    try {
      const text =
        decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      return JSON.parse(text) as RefreshClaims
    } catch {
      // Another key's, or nobody's.
    }
  }
  return null
}

const derivedKeys = new WeakMap<SigningKey, Buffer>()

function derived(signing: SigningKey): Buffer {
  let key = derivedKeys.get(signing)
  if (key === undefined) {
    const secret = signing.key.export({ type: 'pkcs8', format: 'der' })
    key = Buffer.from(hkdfSync('sha256', secret, '', 'budao refresh token 1', 32))
    derivedKeys.set(signing, key)
  }
  return key
}
