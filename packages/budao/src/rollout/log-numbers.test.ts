import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { rawServer, tempDir } from '@budao/testkit'
import { GatewayProcess } from '../gateway-process.ts'

test(
  'a rollout is judged by what stands in the logs; a wrong condition keeps the configuration out',
  { timeout: 60_000 },
  async (t) => {
    const folder = tempDir(t)
    const log = join(folder, 'shop.log')
    writeFileSync(log, '')
    const { address } = await rawServer(t, ({ connection }) => connection.respond(200))
    const path = join(folder, 'budao.yaml')
    const write = (condition: string): void =>
      writeFileSync(
        path,
        JSON.stringify({
          version: 1,
          node: { name: 'gw-1', site: 'east' },
          sites: { east: {} },
          log: { level: 'silent' },
          admin: { address: '127.0.0.1:0' },
          listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
          services: {
            shop: {
              endpoints: [
                { address, site: 'east' },
                { address: '127.0.0.1:9', site: 'east', release: 'canary' },
              ],
            },
          },
          routes: [{ name: 'shop', backends: [{ service: 'shop' }], split: {} }],
          logs: { files: [{ paths: [log], parser: 'json' }] },
          rollouts: {
            two: {
              route: 'shop',
              release: 'canary',
              steps: [
                { pause: true, for: '0s' },
                { basisPoints: 10_000, for: '1h' },
              ],
              analysis: { errors: { log: condition, interval: '500ms', timeout: '500ms' } },
            },
          },
        }),
      )
    write('count(log.level:error and release:$release) > 2 in 1m')
    const up = await GatewayProcess.start({ config: path, allRoles: true })
    t.after(() => up.stop())
    const desk = up.rollouts()!
    const report = (): ReturnType<typeof desk.reports>[number] => desk.reports()[0]!
    const until = async (what: string, holds: () => boolean): Promise<void> => {
      const end = performance.now() + 30_000
      while (!holds()) {
        assert.ok(performance.now() < end, `not within 30 s: ${what}; ${JSON.stringify(report())}`)
        await pause(50)
      }
    }
    assert.ok((await desk.wish({ name: 'two', action: 'start', by: 'lin', reason: '' })).ok)
    await until('it is asked', () => report().analysis[0]!.outcome === 'within')
    assert.equal(report().analysis[0]!.value, 0)
    for (const release of ['stable', 'stable', 'stable', 'canary', 'canary', 'canary'])
      appendFileSync(log, `${JSON.stringify({ level: 'error', msg: 'no', release })}\n`)
    await until('it is sent back', () => report().phase === 'aborted')
    assert.match(report().why, /errors is 3, which its condition forbids/)

    write('count(log.level:error) in 1m')
    const reloaded = await up.reload()
    assert.ok(!reloaded.ok)
    assert.match(
      reloaded.problems!.join(),
      /rollouts\.two\.analysis\.errors\.log: bad condition: expected >, >=/,
    )
  },
)
