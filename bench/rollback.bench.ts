import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Distribution, distributionOf, distributionText } from './failover/distribution.ts'
import { Ends } from './failover/ends.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumber } from './options.ts'
import { type GatewayName, gateways, RolloutWorld } from './rollout/rollout-world.ts'
import { table } from './table.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- rollback [options]

  --runs N   of each kind (default 20)
  --json     figures as JSON, and nothing else

Three gateways as processes over one etcd, 300 requests of users a second. A release is sent back: by the verdict, where it fails everything from
the first request on, with 5 % of the users; by a person, with half of them; by a person while one gateway is cut off from the store. How long after the decision is the release asked for the last time
at each gateway, and does any user see an error? Exit code 1 above 1 s at a gateway that can be reached, above the lease (10 s) at
one that cannot, and for any failed request.
`

const kinds = ['verdict', 'person', 'cut off'] as const
type Kind = (typeof kinds)[number]

const perSecond = 100
const leaseMs = 10_000
const reachedMsMax = 1_000

/** One time that the release was sent back. Milliseconds. */
interface Rollback {
  readonly kind: Kind
  /** With `verdict`: from its first failure until the decision, and requests that it failed until then. */
  readonly decidedMs: number | null
  readonly failures: number | null
  /** From the decision until the release was asked for the last time. */
  readonly lastAskedMs: Readonly<Record<GatewayName, number>>
}

/** Sends a release back again and again; the exit code says whether what is promised was kept. */
export async function run(args: readonly string[]): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    say(usage)
    return 0
  }
  const runs = wholeNumber('runs', values.runs, 1, 10_000)
  await using ends = new Ends()
  const t = { after: (work: () => unknown) => ends.after(work), skip: say } as unknown as TestContext
  const steps = [
    { basisPoints: 500, for: '200ms', requests: 1, pause: true },
    { basisPoints: 5_000, for: '1h' },
  ]
  const world = await RolloutWorld.start(t, { steps, lease: `${leaseMs}ms` })
  if (world === undefined) return 1
  for (const name of gateways) world.load(name, perSecond)
  const all: Rollback[] = []
  for (let index = 0; index < runs && !ends.interrupted; index++)
    for (const kind of kinds) all.push(await sendBack(world, kind))
  return tell(world, all, values.json)
}

async function sendBack(world: RolloutWorld, kind: Kind): Promise<Rollback> {
  // Everybody has stable to compare with.
  await pause(1_000)
  let from = Date.now()
  world.canaryStatus = kind === 'verdict' ? 503 : 200
  const { phase } = await world.until('gw-1', 'it is known', () => true)
  if ((await world.wish('gw-1', phase === null ? 'start' : 'retry')) !== 200)
    throw new Error(`the rollout does not begin: ${JSON.stringify(await world.report('gw-1'))}`)
  if (kind !== 'verdict') {
    await world.until('gw-1', 'the first step is passed', (report) => report.phase === 'paused')
    await world.wish('gw-1', 'resume')
    for (const name of gateways) await world.untilShare(name, 0.5)
  }
  if (kind === 'cut off') {
    world.store.set({ kind: 'blackhole' })
    await pause(300)
  }
  if (kind !== 'verdict') {
    from = Date.now()
    await world.wish('gw-1', 'abort')
  }
  await world.until('gw-1', 'it is sent back', (report) => report.phase === 'aborted')
  for (const name of gateways) await world.untilShare(name, 0)
  await pause(200)
  if (kind === 'cut off') {
    world.store.set({ kind: 'none' })
    await world.until('gw-3', 'it hears of it', (report) => report.phase === 'aborted')
  }
  const decidedAt =
    kind === 'verdict' ? world.events().findLast((each) => each.kind === 'rollout.aborted')!.at : from
  const asked = world.canary.filter(({ at }) => at >= from)
  const last = (name: GatewayName): number =>
    Math.max(0, ...asked.filter(({ gateway }) => gateway === name).map(({ at }) => at - decidedAt))
  return {
    kind,
    decidedMs: kind === 'verdict' ? decidedAt - asked[0]!.at : null,
    failures: kind === 'verdict' ? asked.filter(({ at }) => at <= decidedAt).length : null,
    lastAskedMs: { 'gw-1': last('gw-1'), 'gw-2': last('gw-2'), 'gw-3': last('gw-3') },
  }
}

function tell(world: RolloutWorld, all: readonly Rollback[], json: boolean): 0 | 1 {
  const of = (kind: Kind, names: readonly GatewayName[]): Distribution | null =>
    distributionOf(
      all
        .filter((each) => each.kind === kind)
        .flatMap(({ lastAskedMs }) => names.map((name) => lastAskedMs[name])),
    )
  const by = (key: 'decidedMs' | 'failures'): Distribution | null =>
    distributionOf(all.flatMap((each) => each[key] ?? []))
  const reached = {
    verdict: of('verdict', gateways),
    person: of('person', gateways),
    'cut off': of('cut off', ['gw-1', 'gw-2']),
  }
  const cutOff = of('cut off', ['gw-3'])
  const { asked, failed } = world
  const figures = {
    machine: describeMachine(),
    decidedMs: by('decidedMs'),
    failuresUntilDecided: by('failures'),
    lastAskedMs: { reached, cutOff },
    asked,
    failed: failed.length,
  }
  const within = (values: Distribution | null, max: number): boolean => values !== null && values.max <= max
  const kept =
    kinds.every((kind) => within(reached[kind], reachedMsMax)) &&
    within(cutOff, leaseMs) &&
    failed.length === 0
  if (json) {
    say(JSON.stringify(figures, null, 2))
    return kept ? 0 : 1
  }
  say(machineText(figures.machine))
  const row = (what: string, values: Distribution | null): string[] => [
    what,
    String(values?.n ?? 0),
    distributionText(values),
  ]
  say(
    table(
      ['from the decision until the release is asked for the last time', 'n', 'p50 / p90 / p99 / max ms'],
      [
        ...kinds.map((kind) => row(`${kind}: a gateway that is reached`, reached[kind])),
        row('cut off: the gateway that is not', cutOff),
      ],
    ),
  )
  say(
    table(
      ['verdict', 'n', 'p50 / p90 / p99 / max'],
      [
        row('first failure until the decision, ms', figures.decidedMs),
        row('requests of the release that failed until then', figures.failuresUntilDecided),
      ],
    ),
  )
  const verdict = new Verdict()
  for (const kind of kinds)
    verdict.expect(
      within(reached[kind], reachedMsMax),
      `${kind}: nothing more within 1 s where it is reached`,
      `${reached[kind]?.max} ms`,
    )
  verdict.expect(within(cutOff, leaseMs), 'a gateway that is cut off: within the lease', `${cutOff?.max} ms`)
  verdict.expect(failed.length === 0, 'no request of a user fails', `${failed.length} of ${asked}`)
  return verdict.exitCode
}
