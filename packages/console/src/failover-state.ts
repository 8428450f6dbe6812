import type { LeaderReport, NodesReport, SiteDrainReport, UnitReport } from '@budao/model'
import type { AdminClient } from './admin-client.ts'
import { AskedNowAndThen, pace } from './asked-now-and-then.ts'
import { formatMs } from './format.ts'
import type { Words } from './words.ts'

/** What the page knows of failover. */
export interface FailoverState {
  readonly leader: LeaderReport | null
  readonly units: readonly UnitReport[]
  readonly drains: readonly SiteDrainReport[]
  readonly nodes: NodesReport
}

/** Asks for failover where the process decides about any; each time somebody asks. */
export function failoverQuestion(client: Pick<AdminClient, 'get'>): AskedNowAndThen<FailoverState> {
  const ask = async (): Promise<FailoverState> => {
    const [overview, nodes] = await Promise.all([
      client.get<Omit<FailoverState, 'nodes'>>('/api/v1/failover'),
      client.get<NodesReport>('/api/v1/failover/nodes'),
    ])
    return { ...overview, nodes }
  }
  return new AskedNowAndThen(ask, pace(0))
}

/** What somebody may have to do something about, the worst first. */
export function failoverTroubles(state: FailoverState | null, words: Words): string[] {
  if (state === null || (state.units.length === 0 && state.nodes.nodes.length <= 1)) return []
  const { leader, units, drains, nodes } = state
  return [
    ...(leader === null ? [words.nobodyLeads] : []),
    ...(nodes.store.reachable ? [] : [words.storeAway(nodes.store.type)]),
    ...units.flatMap((unit) => unitTroubles(unit, words)),
    ...drains
      .filter((drain) => drain.state !== 'drained')
      .map(({ site, state: how, moves }) =>
        how === 'stuck'
          ? words.drainStuck(site)
          : words.drainingUnits(site, moves.filter((move) => move.state === 'moved').length, moves.length),
      ),
    ...nodes.nodes
      .filter(({ link }) => link !== 'self' && link !== 'up')
      .map(({ node, link, why }) => words.unitTrouble(node, why === '' ? words.links[link] : why)),
  ]
}

function unitTroubles(report: UnitReport, words: Words): string[] {
  const { unit, run, owner, lease, blockedMs } = report
  const lines: string[] = []
  const moving = run !== null && run.outcome === null
  if (moving) {
    const what = words.fromTo(words.moves[run.kind], run.from, run.to)
    lines.push(words.unitTrouble(unit, `${what}, ${words.steps[run.step]}`))
  } else if (owner === null || lease !== 'held' || ownerState(report) === 'down') {
    lines.push(words.unitTrouble(unit, whyText(report, words)))
  }
  if (blockedMs > 0) lines.push(words.unitTrouble(unit, words.blocked(blockedMs)))
  return lines
}

function ownerState({ owner, verdicts }: UnitReport): string {
  return verdicts.find(({ site }) => site === owner)?.state ?? 'unknown'
}

/** Why a unit is as it is: in the reader’s language where the controller’s words are not. */
export function whyText({ why }: UnitReport, words: Words): string {
  return why === null ? '–' : (words.explanations[why.code] ?? why.message)
}

/** What may be missing after a move. */
export function lossText(lossMs: number | null, words: Words): string {
  if (lossMs === null) return words.lossUnknown
  return lossMs === 0 ? words.nothingLost : words.mayMiss(lossMs)
}

/** The age of a beat or a vote. */
export function ageText(ms: number | null, words: Words): string {
  return ms === null ? words.never : formatMs(ms)
}
