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

function pair(): [Handshake, Handshake] {
  return [new Handshake(identity('east'), welcome), new Handshake(identity('west'), welcome)]
}

test('two nodes that welcome each other know each other', () => {
  const [east, west] = pair()
  const [fromWest] = west.take(east.hello).send
  const [fromEast] = east.take(west.hello).send
  assert.deepEqual(
    [east.take(fromWest!).end, west.take(fromEast!).end].map((end) => end?.kind === 'peer' && end.peer.node),
    ['west', 'east'],
  )
})

test('who is not welcome hears why, although it has welcomed the other', () => {
  const east = new Handshake(identity('east'), welcome)
  const west = new Handshake(identity('west'), () => 'east is no node that west knows')
  east.take(west.hello)
  const { send, end } = west.take(east.hello)
  assert.equal(end?.kind, 'refused')
  assert.deepEqual(east.take(send[0]!).end, {
    kind: 'turned-away',
    node: 'west',
    why: 'east is no node that west knows',
  })
})

test('a hello once more is no welcome', () => {
  const [east, west] = pair()
  east.take(west.hello)
  assert.equal(east.take(west.hello).end?.kind, 'refused')
})

test('another version of the protocol, no hello, an unwelcome node: each is said', () => {
  const said = (line: string, expects: () => string | null = welcome): string | undefined => {
    const { end } = new Handshake(identity('east'), expects).take(line)
    return end?.kind === 'refused' ? end.why : undefined
  }
  const { hello } = pair()[1]
  const newer = JSON.stringify({ ...JSON.parse(hello), proto: 4, more: [1, 2] })
  assert.match(said(newer)!, /speaks version 4 of the protocol of links, this one version 3/)
  assert.match(said('GET / HTTP/1.1')!, /version undefined/)
  assert.match(said(JSON.stringify({ ...JSON.parse(hello), start: 7 }))!, /not a hello: start/)
  assert.equal(
    said(hello, () => 'west is no node that east knows'),
    'west is no node that east knows',
  )
})
