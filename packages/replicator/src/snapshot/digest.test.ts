import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestKeys, DigestSum, digestTable, wholeTable } from './digest.ts'
import type { RowPage, Snapshots } from './snapshot.ts'

const rows = Array.from({ length: 250 }, (_, n) => ({
  ...{ table: 'orders', key: `k${String(n).padStart(3, '0')}`, version: null },
  row: { id: n, text: `order ${n}` },
}))

/** Pages of ten rows. */
const snapshots: Pick<Snapshots, 'pages'> = {
  async *pages(_table, after): AsyncIterable<RowPage> {
    for (let from = after === null ? 0 : Number(after); from < rows.length; from += 10)
      yield {
        rows: rows.slice(from, from + 10),
        next: from + 10 < rows.length ? String(from + 10) : null,
      }
  },
}

test('a table that is summed up in parts comes to the same as in one, and to another with one other row', async () => {
  const whole = await digestTable(snapshots, 'orders', wholeTable)
  const sum = new DigestSum()
  let [after, parts]: [string | null, number] = [null, 0]
  do {
    // No time: one page each.
    const part = await digestTable(snapshots, 'orders', { after, until: 0 })
    sum.addPart(part)
    parts++
    after = part.next
  } while (after !== null)
  assert.equal(parts, 25)
  assert.deepEqual({ ...sum.digest(), next: null }, whole)
  assert.equal(whole.rows, 250)
  sum.add({ ...rows[0]!, row: { id: 0, text: 'another' } })
  assert.notDeepEqual(sum.digest().buckets, whole.buckets)
})

test('keys of buckets come in parts too, and too many are none', async () => {
  const buckets = new Set(Array.from({ length: 1024 }, (_, bucket) => bucket))
  const all = await digestKeys(snapshots, 'orders', buckets, 250, wholeTable)
  assert.equal(all!.keys.length, 250)
  const part = await digestKeys(snapshots, 'orders', buckets, 250, { after: '240', until: 0 })
  assert.deepEqual(part, { keys: all!.keys.slice(240), next: null })
  assert.equal(await digestKeys(snapshots, 'orders', buckets, 249, wholeTable), null)
})
