import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  judgeResult,
  judgeClaim,
  judgeFailure,
  maySettle,
  type KeyRecord,
  type KeySettlement,
} from './idempotency.ts'

const claimed: KeyRecord = { state: 'claimed', fingerprint: 'a', owner: 'one', leaseUntil: 100 }
const uncertain: KeyRecord = { state: 'uncertain', fingerprint: 'a' }
const kept: KeyRecord = { state: 'kept', fingerprint: 'a' }

test('what becomes of a request with a key', () => {
  const cases = [
    [undefined, 'a', true, 0, 'claim'],
    [undefined, 'a', false, 0, 'claim'],
    [claimed, 'a', true, 99, 'in-progress'],
    [claimed, 'a', false, 99, 'in-progress'],
    [claimed, 'a', true, 100, 'reclaim'],
    [claimed, 'a', false, 100, 'uncertain'],
    [uncertain, 'a', true, 0, 'reclaim'],
    [uncertain, 'a', false, 0, 'uncertain'],
    [kept, 'a', true, 0, 'replay'],
    [kept, 'a', false, 0, 'replay'],
    [claimed, 'b', true, 100, 'other-request'],
    [uncertain, 'b', true, 0, 'other-request'],
    [kept, 'b', true, 0, 'other-request'],
  ] as const
  for (const [record, fingerprint, takesUncertain, now, expected] of cases)
    assert.equal(judgeClaim(record, { fingerprint, takesUncertain }, now), expected)
})

test('what an answer leaves behind', () => {
  const cases = [
    [200, true, 1, 'keep'],
    [404, true, 1, 'keep'],
    [500, true, 1, 'keep'],
    [401, false, 1, 'release'],
    [408, false, 1, 'release'],
    [425, false, 1, 'release'],
    [429, false, 1, 'release'],
    [503, false, 1, 'release'],
    [500, false, 1, 'doubt'],
    [502, false, 1, 'doubt'],
    [504, false, 1, 'doubt'],
    [409, true, 2, 'keep'],
    [429, false, 2, 'doubt'],
    [503, false, 2, 'doubt'],
  ] as const
  for (const [status, isResult, sends, expected] of cases)
    assert.equal(judgeResult(status, isResult, sends), expected)
  assert.equal(judgeFailure(1), 'doubt')
  assert.equal(judgeFailure(0), 'release')
})

test('who comes late brings a result or nothing', () => {
  const cases = [
    [claimed, 'one', ['keep', 'release', 'doubt']],
    [claimed, 'two', ['keep']],
    [uncertain, 'one', ['keep']],
    [undefined, 'one', ['keep']],
    [kept, 'one', []],
  ] as const
  for (const [record, owner, counting] of cases)
    for (const settlement of ['keep', 'release', 'doubt'] as const)
      assert.equal(maySettle(record, owner, settlement), (counting as readonly string[]).includes(settlement))
})

/** One key, several owners that claim, settle and die: the rules and nothing else. */
class Key {
  record: KeyRecord | undefined
  now = 0
  results = 0
  readonly done: string[] = []

  claim(owner: string): string {
    const verdict = judgeClaim(this.record, { fingerprint: 'a', takesUncertain: true }, this.now)
    if (verdict === 'claim' || verdict === 'reclaim')
      this.record = { state: 'claimed', fingerprint: 'a', owner, leaseUntil: this.now + 10 }
    return verdict
  }

  settle(owner: string, settlement: KeySettlement): void {
    if (!maySettle(this.record, owner, settlement)) return
    if (settlement === 'keep') {
      this.results++
      this.record = kept
    } else this.record = settlement === 'doubt' ? uncertain : undefined
  }
}

test('whatever the order: at most one result is ever kept, and within its lease an owner is alone', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('claim' as const), owner: fc.constantFrom('a', 'b', 'c') }),
    fc.record({
      do: fc.constantFrom('keep' as const, 'release' as const, 'doubt' as const),
      owner: fc.constantFrom('a', 'b', 'c'),
    }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.nat(15) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const key = new Key()
      let wasKept = false
      for (const each of steps) {
        const before = key.record
        if (each.do === 'pass') key.now += each.ms
        else if (each.do !== 'claim') key.settle(each.owner, each.do)
        else {
          const verdict = key.claim(each.owner)
          if (before?.state === 'claimed' && key.now < before.leaseUntil) assert.equal(verdict, 'in-progress')
          if (wasKept) assert.equal(verdict, 'replay')
        }
        wasKept ||= key.record?.state === 'kept'
        assert.ok(key.results <= 1)
      }
    }),
  )
})
