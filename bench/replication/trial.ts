import { setTimeout as sleep } from 'node:timers/promises'
import { type Cut, SeededDraws } from '@budao/testkit'
import type { WriteAttempt } from './application.ts'
import { checkTrial, type SiteLoss, type TrialEvidence, type TrialFindings } from './trial-check.ts'
import { type ReplicationWorld, type Site, sites } from './trial-world.ts'

const rate = 100
const loadMs = 2_000
const timeoutMs = 1_200
const peerTimeoutMs = 800
/** After the last fault the sites have to be equal within this time: programs start anew, and others use the machine. */
const equalMsMax = 240_000
const common: readonly TrialFault['what'][] = ['kill', 'kill', 'freeze', 'both', 'both', 'in', 'out']
const withServers: typeof common = [...common, 'kill-database', 'freeze-database']

/** Something that breaks at one site while both write. */
export interface TrialFault {
  readonly site: Site
  /** `…-database`: of the server of its database alone. */
  readonly what: 'kill' | 'freeze' | 'kill-database' | 'freeze-database' | Cut
  readonly fromMs: number
  readonly forMs: number
}

/** What a seed says. */
export interface TrialPlan {
  readonly seed: number
  readonly durability: 'async' | 'sync'
  readonly faults: readonly TrialFault[]
  /** Killed while it writes, and asked about only when all has been compared. Null: no site is. */
  readonly lost: Site | null
}

/** A run that is over. */
export interface Trial extends TrialPlan {
  readonly findings: TrialFindings
  readonly evidence: TrialEvidence
  /** From the end of the faults until both sites were equal, milliseconds; null: they could not become so. */
  readonly equalMs: number | null
}

/** One to three faults, which may overlap. */
export function drawPlan(seed: number, durability: 'async' | 'sync', hasServers = false): TrialPlan {
  const draws = new SeededDraws(seed)
  const lost = durability === 'async' || draws.chance(0.5) ? draws.pick(sites) : null
  const faults = Array.from({ length: draws.integer(1, 3) }, (): TrialFault => {
    const what = draws.pick(hasServers ? withServers : common)
    return { site: draws.pick(sites), what, fromMs: draws.integer(0, 1_400), forMs: draws.integer(50, 900) }
  })
  // A site that is cut off and goes on writing leaves something behind when it is lost.
  if (lost !== null && draws.chance(0.6)) {
    const forMs = draws.integer(20, 700)
    faults.push({
      site: draws.pick(sites),
      what: draws.pick(['both', 'in', 'out'] as const),
      fromMs: loadMs - forMs,
      forMs,
    })
  }
  return { seed, durability, lost, faults: faults.toSorted((a, b) => a.fromMs - b.fromMs) }
}

/** Lives through it, and compares. `slow`: so many times longer and less a second, on a machine that does much else. */
export async function runTrial(world: ReplicationWorld, plan: TrialPlan, slow: number = 1): Promise<Trial> {
  const { seed, durability, lost } = plan
  await world.begin(String(seed), durability, peerTimeoutMs * slow)
  const load = { rate: rate / slow, timeoutMs: timeoutMs * slow, durability }
  await Promise.all(sites.map((site) => world.startLoad(site, { ...load, prefix: `${site}-${seed}` })))
  await Promise.all([...plan.faults.map((fault) => strike(world, fault, slow)), sleep(loadMs * slow)])
  if (lost !== null) await world.machines[lost].kill()
  const written = await Promise.all(sites.map((site) => world.stopLoad(site)))
  const attempts = Object.fromEntries(sites.map((site, i) => [site, written[i]!])) as Record<
    Site,
    readonly WriteAttempt[]
  >
  const loss = lost === null ? null : await loseSite(world, lost, durability)
  for (const site of sites) world.machines[site].revive()
  const isGivenUp = loss !== null && durability === 'async'
  const equalMs = isGivenUp ? null : await untilEqual(world)
  const evidence: TrialEvidence = {
    ...{ durability, attempts },
    loss: isGivenUp ? { ...loss, reported: await reportedLost(world, lost!) } : loss,
    rows: { east: await added(world, 'east'), west: await added(world, 'west') },
    counts: { east: await counted(world, 'east'), west: await counted(world, 'west') },
    converged: isGivenUp ? null : equalMs !== null,
  }
  return { ...plan, findings: checkTrial(evidence), evidence, equalMs }
}

/** One line, and one for each rule that was broken. */
export function describeTrial({
  seed,
  durability,
  faults,
  lost,
  findings,
  evidence,
  equalMs,
}: Trial): string {
  const { acknowledged, unknown, refused, violations, lost: ids } = findings
  const told = faults.map(({ site, what, fromMs, forMs }) => `${fromMs}–${fromMs + forMs} ms ${what} ${site}`)
  if (lost !== null) told.push(`${lost} lost`)
  return [
    `seed ${seed} ${durability}: ${told.join('; ')}`,
    `  ${acknowledged} writes acknowledged, ${refused} refused, ${unknown} unknown; ${lost === null ? '' : `${ids.length} acknowledged ones were at ${lost} alone; `}equal ${equalMs === null ? '–' : `after ${Math.round(equalMs)} ms`}`,
    ...(acknowledged > 0 ? [] : [`  nothing was acknowledged: ${commonErrors(evidence)}`]),
    ...violations.map((violation) => `  BROKEN ${violation}`),
  ].join('\n')
}

function commonErrors({ attempts }: TrialEvidence): string {
  const counts = new Map<string, number>()
  for (const { error } of Object.values(attempts).flat()) counts.set(error, (counts.get(error) ?? 0) + 1)
  const often = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, 4)
  return often.map(([error, count]) => `${count} × ${error}`).join('; ')
}

async function strike(
  world: ReplicationWorld,
  { site, what, fromMs, forMs }: TrialFault,
  slow: number,
): Promise<void> {
  const machine = world.machines[site]
  await sleep(fromMs * slow)
  const programs = what.endsWith('-database') ? ['database'] : machine.names
  switch (what) {
    case 'kill':
    case 'kill-database':
      await machine.kill(programs)
      break
    case 'freeze':
    case 'freeze-database':
      machine.freeze(programs)
      break
    case 'both':
    case 'in':
    case 'out':
      machine.cut(what)
  }
  await sleep(forMs * slow)
  // Of two faults of a kind the first that ends ends both.
  if (what.startsWith('kill')) machine.restart(programs)
  else if (what.startsWith('freeze')) machine.thaw(programs)
  else machine.heal()
}

/** A site is gone, and the other one is asked what it has of it. Given up, nothing more of it is accepted. */
async function loseSite(
  world: ReplicationWorld,
  lost: Site,
  durability: 'async' | 'sync',
): Promise<SiteLoss> {
  // A fault that ended late may have started it anew.
  await world.machines[lost].kill()
  const other = sites.find((site) => site !== lost)!
  if (durability === 'async') {
    world.machines[other].revive()
    await world.answers(other)
    const { status } = await world.ask(other, 'POST', '/v1/fence', { origin: lost, epoch: 2 })
    if (status !== 204) throw new Error(`expected 204 to a fence, got ${status}`)
  }
  return { site: lost, survived: await added(world, other), reported: null }
}

/** Ids that the site that came back has and the other one refuses: asked once nothing of it is on its way. */
async function reportedLost(world: ReplicationWorld, lost: Site): Promise<string[]> {
  const other = sites.find((site) => site !== lost)!
  await Promise.all(sites.map((site) => world.answers(site)))
  const until = performance.now() + equalMsMax
  for (;;) {
    const waiting = await world.ask(lost, 'GET', `/v1/unreplicated?site=${other}&limit=10000`)
    const [here, there] = [await added(world, lost), await added(world, other)]
    const refused = await refusedOf(world, other)
    // Each row of the lost site is at the other one, or refused there; what the other site wrote meanwhile has to arrive as well.
    const missing = [
      ...here.filter((id) => !there.includes(id) && !refused.includes(id)),
      ...there.filter((id) => !here.includes(id)),
    ]
    const ids = (waiting.json as { ids?: readonly string[] }).ids
    if (ids?.length === 0 && missing.length === 0) return refused
    if (performance.now() > until) {
      throw new Error(
        `after ${equalMsMax} ms ${ids?.length} ids of ${lost} are on their way, and ${missing.length} are at one site alone`,
      )
    }
    await sleep(50)
  }
}

async function refusedOf(world: ReplicationWorld, site: Site): Promise<string[]> {
  const letters = await world.rows(
    site,
    "SELECT event FROM budao_dead_letters WHERE reason = 'old-epoch' AND tbl = 'adds'",
  )
  return letters.map(({ event }) => (JSON.parse(String(event)) as { id: string }).id)
}

/** Twice in a row: what is on its way to both sites may look equal for a moment. */
async function untilEqual(world: ReplicationWorld): Promise<number | null> {
  const began = performance.now()
  for (let equal = 0; ;) {
    const [east, west] = [await world.contents('east'), await world.contents('west')]
    equal = east === west ? equal + 1 : 0
    if (equal === 3) return performance.now() - began
    if (performance.now() - began > equalMsMax) return null
    await sleep(50)
  }
}

async function added(world: ReplicationWorld, site: Site): Promise<string[]> {
  return (await world.rows(site, 'SELECT id FROM adds')).map(({ id }) => String(id))
}

async function counted(
  world: ReplicationWorld,
  site: Site,
): Promise<{ readonly n: number; readonly expected: number }> {
  const [count] = await world.rows(site, "SELECT n FROM counts WHERE id = 'all'")
  const [rows] = await world.rows(site, "SELECT count(*) AS n FROM adds WHERE via = 'outbox'")
  return { n: Number(count?.['n'] ?? 0), expected: Number(rows!['n']) }
}
