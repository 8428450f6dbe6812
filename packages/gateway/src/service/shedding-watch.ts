import { priorityNames, type EventDraft } from '@budao/model'

/** Shedding has ended when nobody was turned away for so long: between two waves it has not. */
const QUIET_MS = 10_000

/** What is looked at of a service. */
export interface SheddingService {
  readonly name: string
  /** Requests turned away since the start, by class. */
  shedCounts(): readonly number[]
  /** Evidence: how full it is. */
  loadFacts(): Readonly<Record<string, number>>
}

interface Watched {
  /** Turned away so far, by class. */
  counts: readonly number[]
  /** When somebody was turned away last; -Infinity while nobody is. */
  at: number
  /** Counts from before it began. */
  from: readonly number[]
}

/** Notices when services begin and cease to turn requests away. Somebody has to look: each single refusal is no news. */
export class SheddingWatch {
  readonly #report: (event: EventDraft) => void
  readonly #watched: Map<string, Watched> = new Map()

  constructor(report: (event: EventDraft) => void) {
    this.#report = report
  }

  /** Call once a second for each service. */
  look(service: SheddingService, now: number): void {
    const counts = service.shedCounts()
    const before = this.#watched.get(service.name)
    // The first look only remembers.
    if (before === undefined) {
      this.#watched.set(service.name, { counts, at: -Infinity, from: counts })
      return
    }
    const sheds = counts.some((count, rank) => count !== before.counts[rank])
    const began = sheds && before.at === -Infinity
    if (began) before.from = before.counts
    const ended = !sheds && before.at !== -Infinity && now - before.at >= QUIET_MS
    if (sheds) before.at = now
    else if (ended) before.at = -Infinity
    before.counts = counts
    if (began || ended) this.#tell(service, began, before)
  }

  #tell(service: SheddingService, began: boolean, { counts, from }: Watched): void {
    const { name } = service
    this.#report({
      kind: began ? 'service.shedding' : 'service.shedding-ended',
      severity: began ? 'warning' : 'info',
      subject: name,
      service: name,
      message: began
        ? `Service ${name} is asked for more than its limit: requests are turned away, lowest class first.`
        : `Service ${name} has turned nobody away for ${QUIET_MS / 1_000} s.`,
      evidence: {
        ...Object.fromEntries(priorityNames.map((each, rank) => [each, counts[rank]! - from[rank]!])),
        ...service.loadFacts(),
      },
    })
  }
}
