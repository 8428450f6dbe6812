import type { ServiceConfig } from './config.ts'
import { detectionDefaults, detectionWorstCase } from './detection-worst-case.ts'

/** What cannot be held by the times of a service, and the key that says so. */
interface DetectionFinding {
  readonly key: 'detection' | 'objectives'
  readonly message: string
  readonly hint?: string
}

/** Looks at a service’s worst cases: the verdict against `detection.budget`, the recovery against `objectives.rto`. */
export function detectionFindings({
  detection,
  objectives,
  failover,
}: Pick<ServiceConfig, 'detection' | 'objectives' | 'failover'>): DetectionFinding[] {
  if (detection === undefined && objectives?.rto === undefined) return []
  const settings = detection ?? detectionDefaults
  const rows = detectionWorstCase(settings, failover)
  const slowest = rows.reduce((worst, row) => (row.downMs > worst.downMs ? row : worst))
  const findings: DetectionFinding[] = []
  if (detection !== undefined && slowest.downMs > settings.budget) {
    findings.push({
      key: 'detection',
      message: `a dead site may be noticed only after ${slowest.downMs}ms (${slowest.means}), budget is ${settings.budget}ms`,
      ...(settings.mode === 'literal' ? { hint: 'mode `accelerated` decides sooner' } : {}),
    })
  }
  const { rto } = objectives ?? {}
  const recoveryMs = Math.max(...rows.map(({ servingMs, downMs }) => servingMs ?? downMs))
  if (rto !== undefined && recoveryMs > rto) {
    findings.push({
      key: 'objectives',
      message: `a recovery may take ${recoveryMs}ms, rto is ${rto}ms`,
    })
  }
  return findings
}
