import { renameSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventKind } from '@budao/model'
import { Load } from '../packages/budao/src/drill/load.ts'
import { writeConfig } from './budao.ts'
import { msUntil, startGateway } from './gateway-run.ts'
import type { GatewayRun } from './gateway-run.ts'
import { summarize, summaryText } from './load-summary.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumbers } from './options.ts'
import { startOrigins } from './origins.ts'
import type { Origin } from './origins.ts'
import { usageOf } from './process-tree.ts'
import type { Stage } from './stage.ts'
import { spreadOf } from './statistics.ts'
import { spreadText } from './table.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- reload [options]

  --reloads N   the file is rewritten and SIGHUP sent so often (default 100)
  --rate N      requests a second meanwhile (default 2000)

Each reload takes one of three backends out, another in, and changes the weights; requests of 300 ms are always
under way. Every tenth time a broken file comes first, which must be refused. Fails when one request fails.
`

/** Longer than that and a reload counts as not done. */
const reloadMsMax = 5_000
/** Load without reloads, to tell what they change. */
const controlMs = 2_000
/** A generator kept from its schedule for longer than this sends a burst that says nothing about reloads. */
const pauseMsMax = 250

const explains: ReadonlySet<EventKind> = new Set([
  'endpoint.ejected',
  'endpoint.unhealthy',
  'breaker.opened',
  'service.panic',
  'worker.crashed',
])

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, { reloads: [100, 1, 10_000], rate: [2_000, 1, 20_000] })
  if (asked === null) return 0
  const { reloads, rate } = asked
  say(machineText(describeMachine()))

  const origins = await startOrigins(stage, ['a', 'b', 'c'])
  const gateway = await startGateway(stage, { endpoints: endpointsOf(origins, 0) })
  const short = new Load(() => performance.now(), { url: urlOf(gateway, '/api/products'), rate })
  const long = new Load(() => performance.now(), { url: urlOf(gateway, '/slow?ms=300'), rate: 50 })
  short.start()
  long.start()
  await sleep(controlMs)
  const controlUntilMs = performance.now()
  const seqBefore = await gateway.admin.lastSeq()
  const cpuBefore = usageOf(gateway.process.pid).cpuMicros

  const tookMs: number[] = []
  let broken = 0
  let brokenRefused = 0
  for (let step = 1; step <= reloads; step++) {
    if (step % 10 === 0) {
      broken++
      if (await refuses(gateway)) brokenRefused++
    }
    const took = await applies(gateway, endpointsOf(origins, step))
    if (took !== null) tookMs.push(took)
  }

  await sleep(1_000)
  const cpuMs = (usageOf(gateway.process.pid).cpuMicros - cpuBefore) / 1_000
  const [shortSamples, longSamples] = [await short.stop(), await long.stop()]
  const [shortSummary, longSummary] = [summarize(shortSamples), summarize(longSamples)]
  const control = summarize([...shortSamples, ...longSamples].filter(({ endMs }) => endMs < controlUntilMs))
  short.close()
  long.close()

  say(summaryText(`before the first reload, ${controlMs} ms`, control))
  say(summaryText('short requests', shortSummary))
  say(summaryText('requests of 300 ms', longSummary))
  say(`the load was kept from its schedule for ${short.longestPauseMs.toFixed(0)} ms at worst`)
  if (tookMs.length > 0) say(`file written to snapshot in force: ${spreadText(spreadOf(tookMs), 0)} ms`)
  say(
    `CPU of the gateway: ${cpuMs.toFixed(0)} ms for ${tookMs.length + brokenRefused} reloads and the requests meanwhile`,
  )
  for (const [kind, count] of await trouble(gateway, seqBefore)) say(`event ${kind}: ${count}`)
  if (control.failed > 0 || short.longestPauseMs > pauseMsMax) {
    say(
      'Inconclusive: this machine does not carry the load, failures need not come from reloads. Lower --rate.',
    )
  }
  const verdict = new Verdict()
  verdict.expect(tookMs.length === reloads, 'every reload was applied', `${tookMs.length} of ${reloads}`)
  const refused = `${brokenRefused} of ${broken}`
  verdict.expect(brokenRefused === broken, 'broken files were refused, the snapshot went on', refused)
  const failed = shortSummary.failed + longSummary.failed
  verdict.expect(failed === 0, 'no request failed', `${failed} of ${shortSummary.sent + longSummary.sent}`)
  return verdict.exitCode
}

/** Events that explain a 503, by kind: with endpoints out of use the load and not the reload may be the reason. */
async function trouble(gateway: GatewayRun, after: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { kind } of await gateway.admin.eventsAfter(after)) {
    if (!explains.has(kind)) continue
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

/** Two of the three, other weights each time. */
function endpointsOf(
  origins: readonly Origin[],
  step: number,
): { address: string; site: string; weight: number }[] {
  return [step, step + 1].map((index, place) => ({
    address: origins[index % origins.length]!.address,
    site: 'east',
    weight: 1 + ((step + place) % 5),
  }))
}

/** Milliseconds until the gateway says that it serves with these endpoints; null when it never did. */
async function applies(
  gateway: GatewayRun,
  endpoints: readonly { address: string; site: string; weight: number }[],
): Promise<number | null> {
  const before = (await gateway.admin.status()).snapshot.version
  replaceFile(gateway, (file) => writeConfig(file, gateway.config({ endpoints })))
  const wanted = endpoints.map(({ address, weight }) => `${address} ${weight}`).join()
  return msUntil(reloadMsMax, async () => {
    const { snapshot, services } = await gateway.admin.status()
    const seen = services[0]?.endpoints.map(({ address, weight }) => `${address} ${weight}`).join()
    return snapshot.version > before && seen === wanted
  })
}

/** A file with an unknown key: the report must say so, and nothing else change. */
async function refuses(gateway: GatewayRun): Promise<boolean> {
  const { snapshot, refused: before } = await gateway.admin.status()
  const broken = { ...gateway.config({}), nonsense: true }
  replaceFile(gateway, (file) => writeFileSync(file, JSON.stringify(broken)))
  const seen = await msUntil(reloadMsMax, async () => {
    const { refused } = await gateway.admin.status()
    return refused !== null && refused.at !== before?.at && refused.problems.length > 0
  })
  return seen !== null && (await gateway.admin.status()).snapshot.version === snapshot.version
}

/** As careful editors do it: never half a file. */
function replaceFile(gateway: GatewayRun, write: (file: string) => void): void {
  const next = `${gateway.configFile}.next`
  write(next)
  renameSync(next, gateway.configFile)
  process.kill(gateway.process.pid, 'SIGHUP')
}

function urlOf(gateway: GatewayRun, path: string): URL {
  return new URL(path, `http://127.0.0.1:${gateway.port}`)
}
