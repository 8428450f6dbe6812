import { setTimeout as sleep } from 'node:timers/promises'
import type { FailoverRun, UnitReport } from '@budao/model'
import { CliError } from '../cli-error.ts'
import { AdminRefusal } from '../drill/admin-api.ts'
import type { FailoverApi, MoveBegun, MoveChange } from './failover-api.ts'

const askEveryMs = 100

/** How a move ended, or that it has not. */
export interface MoveEnd {
  readonly run: FailoverRun | null
  readonly report: UnitReport
}

/**
 * Asks until the move has ended, or the time is over. A controller that does not answer for a while is asked on: its successor
 * finishes the move. `progress` gets the run as it goes, and the waiting before it.
 */
export async function followMove(
  api: Pick<FailoverApi, 'unit'>,
  { unit, runId }: MoveBegun,
  { kind, reason, by }: MoveChange,
  before: FailoverRun | null,
  { timeoutMs, progress }: { readonly timeoutMs: number; readonly progress: (report: UnitReport) => void },
): Promise<MoveEnd> {
  const until = performance.now() + timeoutMs
  const isOurs = (run: FailoverRun): boolean =>
    runId === null
      ? run.id !== before?.id && run.kind === kind && run.reason === reason && run.by === by
      : run.id === runId
  for (;;) {
    try {
      const report = await api.unit(unit)
      const run = report.run !== null && isOurs(report.run) ? report.run : null
      progress(report)
      if (run !== null && run.outcome !== null) return { run, report }
      // Another move has begun since: this one is over, and the audit log knows how.
      if (run === null && runId !== null && report.run !== null && report.run.id !== before?.id) {
        return { run: null, report }
      }
      if (performance.now() > until) return { run, report }
    } catch (error) {
      if (!(error instanceof CliError) || error instanceof AdminRefusal || performance.now() > until)
        throw error
    }
    await sleep(askEveryMs)
  }
}
