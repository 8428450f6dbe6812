import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canSpare, type SpareVerdict } from './spare.ts'

// One letter an endpoint: u usable, d down, o out of service (weight 0 or draining). Capitals leave.
const table: [endpoints: string, verdict: SpareVerdict][] = [
  ['', 'yes'],
  ['u', 'yes'],
  ['U', 'last'],
  ['D', 'last'],
  ['O', 'yes'],
  ['Uu', 'yes'],
  ['UU', 'last'],
  ['UUu', 'yes'],
  ['Ud', 'last-usable'],
  ['UDd', 'last-usable'],
  ['Dd', 'yes'],
  ['Du', 'yes'],
  ['Uo', 'last'],
  ['Do', 'last'],
  ['Oo', 'yes'],
  ['Uod', 'last-usable'],
]
for (const [letters, verdict] of table) {
  test(`of "${letters}" the capitals can be spared: ${verdict}`, () => {
    const endpoints = Array.from(letters, (letter) => ({
      usable: letter.toLowerCase() === 'u',
      serving: letter.toLowerCase() !== 'o',
      leaves: letter !== letter.toLowerCase(),
    }))
    assert.equal(canSpare(endpoints), verdict)
  })
}
