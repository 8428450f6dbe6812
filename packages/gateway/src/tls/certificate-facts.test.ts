import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestCa } from '@budao/testkit'
import { certificateFacts, expiryVerdict, type CertificateFacts } from './certificate-facts.ts'

const DAY_MS = 86_400_000

test('names, issuer and end are read; a key that belongs to another certificate is refused', () => {
  const ca = new TestCa('Our CA')
  const until = new Date('2031-05-06T07:08:09Z')
  const { cert, key } = ca.issue({ names: ['A.example', '*.b.example', '127.0.0.1', 'spiffe://x/y'], until })
  const facts = certificateFacts(cert, key)
  assert.deepEqual(facts.hosts, ['a.example', '*.b.example'])
  assert.equal(facts.issuer, 'Our CA')
  assert.equal(facts.expiresAt, until.getTime())
  const named = ca.issue({ commonName: 'Old.example' })
  assert.deepEqual(certificateFacts(named.cert, named.key).hosts, ['old.example'])
  assert.throws(() => certificateFacts(cert, named.key), /belongs to another certificate/)
  assert.throws(() => certificateFacts('nonsense', key))
})

test('a warning comes 14 days before the end, or in the last third of a short life', () => {
  const facts = (lifeDays: number): CertificateFacts => ({
    hosts: [],
    issuer: '',
    validFrom: 0,
    expiresAt: lifeDays * DAY_MS,
  })
  const table = [
    [90, 75, 'ok'],
    [90, 76.5, 'expiring'],
    [90, 90, 'expired'],
    [90, 400, 'expired'],
    [6, 3.9, 'ok'],
    [6, 4.1, 'expiring'],
  ] as const
  for (const [life, day, expected] of table)
    assert.equal(expiryVerdict(facts(life), day * DAY_MS), expected, `day ${day} of ${life}`)
})
