import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { judgeClaim, maySettle, type KeyRecord } from '@budao/resilience'
import { freePort, startRedis } from '@budao/testkit'
import fc from 'fast-check'
import { RedisStore } from '../providers/redis-store.ts'
import { until } from '../test-gateway.test.ts'
import type { ClaimAnswer, FirstResult, KeyClaim, KeyStore, Settlement } from './key-store.ts'
import { claimOf, doubt, fileDesk, HOUR, keep, portTo, redisOn, result } from './test-keys.test.ts'

/** Two views of one place, as two threads or two gateways have them. */
type Open = (t: TestContext) => Promise<readonly [KeyStore, KeyStore] | undefined>

const stores: readonly (readonly [string, Open])[] = [
  ['the file', openFile],
  ['the shared store', openShared],
]

for (const [name, open] of stores) {
  test(`${name}: a key is claimed once, and its result is everybody's`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const claims = Array.from({ length: 40 }, () => claimOf())
    const answers = await Promise.all(claims.map((claim, i) => (i % 2 === 0 ? here : there).claim(claim)))
    const winner = answers.findIndex(({ kind }) => kind === 'claimed')
    assert.deepEqual(answers[winner], { kind: 'claimed', again: false })
    for (const [i, { kind }] of answers.entries()) if (i !== winner) assert.equal(kind, 'in-progress')
    assert.equal(await here.settle(claims[winner]!, keep()), null)
    for (const store of [here, there])
      assert.deepEqual(await store.claim(claimOf()), { kind: 'kept', result })
    assert.deepEqual(await there.claim(claimOf({ fingerprint: 'f2' })), { kind: 'other-request' })
    assert.deepEqual(await there.claim(claimOf({ id: 'k2' })), { kind: 'claimed', again: false })
    assert.deepEqual(await there.claim(claimOf({ name: 'carts' })), { kind: 'claimed', again: false })
  })

  test(`${name}: what is released is free, for any request`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const first = claimOf()
    await here.claim(first)
    await there.settle(claimOf(), { kind: 'release' })
    assert.deepEqual(await there.claim(claimOf()), { kind: 'in-progress' }, 'somebody else’s to release')
    await here.settle(first, { kind: 'release' })
    const second = claimOf({ fingerprint: 'f2' })
    assert.deepEqual(await there.claim(second), { kind: 'claimed', again: false })
  })

  test(`${name}: an uncertain key is for who takes such, and stays that request's`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const first = claimOf()
    await here.claim(first)
    await here.settle(first, doubt)
    assert.deepEqual(await there.claim(claimOf({ takesUncertain: false })), { kind: 'uncertain' })
    assert.deepEqual(await there.claim(claimOf({ fingerprint: 'f2' })), { kind: 'other-request' })
    assert.deepEqual(await there.claim(claimOf()), { kind: 'claimed', again: true })
  })

  test(`${name}: a lease ends by itself, and the first result stands whoever brings it`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const late = claimOf({ leaseMs: 1 })
    await here.claim(late)
    const refusing = claimOf({ takesUncertain: false })
    await until('the lease is over', async () => (await there.claim(refusing)).kind === 'uncertain')
    const second = claimOf()
    assert.deepEqual(await there.claim(second), { kind: 'claimed', again: true })
    await here.settle(late, doubt)
    await here.settle(late, { kind: 'release' })
    assert.deepEqual(await here.claim(claimOf()), { kind: 'in-progress' }, 'the late one has no say')
    assert.equal(await here.settle(late, keep()), null)
    const other = { ...result, status: 500, body: 'late' }
    assert.deepEqual(await there.settle(second, keep(other)), result)
    assert.deepEqual(await there.claim(claimOf()), { kind: 'kept', result })
  })

  test(`${name}: keys are forgotten in time`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const kept = claimOf()
    await here.claim(kept)
    await here.settle(kept, keep(result, 1))
    await here.claim(claimOf({ id: 'k2', leaseMs: 1, ttlMs: 1 }))
    for (const id of ['k1', 'k2']) {
      await until(`${id} is free`, async () => {
        const answer = await there.claim(claimOf({ id, fingerprint: 'f3' }))
        return answer.kind === 'claimed' && !answer.again
      })
    }
  })

  test(`${name}: a result without a body, and one with an empty one`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    for (const [id, text] of [
      ['k1', null],
      ['k2', ''],
    ] as const) {
      const claim = claimOf({ id })
      await here.claim(claim)
      await here.settle(claim, keep({ ...result, body: text }))
      assert.deepEqual(await there.claim(claimOf({ id })), {
        kind: 'kept',
        result: { ...result, body: text },
      })
    }
  })
}

/** One key by the rules of @budao/resilience alone. */
class RuledKey {
  #record: KeyRecord | undefined
  #result: FirstResult | null = null

  claim({ fingerprint, owner, leaseMs, takesUncertain }: KeyClaim): ClaimAnswer {
    const verdict = judgeClaim(this.#record, { fingerprint, takesUncertain }, 0)
    switch (verdict) {
      case 'replay':
        return { kind: 'kept', result: this.#result! }
      case 'claim':
      case 'reclaim':
        this.#record = { state: 'claimed', fingerprint, owner, leaseUntil: leaseMs }
        return { kind: 'claimed', again: verdict === 'reclaim' }
      case 'in-progress':
      case 'uncertain':
      case 'other-request':
        return { kind: verdict }
    }
  }

  settle({ fingerprint, owner }: KeyClaim, settlement: Settlement): FirstResult | null {
    if (!maySettle(this.#record, owner, settlement.kind)) return this.#result
    if (settlement.kind === 'keep') {
      this.#record = { state: 'kept', fingerprint }
      this.#result = settlement.result
    } else this.#record = settlement.kind === 'doubt' ? { state: 'uncertain', fingerprint } : undefined
    return null
  }
}

const step = fc.record({
  claim: fc.record({
    fingerprint: fc.constantFrom('f1', 'f1', 'f1', 'f2'),
    owner: fc.constantFrom('a', 'b', 'c'),
    // One that is over at once, and one that outlives the test.
    leaseMs: fc.constantFrom(0, HOUR),
    takesUncertain: fc.boolean(),
  }),
  settle: fc.option(
    fc.oneof(
      fc.constant({ kind: 'release' as const }),
      fc.constant(doubt),
      fc.integer({ min: 200, max: 599 }).map((status) => keep({ ...result, status })),
    ),
  ),
})

for (const [name, open] of stores) {
  test(`${name}: whatever is asked in whatever order, it answers as the rules do`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    let key = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const ruled = new RuledKey()
        const id = `ruled-${key++}`
        for (const [i, { claim, settle }] of steps.entries()) {
          const view: KeyStore = i % 2 === 0 ? here : there
          const asked = claimOf({ ...claim, id })
          if (settle === null) assert.deepEqual(await view.claim(asked), ruled.claim(asked))
          else assert.deepEqual(await view.settle(asked, settle), ruled.settle(asked, settle))
        }
      }),
      { numRuns: 150 },
    )
  })
}

function openFile(t: TestContext): Promise<readonly [KeyStore, KeyStore]> {
  const { desk } = fileDesk(t)
  return Promise.resolve([portTo(t, desk).store, portTo(t, desk).store])
}

async function openShared(t: TestContext): Promise<readonly [KeyStore, KeyStore] | undefined> {
  const port = await freePort()
  if ((await startRedis(t, port)) === undefined) return undefined
  const views: KeyStore[] = []
  for (let i = 0; i < 2; i++) {
    const store = await RedisStore.open(...redisOn(port))
    t.after(() => store.close())
    await until('the store is here', () => store.here)
    views.push(store.writeKeys())
  }
  return [views[0]!, views[1]!]
}
