import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer } from '@budao/testkit'
import { requestText, testGateway, until } from './test-gateway.test.ts'

test('a release is shown copies of what stable is asked: marked, of reads alone, in no count of its users', async (t) => {
  const stable = await rawServer(t, ({ connection }) => connection.respond(200, 'stable'))
  const canary = await rawServer(t, ({ connection, target }) =>
    connection.respond(target === '/bad' ? 503 : 200, 'canary'),
  )
  const gateway = await testGateway(t, {
    endpoints: [
      { address: stable.address, site: 'east' },
      { address: canary.address, site: 'east', release: 'canary' },
    ],
    service: { outlier: false, breaker: false },
    route: { split: { by: ['header:X-User'], overrides: [{ release: 'canary', users: ['tester'] }] } },
    rollouts: {
      two: {
        route: 'shop',
        release: 'canary',
        steps: [
          { mirrorBasisPoints: 1_000, for: '1m' },
          { basisPoints: 10_000, for: '1m' },
        ],
      },
    },
  })
  const { rollouts } = gateway.gateway
  const ask = async (path: string, times: number, lines: string[] = []): Promise<void> => {
    const client = await gateway.connect()
    for (let n = 0; n < times; n++) {
      client.send(requestText(path, lines))
      const { body } = await client.readResponse()
      assert.equal(body, lines.length === 0 ? 'stable' : 'canary')
    }
    client.socket.destroy()
  }
  const counts = (): { shown: number; failed: number; own: number; users: number } => {
    const { release, mirrored } = rollouts.counts('two')!
    const { requests: shown, errors: failed } = mirrored!.release
    return { shown, failed, own: mirrored!.stable.requests, users: release.requests }
  }

  await ask('/', 10)
  assert.equal(canary.heads.length, 0, 'nobody has said so')

  assert.ok(rollouts.mirror('two', 10_000, Infinity))
  await ask('/', 20)
  await ask('/bad', 5)
  await until('all copies to have ended', () => counts().shown === 25 && counts().own === 25)
  assert.deepEqual(counts(), { shown: 25, failed: 5, own: 25, users: 0 })
  assert.ok(canary.heads.every((head) => /x-budao-mirror: 1\r/i.test(head)))
  assert.match(
    gateway.gateway.metrics(),
    /release_requests_total\{[^}]*release="canary",result="failure"\} 0\n/,
  )

  // What does something is not done twice, and what the release is asked anyway is no copy.
  await gateway.request('POST /', [], 'x')
  await ask('/', 3, ['X-User: tester'])
  await until('its users to be counted', () => counts().users === 3)
  assert.deepEqual(counts(), { shown: 25, failed: 5, own: 25, users: 3 })

  // Nobody of it can be asked: nothing is shown, least of all to stable a second time.
  const before = stable.heads.length
  await canary.kill()
  await ask('/', 5)
  await until('the copies to have failed', () => counts().shown === 30)
  assert.equal(stable.heads.length, before + 5)
  rollouts.mirror('two', 0, Infinity)
  const ended = counts().shown
  await ask('/', 5)
  assert.equal(stable.heads.length, before + 10)
  assert.equal(counts().shown, ended)
  await gateway.quiet()
})
