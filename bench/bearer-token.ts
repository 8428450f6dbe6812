import { generateKeyPairSync, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A token that is good for a day, and the key that says so in the forms that proxies read. */
export interface BearerToken {
  readonly token: string
  /** JSON Web Key Set. */
  readonly jwksFile: string
  /** SPKI, PEM. */
  readonly pemFile: string
}

export function makeBearerToken(folder: string): BearerToken {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { sub: 'user-1', iss: 'bench', exp: Math.floor(Date.now() / 1000) + 86_400 }
  const signed = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'bench' })}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(signed), privateKey).toString('base64url')
  const jwksFile = join(folder, 'keys.json')
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' }
  writeFileSync(jwksFile, JSON.stringify({ keys: [jwk] }))
  const pemFile = join(folder, 'key.pem')
  writeFileSync(pemFile, publicKey.export({ type: 'spki', format: 'pem' }))
  return { token: `${signed}.${signature}`, jwksFile, pemFile }
}
