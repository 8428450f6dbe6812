import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { RolloutPhase } from '@budao/model'
import { startEtcd } from '@budao/testkit'
import { type GatewayName, gateways, RolloutWorld } from '../e2e/rollout-world.ts'
import { type Distribution, distributionOf, distributionText } from './failover/distribution.ts'
import { Ends } from './failover/ends.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumber } from './options.ts'
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

/** Between two requests of each of eight users: about 300 a second together. */
const restMs = 25
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
  const etcd = await startEtcd(t)
  if (etcd === undefined) return 1
  const store = { type: 'etcd', endpoints: [etcd[0]!.endpoint] }
  const world = await RolloutWorld.start(ends, { steps, lease: `${leaseMs}ms` }, store)
  for (const name of gateways) world.used.add(name)
  world.load(restMs)
  const all: Rollback[] = []
  for (let index = 0; index < runs && !ends.interrupted; index++)
    for (const kind of kinds) all.push(await sendBack(world, kind))
  return tell(world, all, values.json)
}

async function sendBack(world: RolloutWorld, kind: Kind): Promise<Rollback> {
  // Everybody has stable to compare with.
  await pause(1_000)
  let from = Date.now()
  world.canary.status = kind === 'verdict' ? 503 : 200
  const { phase } = (await world.report('gw-1'))!
  await world.wish('gw-1', phase === null ? 'start' : 'retry')
  if (kind !== 'verdict') {
    await world.until('the first step is passed', () => is(world, 'gw-1', 'paused'))
    await world.wish('gw-1', 'resume')
    await everywhere(world, 0.5)
  }
  if (kind === 'cut off') {
    await world.cut('gw-3', 120_000)
    await pause(300)
  }
  if (kind !== 'verdict') {
    from = Date.now()
    await world.wish('gw-1', 'abort')
  }
  await world.until('it is sent back', () => is(world, 'gw-1', 'aborted'))
  await everywhere(world, 0)
  await pause(200)
  if (kind === 'cut off') {
    await world.cut('gw-3', 0)
    await world.until('it hears of it', () => is(world, 'gw-3', 'aborted'))
  }
  const decidedAt =
    kind === 'verdict' ? world.decisions().findLast((each) => each.kind === 'rollout.aborted')!.at : from
  const asked = world.canary.asked.filter(({ at }) => at >= from)
  const last = (name: GatewayName): number =>
    Math.max(0, ...asked.filter(({ gateway }) => gateway === name).map(({ at }) => at - decidedAt))
  return {
    kind,
    decidedMs: kind === 'verdict' ? decidedAt - asked[0]!.at : null,
    failures: kind === 'verdict' ? asked.filter(({ at }) => at <= decidedAt).length : null,
    lastAskedMs: { 'gw-1': last('gw-1'), 'gw-2': last('gw-2'), 'gw-3': last('gw-3') },
  }
}

async function is(world: RolloutWorld, gateway: GatewayName, phase: RolloutPhase): Promise<boolean> {
  return (await world.report(gateway))?.phase === phase
}

async function everywhere(world: RolloutWorld, wanted: number): Promise<void> {
  await world.until(`${wanted} at all gateways`, async () => {
    const shares = await Promise.all(gateways.map((name) => world.share(name)))
    return shares.every((share) => share === wanted)
  })
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
  const seen = Object.values(world.seen)
  const failed = seen.reduce((sum, each) => sum + each.failed, 0)
  const asked = failed + seen.reduce((sum, { answered }) => sum + answered, 0)
  const figures = {
    machine: describeMachine(),
    decidedMs: by('decidedMs'),
    failuresUntilDecided: by('failures'),
    lastAskedMs: { reached, cutOff },
    asked,
    failed,
  }
  const within = (values: Distribution | null, max: number): boolean => values !== null && values.max <= max
  const kept =
    kinds.every((kind) => within(reached[kind], reachedMsMax)) && within(cutOff, leaseMs) && failed === 0
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
  verdict.expect(failed === 0, 'no request of a user fails', `${failed} of ${asked}`)
  return verdict.exitCode
}
