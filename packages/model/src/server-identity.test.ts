import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { checkSans } from './server-identity.ts'

const certificate = (subjectaltname: string): PeerCertificate =>
  ({ subject: {}, subjectaltname }) as unknown as PeerCertificate

test('one of the expected names suffices: DNS, wildcard, IP or a whole URI', () => {
  const table = [
    [['db.example'], 'DNS:db.example', true],
    [['other.example', 'db.example'], 'DNS:db.example', true],
    [['x.db.example'], 'DNS:*.db.example', true],
    [['db.example'], 'DNS:*.db.example', false],
    [['10.0.0.1'], 'IP Address:10.0.0.1', true],
    [['spiffe://corp/shop'], 'DNS:a, URI:spiffe://corp/shop', true],
    [['spiffe://corp/sho'], 'DNS:a, URI:spiffe://corp/shop', false],
    // A URI with a comma arrives in quotes, and must not be taken apart into another one.
    [['spiffe://corp/shop'], 'URI:"http://evil/, URI:spiffe://corp/shop"', false],
    [['db.example'], '', false],
  ] as const
  for (const [sans, names, expected] of table) {
    const error = checkSans(sans, certificate(names), checkServerIdentity)
    assert.equal(error === undefined, expected, `${sans.join()} in ${names}: ${error?.message}`)
  }
  assert.match(
    checkSans(['a.example'], certificate('DNS:b.example'), checkServerIdentity)!.message,
    /is for DNS:b\.example, expected a\.example/,
  )
})
