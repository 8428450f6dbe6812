import type { AuditRecord } from '@budao/model'
import type { LoggedWrite } from './replica-log.ts'

/** What a controller said of one epoch that a site took. Moments are of the machine’s monotonic clock. */
export interface ReportedLoss {
  readonly epoch: number
  readonly site: string
  /** Null: nobody knows. */
  readonly lossMs: number | null
  /** The site took it after that. */
  readonly claimedAfter: number
}

/** An acknowledged write: `at` is when the client had the answer, which is after it was given. */
export interface AcknowledgedWrite {
  readonly id: number
  readonly epoch: number
  readonly at: number
}

export interface LossFindings {
  readonly violations: readonly string[]
  /** Acknowledged writes that the site which took over did not have. */
  readonly lost: number
  /** Epochs that were taken with a number, and without. */
  readonly reported: number
  readonly unknown: number
}

/** Milliseconds between what two processes of a machine read off its clock, and what rounding takes. */
const slackMs = 5

/**
 * What a failover lost against what it said. A site that took an epoch with `lossMs` has everything that was acknowledged in earlier epochs longer
 * before than that: a write that it has not, and that was acknowledged before, was lost unsaid. `had`: what the site’s data was when it took it.
 */
export function checkLosses(
  reports: readonly ReportedLoss[],
  acknowledged: readonly AcknowledgedWrite[],
  had: (report: ReportedLoss) => ReadonlySet<number> | null,
): LossFindings {
  const violations: string[] = []
  const lostBefore = new Set<number>()
  let [lost, reported, unknown] = [0, 0, 0]
  for (const report of reports.toSorted((a, b) => a.epoch - b.epoch)) {
    const ids = had(report)
    if (ids === null) continue
    const { epoch, site, lossMs, claimedAfter } = report
    if (lossMs === null) unknown++
    else reported++
    for (const { id, epoch: of, at } of acknowledged) {
      if (of >= epoch || ids.has(id) || lostBefore.has(id)) continue
      lostBefore.add(id)
      lost++
      if (lossMs === null || at >= claimedAfter - lossMs - slackMs) continue
      violations.push(
        `loss: write ${id} of epoch ${of} was acknowledged ${Math.round(claimedAfter - at)} ms before ${site} took epoch ${epoch}, which lacks it and said ${Math.round(lossMs)} ms`,
      )
    }
  }
  return { violations, lost, reported, unknown }
}

/** What audit logs say of the moves of a unit: `toClock` makes of a wall-clock moment one of the machine’s clock. */
export function reportedLosses(
  records: readonly AuditRecord[],
  toClock: (wallMs: number) => number,
): ReportedLoss[] {
  const claiming = new Map<number, number>()
  for (const { action, detail, epoch, at } of records)
    if (action === 'run.step' && detail['step'] === 'claiming')
      claiming.set(epoch, Math.min(claiming.get(epoch) ?? Infinity, toClock(Date.parse(at))))
  const told = new Map<number, ReportedLoss>()
  for (const { action, detail, epoch } of records) {
    const claimedAfter = claiming.get(epoch)
    if (action !== 'run.finished' || claimedAfter === undefined) continue
    const lossMs = typeof detail['lossMs'] === 'number' ? detail['lossMs'] : null
    told.set(epoch, { epoch, site: String(detail['to']), lossMs, claimedAfter })
  }
  return [...told.values()]
}

/** What the data of a site was before its first own write of that epoch: its log, as it was written. Null: it wrote nothing in it. */
export function dataBefore(log: readonly string[], epoch: number): ReadonlySet<number> | null {
  const entries: LoggedWrite[] = []
  for (const line of log) {
    const [, id, of] = /^\+(\d+) (\d+)$/.exec(line) ?? []
    const [, length] = /^=(\d+)$/.exec(line) ?? []
    if (length !== undefined) entries.length = Number(length)
    if (of === undefined) continue
    if (Number(of) === epoch) return new Set(entries.map((entry) => entry.id))
    entries.push({ id: Number(id), epoch: Number(of) })
  }
  return null
}
