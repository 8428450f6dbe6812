import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MatchConfig, PathMatch, RouteConfig, ValueMatch } from '@budao/model'
import * as fc from 'fast-check'
import { TestRequest } from '../filters/test-exchange.test.ts'
import { Router } from './router.ts'

interface RouteDraft extends Partial<Omit<MatchConfig, 'path'>> {
  path?: PathMatch
  hosts?: readonly string[]
  match?: readonly MatchConfig[]
  rewrite?: string
}

function routes(...drafts: RouteDraft[]): RouteConfig[] {
  return drafts.map(({ hosts = ['*'], match, rewrite, ...single }, index) => ({
    name: `route-${index}`,
    hosts,
    match: match ?? [{ headers: {}, query: {}, cookies: {}, ...single }],
    priority: 'normal' as const,
    filters: [],
    backends: [],
    upgrade: [],
    ...(rewrite === undefined ? {} : { rewrite: { prefix: rewrite } }),
  }))
}

const request = (path: string, more: Partial<TestRequest> = {}): TestRequest =>
  new TestRequest({ path, ...more })

const paths: [match: PathMatch, path: string, holds: boolean][] = [
  [{ prefix: '/' }, '/', true],
  [{ prefix: '/' }, '/any/thing', true],
  [{ prefix: '/api/' }, '/api/x', true],
  [{ prefix: '/api/' }, '/api/', true],
  [{ prefix: '/api/' }, '/api', false],
  [{ prefix: '/api/' }, '/apix', false],
  [{ prefix: '/api' }, '/api', true],
  [{ prefix: '/api' }, '/api/x', true],
  [{ prefix: '/api' }, '/apix', false],
  [{ prefix: '/api' }, '/API', false],
  [{ prefix: '/商品' }, '/%E5%95%86%E5%93%81/1', true],
  [{ exact: '/api' }, '/api', true],
  [{ exact: '/api' }, '/api/', false],
  [{ exact: '/a b' }, '/a%20b', true],
  [{ regex: '/items/[0-9]+' }, '/items/12', true],
  [{ regex: '/items/[0-9]+' }, '/items/12/x', false],
  [{ regex: '/items/[0-9]+' }, '/x/items/12', false],
  [{ regex: '/a|/b' }, '/b', true],
  [{ regex: '/a|/b' }, '/bb', false],
  [{ regex: '^/a$' }, '/a', true],
  [{ regex: '/files/?' }, '/files', true],
  [{ regex: '/a/b|/b' }, '/b', true],
  [{ regex: '/a/?b' }, '/ab', true],
  [{ regex: '/a/{0,1}b' }, '/ab', true],
  [{ regex: '/a\\.b/c' }, '/a.b/c', true],
  [{ regex: '/[^/]+/x' }, '/y/x', true],
]
for (const [match, path, holds] of paths) {
  test(`${JSON.stringify(match)} ${holds ? 'holds' : 'does not hold'} for ${path}, alone and among many`, () => {
    assert.equal(new Router(routes({ path: match })).match(request(path)), holds ? 0 : -1)
    const others = Array.from({ length: 20 }, (_, index) => ({ path: { exact: `/other/${index}` } }))
    assert.equal(new Router(routes(...others, { path: match })).match(request(path)), holds ? 20 : -1)
  })
}

const hosts: [pattern: string, host: string, holds: boolean][] = [
  ['*', 'anything', true],
  ['*', '', true],
  ['a.example.com', 'a.example.com', true],
  ['a.example.com', 'a.example.com.', true],
  ['a.example.com', 'b.example.com', false],
  ['*.example.com', 'a.example.com', true],
  ['*.example.com', 'a.b.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com', '.example.com', false],
  ['*.example.com', 'aexample.com', false],
  ['*.example.com', `${'a.'.repeat(200)}example.com`, false],
]
for (const [pattern, host, holds] of hosts) {
  test(`host ${pattern} ${holds ? 'holds' : 'does not hold'} for ${host.slice(0, 40)}`, () => {
    assert.equal(new Router(routes({ hosts: [pattern] })).match(request('/', { host })), holds ? 0 : -1)
  })
}

const headers = (cookie: string): Partial<TestRequest> => ({
  headers: { cookie, 'x-city': Buffer.from('北京').toString('latin1') },
})
const values: [
  where: 'headers' | 'query' | 'cookies',
  name: string,
  match: ValueMatch,
  request: TestRequest,
  holds: boolean,
][] = [
  ['headers', 'x-city', { exact: '北京' }, request('/', headers('')), true],
  ['headers', 'x-city', { regex: '北.' }, request('/', headers('')), true],
  ['headers', 'x-city', { regex: '北' }, request('/', headers('')), false],
  ['headers', 'x-city', { present: true }, request('/', headers('')), true],
  ['headers', 'x-city', { present: false }, request('/', headers('')), false],
  ['headers', 'x-none', { present: false }, request('/'), true],
  ['headers', 'x-none', { exact: '' }, request('/'), false],
  ['query', 'a', { exact: '1' }, request('/', { query: 'b=2&a=1' }), true],
  ['query', 'a', { exact: '1' }, request('/', { query: 'a=2&a=1' }), false],
  ['query', 'a', { exact: '' }, request('/', { query: '&a' }), true],
  ['query', 'a', { exact: 'x y' }, request('/', { query: '%61=x+y' }), true],
  ['query', 'a', { exact: '商' }, request('/', { query: 'a=%E5%95%86' }), true],
  ['query', 'a', { exact: '%zz' }, request('/', { query: 'a=%zz' }), true],
  ['query', '', { present: true }, request('/', { query: '&&' }), false],
  ['cookies', 'beta', { exact: '1' }, request('/', headers('alpha=0; beta=1')), true],
  ['cookies', 'beta', { exact: '1' }, request('/', headers('xbeta=1')), false],
  ['cookies', 'beta', { present: true }, request('/', headers('beta')), false],
]
for (const [where, name, match, asked, holds] of values) {
  test(`${where} ${name} ${JSON.stringify(match)} ${holds ? 'holds' : 'does not hold'} with ${asked.query}${JSON.stringify(asked.headers)}`, () => {
    assert.equal(new Router(routes({ [where]: { [name]: match } })).match(asked), holds ? 0 : -1)
  })
}

test('the first route in file order wins, however special a later one is', () => {
  const router = new Router(
    routes(
      { path: { prefix: '/api/' } },
      { path: { exact: '/api/x' } },
      { hosts: ['a.example'], path: { exact: '/api/x' } },
    ),
  )
  assert.equal(router.match(request('/api/x', { host: 'a.example' })), 0)
})

test('an invalid path or expression names its route', () => {
  assert.throws(() => new Router(routes({ path: { prefix: 'api' } })), /route-0.*path.*"api"/)
  assert.throws(() => new Router(routes({ path: { regex: '(' } })), /route-0.*regular expression/)
  assert.throws(() => new Router(routes({ path: { regex: ')|(' } })), /route-0.*regular expression/)
  assert.throws(() => new Router(routes({ rewrite: '/../x' })), /route-0.*path/)
})

const rewrites: [match: PathMatch | undefined, rewrite: string, path: string, forwarded: string][] = [
  [{ prefix: '/api/' }, '/', '/api/x/y', '/x/y'],
  [{ prefix: '/api/' }, '/v2', '/api/x', '/v2/x'],
  [{ prefix: '/api/' }, '/v2/', '/api/', '/v2/'],
  [{ prefix: '/api' }, '/', '/api', '/'],
  [{ prefix: '/api' }, '/v2', '/api', '/v2'],
  [{ prefix: '/' }, '/v2', '/x', '/v2/x'],
  [{ exact: '/old' }, '/new', '/old', '/new'],
  [undefined, '/new', '/old', '/new'],
]
for (const [match, rewrite, path, forwarded] of rewrites) {
  test(`${JSON.stringify(match)} rewritten to ${rewrite} forwards ${path} as ${forwarded}`, () => {
    const router = new Router(routes({ ...(match === undefined ? {} : { path: match }), rewrite }))
    assert.equal(router.rewrite(0, request(path)), forwarded)
  })
}

test('the indexes answer what a search from the first route to the last does', () => {
  fc.assert(
    fc.property(
      fc.array(draft, { maxLength: 60 }),
      fc.array(asked, { minLength: 1, maxLength: 20 }),
      (drafts, requests) => {
        const list = routes(...drafts)
        const router = new Router(list)
        for (const each of requests) assert.equal(router.match(each), linearSearch(list, each))
      },
    ),
    { numRuns: 500 },
  )
})

const segment = fc.constantFrom('a', 'b', 'ab', 'a.b', 'c-d')
const path = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '/'))
  .map(([segments, end]) => `/${segments.join('/')}${end}`)
const regex = fc.oneof(
  fc
    .tuple(path, fc.constantFrom('?', '*', '+', '.*', '[^/]+', '(?:x|/b)?', '{0,2}', '/.+', ''))
    .map(([start, rest]) => {
      return start.replaceAll('.', '\\.') + rest
    }),
  fc.constantFrom(
    '.*',
    '/a|/b',
    '/a/b|/b',
    '/a/|/b/a',
    '/a/?b',
    '/b/*a',
    '/a/{0,1}b',
    '^/a/.*$',
    '(?:/a)?/b',
    '/(?!a).*',
    '/[ab]/.*',
  ),
)
const hostPattern = fc.constantFrom('*', 'x.test', 'a.x.test', '*.x.test', '*.a.x.test', '*.test')
const value: fc.Arbitrary<ValueMatch> = fc.constantFrom<ValueMatch[]>(
  { exact: '1' },
  { regex: '[12]' },
  { present: true },
  { present: false },
)
const values01 = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.dictionary(fc.constantFrom('p', 'q'), value),
)
const match = fc
  .record({
    path: fc.oneof(
      fc.constant(undefined),
      path.map((text) => ({ prefix: text })),
      path.map((text) => ({ exact: text })),
      regex.map((text) => ({ regex: text })),
      fc.constant({ prefix: '/' }),
    ),
    method: fc.constantFrom(undefined, ['GET'], ['POST', 'PUT']),
    headers: values01,
    query: values01,
    cookies: values01,
  })
  .map(({ path: at, method, ...rest }): MatchConfig => ({
    ...rest,
    ...(at === undefined ? {} : { path: at }),
    ...(method === undefined ? {} : { method }),
  }))
const draft: fc.Arbitrary<RouteDraft> = fc.record({
  hosts: fc.array(hostPattern, { minLength: 1, maxLength: 2 }),
  match: fc.array(match, { minLength: 1, maxLength: 2 }),
})
const few = fc.dictionary(fc.constantFrom('p', 'q'), fc.constantFrom('1', '2', '3'))
const asked = fc
  .record({
    path: fc.oneof(path, fc.constant('/')),
    host: fc.constantFrom('x.test', 'a.x.test', 'b.a.x.test', 'y.test', 'y', ''),
    method: fc.constantFrom('GET', 'POST', 'DELETE'),
    headers: few,
    query: few.map((pairs) => new URLSearchParams(pairs).toString()),
    cookies: few,
  })
  .map(({ cookies, headers: sent, ...rest }) => {
    const cookie = Object.entries(cookies)
      .map((pair) => pair.join('='))
      .join('; ')
    return new TestRequest({ ...rest, headers: cookie === '' ? sent : { ...sent, cookie } })
  })

function linearSearch(list: readonly RouteConfig[], each: TestRequest): number {
  return list.findIndex(
    (route) =>
      route.hosts.some((host) => hostHolds(host, each.host)) && route.match.some((m) => matchHolds(m, each)),
  )
}

function hostHolds(pattern: string, host: string): boolean {
  return pattern === '*' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))
}

function matchHolds(config: MatchConfig, each: TestRequest): boolean {
  const query = new URLSearchParams(each.query)
  const cookies = new Map(
    (each.headers['cookie'] ?? '').split('; ').map((pair) => [pair.split('=')[0], pair.split('=')[1]]),
  )
  return (
    pathHolds(config.path, each.path) &&
    (config.method?.includes(each.method) ?? true) &&
    Object.entries(config.headers).every(([name, wanted]) => valueHolds(wanted, each.headers[name])) &&
    Object.entries(config.query).every(([name, wanted]) =>
      valueHolds(wanted, query.get(name) ?? undefined),
    ) &&
    Object.entries(config.cookies).every(([name, wanted]) => valueHolds(wanted, cookies.get(name)))
  )
}

function pathHolds(config: PathMatch | undefined, at: string): boolean {
  if (config === undefined) return true
  if ('exact' in config) return at === config.exact
  if ('regex' in config) return new RegExp(`^(?:${config.regex})$`, 'u').test(at)
  return (
    at === config.prefix ||
    (`${at}/`.startsWith(config.prefix.endsWith('/') ? config.prefix : `${config.prefix}/`) &&
      !(config.prefix.endsWith('/') && !at.startsWith(config.prefix)))
  )
}

function valueHolds(config: ValueMatch, found: string | undefined): boolean {
  if ('present' in config) return (found !== undefined) === config.present
  if ('not' in config) return !valueHolds(config.not, found)
  if (found === undefined) return false
  if ('prefix' in config) return found.startsWith(config.prefix)
  return 'exact' in config ? found === config.exact : new RegExp(`^(?:${config.regex})$`, 'u').test(found)
}
