import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTemplate } from '@budao/model'
import fc from 'fast-check'
import { TestRequest } from '../filters/test-exchange.test.ts'
import { normalizeTarget } from '../routing/path.ts'
import { fillText, PathTemplate } from './filled-template.ts'

function fillPath(template: string, value: string): string | { readonly problem: string } {
  const request = new TestRequest({ query: `v=${encodeURIComponent(value)}` })
  return new PathTemplate(parseTemplate(template)!, 'test').pathFor({ request, parameters: {} })
}

test('whatever a value holds, it is one part of one segment, and reads back as itself', () => {
  const unit = fc.constantFrom(
    '.',
    '..',
    '/',
    '\\',
    ';',
    '?',
    '#',
    '%',
    '%2f',
    '\r',
    '\n',
    '\0',
    'a',
    'é',
    '不',
    ' ',
  )
  const value = fc.oneof(fc.string({ unit }), fc.string({ unit: 'grapheme' }))
  fc.assert(
    fc.property(
      value,
      fc.constantFrom('/a/{query.v}/b', '/a/{query.v}', '/x{query.v}y/b'),
      (text, template) => {
        const path = fillPath(template, text)
        if (typeof path === 'object') return
        assert.match(path, /^[\w/.~%!'()*-]+$/)
        assert.deepEqual(normalizeTarget(path), { path, query: '' })
        const segments = path.split('/')
        const expected = template.split('/')
        assert.equal(segments.length, expected.length)
        for (const [index, segment] of segments.entries())
          assert.equal(
            decodeURIComponent(segment),
            expected[index]!.replace('{query.v}', () => text),
          )
      },
    ),
  )
})

test('plain values are never refused', () => {
  const plain = fc.stringMatching(/^[\w @:+,=&$~-]+$/)
  fc.assert(
    fc.property(plain, (text) => {
      assert.equal(fillPath('/{query.v}', text), `/${encodeURIComponent(text)}`)
    }),
  )
})

test('a template that leads out of the root is none, with its owner named', () => {
  assert.throws(() => fillPath('/../{query.v}', 'a'), /^RangeError: test: expected a path/)
})

test('what braces may hold', () => {
  for (const text of [
    '{',
    '}',
    '{x}',
    '{query}',
    '{query.}',
    '{query.a b}',
    '{env.HOME}',
    '{{query.a}}',
    '{Query.a}',
  ])
    assert.equal(parseTemplate(text), null, text)
  assert.deepEqual(parseTemplate(''), [])
  assert.deepEqual(parseTemplate('a{header.X-A}b{claim.sub}'), [
    'a',
    { source: 'header', name: 'x-a' },
    'b',
    { source: 'claim', name: 'sub' },
  ])
})

test('texts are left out without a value, and bad with a control character', () => {
  const request = new TestRequest({ query: 'a=1&b=%0d', headers: { cookie: 's=2' } })
  request.claims = { sub: 'u', n: 1.5, admin: true, roles: ['x'] }
  const fill = (text: string): string | undefined | null =>
    fillText(parseTemplate(text)!, { request, parameters: { p: '%E4%B8%8D', broken: '%ff' } })
  for (const [text, filled] of [
    ['{query.a}-{cookie.s}', '1-2'],
    ['{claim.sub}{claim.n}{claim.admin}', 'u1.5true'],
    ['{path.p}{path.broken}', '不%ff'],
    ['{query.x}', undefined],
    ['{claim.roles}', undefined],
    ['{claim.toString}', undefined],
    ['{query.b}', null],
    ['', ''],
  ] as const)
    assert.equal(fill(text), filled, text)
})
