import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Attempt,
  type EpochFindings,
  type LastMove,
  machineNow,
  type SiteFault,
  type TrialSite,
  type TrialWorld,
} from '@budao/testkit'

/** Writes a second, all gateways together. */
const rate = 100
const timeoutMs = 3_000
/** So long after the other site writes what is stopped or cut off stays so, to see whether it does harm when it comes back. */
const aftermathMs = 1_500
/** What was killed does no harm when it comes back: only the move is to be on record. */
const afterKillMs = 600
/** How far the client may be behind its schedule before its figures say nothing. */
const clientLateMsMax = 150

/** What one fault at the site that writes led to. Times in milliseconds since the fault; null: never. */
export interface TrialResult {
  readonly fault: SiteFault
  readonly site: TrialSite
  /** Of the machine's monotonic clock. */
  readonly failedAt: number
  /** Until the first acknowledged write that was sent after the fault. */
  readonly writesMs: number | null
  /** The longest time from the fault on in which no read succeeded anywhere. */
  readonly readsMs: number
  readonly failedWrites: number
  readonly failedReads: number
  /** When the clients were not able to keep their schedule themselves: the trial does not count. */
  readonly clientLateMs: number
  /**
   * By the account of what is measured; from the fault until it was found down (`verdictMs`; null: unknown), and until the move was on
   * record and began (`decidedMs`). Null where nobody keeps one, or nothing was moved.
   */
  readonly move: (LastMove & { readonly verdictMs: number | null; readonly decidedMs: number }) | null
  /** How long it was waited for until both sites could be failed, before the trial. */
  readonly settleMs: number
  readonly findings: EpochFindings
}

/** One fault: settled, clients write, it breaks, somebody else writes; then it comes back. */
export async function runTrial(
  world: TrialWorld,
  fault: SiteFault,
  { phaseMs, waitMsMax }: { readonly phaseMs: number; readonly waitMsMax: number },
): Promise<TrialResult> {
  const settlesAt = machineNow()
  await world.settled()
  const beganAt = machineNow()
  world.startLoad(rate, timeoutMs)
  const first = await world.writeAfter(beganAt, 30_000, () => true)
  if (first === undefined)
    throw new Error(`no write before the fault:\n${JSON.stringify(world.attempts.at(-1))}`)
  // Each at a moment of its own of the intervals in which somebody looks.
  await sleep(500 + phaseMs)
  const before = world.firstWrites.at(-1)!
  const site = before.site as TrialSite
  const movedBefore = world.lastMove()
  const failedAtWall = Date.now()
  const { at, until } = await world.fail(site, fault)
  await world.writeAfter(at, waitMsMax, (write) => helps(write, site, until))
  await sleep(fault === 'site-kill' ? afterKillMs : aftermathMs)
  const move = world.lastMove()
  world.revive()
  await sleep(fault === 'site-kill' ? 0 : aftermathMs)
  await world.stopLoad()
  await world.started()
  const attempts = world.attempts.filter(({ sentAt }) => sentAt > at)
  const failed = (kind: Attempt['kind']): number =>
    attempts.filter((attempt) => attempt.kind === kind && attempt.status !== 200).length
  const firstWrite = Math.min(
    ...attempts
      .filter((attempt) => attempt.kind === 'write' && attempt.status === 200 && helps(attempt, site, until))
      .map(({ doneAt }) => doneAt),
  )
  return {
    ...{ fault, site, failedAt: at, writesMs: Number.isFinite(firstWrite) ? firstWrite - at : null },
    ...{ readsMs: longestGap(attempts, at), failedWrites: failed('write'), failedReads: failed('read') },
    move:
      move === null || move.id === movedBefore?.id
        ? null
        : {
            ...move,
            verdictMs: move.verdictAt === null ? null : move.verdictAt - failedAtWall,
            decidedMs: move.startedAt - failedAtWall,
          },
    settleMs: beganAt - settlesAt,
    clientLateMs: lateness(world.attempts, at),
    findings: world.check(),
  }
}

export function countsAsMeasured({ clientLateMs }: TrialResult): boolean {
  return clientLateMs <= clientLateMsMax
}

/** Whether a write sent after the fault shows that it is over: what the old site answered while it was being broken does not. */
function helps(
  write: { readonly site: string; readonly sentAt: number },
  site: string,
  until: number,
): boolean {
  return write.site !== site || write.sentAt > until
}

/** The longest time without a read that succeeded. */
function longestGap(attempts: readonly Attempt[], from: number): number {
  let [last, longest] = [from, 0]
  const reads = attempts.filter(({ kind, status }) => kind === 'read' && status === 200)
  for (const { doneAt } of reads) {
    longest = Math.max(longest, doneAt - last)
    last = Math.max(last, doneAt)
  }
  return longest
}

/** How late the client itself was at most in the two seconds around the fault. */
function lateness(attempts: readonly Attempt[], at: number): number {
  const near = attempts.filter(({ dueAt }) => Math.abs(dueAt - at) < 2_000)
  return Math.max(0, ...near.map(({ dueAt, sentAt }) => sentAt - dueAt))
}
