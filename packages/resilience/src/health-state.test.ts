import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalCells } from './cells.ts'
import { HealthCell, checkHealth, unknownHealth } from './health-state.ts'
import type { HealthState } from './health-state.ts'

const table: [results: string, verdicts: string][] = [
  // + passed, - failed; u unknown, H healthy, D unhealthy (down)
  ['+', 'H'],
  ['-', 'D'],
  ['+--+--', 'HHHHHH'],
  ['+---', 'HHHD'],
  ['-+-++', 'DDDDH'],
  ['-++---', 'DDHHHD'],
  ['+--+---', 'HHHHHHD'],
]
for (const [results, verdicts] of table) {
  test(`checks ${results} -> ${verdicts}`, () => {
    let state = unknownHealth(0)
    let seen = ''
    for (const [now, result] of results.split('').entries()) {
      const before: HealthState = state
      const step = checkHealth(before, result === '+', now)
      state = step.state
      seen += state.verdict === 'healthy' ? 'H' : 'D'
      assert.equal(step.transition, before.verdict === state.verdict ? 'none' : state.verdict)
      assert.equal(state.since, step.transition === 'none' ? before.since : now)
    }
    assert.equal(seen, verdicts)
  })
}

test('thresholds are counts in a row', () => {
  const thresholds = { unhealthyAfter: 1, healthyAfter: 1 }
  const up = checkHealth(unknownHealth(0), true, 1, thresholds)
  assert.equal(checkHealth(up.state, false, 2, thresholds).transition, 'unhealthy')
})

test('a zeroed cell is unknown, which gets traffic', () => {
  const cell = new HealthCell(new LocalCells(HealthCell.cellsFor()))
  assert.equal(cell.verdict, 'unknown')
  assert.equal(cell.usable, true)
  for (const verdict of ['healthy', 'unhealthy', 'unknown'] as const) {
    cell.store(verdict)
    assert.equal(cell.verdict, verdict)
    assert.equal(cell.usable, verdict !== 'unhealthy')
  }
})
