import { checkSet, History, type HistoryOp } from '@budao/testkit'
import type { WriteAttempt } from './application.ts'

/** What was found at the end of a run. */
export interface TrialEvidence {
  readonly durability: 'async' | 'sync'
  readonly attempts: Readonly<Record<string, readonly WriteAttempt[]>>
  /** The site that was given up, and what the other one had of it at that moment; null: none was. */
  readonly loss: SiteLoss | null
  /** Ids of the rows at each site at the end. */
  readonly rows: Readonly<Record<string, readonly string[]>>
  /** The count at each site at the end, and how many rows were written with one. */
  readonly counts: Readonly<Record<string, { readonly n: number; readonly expected: number }>>
  /** Everything that is replicated is the same at both sites; null: it cannot be, after what was lost. */
  readonly converged: boolean | null
}

/** A site that is gone, as the other one sees it. */
export interface SiteLoss {
  readonly site: string
  /** Ids of rows that the other site had, before the lost one came back. */
  readonly survived: readonly string[]
  /** Ids that were reported not to have made it; null: nobody was asked, since all came back. */
  readonly reported: readonly string[] | null
}

/** What the checkers say. */
export interface TrialFindings {
  readonly acknowledged: number
  readonly unknown: number
  readonly refused: number
  /** Acknowledged, and not at the other site when the one that wrote them was gone. */
  readonly lost: readonly string[]
  readonly violations: readonly string[]
}

/** Rules that no run may break, whatever failed in it. */
export function checkTrial(evidence: TrialEvidence): TrialFindings {
  const { attempts, loss, durability, rows, counts, converged } = evidence
  const all = Object.values(attempts).flat()
  const of = (outcome: WriteAttempt['outcome']): readonly WriteAttempt[] =>
    all.filter((each) => each.outcome === outcome)
  const violations: string[] = []
  const lost = loss === null ? [] : acknowledgedAdds(attempts[loss.site]!).filter(missingIn(loss.survived))
  if (durability === 'sync')
    tell(violations, lost, 'acknowledged writes were not at the other site when theirs was gone')
  if (loss?.reported != null) {
    const reported = new Set(loss.reported)
    const known = new Set(attempts[loss.site]!.map(({ id }) => id))
    tell(
      violations,
      lost.filter((id) => !reported.has(id)),
      'lost writes were not reported',
    )
    const acknowledged = new Set(acknowledgedAdds(attempts[loss.site]!))
    const wrongly = loss.reported.filter((id) => acknowledged.has(id) && !lost.includes(id))
    tell(violations, wrongly, 'writes were reported lost that had made it')
    tell(
      violations,
      loss.reported.filter((id) => !known.has(id)),
      'writes were reported lost that nobody made',
    )
  }
  for (const [site, present] of Object.entries(rows)) {
    // What was given up is not expected to be anywhere but where it was written.
    const gone = loss?.reported == null || site === loss.site ? null : new Set(loss.reported)
    const result = checkSet(
      historyOf(
        all.filter(({ id }) => gone === null || !gone.has(id)),
        present,
        gone !== null,
      ),
    )
    tell(violations, result.lost, `acknowledged writes are not at ${site}`)
    tell(violations, result.duplicated, `writes are twice at ${site}`)
    tell(violations, result.unexpected, `writes are at ${site} that were refused, or that nobody made`)
  }
  for (const [site, { n, expected }] of Object.entries(counts)) {
    if (n !== expected)
      violations.push(
        `${site} counts ${n} writes, and has the rows of ${expected}: one was applied twice, or in part`,
      )
  }
  if (converged === false) violations.push('the sites did not become equal')
  return {
    ...{
      acknowledged: of('acknowledged').length,
      unknown: of('unknown').length,
      refused: of('refused').length,
    },
    lost,
    violations,
  }
}

/** The history of the rows that were added, as Jepsen writes it; its last line is what is there at the end. */
export function historyOf(
  attempts: readonly WriteAttempt[],
  present: readonly string[],
  someGone = false,
): readonly HistoryOp[] {
  const types = { acknowledged: 'ok', unknown: 'info', refused: 'fail' } as const
  const adds = attempts.filter(({ via }) => via !== 'register')
  const known = new Set(adds.map(({ id }) => id))
  const moments = adds
    .flatMap((attempt, process) => [
      { at: attempt.sentAt, process, type: 'invoke' as const, value: attempt.id },
      { at: attempt.doneAt, process, type: types[attempt.outcome], value: attempt.id },
    ])
    .toSorted((a, b) => a.at - b.at)
  const began = moments[0]?.at ?? 0
  const history = new History()
  for (const { at, process, type, value } of moments) history.add(at - began, process, type, 'add', value)
  const end = (moments.at(-1)?.at ?? 0) - began
  history.add(end, adds.length, 'invoke', 'read', null)
  history.add(end, adds.length, 'ok', 'read', someGone ? present.filter((id) => known.has(id)) : present)
  return history.ops
}

function acknowledgedAdds(attempts: readonly WriteAttempt[]): string[] {
  return attempts
    .filter(({ via, outcome }) => via !== 'register' && outcome === 'acknowledged')
    .map(({ id }) => id)
}

function missingIn(present: readonly string[]): (id: string) => boolean {
  const there = new Set(present)
  return (id) => !there.has(id)
}

function tell(violations: string[], ids: readonly unknown[], what: string): void {
  if (ids.length > 0) violations.push(`${ids.length} ${what}: ${ids.slice(0, 5).join(', ')}`)
}
