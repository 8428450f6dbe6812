import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemorySource } from '../../test/memory-source.ts'
import { createAdminServer } from '../admin-server.ts'
import { EventLog } from '../event-log.ts'

interface Said {
  readonly version: string
  readonly endpoints: readonly { readonly state: string }[]
  readonly message: string
}

test('who has a version is answered as soon as an endpoint comes, goes or changes, or when the time is over', async (t) => {
  const source = new MemorySource(await EventLog.open())
  const server = await createAdminServer({ source, address: '127.0.0.1:0' })
  t.after(() => server.close())
  const url = `${server.url}/api/v1/services/shop/endpoints`
  const ask = async (query: string, signal?: AbortSignal) => {
    const response = await fetch(url + query, signal === undefined ? {} : { signal })
    return { status: response.status, body: (await response.json()) as Said }
  }
  const first = (await ask('')).body
  assert.equal(first.endpoints.length, 2)
  const same = (await ask(`?after=${first.version}&wait=50ms`)).body
  assert.equal(same.version, first.version)

  const waiting = ask(`?after=${first.version}&wait=60s`)
  const [service] = source.current.services
  const [one, two] = service!.endpoints
  // A number that changes all the time is no news; a state is.
  const busy = { ...one!, requestsTotal: one!.requestsTotal + 1 }
  source.current = { ...source.current, services: [{ ...service!, endpoints: [busy, two!] }] }
  assert.equal((await ask('')).body.version, first.version)
  const down = { ...two!, state: 'unhealthy' as const }
  source.current = { ...source.current, services: [{ ...service!, endpoints: [busy, down] }] }
  source.events.append({
    kind: 'endpoint.unhealthy',
    severity: 'warning',
    subject: 'x',
    message: 'x',
    evidence: {},
  })
  const changed = (await waiting).body
  assert.notEqual(changed.version, first.version)
  assert.equal(changed.endpoints[1]!.state, 'unhealthy')
  assert.equal(
    (await ask('?after=older')).body.version,
    changed.version,
    'another version is answered at once',
  )

  const impatient = new AbortController()
  const left = ask(`?after=${changed.version}`, impatient.signal)
  impatient.abort()
  await assert.rejects(left)
  for (const [query, says] of [
    ['?wait=1s', /wait goes with after/],
    ['?after=x&wait=5m', /at most 1m/],
    ['?since=1', /unknown query parameter/],
  ] as const) {
    const refused = await ask(query)
    assert.deepEqual([refused.status, says.test(refused.body.message)], [400, true])
  }
})
