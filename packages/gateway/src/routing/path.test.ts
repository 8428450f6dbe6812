import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { normalizeConfiguredPath, normalizeTarget } from './path.ts'

const table: [raw: string, path: string | null, query?: string][] = [
  ['/', '/'],
  ['/api/items', '/api/items'],
  ['/api/items?a=1&b=../..', '/api/items', 'a=1&b=../..'],
  ['/api?', '/api', ''],
  ['/?a=%zz\\%00', '/', 'a=%zz\\%00'],
  ['/.well-known/x', '/.well-known/x'],
  ['/a/...', '/a/...'],
  ['/a.b/c..d', '/a.b/c..d'],
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/b/..', '/a/'],
  ['/a/b/.', '/a/b/'],
  ['/a/..', '/'],
  ['/.', '/'],
  ['/./a', '/a'],
  ['/%2e', '/'],
  ['/a/%2e%2E/b?q', '/b', 'q'],
  ['/a/.%2e/b', '/b'],
  ['//a', '/a'],
  ['/a//b///', '/a/b/'],
  ['//', '/'],
  ['/a//../b', '/b'],
  ['/%61%7E%2d%5f', '/a~-_'],
  ['/a%2fb', '/a%2Fb'],
  ['/a%252e%252e', '/a%252e%252e'],
  ['/a%20b', '/a%20b'],
  ['/\u00e5\u0095\u0086', '/%E5%95%86'],
  ['/a;v=1/b', '/a;v=1/b'],
  ['', null],
  ['*', null],
  ['a', null],
  ['http://x/', null],
  ['/..', null],
  ['/a/../..', null],
  ['/a/%2e%2e/%2e%2e/b', null],
  ['//..', null],
  ['/a%00', null],
  ['/a\u0000', null],
  ['/a b', null],
  ['/a\u007f', null],
  ['/a\\b', null],
  ['/a\\..\\b', null],
  ['/a#b', null],
  ['/a%', null],
  ['/a%2', null],
  ['/a%zz', null],
  ['/a%2?b', null],
  ['/a/..;/b', null],
  ['/a/.;x=1/b', null],
  ['/a/%2e%2e;/b', null],
  ['/a/..%2fb', null],
  ['/a/b%2f..', null],
  ['/a/b%5c..%5Cc', null],
  ['/a/x%2F.%2Fy', null],
  ['/\u5546', null],
]
for (const [raw, path, query = ''] of table) {
  test(`${JSON.stringify(raw)} -> ${path === null ? 'refused' : JSON.stringify(path)}`, () => {
    assert.deepEqual(normalizeTarget(raw), path === null ? null : { path, query })
  })
}

const pieces =
  '/ / / . .. %2e %2E %2f %5c %00 %41 % %e5 \\ ; a b x.y ~ ? # \u0000 \u00e5 \u007f %25 2e ..; \u0100'
const piece = fc.constantFrom(' ', ...pieces.split(' '))
const hostile = fc.array(piece, { maxLength: 14 }).map((chosen) => `/${chosen.join('')}`)
const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => `/${Buffer.from(array).toString('latin1')}`)
const runs = { numRuns: 2_000 }

test('what was normalised once does not change again', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, bytes), (raw) => {
      const once = normalizeTarget(raw)
      if (once === null) return
      assert.deepEqual(normalizeTarget(once.path), { path: once.path, query: '' })
    }),
    runs,
  )
})

test('no result holds a dot segment, however often a backend decodes slashes and dots once', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, bytes), (raw) => {
      const target = normalizeTarget(raw)
      if (target === null) return
      assert.match(target.path, /^\/[\x21-\x7e]*$/)
      assert.doesNotMatch(target.path, /\/\/|[\\#?]|%00|%2e/i)
      const asBackend = target.path.replace(/%(2f|5c)/gi, '/').split('/')
      for (const segment of asBackend) assert.doesNotMatch(segment, /^\.\.?(;|$)/)
    }),
    runs,
  )
})

test('the result is what the URL standard resolves to, slashes merged', () => {
  const plain = fc
    .array(fc.constantFrom('/', '/', '.', '..', '%2e', 'a', 'b', '%41', '%2f', '-'), { maxLength: 12 })
    .map((chosen) => `/${chosen.join('')}`)
  fc.assert(
    fc.property(plain, (raw) => {
      const target = normalizeTarget(raw)
      if (target === null) return
      const merged = raw.replace(/\/+/g, '/').replaceAll('%41', 'A').replaceAll('%2f', '%2F')
      const resolved = new URL(`http://x${merged}`).pathname.replaceAll('%2e', '.').replace(/\/+/g, '/')
      assert.equal(target.path, resolved)
    }),
    runs,
  )
})

test('a configured path may be written in any script', () => {
  assert.equal(normalizeConfiguredPath('/商品/'), '/%E5%95%86%E5%93%81/')
  assert.equal(normalizeConfiguredPath('/a b'), '/a%20b')
  assert.equal(normalizeConfiguredPath('/a/../b'), '/b')
  assert.equal(normalizeConfiguredPath('/a?b'), null)
  assert.equal(normalizeConfiguredPath('a'), null)
})
