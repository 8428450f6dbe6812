import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { freePort } from '@budao/testkit'
import { cutRelays, mendRelays, relayedEndpoints } from '../faults/relays.ts'
import { RelayControl } from './relay-control.ts'

test('what is cut is silent and comes when the cut is over: nothing is lost, no connection breaks', async (t) => {
  const { control, listen, seen } = await start(t)
  assert.deepEqual(await relayedEndpoints(control), [listen])
  const client = ask(listen)
  assert.match(await client.until(/pong 1/), /pong 1/)

  await cutRelays({ kind: 'cut', by: 'relay', control, endpoints: [listen], lost: 'everything' }, 60_000)
  client.send()
  const late = ask(listen)
  await roundTrips(control)
  assert.equal(seen.length, 1, 'nothing arrives at the endpoint')
  await mendRelays({ kind: 'cut', by: 'relay', control, endpoints: [listen], lost: 'everything' })
  await client.until(/pong \d.*pong \d/s)
  await late.until(/pong \d/)
  assert.equal(seen.length, 3)
})

test('one way: the request arrives, its answer waits', async (t) => {
  const { control, listen, seen, arrived } = await start(t)
  const client = ask(listen)
  await client.until(/pong 1/)
  await cutRelays({ kind: 'cut', by: 'relay', control, endpoints: [listen], lost: 'answers' }, 60_000)
  client.send()
  await arrived(2)
  await roundTrips(control)
  assert.doesNotMatch(client.text(), /pong 2/)
  await mendRelays({ kind: 'cut', by: 'relay', control, endpoints: [listen], lost: 'answers' })
  await client.until(/pong 2/)
  assert.equal(seen.length, 2)
})

test('a cut ends by itself, and strangers cannot make one', async (t) => {
  const { control, listen } = await start(t)
  const wish = { kind: 'cut', by: 'relay', control, endpoints: [listen], lost: 'everything' } as const
  await cutRelays(wish, 1)
  await ask(listen).until(/pong 1/)
  await assert.rejects(
    cutRelays({ ...wish, endpoints: ['127.0.0.1:1'] }, 1),
    /there is no relay at 127\.0\.0\.1:1/,
  )
  const plain = await fetch(`http://${control}/cut`, { method: 'DELETE', body: '{}' })
  assert.equal(plain.status, 400)
  for (const body of ['{"lost":"all"}', '{"lost":"answers","forMs":1e9,"endpoints":[]}', 'nonsense']) {
    const headers = { 'content-type': 'application/json' }
    assert.equal((await fetch(`http://${control}/cut`, { method: 'PUT', body, headers })).status, 400)
  }
})

/** By then whatever could pass has passed: a request and its answer on another connection of the same process. */
async function roundTrips(control: string): Promise<void> {
  for (let nth = 0; nth < 3; nth++) await relayedEndpoints(control)
}

/** An endpoint that counts, behind a relay. */
async function start(t: TestContext) {
  const seen: string[] = []
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    seen.push(request.url!)
    for (const look of waiting) look()
    response.end(`pong ${seen.length}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  t.after(() => server.closeAllConnections())
  const [first, second] = [await freePort(), await freePort()]
  const [listen, control] = [`127.0.0.1:${first}`, `127.0.0.1:${second}`]
  const to = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const relays = await RelayControl.open({ control, links: [{ listen, to }] })
  t.after(() => relays.close())
  const arrived = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (seen.length < count) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return { control, listen, seen, arrived }
}

/** A client that asks once, and again when told to, on one connection. */
function ask(address: string) {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host)
  let text = ''
  const watchers = new Set<() => void>()
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += String(chunk)
    for (const watch of watchers) watch()
  })
  socket.on('error', () => {})
  const send = (): unknown => socket.write('GET /ping HTTP/1.1\r\nHost: a\r\n\r\n')
  send()
  return {
    send,
    text: () => text,
    until: (pattern: RegExp): Promise<string> =>
      new Promise((resolve) => {
        const watch = (): void => {
          if (!pattern.test(text)) return
          watchers.delete(watch)
          resolve(text)
        }
        watchers.add(watch)
        watch()
      }),
  }
}
