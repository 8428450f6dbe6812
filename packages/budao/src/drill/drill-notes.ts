import type { DrillNote } from '@budao/controller'
import type { CliError } from '../cli-error.ts'
import type { DrillReport } from './drill-report.ts'
import type { SiteLossOptions } from './site-loss.ts'
import type { SiteProcess } from './site-processes.ts'

/** As long as the admin API takes a message or a reason. */
const textMax = 500

/** What the audit log keeps of a drill that is about to begin. */
export function startedNote(
  { site, rate, durationMs, killAfterMs, forceReason }: SiteLossOptions,
  processes: readonly SiteProcess[],
): DrillNote {
  const count = `${processes.length} ${processes.length === 1 ? 'process' : 'processes'}`
  return {
    phase: 'started',
    site,
    message: `A drill is about to kill ${count} of site ${site} under ${rate} requests/s.`,
    ...(forceReason === undefined ? {} : { reason: forceReason.trim().slice(0, textMax) }),
    evidence: { rate, durationMs, killAfterMs, processes: processes.map(({ name }) => name).join(', ') },
  }
}

/** The headline figures, under the names they have in the report. */
export function finishedNote(report: DrillReport): DrillNote {
  const { site, requests, detect, killed } = report
  return {
    phase: 'finished',
    site,
    message: `The drill lost site ${site}: ${requests.failed} of ${requests.sent} requests failed.`,
    ...(report.forceReason === null ? {} : { reason: report.forceReason.trim().slice(0, textMax) }),
    evidence: {
      passed: report.passed,
      killed: killed.map(({ name }) => name).join(', '),
      sent: requests.sent,
      ok: requests.ok,
      degraded: requests.degraded,
      failed: requests.failed,
      slow: requests.slow,
      longestGapMs: report.longestGapMs,
      detectFirstMs: detect.firstMs,
      detectAllOutMs: detect.allOutMs,
      recoverMs: report.recoverMs,
      retries: report.retries,
      fallbacks: report.fallbacks,
      returnedMs: report.returnedMs,
    },
  }
}

/** For a drill that was noted as started and then killed nobody. */
export function unfinishedNote(site: string, error: CliError): DrillNote {
  return {
    phase: 'finished',
    site,
    message: `The drill of site ${site} ended before it killed anything.`,
    evidence: { passed: false, killed: '', problem: error.message },
  }
}
