import { fileURLToPath } from 'node:url'
import { Load } from '../packages/budao/src/drill/load.ts'
import { startGateway } from './gateway-run.ts'
import { summarize, summaryText } from './load-summary.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumbers } from './options.ts'
import type { Stage } from './stage.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- idle-close [options]

  --requests N   GET requests in all (default 100000)
  --rate N       a second (default 2000)
  --idle MS      a backend closes a connection up to so long after its last answer (default 20)
  --seed N       when it closes (default: drawn, printed)

Two backends close idle connections at random moments, often just when a request is on its way. Clients never retry;
none of them may see an error.
`

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, {
    requests: [100_000, 100, 100_000_000],
    rate: [2_000, 1, 20_000],
    idle: [20, 0, 60_000],
    seed: [Date.now() % 1_000_000, 0, 2 ** 31],
  })
  if (asked === null) return 0
  const { requests, rate, idle: idleMs, seed } = asked
  say(machineText(describeMachine()))
  say(`seed ${seed}`)

  const file = fileURLToPath(new URL('restless-origin.ts', import.meta.url))
  const addresses = await Promise.all(
    ['a', 'b'].map(async (name, index) => {
      const started = stage.startNode(`origin ${name}`, [file, String(seed + index), String(idleMs)])
      return `127.0.0.1:${(await started.waitForOutput(/listening (\d+)/))[1]}`
    }),
  )
  const gateway = await startGateway(stage, {
    endpoints: addresses.map((address) => ({ address, site: 'east' })),
  })
  const load = new Load(() => performance.now(), {
    url: new URL(`http://127.0.0.1:${gateway.port}/api/products`),
    rate,
  })
  load.start()
  await new Promise((resolve) => setTimeout(resolve, (requests / rate) * 1_000))
  const summary = summarize(await load.stop())
  load.close()
  say(summaryText('clients', summary))

  const stats = await Promise.all(addresses.map(statsOf))
  const closed = stats.reduce((sum, one) => sum + one.closed, 0)
  const { services } = await gateway.admin.status()
  const unhealthy = services.flatMap(({ endpoints }) => endpoints).filter(({ state }) => state !== 'usable')
  const verdict = new Verdict()
  verdict.expect(closed > 0, 'backends closed connections', `${closed} closed, ${closed / 2} a backend`)
  verdict.expect(
    summary.sent >= requests * 0.99,
    'the load kept its schedule',
    `${summary.sent} of ${requests} requests sent`,
  )
  verdict.expect(summary.failed === 0, 'no client saw an error', `${summary.failed} of ${summary.sent}`)
  verdict.expect(
    unhealthy.length === 0,
    'nobody was blamed for closing',
    `${unhealthy.length} endpoints not usable`,
  )
  return verdict.exitCode
}

async function statsOf(address: string): Promise<{ readonly closed: number }> {
  const response = await fetch(`http://${address}/stats`, { signal: AbortSignal.timeout(5_000) })
  const stats: { closed: number } = JSON.parse(await response.text())
  return stats
}
