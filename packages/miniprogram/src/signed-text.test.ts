import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { powerModulo } from './rsa.ts'
import { sha256 } from './sha256.ts'
import { checkKey, signedText, type PublicKey } from './signed-text.ts'

const pairs = [2048, 2056, 3072].map((modulusLength) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength })
  return { privateKey, jwk: publicKey.export({ format: 'jwk' }) as unknown as PublicKey }
})

const encoded = (text: string): string => Buffer.from(text).toString('base64url')

function signed(payload: string, key: KeyObject, head = '{"alg":"RS256"}', hash = 'sha256'): string {
  const input = `${encoded(head)}.${encoded(payload)}`
  return `${input}.${sign(hash, Buffer.from(input), key).toString('base64url')}`
}

test('SHA-256 is what Node says it is, for every length about a block', () => {
  for (let length = 0; length < 200; length++) {
    const text = 'a1-_'.repeat(50).slice(0, length)
    assert.equal(sha256(text), createHash('sha256').update(text).digest('hex'), `${length} characters`)
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 2_000, unit: 'binary-ascii' }), (text) =>
      assert.equal(sha256(text), createHash('sha256').update(text).digest('hex')),
    ),
    { numRuns: 50 },
  )
})

test('the constants of SHA-256 do not hang on the last bit of a root: no engine’s rounding changes them', () => {
  const primes: number[] = []
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime > 0)) primes.push(n)
  for (const prime of primes)
    for (const root of [prime ** (1 / 3), Math.sqrt(prime)]) {
      const part = ((root % 1) * 2 ** 32) % 1
      assert.ok(part > 1e-4 && part < 1 - 1e-4, `${prime}: ${part}`)
    }
})

test('powers modulo an odd number are those of BigInt', () => {
  const hex = (digits: number) =>
    fc.array(fc.constantFrom(...'0123456789abcdeff0'.split('')), { minLength: digits, maxLength: digits })
  fc.assert(
    fc.property(hex(512), hex(512), fc.constantFrom('10001', '3', '11'), (base, modulus, exponent) => {
      const m = `8${modulus.slice(2).join('')}1`
      const b = `0${base.slice(1).join('')}`
      let expected = 1n
      for (const bit of parseInt(exponent, 16).toString(2)) {
        expected = (expected * expected) % BigInt(`0x${m}`)
        if (bit === '1') expected = (expected * BigInt(`0x${b}`)) % BigInt(`0x${m}`)
      }
      assert.equal(powerModulo(b, exponent, m), expected.toString(16).padStart(m.length, '0'))
    }),
    { numRuns: 60 },
  )
})

test('what Node signs is read, of keys of any size from 2048 bits', () => {
  for (const { privateKey, jwk } of pairs) {
    checkKey(jwk)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (payload) => {
        assert.equal(signedText(signed(payload, privateKey), jwk), payload)
      }),
      { numRuns: 6 },
    )
  }
})

test('what was changed anywhere is not read', () => {
  const { privateKey, jwk } = pairs[0]!
  const jws = signed('{"order":["https://a.example"]}', privateKey)
  fc.assert(
    fc.property(fc.nat(jws.length - 1), fc.constantFrom(...'AZaz09-_.'.split('')), (at, letter) => {
      const changed = jws.slice(0, at) + letter + jws.slice(at + 1)
      // The last letter holds bits that belong to no byte.
      fc.pre(
        Buffer.from(changed.split('.')[2] ?? '', 'base64url').compare(
          Buffer.from(jws.split('.')[2]!, 'base64url'),
        ) !== 0 || changed.slice(0, changed.lastIndexOf('.')) !== jws.slice(0, jws.lastIndexOf('.')),
      )
      assert.equal(signedText(changed, jwk), undefined)
    }),
    { numRuns: 60 },
  )
})

test('another key, another algorithm, no signature, no JWS: nothing is read', () => {
  const [{ privateKey, jwk }, other] = pairs as [(typeof pairs)[0], (typeof pairs)[0]]
  const input = `${encoded('{"alg":"none"}')}.${encoded('{}')}`
  for (const jws of [
    signed('{}', other.privateKey),
    signed('{}', privateKey, '{"alg":"none"}'),
    signed('{}', privateKey, '{"alg":"HS256"}'),
    signed('{}', privateKey, '{"alg":"RS512"}', 'sha512'),
    signed('{}', privateKey, '{"alg":"RS256"}', 'sha512'),
    signed('{}', privateKey, '{"alg":"RS256","crit":["exp"]}'),
    signed('{}', privateKey, 'no json'),
    `${signed('{}', privateKey)}.more`,
    `${input}.`,
    `${input}.AQAB`,
    `${input}.${'A'.repeat(342)}`,
    `${input}.${'_'.repeat(342)}`,
    input,
    '',
    '..',
    '<html>log in</html>',
    'a.b.c',
  ])
    assert.equal(signedText(jws, jwk), undefined, jws.slice(0, 60))
})

test('a key that is none, or too short, is refused before anything is asked for', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
    format: 'jwk',
  })
  for (const key of [short, { n: '', e: 'AQAB' }, { n: '!', e: 'AQAB' }, { n: pairs[0]!.jwk.n, e: '' }])
    assert.throws(() => checkKey(key as PublicKey), /expected the n and e of an RSA key of 2048 bits or more/)
})
