import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose'
import { compactJws } from './compact-jws.ts'
import { parseKeySet } from './key-set.ts'
import { parsePrivateKeys, publicJwk } from './private-keys.ts'

const pem = ({ privateKey }: { readonly privateKey: KeyObject }): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const ec = (namedCurve: string): string => pem(generateKeyPairSync('ec', { namedCurve }))
const rsa = pem(generateKeyPairSync('rsa', { modulusLength: 2_048 }))

const kinds: [algorithm: string, pem: string][] = [
  ['RS256', rsa],
  ['ES256', ec('P-256')],
  ['ES384', ec('P-384')],
  ['EdDSA', pem(generateKeyPairSync('ed25519'))],
]
for (const [algorithm, text] of kinds) {
  test(`${algorithm}: what a key signs, others check with its public part, which is all that they are given`, async () => {
    const [key] = parsePrivateKeys(text)
    assert.equal(key.algorithm, algorithm)
    const jwk = publicJwk(key.key)
    assert.equal(jwk.kid, await calculateJwkThumbprint(jwk))
    const token = await compactJws({ sub: 'alice' }, 'JWT', key)
    const { set } = parseKeySet(text, 'key.pem')
    assert.ok(set.keys.every((each) => !('d' in each)))
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(set))
    assert.deepEqual(payload, { sub: 'alice' })
    assert.deepEqual(protectedHeader, { alg: algorithm, typ: 'JWT', kid: key.id })
    const other = parseKeySet(ec('P-256'), 'other.pem').set
    await assert.rejects(jwtVerify(token, createLocalJWKSet(other)))
  })
}

test('several keys in one file keep their order', () => {
  const [first, second] = [ec('P-256'), rsa]
  assert.deepEqual(
    parsePrivateKeys(`# old\n${first}\n${second}`).map(({ algorithm }) => algorithm),
    ['ES256', 'RS256'],
  )
  assert.equal(parseKeySet(first + second, 'both.pem').set.keys.length, 2)
})

const bad: [what: string, text: string, problem: RegExp][] = [
  ['nothing', '', /expected a private key in PEM/],
  [
    'a short key',
    pem(generateKeyPairSync('rsa', { modulusLength: 1_024 })),
    /an RSA key of at least 2048 bits, got 1024/,
  ],
  ['another curve', ec('secp256k1'), /RSA, P-256, P-384 or Ed25519, got secp256k1/],
  ['a broken key', rsa.replace(/\n[^-]{40}/, '\n'), /expected a key in PEM without a password/],
]
for (const [what, text, problem] of bad) {
  test(`${what} is refused, and not quoted`, () => {
    assert.throws(
      () => parsePrivateKeys(text),
      (error) => problem.test(String(error)) && !/MI[GI]/.test(String(error)),
    )
  })
}
