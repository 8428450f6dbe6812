import {
  type ElectionEvent,
  type ElectionNode,
  type ElectionNodeSettings,
  electionNode,
  electionStep,
} from './election-node.ts'

/** A node of a simulated election and when its script runs. */
export interface ElectionMember extends ElectionNodeSettings {
  readonly name: string
  readonly scriptEveryMs: number
  /** When it runs first. */
  readonly scriptAtMs: number
  /** When its process starts. Default 0. */
  readonly startsAtMs?: number
}

/** Something that happens to a node. */
export interface ElectionFault {
  readonly atMs: number
  readonly name: string
  /** `fails` and `returns` are about what its script asks; `killed` and `stopped` about the node's own process. */
  readonly kind: 'fails' | 'returns' | 'killed' | 'stopped'
}

/** From then on these hold the address, best to worst names sorted. */
export interface Holding {
  readonly atMs: number
  readonly holders: readonly string[]
}

/** Plays an election until `untilMs`, with a network that takes no time, and tells who held the address when. */
export function playElection(
  members: readonly ElectionMember[],
  faults: readonly ElectionFault[],
  untilMs: number,
): Holding[] {
  const election = new Election(members)
  const due = [...faults].toSorted((a, b) => a.atMs - b.atMs)
  for (;;) {
    const fault = due[0]
    const next = Math.min(election.nextAt, fault?.atMs ?? Infinity)
    if (next > untilMs) return election.holdings
    if (fault !== undefined && fault.atMs <= election.nextAt) election.fault(due.shift()!)
    else election.step()
  }
}

/** When the address was first held by `name` alone or with others, at or after `fromMs`; undefined if never. */
export function heldAt(holdings: readonly Holding[], name: string, fromMs: number): number | undefined {
  return holdings.find(({ atMs, holders }) => atMs >= fromMs && holders.includes(name))?.atMs
}

interface Place {
  readonly member: ElectionMember
  node: ElectionNode
  scriptAt: number
  serves: boolean
}

class Election {
  readonly holdings: Holding[] = [{ atMs: 0, holders: [] }]
  readonly #places: Place[]

  constructor(members: readonly ElectionMember[]) {
    this.#places = members.map((member) => ({
      member,
      node: electionNode(member, member.startsAtMs ?? 0),
      scriptAt: Math.max(member.scriptAtMs, member.startsAtMs ?? 0),
      serves: true,
    }))
  }

  get nextAt(): number {
    return Math.min(...this.#places.map(({ node, scriptAt }) => Math.min(node.timerAt, scriptAt)))
  }

  /** Whatever is due next: one script or one timer. */
  step(): void {
    const now = this.nextAt
    const place = this.#places.find(({ node, scriptAt }) => Math.min(node.timerAt, scriptAt) === now)!
    if (place.scriptAt === now) {
      place.scriptAt += place.member.scriptEveryMs
      this.#apply(place, { kind: 'script', good: place.serves }, now)
    } else this.#apply(place, { kind: 'timer' }, now)
  }

  fault({ name, kind, atMs }: ElectionFault): void {
    const place = this.#places.find(({ member }) => member.name === name)!
    if (kind === 'fails' || kind === 'returns') place.serves = kind === 'returns'
    else this.#apply(place, { kind }, atMs)
  }

  #apply(place: Place, event: ElectionEvent, now: number): void {
    const { node, advert } = electionStep(place.node, event, now)
    place.node = node
    if (node.role === 'gone') place.scriptAt = Infinity
    this.#note(now)
    if (advert === null) return
    const { rank } = place.member
    for (const other of this.#places)
      if (other !== place) this.#apply(other, { kind: 'advert', priority: advert, rank }, now)
  }

  #note(atMs: number): void {
    const holders = this.#places
      .filter(({ node }) => node.holdsAddress)
      .map(({ member }) => member.name)
      .toSorted()
    if (holders.join() === this.holdings.at(-1)!.holders.join()) return
    // Of changes at one moment the last one counts.
    if (this.holdings.at(-1)!.atMs === atMs) this.holdings.pop()
    this.holdings.push({ atMs, holders })
  }
}
