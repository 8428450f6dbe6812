import { setTimeout as sleep } from 'node:timers/promises'
import { SeededDraws } from '@budao/testkit'
import type { WriteAttempt } from './application.ts'
import { checkTrial, type SiteLoss, type TrialEvidence, type TrialFindings } from './trial-check.ts'
import { type ReplicationWorld, type Site, sites } from './trial-world.ts'

const rate = 100
const loadMs = 2_000
const timeoutMs = 1_200
const peerTimeoutMs = 800
/** After the last fault the sites have to be equal within this time: programs start anew, and others use the machine. */
const equalMsMax = 240_000

/** Something that breaks at one site while both write. */
export interface TrialFault {
  readonly site: Site
  readonly what: 'kill' | 'freeze' | 'both' | 'in' | 'out'
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
export function drawPlan(seed: number, durability: 'async' | 'sync'): TrialPlan {
  const draws = new SeededDraws(seed)
  const lost = durability === 'async' || draws.chance(0.5) ? draws.pick(sites) : null
  const faults = Array.from({ length: draws.integer(1, 3) }, (): TrialFault => {
    const what = draws.pick(['kill', 'kill', 'freeze', 'both', 'both', 'in', 'out'] as const)
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

/** Lives through it, and compares. */
export async function runTrial(world: ReplicationWorld, plan: TrialPlan): Promise<Trial> {
  const { seed, durability, lost } = plan
  await world.begin(String(seed), durability, peerTimeoutMs)
  await Promise.all(
    sites.map((site) => world.startLoad(site, { prefix: `${site}-${seed}`, rate, timeoutMs, durability })),
  )
  await Promise.all([...plan.faults.map((fault) => strike(world, fault)), sleep(loadMs)])
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
    rows: Object.fromEntries(sites.map((site) => [site, added(world, site)])),
    counts: Object.fromEntries(sites.map((site) => [site, counted(world, site)])),
    converged: isGivenUp ? null : equalMs !== null,
  }
  return { ...plan, findings: checkTrial(evidence), evidence, equalMs }
}

/** One line, and one for each rule that was broken. */
export function describeTrial({ seed, durability, faults, lost, findings, equalMs }: Trial): string {
  const { acknowledged, unknown, refused, violations, lost: ids } = findings
  const told = faults.map(({ site, what, fromMs, forMs }) => `${fromMs}–${fromMs + forMs} ms ${what} ${site}`)
  if (lost !== null) told.push(`${lost} lost`)
  return [
    `seed ${seed} ${durability}: ${told.join('; ')}`,
    `  ${acknowledged} writes acknowledged, ${refused} refused, ${unknown} unknown; ${lost === null ? '' : `${ids.length} acknowledged ones were at ${lost} alone; `}equal ${equalMs === null ? '–' : `after ${Math.round(equalMs)} ms`}`,
    ...violations.map((violation) => `  BROKEN ${violation}`),
  ].join('\n')
}

async function strike(world: ReplicationWorld, { site, what, fromMs, forMs }: TrialFault): Promise<void> {
  const machine = world.machines[site]
  await sleep(fromMs)
  if (what === 'kill') await machine.kill()
  else if (what === 'freeze') machine.freeze()
  else machine.cut(what)
  await sleep(forMs)
  // Of two faults of a kind the first that ends ends both.
  if (what === 'kill') machine.restart()
  else if (what === 'freeze') machine.thaw()
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
  return { site: lost, survived: added(world, other), reported: null }
}

/** Ids that the site that came back has and the other one refuses: asked once nothing of it is on its way. */
async function reportedLost(world: ReplicationWorld, lost: Site): Promise<string[]> {
  const other = sites.find((site) => site !== lost)!
  await Promise.all(sites.map((site) => world.answers(site)))
  const until = performance.now() + equalMsMax
  for (;;) {
    const waiting = await world.ask(lost, 'GET', `/v1/unreplicated?site=${other}&limit=10000`)
    const inOutbox = world
      .rows(lost, 'SELECT event FROM budao_outbox')
      .filter(({ event }) => isData(String(event)))
    const here = added(world, lost)
    // What the other site wrote meanwhile has to arrive as well.
    const missing = added(world, other).filter((id) => !here.includes(id))
    const ids = (waiting.json as { ids?: readonly string[] }).ids
    if (ids?.length === 0 && inOutbox.length === 0 && missing.length === 0) break
    if (performance.now() > until) {
      throw new Error(
        `after ${equalMsMax} ms ${ids?.length} ids of ${lost} are on their way, ${missing.length} to it`,
      )
    }
    await sleep(50)
  }
  return world
    .rows(other, "SELECT event FROM budao_dead_letters WHERE reason = 'old-epoch' AND tbl = 'adds'")
    .map(({ event }) => (JSON.parse(String(event)) as { id: string }).id)
}

function isData(event: string): boolean {
  return !event.includes('"table":"budao heartbeat"')
}

/** Twice in a row: what is on its way to both sites may look equal for a moment. */
async function untilEqual(world: ReplicationWorld): Promise<number | null> {
  const began = performance.now()
  for (let equal = 0; ;) {
    equal = world.contents('east') === world.contents('west') ? equal + 1 : 0
    if (equal === 3) return performance.now() - began
    if (performance.now() - began > equalMsMax) return null
    await sleep(50)
  }
}

function added(world: ReplicationWorld, site: Site): string[] {
  return world.rows(site, 'SELECT id FROM adds').map(({ id }) => String(id))
}

function counted(world: ReplicationWorld, site: Site): { readonly n: number; readonly expected: number } {
  const [count] = world.rows(site, "SELECT n FROM counts WHERE id = 'all'")
  const [rows] = world.rows(site, "SELECT count(*) AS n FROM adds WHERE via = 'outbox'")
  return { n: Number(count?.['n'] ?? 0), expected: Number(rows!['n']) }
}
