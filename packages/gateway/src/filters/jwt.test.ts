import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { JwtConfig } from '@budao/model'
import { tempDir } from '@budao/testkit'
import * as fc from 'fast-check'
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose'
import type { Filter, FilterEnv, Reply } from './filter.ts'
import { createJwtFilter } from './jwt.ts'
import { testEnv, TestRequest } from './test-exchange.test.ts'

const rsa = await generateKeyPair('RS256', { extractable: true })
const otherRsa = await generateKeyPair('RS256', { extractable: true })
const ec = await generateKeyPair('ES256', { extractable: true })
const rsaSecret = await exportJWK(rsa.privateKey)
const pssKey = await importJWK(rsaSecret, 'PS256')
const rsaKey = { ...(await exportJWK(rsa.publicKey)), kid: 'r1', alg: 'RS256', use: 'sig' }
const ecKey = { ...(await exportJWK(ec.publicKey)), kid: 'e1' }
const keySet = { keys: [rsaKey, ecKey] }
const nowSeconds = Date.UTC(2026, 10, 5, 8) / 1000

const defaults: JwtConfig = {
  jwks: 'keys.json',
  algorithms: ['RS256', 'ES256'],
  issuers: [],
  from: [{ header: 'Authorization' }],
  clockSkew: 30_000,
  requireClaims: {},
  forwardClaims: {},
  fetch: { interval: 300_000, timeout: 5_000, cooldown: 30_000 },
}

interface World {
  readonly filter: Filter
  readonly file: string
  readonly env: ReturnType<typeof testEnv>
  readonly answer: (authorization?: string, headers?: Record<string, string>) => Promise<Answer>
}

interface Answer {
  readonly reply: Reply | undefined
  readonly code: string
  readonly message: string
  readonly headers: Record<string, string>
}

async function world(
  t: TestContext,
  config: Partial<JwtConfig> = {},
  env: Partial<FilterEnv> = {},
): Promise<World> {
  const dir = tempDir(t)
  const file = join(dir, 'keys.json')
  writeFileSync(file, JSON.stringify(keySet))
  const fullEnv = testEnv(dir, env)
  const filter = await createJwtFilter({ ...defaults, ...config }, fullEnv)
  t.after(() => filter.close?.())
  return {
    filter,
    file,
    env: fullEnv,
    answer: async (authorization, headers = {}) => {
      const all = authorization === undefined ? headers : { ...headers, authorization }
      const request = new TestRequest({ headers: all, now: fullEnv.now() })
      const reply = await filter.onRequest!(request)
      const body =
        reply === undefined
          ? { error: '', message: '' }
          : (JSON.parse(reply.body) as { error: string; message: string })
      return {
        reply,
        code: body.error,
        message: body.message,
        headers: request.headers,
      }
    },
  }
}

interface Signed {
  readonly claims?: JWTPayload
  readonly kid?: string
  readonly alg?: string
  readonly key?: CryptoKey | Uint8Array
}

function sign({
  claims = {},
  kid = 'r1',
  alg = 'RS256',
  key = rsa.privateKey,
}: Signed = {}): Promise<string> {
  const payload = { sub: 'u-1', exp: nowSeconds + 600, ...claims }
  return new SignJWT(payload).setProtectedHeader({ alg, ...(kid === '' ? {} : { kid }) }).sign(key)
}

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const payload = encode({ sub: 'admin', exp: nowSeconds + 600 })

test('a good token passes, whatever the case of the scheme', async (t) => {
  const { answer } = await world(t)
  const token = await sign()
  for (const authorization of [
    `Bearer ${token}`,
    `bearer ${token}`,
    `BEARER  ${token} `,
    `Bearer ${token}`,
  ]) {
    assert.equal((await answer(authorization)).reply, undefined)
  }
  assert.equal(
    (await answer(`Bearer ${await sign({ kid: 'e1', alg: 'ES256', key: ec.privateKey })}`)).reply,
    undefined,
  )
})

for (const authorization of [undefined, '', 'Bearer', 'Bearer  ', 'Basic dXNlcjpwYXNz', 'Bearerx y']) {
  test(`${JSON.stringify(authorization)} is answered 401 and asked for a token`, async (t) => {
    const { answer } = await world(t)
    const { reply, code } = await answer(authorization)
    assert.equal(reply?.status, 401)
    assert.equal(code, 'token_missing')
    assert.ok(reply.headers.some(([name, value]) => name === 'WWW-Authenticate' && value === 'Bearer'))
  })
}

const bad: [what: string, token: () => string | Promise<string>, config?: Partial<JwtConfig>][] = [
  ['no token at all', () => 'garbage'],
  ['two tokens', async () => `${await sign()}, Bearer ${await sign()}`],
  ['an expired token', () => sign({ claims: { exp: nowSeconds - 31 } })],
  ['a token of the future', () => sign({ claims: { nbf: nowSeconds + 31 } })],
  ['an unknown key', () => sign({ kid: 'r2', key: otherRsa.privateKey })],
  ['a known key id with a foreign signature', () => sign({ key: otherRsa.privateKey })],
  ['a changed payload', async () => (await sign()).replace(/\.[^.]+\./, `.${payload}.`)],
  ['no signature', async () => (await sign()).replace(/[^.]+$/, '')],
  ['alg none', () => `${encode({ alg: 'none' })}.${payload}.`],
  ['alg None with a key id', () => `${encode({ alg: 'None', kid: 'r1' })}.${payload}.`],
  ['an algorithm not in the list', () => sign({ alg: 'PS256', kid: '', key: pssKey })],
  ['a listed algorithm of another key type', () => sign({ kid: 'e1' })],
  ['the wrong issuer', () => sign({ claims: { iss: 'evil' } }), { issuer: 'https://id.example' }],
  ['no issuer', () => sign(), { issuer: 'https://id.example' }],
  ['the wrong audience', () => sign({ claims: { aud: 'other' } }), { audience: ['shop'] }],
  [
    'an unencoded payload (b64)',
    () => `${encode({ alg: 'RS256', kid: 'r1', b64: false, crit: ['b64'] })}.${payload}.AAAA`,
  ],
  ['a token longer than any honest one', () => sign({ claims: { x: 'x'.repeat(17_000) } })],
  [
    'a token of a key for another algorithm',
    async () => sign({ alg: 'RS512', key: (await importJWK(rsaSecret, 'RS512')) as CryptoKey }),
    { algorithms: ['RS256', 'RS512'] },
  ],
  ['a crit header', () => `${encode({ alg: 'RS256', kid: 'r1', crit: ['x'], x: 1 })}.${payload}.AAAA`],
]
for (const [what, token, config] of bad) {
  test(`${what} is answered 403`, async (t) => {
    const { answer } = await world(t, config)
    const { reply, code, message } = await answer(`Bearer ${await token()}`)
    assert.equal(reply?.status, 403)
    assert.equal(code, 'token_invalid')
    assert.match(message, /\.$/)
  })
}

test('the public key used as a shared secret is answered 403, also when HS256 were listed', async (t) => {
  const pem = await exportSPKI(rsa.publicKey)
  const forged = `${encode({ alg: 'HS256', kid: 'r1' })}.${payload}`
  const token = `${forged}.${createHmac('sha256', pem).update(forged).digest('base64url')}`
  const listed = { algorithms: ['RS256', 'HS256'] } as unknown as Partial<JwtConfig>
  for (const config of [{}, listed]) {
    const { answer } = await world(t, config)
    assert.equal((await answer(`Bearer ${token}`)).reply?.status, 403)
  }
})

test('clocks may differ by the allowed skew', async (t) => {
  const { answer } = await world(t)
  assert.equal((await answer(`Bearer ${await sign({ claims: { exp: nowSeconds - 29 } })}`)).reply, undefined)
  assert.equal((await answer(`Bearer ${await sign({ claims: { nbf: nowSeconds + 29 } })}`)).reply, undefined)
})

test('issuer and audience pass when they are the configured ones', async (t) => {
  const { answer } = await world(t, { issuer: 'https://id.example', audience: ['mine', 'shop'] })
  const claims = { iss: 'https://id.example', aud: ['x', 'shop'] }
  assert.equal((await answer(`Bearer ${await sign({ claims })}`)).reply, undefined)
})

const lacking: [what: string, claims: JWTPayload, passes: boolean][] = [
  ['the value', { role: 'admin' }, true],
  ['another value', { role: 'user' }, false],
  ['none', {}, false],
  ['it in a list', { role: ['user', 'admin'] }, true],
  ['it among words', { role: 'read admin write' }, true],
  ['it as a part of a word', { role: 'administrator' }, false],
  ['a number that reads the same', { role: 7 }, true],
  ['an object', { role: { admin: true } }, false],
]
for (const [what, claims, passes] of lacking) {
  test(`a claim that must be admin or 7 and has ${what} ${passes ? 'passes' : 'is answered 403'}`, async (t) => {
    const { answer } = await world(t, { requireClaims: { role: ['admin', '7'] } })
    const { reply, code } = await answer(`Bearer ${await sign({ claims })}`)
    assert.equal(code, passes ? '' : 'token_insufficient')
    if (reply !== undefined)
      assert.equal(new Map(reply.headers).get('WWW-Authenticate'), 'Bearer error="insufficient_scope"')
  })
}

test('a token is taken from the first place that has one', async (t) => {
  const { filter } = await world(t, {
    from: [{ header: 'X-Token' }, { cookie: 'token' }, { query: 'access_token' }],
  })
  const token = await sign()
  const ask = (fields: Partial<TestRequest>) => filter.onRequest!(new TestRequest(fields))
  assert.equal(await ask({ headers: { 'x-token': token } }), undefined)
  assert.equal(await ask({ headers: { 'x-token': `Bearer ${token}` } }), undefined)
  assert.equal(await ask({ headers: { cookie: `a=b; token=${token}` } }), undefined)
  assert.equal(await ask({ query: `a=b&access_token=${token}` }), undefined)
  assert.equal((await ask({ headers: { 'x-token': 'bad', cookie: `token=${token}` } }))?.status, 403)
  assert.equal((await ask({ headers: { authorization: `Bearer ${token}` } }))?.status, 401)
  assert.equal((await ask({ headers: { cookie: 'token=' }, query: 'access_token=' }))?.status, 401)
})

test('several issuers: each token is checked by the keys, audience and algorithms of its own', async (t) => {
  const dir = tempDir(t)
  writeFileSync(join(dir, 'b.json'), JSON.stringify({ keys: [ecKey] }))
  const { answer } = await world(t, {
    issuer: 'https://a.example',
    issuers: [
      { issuer: 'https://b.example', jwks: join(dir, 'b.json'), audience: ['b'], algorithms: ['ES256'] },
    ],
  })
  const ofB = { iss: 'https://b.example', aud: 'b' }
  const signedByB = { kid: 'e1', alg: 'ES256', key: ec.privateKey }
  const codes: [token: string, code: string][] = [
    [await sign({ claims: { iss: 'https://a.example' } }), ''],
    [await sign({ claims: ofB, ...signedByB }), ''],
    [await sign({ claims: { ...ofB, aud: 'a' }, ...signedByB }), 'token_invalid'],
    [await sign({ claims: ofB }), 'token_invalid'],
    [await sign({ claims: { iss: 'https://c.example' } }), 'token_invalid'],
    ['garbage', 'token_invalid'],
  ]
  for (const [token, code] of codes) assert.equal((await answer(`Bearer ${token}`)).code, code)
})

test('what a verified token says is there for the filters behind', async (t) => {
  const { filter } = await world(t)
  const authorization = `Bearer ${await sign({ claims: { openid: 'o1' } })}`
  for (let i = 0; i < 2; i++) {
    const request = new TestRequest({ headers: { authorization } })
    await filter.onRequest!(request)
    assert.equal(request.claims?.['openid'], 'o1')
  }
})

test('claims become headers, and the client’s own copies never pass', async (t) => {
  const { answer } = await world(t, {
    forwardClaims: {
      sub: 'X-User-Id',
      name: 'X-User-Name',
      roles: 'X-Roles',
      level: 'X-Level',
      constructor: 'X-Odd',
    },
  })
  const forged = {
    'x-user-id': 'admin',
    'x-user-name': 'root',
    'x-roles': 'all',
    'x-level': '9',
    'x-odd': '1',
  }
  const claims = { name: '王\r\nX-Admin: 1', roles: ['a', 'b'], level: 3 }
  const authorization = `Bearer ${await sign({ claims })}`
  for (const attempt of ['verified', 'cached']) {
    const { headers } = await answer(authorization, forged)
    assert.deepEqual(
      headers,
      {
        authorization,
        'x-user-id': 'u-1',
        'x-user-name': encodeURIComponent('王\r\nX-Admin: 1').replaceAll('%3A', ':'),
        'x-roles': '["a","b"]',
        'x-level': '3',
      },
      attempt,
    )
  }
  assert.deepEqual((await answer(undefined, forged)).headers, {})
  assert.deepEqual(Object.keys((await answer('Bearer x', forged)).headers), ['authorization'])
})

test('a claim of any text can be read back from its header', async (t) => {
  const { answer } = await world(t, { forwardClaims: { name: 'X-Name' } })
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), async (name) => {
      const { headers } = await answer(
        `Bearer ${await sign({ claims: { name }, kid: 'e1', alg: 'ES256', key: ec.privateKey })}`,
      )
      assert.match(headers['x-name'] ?? '', /^[\x21-\x7e]+$/)
      assert.equal(decodeURIComponent(headers['x-name'] ?? ''), name.toWellFormed())
    }),
    { numRuns: 30 },
  )
})

test('a token once verified passes without a promise, until it expires or a minute has gone', async (t) => {
  let now = 0
  const { filter, answer } = await world(t, { clockSkew: 0 }, { now: () => now })
  const long = `Bearer ${await sign()}`
  const short = `Bearer ${await sign({ claims: { exp: nowSeconds + 10 } })}`
  await answer(long)
  await answer(short)
  const isCached = (authorization: string): boolean =>
    filter.onRequest?.(new TestRequest({ headers: { authorization }, now })) === undefined
  assert.ok(isCached(long) && isCached(short))
  now = 9_000
  assert.ok(isCached(short))
  now = 10_000
  assert.ok(!isCached(short) && isCached(long))
  now = 59_999
  assert.ok(isCached(long))
  now = 60_000
  assert.ok(!isCached(long))
})

test('changed keys are used without a restart, and tokens of the old ones end with them', async (t) => {
  let now = 10_000
  const { file, answer } = await world(t, {}, { now: () => now })
  const old = `Bearer ${await sign()}`
  const fresh = `Bearer ${await sign({ kid: 'r2', key: otherRsa.privateKey })}`
  assert.equal((await answer(old)).reply, undefined)
  assert.equal((await answer(fresh)).reply?.status, 403)

  writeFileSync(file, JSON.stringify({ keys: [{ ...(await exportJWK(otherRsa.publicKey)), kid: 'r2' }] }))
  assert.equal((await answer(fresh)).reply?.status, 403, 'looked at a moment ago')
  now += 1_000
  assert.equal((await answer(fresh)).reply, undefined)
  assert.equal((await answer(old)).reply?.status, 403)
})

test('a broken key file leaves the last good keys in force and warns once', async (t) => {
  let now = 10_000
  const { file, answer, env } = await world(t, {}, { now: () => now })
  const unknown = `Bearer ${await sign({ kid: 'r2', key: otherRsa.privateKey })}`
  for (const content of ['{"keys":[', '{"keys":', '{"keys":']) {
    writeFileSync(file, content)
    now += 1_000
    assert.equal((await answer(unknown)).reply?.status, 403)
  }
  rmSync(file)
  now += 1_000
  assert.equal((await answer(unknown)).reply?.status, 403)
  assert.equal(env.warnings.length, 2)
  assert.match(
    env.warnings[0] ?? '',
    /filter jwt of route shop: .*keys\.json: expected a JSON Web Key Set.*stay in force/,
  )
  assert.match(env.warnings[1] ?? '', /ENOENT/)
  assert.equal((await answer(`Bearer ${await sign()}`)).reply, undefined)
})

const files: [content: string | null, problem: RegExp][] = [
  [null, /ENOENT/],
  ['nothing', /not JSON/],
  ['[]', /Key Set/],
  ['{"keys":[]}', /1 to 100 keys, got 0/],
  ['{"keys":[1]}', /Key Set/],
  [JSON.stringify({ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }), /symmetric/],
  [JSON.stringify({ keys: Array.from({ length: 101 }, () => rsaKey) }), /got 101/],
  ['x'.repeat(1_048_577), /at most 1048576 bytes/],
]
for (const [content, problem] of files) {
  test(`a key file of ${String(content).slice(0, 40)} is refused`, async (t) => {
    const dir = tempDir(t)
    if (content !== null) writeFileSync(join(dir, 'keys.json'), content)
    const config: JwtConfig = { ...defaults, algorithms: ['RS256'], clockSkew: 0 }
    await assert.rejects(createJwtFilter(config, testEnv(dir)), problem)
  })
}

test('of a private key only the public part is used, with a warning', async (t) => {
  const dir = tempDir(t)
  writeFileSync(
    join(dir, 'keys.json'),
    JSON.stringify({ keys: [{ ...(await exportJWK(rsa.privateKey)), kid: 'r1' }] }),
  )
  const env = testEnv(dir)
  const config: JwtConfig = { ...defaults, algorithms: ['RS256'], clockSkew: 0 }
  const filter = await createJwtFilter(config, env)
  t.after(() => filter.close?.())
  assert.match(env.warnings[0] ?? '', /private key/)
  const request = new TestRequest({ headers: { authorization: `Bearer ${await sign()}` } })
  assert.equal(await filter.onRequest!(request), undefined)
})

test('no Authorization header makes it throw or lets it pass', async (t) => {
  const { answer } = await world(t)
  const part = fc.oneof(
    fc.string({ unit: 'binary-ascii' }),
    fc.base64String(),
    fc.json().map((json) => encode(JSON.parse(json))),
  )
  const header = fc.oneof(
    fc.string(),
    fc.tuple(part, part, part).map((parts) => `Bearer ${parts.join('.')}`),
    fc.uint8Array().map((bytes) => `Bearer ${Buffer.from(bytes).toString('latin1')}`),
  )
  await fc.assert(
    fc.asyncProperty(header, async (authorization) => {
      const status = (await answer(authorization)).reply?.status
      assert.ok(status === 401 || status === 403)
    }),
    { numRuns: 300 },
  )
})

test('who left while the token was verified leaves no claims on the next one’s request', async (t) => {
  const { filter } = await world(t, { forwardClaims: { sub: 'X-User-Id' } })
  // A proxy that is believed may send its requests with ids of its own, even the same one.
  for (const next of [{ requestId: 'second' }, { now: 1 }]) {
    const request = new TestRequest({ headers: { authorization: `Bearer ${await sign({ claims: next })}` } })
    const answer = filter.onRequest?.(request)
    Object.assign(request, next, { headers: {} })
    assert.equal(await answer, undefined)
    assert.deepEqual(request.headers, {})
  }
})
