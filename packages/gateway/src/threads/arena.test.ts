import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Arena, cellsOf, type ArenaLayout } from './arena.ts'

const restMs = 120_000

function wanted(lengths: Readonly<Record<string, number>>): Map<string, number> {
  return new Map(Object.entries(lengths))
}

test('a name keeps its piece and what is in it while its length stays', () => {
  const arena = new Arena(100)
  const first = arena.arrange(wanted({ a: 3, b: 4 }), 0)
  cellsOf(arena.memory, first, 'b').store(3, 7)
  const second = arena.arrange(wanted({ c: 2, b: 4 }), 1)
  assert.deepEqual(second['b'], first['b'])
  assert.equal(cellsOf(arena.memory, second, 'b').load(3), 7)
  const third = arena.arrange(wanted({ b: 5 }), 2)
  assert.notDeepEqual(third['b'], first['b'])
  assert.equal(cellsOf(arena.memory, third, 'b').length, 5)
})

test('a freed piece rests before it is used again, and is zeroed then', () => {
  const arena = new Arena(10)
  const first = arena.arrange(wanted({ a: 4 }), 0)
  cellsOf(arena.memory, first, 'a').store(0, 1)
  const second = arena.arrange(wanted({ b: 4 }), 1_000)
  assert.notDeepEqual(second['b'], first['a'])
  assert.throws(() => arena.arrange(wanted({ b: 4, c: 4 }), 1_000 + restMs - 1), /shared memory/)
  // An old request may have written to it until now.
  arena.memory.fill(9, 0, 4)
  const third = arena.arrange(wanted({ b: 4, c: 4 }), 1_000 + restMs)
  assert.deepEqual(third['c'], first['a'])
  assert.equal(cellsOf(arena.memory, third, 'c').load(0), 0)
})

test('an arrangement that does not fit changes nothing', () => {
  const arena = new Arena(10)
  const first = arena.arrange(wanted({ a: 6 }), 0)
  assert.throws(() => arena.arrange(wanted({ a: 6, b: 2, c: 3 }), 1), RangeError)
  arena.revert()
  assert.deepEqual(arena.arrange(wanted({ a: 6, b: 4 }), 2)['a'], first['a'])
})

test('an arrangement that is taken back leaves every piece where it was', () => {
  const arena = new Arena(100)
  const first = arena.arrange(wanted({ a: 6, b: 2 }), 0)
  cellsOf(arena.memory, first, 'a').store(0, 5)
  const refused = arena.arrange(wanted({ b: 2, c: 3 }), 1)
  cellsOf(arena.memory, refused, 'c').store(0, 9)
  arena.revert()
  arena.revert()
  const next = arena.arrange(wanted({ a: 6, b: 2, d: 3 }), 2)
  assert.deepEqual([next['a'], next['b']], [first['a'], first['b']])
  assert.equal(cellsOf(arena.memory, next, 'a').load(0), 5)
  assert.equal(cellsOf(arena.memory, next, 'd').load(0), 0, 'what the refused one wrote is gone')
})

const names = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 0, max: 4 }), {
  maxKeys: 5,
})

test('no two names ever share a cell, nor does one get what rests', () => {
  const turns = fc.array(
    fc.record({ lengths: names, passMs: fc.constantFrom(0, 1_000, restMs), reverts: fc.boolean() }),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(turns, (script) => {
      const arena = new Arena(120)
      const inUse = new Map<number, number>()
      let now = 0
      let inForce: ArenaLayout = {}
      for (const { lengths, passMs, reverts } of script) {
        now += passMs
        let layout: ArenaLayout
        try {
          layout = arena.arrange(wanted(lengths), now)
        } catch {
          continue
        }
        const cells = Object.values(layout).flatMap(([offset, length]) =>
          Array.from({ length }, (_, i) => offset + i),
        )
        assert.equal(new Set(cells).size, cells.length)
        for (const [name, [offset, length]] of Object.entries(layout)) {
          assert.equal(length, lengths[name])
          if (inForce[name]?.[0] === offset) continue
          for (let cell = offset; cell < offset + length; cell++) {
            const lastUse = inUse.get(cell)
            assert.ok(
              lastUse === undefined || now - lastUse >= restMs,
              `cell ${cell} was in use ${now - lastUse!} ms ago`,
            )
            assert.equal(arena.memory[cell], 0)
          }
        }
        arena.memory.fill(1, 0, 120)
        if (reverts) {
          arena.revert()
          layout = inForce
        }
        for (const [offset, length] of [...Object.values(inForce), ...Object.values(layout)]) {
          for (let cell = offset; cell < offset + length; cell++) inUse.set(cell, now)
        }
        // What nobody uses is as it was left: only users write.
        for (let cell = 0; cell < 120; cell++) if (!inUse.has(cell)) arena.memory[cell] = 0
        inForce = layout
      }
    }),
  )
})

test('asking for a name without cells is a bug, and says so', () => {
  assert.throws(() => cellsOf(new Int32Array(4), {}, 'service/x'), /no cells named service\/x/)
})
