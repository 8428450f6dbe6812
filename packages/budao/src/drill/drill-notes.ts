import type { DrillNote } from '@budao/controller'
import { formatDuration } from '@budao/model'
import type { CliError } from '../cli-error.ts'
import type { DrillReport } from './drill-report.ts'
import type { DrillOptions } from './run-drill.ts'

/** As long as the admin API takes a message or a reason. */
const textMax = 500

type Named = Pick<DrillOptions, 'scenario' | 'site'>

/** What the audit log keeps of a drill that is about to begin. */
export function startedNote(
  options: Named &
    Pick<DrillOptions, 'rate' | 'durationMs' | 'faultAfterMs' | 'faultMs' | 'forceReason' | 'by'>,
  id: string,
): DrillNote {
  const { scenario, site, rate, durationMs, faultAfterMs, faultMs, forceReason, by } = options
  return {
    phase: 'started',
    site,
    message: `A drill (${scenario.name}) of site ${site} is about to begin under ${rate} requests/s.`,
    ...reasonOf(forceReason ?? null),
    evidence: {
      id,
      scenario: scenario.name,
      by,
      rate,
      durationMs,
      faultAfterMs,
      ...(scenario.endedBy === 'drill' ? { faultMs } : {}),
    },
  }
}

/** What it broke is as it was, or will be once its processes are restarted. */
export function restoredNote(
  { scenario, site }: Named,
  id: string,
  afterMs: number,
  endedBecause: string | null,
): DrillNote {
  const after = formatDuration(Math.round(afterMs))
  return {
    phase: endedBecause === null ? 'restored' : 'aborted',
    site,
    message:
      endedBecause === null
        ? `What the drill (${scenario.name}) of site ${site} broke is taken back after ${after}.`
        : `The drill (${scenario.name}) of site ${site} was ended early, and what it broke taken back after ${after}: ${endedBecause}.`,
    evidence: { id, scenario: scenario.name, afterMs: Math.round(afterMs) },
  }
}

/** The headline figures, under the names they have in the report. */
export function finishedNote(report: DrillReport): DrillNote {
  const { site, requests, detect, hit, writes, scenario } = report
  return {
    phase: 'finished',
    site,
    message: `The drill (${scenario}) of site ${site} ${report.verdict === 'passed' ? 'was passed' : `was not passed (${report.verdict})`}: ${requests.failed} of ${requests.sent} reads failed.`,
    ...reasonOf(report.forceReason),
    evidence: {
      id: report.id,
      scenario,
      passed: report.passed,
      verdict: report.verdict,
      hit: hit.join(', ').slice(0, textMax),
      sent: requests.sent,
      ok: requests.ok,
      degraded: requests.degraded,
      failed: requests.failed,
      slow: requests.slow,
      longestGapMs: report.longestGapMs,
      detectFirstMs: detect.firstMs,
      detectAllOutMs: detect.allOutMs,
      recoverMs: report.recoverMs,
      rtoMs: Math.max(report.outage?.rtoMs ?? 0, writes?.outage?.rtoMs ?? 0),
      rpoMs: writes?.rpoMs ?? null,
      writesFailed: writes?.requests.failed ?? null,
      writesLost: writes?.lost ?? null,
      retries: report.retries,
      fallbacks: report.fallbacks,
      returnedMs: report.returnedMs,
    },
  }
}

/** For a drill that was noted as started and then broke nothing. */
export function unfinishedNote({ scenario, site }: Named, error: CliError): DrillNote {
  return {
    phase: 'finished',
    site,
    message: `The drill (${scenario.name}) of site ${site} ended before it broke anything.`,
    evidence: { scenario: scenario.name, passed: false, hit: '', problem: error.message.slice(0, textMax) },
  }
}

function reasonOf(reason: string | null): { readonly reason?: string } {
  return reason === null ? {} : { reason: reason.trim().slice(0, textMax) }
}
