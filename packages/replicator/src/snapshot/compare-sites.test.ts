import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settled } from './compare-sites.ts'
import type { RowPlace } from '../site-database.ts'
import type { KeptRow } from './snapshot.ts'

/** Rows of a table whose keys are numbers, as a server whose column is one answers: what is no number is not answered. */
function numbered(
  rows: Readonly<Record<string, number>>,
): (places: readonly RowPlace[]) => Promise<KeptRow[]> {
  return async (places) =>
    places
      .filter(({ key }) => /^\d+$/.test(key))
      .map(({ table, key }) => {
        const n = rows[key]
        return { table, key, row: n === undefined ? null : { id: Number(key), n }, version: null }
      })
}

test('rows are compared by their places, also where one of them is no key at a site', async () => {
  const places = ['x', '1', '2', '3'].map((key) => ({ table: 'orders', key }))
  const here = { rowsOf: numbered({ 1: 1, 2: 2 }) }
  const text = { table: 'orders', key: 'x', row: { id: 'x', n: 1 }, version: null }
  const there = {
    rowsOf: async (asked: readonly RowPlace[]) => [text, ...(await numbered({ 1: 1, 2: 3 })(asked))],
  }
  const { different, undecided } = await settled(here, there, places, 20, new AbortController().signal)
  assert.deepEqual([different.map(({ key }) => key), undecided], [['x', '2'], []])
})
