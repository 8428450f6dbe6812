import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Load } from '../packages/budao/src/drill/load.ts'
import { startGateway, type GatewayRun } from './gateway-run.ts'
import { summarize, type LoadSummary } from './load-summary.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumber } from './options.ts'
import type { Stage } from './stage.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- overload [options]

  --seconds N    each measurement (default 8)
  --slots N      requests the backend works on at once (default 8)
  --service N    milliseconds it takes for one (default 40)
  --factor N     times its capacity that is asked for (default 3)
  --json FILE    the figures

One backend with a fixed capacity; what is above it waits inside it and makes it slower. A tenth of the requests is for
/pay (class critical), the others for /browse (low). Two gateways, one after the other, each with a backend of its own:
"fixed" has only limits.concurrency (1024), "adaptive" an adaptive limit, a queue and the classes. An answer counts
when it comes within a second: then its client has left.
`

const patienceMs = 1_000
const contenders = ['fixed', 'adaptive'] as const

/** What users of one gateway saw at one rate. */
interface Measurement {
  readonly asked: number
  /** Answers in time, a second. */
  readonly goodput: number
  readonly pay: ClassFigures
  readonly browse: ClassFigures
}

interface ClassFigures {
  readonly sent: number
  readonly okPercent: number
  /** Of answers that came in time, milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failures: LoadSummary['failures']
}

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '8' },
      slots: { type: 'string', default: '8' },
      service: { type: 'string', default: '40' },
      factor: { type: 'string', default: '3' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const seconds = wholeNumber('seconds', values.seconds, 2, 600)
  const slots = wholeNumber('slots', values.slots, 1, 1_000)
  const serviceMs = wholeNumber('service', values.service, 1, 10_000)
  const factor = wholeNumber('factor', values.factor, 2, 20)
  const capacity = (slots * 1_000) / serviceMs
  say(machineText(describeMachine()))
  say(`backend: ${slots} at once, ${serviceMs} ms each: ${capacity}/s`)

  const figures: Record<string, Record<string, Measurement>> = {}
  for (const name of contenders) {
    const gateway = await start(stage, name, slots, serviceMs)
    await measure(gateway, capacity / 2, 2)
    const own: Record<string, Measurement> = {}
    for (const [label, share] of [
      ['half', 0.5],
      ['full', 0.95],
      ['overload', factor],
      ['after', 0.5],
    ] as const) {
      own[label] = await measure(gateway, capacity * share, seconds)
      say(measurementText(name, label, own[label]))
      // What waits in the backend is no part of the next measurement.
      if (label !== 'overload') await sleep(patienceMs)
    }
    figures[name] = own
    await stage.stop(gateway.process)
  }

  const peak = Math.max(
    ...contenders.flatMap((name) => Object.values(figures[name]!).map((one) => one.goodput)),
  )
  const { half, overload, after } = figures['adaptive']!
  const fixed = figures['fixed']!['overload']!
  const verdict = new Verdict()
  verdict.expect(
    overload!.goodput >= 0.9 * peak,
    `${factor} × overload: goodput at least 90 % of the peak`,
    `${percent(overload!.goodput, peak)} (with a fixed limit ${percent(fixed.goodput, peak)}) of ${peak.toFixed(0)}/s; the backend could ${capacity}/s at best`,
  )
  verdict.expect(
    overload!.pay.okPercent >= 99,
    'high priority unharmed: at least 99 % answered in time',
    `${overload!.pay.okPercent.toFixed(1)} % (fixed ${fixed.pay.okPercent.toFixed(1)} %)`,
  )
  say(
    `        its p99 ${overload!.pay.p99Ms.toFixed(0)} ms, at half load ${half!.pay.p99Ms.toFixed(0)} ms` +
      ` (fixed ${fixed.pay.p99Ms.toFixed(0)} ms)`,
  )
  verdict.expect(
    after!.pay.okPercent >= 99 && after!.browse.okPercent >= 99,
    'at once back to normal behind it',
    `${after!.browse.okPercent.toFixed(1)} % of browse answered in time`,
  )
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ capacity, factor, seconds, peak, figures }, null, 2)}\n`)
  return verdict.exitCode
}

async function start(
  stage: Stage,
  name: (typeof contenders)[number],
  slots: number,
  serviceMs: number,
): Promise<GatewayRun> {
  const file = fileURLToPath(new URL('busy-origin.ts', import.meta.url))
  const backend = stage.startNode(`backend of ${name}`, [file, String(slots), String(serviceMs)])
  const address = `127.0.0.1:${(await backend.waitForOutput(/listening (\d+)/))[1]}`
  const route = (path: string, priority: string): Record<string, unknown> => ({
    name: path.slice(1),
    match: [{ path: { prefix: path } }],
    backends: [{ service: 'shop' }],
    ...(name === 'adaptive' ? { priority } : {}),
  })
  return startGateway(stage, {
    endpoints: [{ address, site: 'east' }],
    service: name === 'adaptive' ? { limits: { adaptive: {}, queue: {} } } : {},
    routes: [route('/pay', 'critical'), route('/browse', 'low'), route('/api', 'normal')],
  })
}

async function measure({ port }: GatewayRun, rate: number, seconds: number): Promise<Measurement> {
  const load = (path: string, share: number): Load =>
    new Load(() => performance.now(), {
      url: new URL(`http://127.0.0.1:${port}${path}`),
      rate: rate * share,
      timeoutMs: patienceMs,
      connectionsMax: 4_096,
    })
  const loads = [load('/pay', 0.1), load('/browse', 0.9)]
  for (const one of loads) one.start()
  const endMs = performance.now() + seconds * 1_000
  await sleep(seconds * 1_000)
  const [pay, browse] = await Promise.all(loads.map((one) => one.stop()))
  for (const one of loads) one.close()
  const answered = [...pay!, ...browse!].filter((one) => one.outcome === 'ok' && one.endMs <= endMs).length
  return { asked: rate, goodput: answered / seconds, pay: figuresOf(pay!), browse: figuresOf(browse!) }
}

function figuresOf(samples: Awaited<ReturnType<Load['stop']>>): ClassFigures {
  const { sent, ok, failures } = summarize(samples)
  const { p50Ms, p99Ms } = summarize(samples.filter(({ outcome }) => outcome === 'ok'))
  return { sent, okPercent: sent === 0 ? 100 : (ok / sent) * 100, p50Ms, p99Ms, failures }
}

function measurementText(name: string, label: string, { asked, goodput, pay, browse }: Measurement): string {
  const of = (what: string, one: ClassFigures): string =>
    `${what} ${one.okPercent.toFixed(1)} % in time, p50 ${one.p50Ms.toFixed(0)} ms, p99 ${one.p99Ms.toFixed(0)} ms`
  return `${name.padEnd(8)} ${label.padEnd(8)} ${asked.toFixed(0)}/s asked, ${goodput.toFixed(0)}/s in time; ${of('pay', pay)}; ${of('browse', browse)}`
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(0)} %`
}
