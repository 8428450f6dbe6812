import type { JSONWebKeySet, JWK } from 'jose'
import { publicKeys } from './private-keys.ts'

/** Largest text of a key set, in bytes. */
export const keySetBytesMax = 1_048_576
const keysMax = 100

/** A set of public keys, and what people should know of it. */
export interface KeySet {
  readonly set: JSONWebKeySet
  /** Empty when there is nothing to tell. */
  readonly warning: string
}

/** Reads a JSON Web Key Set, or keys in PEM; private parts are left out. Throws an Error that says what is wrong with `name`. */
export function parseKeySet(text: string, name: string): KeySet {
  if (text.includes('-----BEGIN ')) return keysInPem(text, name)
  let set: unknown
  try {
    set = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${name}: expected a JSON Web Key Set, got text that is not JSON`, { cause })
  }
  if (!isKeySet(set)) throw new Error(`${name}: expected a JSON Web Key Set, an object with a list "keys"`)
  if (set.keys.length === 0 || set.keys.length > keysMax) {
    throw new Error(`${name}: expected 1 to ${keysMax} keys, got ${set.keys.length}`)
  }
  for (const key of set.keys) {
    // A shared secret here would be one that everybody who may read public keys can sign with.
    if (key.kty === 'oct') throw new Error(`${name}: expected public keys, got a symmetric one (kty "oct")`)
  }
  const isPrivate = set.keys.some((key) => 'd' in key)
  return {
    set: { keys: set.keys.map(publicPart) },
    warning: isPrivate ? `${name} holds a private key; only its public part is used` : '',
  }
}

/** The key that signs may be the one that checks: then no second file can be out of step. */
function keysInPem(text: string, name: string): KeySet {
  let keys: JWK[]
  try {
    keys = publicKeys(text)
  } catch (cause) {
    throw new Error(`${name}: ${(cause as Error).message}`, { cause })
  }
  if (keys.length === 0 || keys.length > keysMax)
    throw new Error(`${name}: expected 1 to ${keysMax} keys in PEM, got ${keys.length}`)
  return { set: { keys }, warning: '' }
}

/** The ids of the keys, for people; `-` stands for one without. */
export function keyIds({ set }: KeySet): string {
  return set.keys.map(({ kid }) => kid ?? '-').join(' ')
}

function isKeySet(set: unknown): set is JSONWebKeySet {
  if (typeof set !== 'object' || set === null || !('keys' in set) || !Array.isArray(set.keys)) return false
  return set.keys.every((key: unknown) => typeof key === 'object' && key !== null && !Array.isArray(key))
}

function publicPart(key: JWK): JWK {
  if (!('d' in key)) return key
  // `key_ops` goes too: a private key's says `sign`.
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, oth: _oth, key_ops: _operations, ...rest } = key
  return rest
}
