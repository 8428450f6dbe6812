import type { DrillReport } from '../drill-report.ts'

/** The report as one page without anything from outside. */
export function drillPage(report: DrillReport): string {
  return `<!doctype html><title>${report.id}</title><pre>${JSON.stringify(report, null, 2)}</pre>`
}
