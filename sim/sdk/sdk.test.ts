import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Script } from 'node:vm'
import { phoneScript } from '@budao/testkit'
import { outageFor } from './outage.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'

let program: Script

before(async () => {
  program = await phoneScript(fileURLToPath(new URL('./program.ts', import.meta.url)), { target: 'es2016' })
})

/** A few seeds of each; `npm run sim -- sdk` has the others. */
const few: readonly (readonly [name: string, scenario: Scenario<unknown>, seeds: number])[] = [
  ['good', scenarios['good']!, 1],
  ['weak', scenarios['weak']!, 1],
  ['loss', scenarios['loss']!, 1],
  ['primary-dead', scenarios['primary-dead']!, 6],
  ['outage', outageFor(100), 1],
  ['lives', scenarios['lives']!, 40],
]

for (const [name, scenario, seeds] of few) {
  test(`the SDK in a phone, ${name}: ${scenario.about}`, async () => {
    const parts: unknown[] = []
    for (let seed = 1; seed <= seeds; seed++) parts.push(await scenario.live(seed, program))
    assert.deepEqual(scenario.judge(parts).broken, [])
  })
}

test('one seed lives the same life again', async () => {
  const { lives } = scenarios
  assert.deepEqual(await lives!.live(11, program), await lives!.live(11, program))
})

test('a rule that does not hold is seen: without answers nothing that was accepted is done', async () => {
  const silent = await phoneScript(fileURLToPath(new URL('./mute-program.ts', import.meta.url)))
  const { broken } = scenarios['lives']!.judge([await scenarios['lives']!.live(3, silent)])
  assert.match(broken.join('\n'), /is lost/)
})
