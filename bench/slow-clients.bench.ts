import { fileURLToPath } from 'node:url'
import { findOrInstall } from '@budao/testkit'
import { msUntil, startGateway } from './gateway-run.ts'
import { describeMachine, machineText } from './machine.ts'
import { startNginxBackends } from './nginx-backends.ts'
import { runOpenLoad } from './open-load.ts'
import { say, wholeNumbers } from './options.ts'
import { allowedCores, usageOf } from './process-tree.ts'
import { countErrors } from './rounds.ts'
import type { Stage } from './stage.ts'
import { Verdict } from './verdict.ts'
import type { LoadResult } from './wrk.ts'

const usage = `npm run bench -- slow-clients [options]

  --clients N    slow ones: a third sends heads, a third bodies, and a third reads answers byte by byte (default 2000)
  --rate N       requests a second of the others (default 1000)
  --seconds S    length of each of three phases (default 10)

The others are measured without the slow ones, with them, and without them again.
`

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, {
    clients: [2_000, 3, 20_000],
    rate: [1_000, 1, 20_000],
    seconds: [10, 1, 600],
  })
  if (asked === null) return 0
  const { clients, rate, seconds } = asked
  say(machineText(describeMachine()))

  const nginx = await findOrInstall('nginx')
  if (nginx.kind === 'missing') throw new Error(`nginx for the backends: ${nginx.reason}`)
  const core = allowedCores().at(-1)!
  const backends = await startNginxBackends(stage, nginx.path, core)
  // Every slow client but those in the head holds a request: the service must take that many.
  const gateway = await startGateway(stage, {
    endpoints: backends.addresses.map((address) => ({ address, site: 'east' })),
    service: { limits: { concurrency: 2 * clients + 1_000, connections: clients + 1_000 } },
  })
  const url = `http://127.0.0.1:${gateway.port}/api/products`
  const ask = (): Promise<LoadResult> => runOpenLoad(stage, { url, rate, seconds, warmupSeconds: 2, core })

  const before = await ask()
  say(text('without slow clients', before))
  const file = fileURLToPath(new URL('slow-clients-process.ts', import.meta.url))
  const slow = stage.startNode('slow clients', [file, String(gateway.port), String(clients)], { core })
  await slow.waitForOutput(/READY/, 60_000)
  let open = 0
  const there = await msUntil(20_000, async () => {
    open = (await gateway.admin.status()).connections.downstream
    return open >= clients * 0.95
  })
  const beside = await ask()
  say(text(`beside ${clients} slow clients`, beside))
  say(`RSS with them ${(usageOf(gateway.process.pid).rssBytes / 2 ** 20).toFixed(0)} MiB`)
  slow.child.kill('SIGTERM')
  const ended = (await slow.waitForOutput(/ENDED (.*)/, 20_000))[1]
  say(`thrown out by the gateway, to come again: ${ended}`)
  const after = await ask()
  say(text('without them again', after))

  const verdict = new Verdict()
  verdict.expect(there !== null, 'the slow clients were there', `${open} connections open`)
  const failed = [before, beside, after].map(({ errors }) => countErrors(errors))
  verdict.expect(
    failed.every((count) => count === 0),
    'nobody else failed',
    `${failed.join(', ')} in the three phases`,
  )
  const base = Math.max(before.p99Ms, after.p99Ms)
  say(`p99 of the others: ${beside.p99Ms.toFixed(2)} ms with them, at most ${base.toFixed(2)} ms without`)
  return verdict.exitCode
}

function text(what: string, { requests, errors, p50Ms, p99Ms, maxMs }: LoadResult): string {
  return `${what}: ${requests} ok, ${countErrors(errors)} failed; p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, worst ${maxMs.toFixed(1)} ms`
}
