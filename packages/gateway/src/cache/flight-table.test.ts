import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlightTable } from './flight-table.ts'

test('what one thread asks for the others wait for, until it is through or dead', async () => {
  const memory = FlightTable.memory()
  const [one, two, main] = [1, 2, 9].map((owner) => new FlightTable(memory, owner))
  const claim = one!.claim('a')
  assert.ok(claim !== null && !('askedBy' in claim))
  assert.equal(one!.claim('a'), null, 'its own thread knows better')
  const elsewhere = two!.claim('a')
  assert.ok(elsewhere !== null && 'askedBy' in elsewhere)
  assert.equal(elsewhere.askedBy, 1)

  const through = two!.whenReleased(elsewhere.slot, elsewhere.askedBy, 60_000)
  one!.release(claim.slot)
  await through
  const next = two!.claim('a')
  assert.ok(next !== null && !('askedBy' in next))

  const dead = one!.whenReleased(next.slot, 2, 60_000)
  main!.forget(1)
  main!.forget(2)
  await dead
  assert.notEqual(one!.claim('a'), null)
})

test('nobody waits for longer than said', async () => {
  const memory = FlightTable.memory()
  const claim = new FlightTable(memory, 1).claim('a')!
  await new FlightTable(memory, 2).whenReleased(claim.slot, 1, 1)
})

test('two keys in one slot are asked for as if there were no table', () => {
  const memory = FlightTable.memory()
  const [one, two] = [new FlightTable(memory, 1), new FlightTable(memory, 2)]
  const slots = new Map<number, string>()
  for (let i = 0; ; i++) {
    const claim = one.claim(`key-${i}`)
    if (claim === null) return assert.equal(two.claim(`key-${i}`), null)
    slots.set(claim.slot, `key-${i}`)
  }
})
