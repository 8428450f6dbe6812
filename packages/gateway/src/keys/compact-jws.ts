import { sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningKey } from './private-keys.ts'

const signAside = promisify(
  (
    hash: string | null,
    data: Buffer,
    key: Parameters<typeof sign>[2],
    done: (error: Error | null, signature: Buffer) => void,
  ) => sign(hash, data, key, done),
)

const hashes = { RS256: 'sha256', ES256: 'sha256', ES384: 'sha384', EdDSA: null } as const

/** A signed text, RFC 7515 in its compact form; signed on another thread. `type` says what it is, so that it is taken for nothing else. */
export async function compactJws(payload: object, type: string, signing: SigningKey): Promise<string> {
  const { key, algorithm, id } = signing
  const input = `${part({ alg: algorithm, typ: type, kid: id })}.${part(payload)}`
  const signature = await signAside(hashes[algorithm], Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
