import { setTimeout as sleep } from 'node:timers/promises'
import type { EventDraft, WishResult } from '@budao/model'
import type { Keeper } from '../keeper/keeper.ts'
import type { Links } from '../links/links.ts'
import { serviceOf } from './control-events.ts'
import type { Desk } from './desk.ts'

/** A leader that has not answered by then is none. */
const askMs = 1_000
/** How often it is looked whether somebody else has it. */
const lookMs = 20

/** What a node that ends has to do with. */
export interface HandOverWorld {
  readonly node: string
  readonly site: string
  readonly keeper: Keeper
  readonly links: Links
  /** Null where nothing is decided here. */
  readonly desk: Desk | null
  report(event: EventDraft): void
}

/**
 * A gateway that is told to end gives away what it holds, while it still serves: to another gateway of its site within the epoch, or by
 * a planned move to another site. What nobody has taken within the bound is let go of, so that whoever comes next need not wait for the
 * end of its lease. Never rejects.
 */
export async function handOver(world: HandOverWorld, boundMs: number): Promise<void> {
  const until = performance.now() + boundMs
  await Promise.allSettled(world.keeper.holding.map((unit) => handOverUnit(world, unit, until)))
}

async function handOverUnit(world: HandOverWorld, unit: string, until: number): Promise<void> {
  const { keeper, node, site } = world
  const say = (kind: EventDraft['kind'], severity: EventDraft['severity'], message: string): void =>
    world.report({
      kind,
      severity,
      subject: unit,
      service: serviceOf(unit),
      site,
      message,
      evidence: { node },
    })
  const neighbours = gatewaysHere(world)
  if (neighbours.length > 0) {
    const released = await keeper.release(unit)
    if (released && (await taken(world, unit, until)))
      return say(
        'failover.handed-over',
        'info',
        `${unit} stays at ${site}: ${neighbours.join(' or ')} holds it, ${node} ends.`,
      )
  } else {
    const why = await askToMove(world, unit)
    if (why === null && (await taken(world, unit, until))) {
      const to = keeper.ownerOf(unit)
      return say('failover.handed-over', 'info', `${unit} is at ${to}, handed over: ${node} ends.`)
    }
    const released = await keeper.release(unit)
    const because = why ?? 'the move did not end in time'
    const then = released ? 'nobody holds it now' : 'the store does not answer, and its lease has to end'
    return say(
      'failover.released',
      'critical',
      `${unit} was not handed over (${because}): ${node} ends, ${then}.`,
    )
  }
  say('failover.released', 'warning', `${unit} was let go of, and nobody has taken it yet: ${node} ends.`)
}

function gatewaysHere({ links, site }: HandOverWorld): string[] {
  return [...links.connected()].flatMap(({ peer }) =>
    peer?.site === site && peer.roles.includes('keeper') ? [peer.node] : [],
  )
}

/** Asks whoever leads. Null: the move has begun; else why not. */
async function askToMove({ links, desk, node, site }: HandOverWorld, unit: string): Promise<string | null> {
  const own: WishResult | null = (await desk?.leave({ unit, node, site })) ?? null
  if (own?.ok === true) return null
  if (own !== null && own.why.code !== 'not-leader') return own.why.message
  const asked = [...links.connected()].map(async (link) => {
    if (link.peer?.roles.includes('controller') !== true) return null
    const answered = await link.ask({ kind: 'leave', unit }, askMs)
    return answered.kind === 'answer' ? answered.answer : null
  })
  const answers = (await Promise.all(asked)).filter((answer) => answer !== null)
  if (answers.some(({ ok }) => ok)) return null
  return answers.find(({ why }) => why !== '')?.why ?? 'nobody leads'
}

/** Until another one holds it, or it is too late. */
async function taken({ keeper }: HandOverWorld, unit: string, until: number): Promise<boolean> {
  while (!keeper.isHeldElsewhere(unit)) {
    if (performance.now() >= until) return false
    await sleep(lookMs)
  }
  return true
}
