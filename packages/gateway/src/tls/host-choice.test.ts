import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HostChoice } from './host-choice.ts'

test('an exact name comes before a wildcard, a wildcard stands for one label, and the first to claim a name keeps it', () => {
  const choice = new HostChoice([
    ['*.shop.example', 'wild'],
    ['Api.shop.example', 'exact'],
    ['api.shop.example', 'late'],
    ['shop.example', 'root'],
    ['*.example', 'top'],
  ])
  const table: readonly (readonly [string, string | undefined])[] = [
    ['api.shop.example', 'exact'],
    ['API.SHOP.EXAMPLE.', 'exact'],
    ['www.shop.example', 'wild'],
    ['a.b.shop.example', undefined],
    ['shop.example', 'root'],
    ['other.example', 'top'],
    ['.shop.example', undefined],
    ['example', undefined],
    ['', undefined],
  ]
  for (const [name, expected] of table) assert.equal(choice.find(name), expected, name)
})
