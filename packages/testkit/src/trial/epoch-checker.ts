import type { Attempt, JournalEntry } from './journal.ts'

/** What happened in a trial, as the backends and the clients noted it. */
export interface TrialRecord {
  /** By site. */
  readonly journals: ReadonlyMap<string, readonly JournalEntry[]>
  readonly attempts: readonly Attempt[]
}

export interface EpochFindings {
  /** What must never be. */
  readonly violations: readonly string[]
  readonly epochs: number
  readonly acknowledged: number
  readonly accepted: number
  /** Refused by a backend because it had seen a higher epoch. */
  readonly refused: number
  /**
   * Applied by a backend after another one had begun the next epoch, and not acknowledged: a process was stopped between its last look
   * at the clock and the commit, or a packet came late. What is promised leaves these out; they are found when the site catches up.
   */
  readonly strays: number
  /** How often the site that accepts changed, in the order of what was accepted: one for each move where nobody writes beside another. */
  readonly turns: number
}

/** Shown of one kind of violation. */
const shownMax = 5

/**
 * No two epochs acknowledge writes side by side. Exact, without any tolerance: it compares when a backend accepted a write, which was before
 * its gateway acknowledged it, with when the next epoch's first write was accepted, which was after that epoch had begun.
 */
export function checkEpochs({ journals, attempts }: TrialRecord): EpochFindings {
  const found = new Map<string, string[]>()
  const broken = (kind: string, story: string): void => {
    found.set(kind, [...(found.get(kind) ?? []), story])
  }
  const acknowledged = new Map<number, Attempt>()
  for (const attempt of attempts)
    if (attempt.kind === 'write' && attempt.status === 200) acknowledged.set(attempt.id, attempt)

  const siteOf = new Map<number, string>()
  const begins = new Map<number, number>()
  const acceptedAt = new Map<number, { epoch: number; site: string; at: number }>()
  let [accepted, refused] = [0, 0]
  for (const [site, entries] of journals) {
    let highest = 0
    for (const { id, epoch, verdict, at } of entries) {
      if (verdict === 'refused') {
        refused++
        continue
      }
      accepted++
      if (epoch < highest)
        broken('guard', `${site} accepted write ${id} of epoch ${epoch} after epoch ${highest}`)
      highest = Math.max(highest, epoch)
      const other = siteOf.get(epoch)
      if (epoch !== 0 && other !== undefined && other !== site)
        broken('two sites', `epoch ${epoch} wrote at ${other}, and write ${id} at ${site}`)
      siteOf.set(epoch, site)
      begins.set(epoch, Math.min(at, begins.get(epoch) ?? Infinity))
      const before = acceptedAt.get(id)
      if (before !== undefined)
        broken(
          'twice',
          `write ${id} was accepted in epoch ${before.epoch} at ${before.site}, and in ${epoch} at ${site}`,
        )
      acceptedAt.set(id, { epoch, site, at })
    }
  }

  const epochs = [...begins.keys()].toSorted((a, b) => a - b)
  /** When the first write of any higher epoch was accepted. */
  const overAt = new Map<number, number>()
  let later = Infinity
  for (const epoch of epochs.toReversed()) {
    overAt.set(epoch, later)
    later = Math.min(later, begins.get(epoch)!)
  }

  let strays = 0
  for (const [id, { epoch, site, at }] of acceptedAt) {
    const lateMs = at - overAt.get(epoch)!
    if (lateMs <= 0) continue
    if (!acknowledged.has(id)) strays++
    else
      broken(
        'two epochs',
        `write ${id} was accepted in epoch ${epoch} at ${site} ${lateMs.toFixed(1)} ms after the next epoch had begun, and acknowledged`,
      )
  }
  const firstAck = Map.groupBy(acknowledged.values(), ({ epoch }) => epoch)
  const ackedFrom = new Map(
    [...firstAck].map(([epoch, acks]) => [epoch, Math.min(...acks.map(({ doneAt }) => doneAt))]),
  )
  for (const attempt of acknowledged.values()) {
    const { id, epoch, sentAt } = attempt
    if (!acceptedAt.has(id)) broken('invented', `write ${id} was acknowledged, and no backend has it`)
    for (const [next, at] of ackedFrom)
      if (next > epoch && sentAt > at)
        broken(
          'old epoch',
          `write ${id} was sent after epoch ${next} had acknowledged one, and was accepted in ${epoch}`,
        )
  }

  const violations = [...found].flatMap(([kind, stories]) => [
    ...stories.slice(0, shownMax).map((story) => `${kind}: ${story}`),
    ...(stories.length > shownMax ? [`${kind}: ${stories.length - shownMax} more`] : []),
  ])
  const order = [...acceptedAt.values()].toSorted((a, b) => a.at - b.at)
  const turns = order.filter(({ site }, index) => index > 0 && order[index - 1]!.site !== site).length
  return {
    violations,
    turns,
    epochs: epochs.length,
    acknowledged: acknowledged.size,
    accepted,
    refused,
    strays,
  }
}
