import assert from 'node:assert/strict'
import { test } from 'node:test'
import { translateRegex } from './nginx-regex.ts'

const translated: [pattern: string, ignoreCase: boolean, source: string][] = [
  [String.raw`\.php$`, false, String.raw`.*\.php`],
  ['^/api/', false, '/api/.*'],
  ['^/api/v[12]/', false, '/api/v[12]/.*'],
  ['^/$', false, '/'],
  [String.raw`\.(gif|jpg)$`, true, String.raw`(?i:.*\.(gif|jpg))`],
  ['^/a|^/b', false, '.*(?:^/a|^/b).*'],
  [String.raw`^/\-\_x\/`, false, String.raw`/-_x\/.*`],
  ['^/(?P<id>[0-9]+)$', false, '/(?<id>[0-9]+)'],
  ['(?i)^/x$', false, '.*(?i:^/x$).*'],
  [String.raw`\$$`, false, String.raw`.*\$`],
  ['^/[^/]+/{1}', false, '/[^/]+/{1}.*'],
  ['^/a}', false, String.raw`/a\}.*`],
]
for (const [pattern, ignoreCase, source] of translated) {
  test(`${pattern} becomes ${source}`, () => {
    assert.deepEqual(translateRegex(pattern, ignoreCase), { ok: true, source })
  })
}

for (const pattern of ['^/a++b', '(?>a)', '[[:alpha:]]', String.raw`\Qa\E`, '(', '(?R)']) {
  test(`${pattern} is refused, with the reason`, () => {
    const result = translateRegex(pattern, false)
    assert.ok(!result.ok && result.reason !== '')
  })
}

test('within a prefix only paths below it match', () => {
  const result = translateRegex(String.raw`\.php$`, false, '/a.b/')
  assert.ok(result.ok)
  const regex = new RegExp(`^(?:${result.source})$`, 'u')
  assert.ok(regex.test('/a.b/x.php'))
  assert.ok(!regex.test('/aXb/x.php'))
  assert.ok(!regex.test('/c.php'))
})
