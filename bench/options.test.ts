import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError, wholeNumbers } from './options.ts'

const options = { rounds: [5, 1, 100], seed: [7, 0, 2 ** 31] } as const

test('whole numbers are those of the command line, the others as they are by default', () => {
  assert.deepEqual(wholeNumbers([], 'usage', options), { rounds: 5, seed: 7 })
  assert.deepEqual(wholeNumbers(['--seed', '0'], 'usage', options), { rounds: 5, seed: 0 })
})

for (const [args, says] of [
  [['--rounds', '0'], /^--rounds: expected a whole number from 1 to 100, got "0"$/],
  [['--rounds', '1.5'], /got "1.5"/],
  [['--rounds='], /got ""/],
] as const)
  test(`${args.join(' ')} is refused`, () => {
    assert.throws(
      () => wholeNumbers(args, 'usage', options),
      (error) => error instanceof UsageError && says.test(error.message),
    )
  })

test('an option that there is not is refused', () => {
  assert.throws(() => wholeNumbers(['--round', '5'], 'usage', options), {
    code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION',
  })
})
