import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'

/** What came of comparing one table, as far as the suite looks at it. */
export interface ComparedTable {
  readonly different: readonly { readonly key: string; readonly right?: unknown }[]
  readonly undecided: readonly string[]
  readonly repaired: readonly string[]
}

/** Two sites, `east` and `west`, that replicate a table `orders (id, n)` with rule `last-writer`, durability `sync`. */
export interface VerifiedPair {
  /** Publishes an event at the replicator of a site. */
  publish(site: 'east' | 'west', event: object): Promise<Response>
  /** SQL at a site's database, past replication. */
  exec(site: 'east' | 'west', sql: string): Promise<void>
  /** All of `orders`, by id. */
  rows(site: 'east' | 'west'): Promise<readonly unknown[]>
  compare(repair: boolean): Promise<ComparedTable>
  /** What replication's own tables call a key. */
  readonly keyColumn: string
  /** Whether a tombstone that is missing where no row is either is found. */
  readonly findsTombstones: boolean
}

/**
 * What every kind of database has to do when two sites are compared and repaired under writes: planted differences are found, and nothing
 * else; a dry run changes nothing; repair follows the rule; what waits as a dead letter is not let in.
 */
export async function verifyContract(t: TestContext, pair: VerifiedPair): Promise<void> {
  const { publish, exec, rows, compare, keyColumn, findsTombstones } = pair
  const write = async (
    site: 'east' | 'west',
    op: string,
    id: string,
    n: number,
    as: string,
  ): Promise<void> => {
    const payload = op === 'delete' ? null : { id, n }
    const answer = await publish(site, { id: as, op, table: 'orders', key: id, payload })
    assert.equal(answer.status, 200, await answer.text())
  }
  for (let n = 0; n < 8; n++) await write('east', 'create', `r${n}`, n, `create-${n}`)
  for (let n = 0; n < 3; n++) await write('west', 'create', `live${n}`, 0, `live-${n}`)
  for (const n of [5, 6]) await write('east', 'delete', `r${n}`, n, `delete-${n}`)

  const stopped = new AbortController()
  const traffic = (async () => {
    for (let n = 1; !stopped.signal.aborted; n++) {
      await write(n % 2 === 0 ? 'east' : 'west', 'update', `live${n % 3}`, n, `update-${n}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  t.after(() => stopped.abort())

  const forget = (id: string): string =>
    `DELETE FROM budao_rows WHERE tbl = 'orders' AND ${keyColumn} = '${id}'`
  await exec('west', "DELETE FROM orders WHERE id = 'r1'")
  await exec('west', "UPDATE orders SET n = 99 WHERE id = 'r2'")
  await exec('west', "UPDATE orders SET n = 77 WHERE id = 'r3'")
  await exec(
    'west',
    `INSERT INTO budao_dead_letters (id, origin, tx_id, tbl, ${keyColumn}, at, reason, detail, event)
     VALUES (9, 'east', 'x', 'orders', 'r3', '2026-01-01T00:00:00Z', 'old-epoch', 'its epoch had ended', '{}')`,
  )
  await exec('west', "INSERT INTO orders VALUES ('more', 1)")
  await exec('west', "INSERT INTO orders VALUES ('r5', 5)")
  await exec('west', forget('r5'))
  await exec('west', forget('r6'))
  const right = new Map<string, unknown>([
    ['more', { id: 'more', n: 1 }],
    ['r1', { id: 'r1', n: 1 }],
    ['r2', { id: 'r2', n: 2 }],
    ['r3', { id: 'r3', n: 3 }],
    ['r5', null],
    ...(findsTombstones ? [['r6', null] as const] : []),
  ])
  const planted = async (): Promise<string> => JSON.stringify((await rows('west')).filter(isStill))
  const before = await planted()
  const dry = await compare(false)
  assert.deepEqual(new Map(dry.different.map(({ key, right: is }) => [key, is])), right)
  assert.deepEqual([dry.undecided, dry.repaired], [[], []])
  assert.equal(await planted(), before, 'a dry run changes nothing')

  const repair = await compare(true)
  const repaired = [...right.keys()].filter((key) => key !== 'r3')
  assert.deepEqual(repair.repaired.toSorted(), repaired)
  const left = await compare(false)
  assert.deepEqual(
    left.different.map(({ key }) => key),
    ['r3'],
    'a write whose epoch had ended comes in by no other door',
  )
  await exec('west', 'DELETE FROM budao_dead_letters WHERE id = 9')
  assert.deepEqual((await compare(true)).repaired, ['r3'])
  stopped.abort()
  await traffic
  assert.deepEqual(await rows('west'), await rows('east'))
  // A tombstone is there again: what was written before it and comes late stays gone.
  await write('west', 'update', 'r2', 22, 'after')
  assert.deepEqual(await rows('west'), await rows('east'), 'repaired rows go on being replicated')
}

function isStill(row: unknown): boolean {
  return !(row as { id: string }).id.startsWith('live')
}
