import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProcessReport } from '@budao/model'
import { createPaint } from '../output.ts'
import { isAsWanted, processTable } from './process-table.ts'

const shop: ProcessReport = {
  name: 'shop',
  state: 'running',
  wanted: true,
  why: '',
  sinceMs: 61_000,
  pid: 4_711,
  adopted: false,
  upMs: 61_400,
  nextMs: null,
  service: 'shop',
  address: '127.0.0.1:7001',
  node: null,
  standby: false,
  restarts: 2,
  hangs: 0,
  crashes: 0,
  memoryBytes: 50 * 1_048_576,
  lastExit: { at: '2026-01-01T00:00:00.000Z', cause: 'itself', code: null, signal: 'SIGKILL' },
}
const down = { ...shop, pid: null, upMs: null, memoryBytes: null }
const why = 'no answer within 500 ms, and some more words that make this line too long for a terminal'

test('a row for each process, why some are not as they are to be, and what to do; 80 columns at most', () => {
  const table = processTable(
    [
      shop,
      { ...down, name: 'cart', state: 'backing-off', why, nextMs: 800, sinceMs: 400 },
      {
        ...down,
        name: 'mail',
        state: 'crash-loop',
        why: '11 ends within 81 s',
        lastExit: { ...shop.lastExit!, signal: null, code: 3 },
      },
      { ...down, name: 'spare', state: 'stopped', wanted: false, restarts: 0, lastExit: null },
    ],
    createPaint({ write: () => true }),
  )
  assert.equal(
    table,
    `PROCESS  STATE          FOR   PID  RESTARTS  MEMORY  SERVES  LAST END
shop     running       1m1s  4711         2  50 MiB  shop    SIGKILL
cart     backing-off  400ms               2          shop    SIGKILL
mail     crash-loop    1m1s               2          shop    code 3
spare    stopped       1m1s               0          shop
  cart: no answer within 500 ms, and some more words that make this line too lo…
  mail: 11 ends within 81 s
  when it is mended: budao agent restart mail`,
  )
  assert.ok(table.split('\n').every((line) => line.length <= 80))
})

test('what is not to run and does not is as it is wanted', () => {
  assert.equal(isAsWanted({ ...down, state: 'stopped', wanted: false }), true)
  assert.equal(isAsWanted({ ...down, state: 'stopped', wanted: true }), false)
  assert.equal(isAsWanted({ ...shop, state: 'starting' }), false)
})
