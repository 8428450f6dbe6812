import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Handshake, type NodeIdentity } from './handshake.ts'

const identity = (node: string): NodeIdentity => ({
  node,
  site: node,
  domain: node,
  start: `${node}-1`,
  roles: ['observer'],
  admin: null,
})
const welcome = (): null => null

function pair(secrets: [string, string] = ['the same secret', 'the same secret']): [Handshake, Handshake] {
  return [
    new Handshake(identity('east'), secrets[0], true, welcome),
    new Handshake(identity('west'), secrets[1], false, welcome),
  ]
}

test('two nodes with one token prove it to each other, and the token is in no line', () => {
  const [east, west] = pair()
  const [fromWest] = west.take(east.hello).send
  const [fromEast] = east.take(west.hello).send
  assert.deepEqual(
    [east.take(fromWest!).end, west.take(fromEast!).end].map((end) => end?.kind === 'peer' && end.peer.node),
    ['west', 'east'],
  )
  for (const line of [east.hello, west.hello, fromEast!, fromWest!])
    assert.ok(!line.includes('the same secret'))
})

test('another token is refused by both, with what to do', () => {
  const [east, west] = pair(['the same secret', 'another secret'])
  const [fromEast] = east.take(west.hello).send
  west.take(east.hello)
  const { send, end } = west.take(fromEast!)
  assert.equal(end?.kind, 'refused')
  assert.match(send[0]!, /another token: `control.token` has to be the same on all nodes/)
  assert.deepEqual(east.take(send[0]!).end, {
    kind: 'turned-away',
    node: 'west',
    why: 'another token: `control.token` has to be the same on all nodes',
  })
})

test('a proof that is sent back to who made it proves nothing', () => {
  const east = new Handshake(identity('east'), 'the same secret', true, welcome)
  // Who knows no token says the same hello back, and then the same proof.
  const { send } = east.take(east.hello)
  assert.equal(east.take(send[0]!).end?.kind, 'refused')
})

test('another version of the protocol, no hello, an unwelcome node: each is said', () => {
  const said = (line: string, expects: () => string | null = welcome): string | undefined => {
    const { end } = new Handshake(identity('east'), 'the same secret', false, expects).take(line)
    return end?.kind === 'refused' ? end.why : undefined
  }
  const { hello } = pair()[1]
  const newer = JSON.stringify({ ...JSON.parse(hello), proto: 3, more: [1, 2] })
  assert.match(said(newer)!, /speaks version 3 of the protocol of links, this one version 2/)
  assert.match(said('GET / HTTP/1.1')!, /version undefined/)
  assert.match(said(JSON.stringify({ ...JSON.parse(hello), start: 7 }))!, /not a hello: start/)
  assert.equal(
    said(hello, () => 'west is no node that east knows'),
    'west is no node that east knows',
  )
})
