import { join } from 'node:path'
import { freePort, SeededDraws } from '@budao/testkit'
import { gatewayConfig, gatewayLaunch, writeConfig } from '../budao.ts'
import { need } from '../need.ts'
import { startNginxBackends } from '../nginx-backends.ts'
import { allowedCores, usageOf } from '../process-tree.ts'
import { countErrors } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { pairedRatios, shuffled, spreadOf, type Spread } from '../statistics.ts'
import { runWrk } from '../wrk.ts'

/** What telling releases apart costs a request. */
export interface SplitCost {
  readonly plainMicros: Spread
  readonly splitMicros: Spread
  /** Round by round. */
  readonly ratio: Spread
  readonly failed: number
}

const services = ['plain', 'split'] as const

/** CPU of one gateway for each request, with and without `split` on the route: the same process, the same backends. */
export async function measureSplitCost(stage: Stage, rounds: number, seconds: number): Promise<SplitCost> {
  const [core = 0, loadCore = core] = allowedCores()
  const backends = await startNginxBackends(stage, await need('nginx'), loadCore)
  const wrk = await need('wrk')
  const [port, adminPort] = [await freePort(), await freePort()]
  const stable = backends.addresses.map((address) => ({ address, site: 'east' }))
  // The same backends under another name: what differs is who is told apart.
  const canary = backends.addresses.slice(0, 1).map((address) => ({
    address: address.replace('127.0.0.1', 'localhost'),
    site: 'east',
    release: 'canary',
  }))
  const route = (service: string): Record<string, unknown> => ({
    name: service,
    match: [{ path: { prefix: `/${service}/` } }],
    backends: [{ service }],
  })
  const config = gatewayConfig({
    port,
    adminPort,
    endpoints: stable,
    routes: [
      route('plain'),
      { ...route('split'), split: { by: ['header:X-User'], releases: { canary: 2_000 } } },
    ],
  })
  const { shop } = config['services'] as { shop: Readonly<Record<string, unknown>> }
  const file = join(stage.folder, 'split.yaml')
  writeConfig(file, {
    ...config,
    services: { plain: shop, split: { ...shop, endpoints: [...stable, ...canary] } },
  })
  const { command, args, env } = gatewayLaunch(file, 'source')
  const gateway = stage.start('budao', command, args, { env, core })
  await gateway.waitForPort(port)
  for (const service of services) {
    const url = `http://127.0.0.1:${port}/${service}/`
    const answer = await fetch(url, { headers: { 'X-User': 'somebody' } })
    if (answer.status !== 200) throw new Error(`${url}: expected 200, got ${answer.status}`)
  }
  const micros = { plain: new Map<number, number>(), split: new Map<number, number>() }
  const random = new SeededDraws(1)
  let failed = 0
  // The first round warms up.
  for (let round = 0; round <= rounds; round++)
    for (const service of shuffled(services, random)) {
      const before = usageOf(gateway.child.pid!).cpuMicros
      const load = await runWrk(stage, wrk, {
        ...{
          scheme: 'http',
          port,
          headers: { 'X-User': 'somebody' },
          connections: 32,
          seconds,
          core: loadCore,
        },
        question: { method: 'GET', path: `/${service}/`, bodyBytes: 0 },
      })
      failed += countErrors(load.errors)
      if (round > 0)
        micros[service].set(round, (usageOf(gateway.child.pid!).cpuMicros - before) / load.requests)
    }
  return {
    plainMicros: spreadOf([...micros.plain.values()]),
    splitMicros: spreadOf([...micros.split.values()]),
    ratio: spreadOf(pairedRatios(micros.split, micros.plain)),
    failed,
  }
}
