import { isSame } from '../record/json-bytes.ts'
import { type KeyRole, keyRoles } from '../record/key-roles.ts'
import { hashed, hashStart } from './term-hash.ts'

/** Roles, and attributes that say something of the record beside what they are. */
export type Meaning = KeyRole | 'status' | 'method' | 'path' | 'problem'

interface KnownKey {
  readonly bytes: Buffer
  readonly meaning: Meaning
}

const knownKeys = new Map<number, KnownKey>()
for (const [name, meaning] of [
  ...keyRoles,
  ['http.response.status_code', 'status'],
  ['http.request.method', 'method'],
  ['url.path', 'path'],
  ['error.type', 'problem'],
] as const) {
  const bytes = Buffer.from(name)
  knownKeys.set(bytes.reduce(hashed, hashStart), { bytes, meaning })
}

/** Of the key that stands between two places and has this hash; null for one that means nothing. */
export function meaningOf(bytes: Buffer, from: number, to: number, hash: number): Meaning | null {
  const known = knownKeys.get(hash)
  return known !== undefined && isSame(bytes, from, to, known.bytes) ? known.meaning : null
}
