import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrillReport } from './drill-report.ts'
import { drillPage } from './page/drill-page.ts'

/** Keeps a report and its page in a folder; where the page is. */
export function keepReport(folder: string, report: DrillReport): string {
  mkdirSync(folder, { recursive: true })
  write(join(folder, `${report.id}.json`), `${JSON.stringify(report, null, 1)}\n`)
  const page = join(folder, `${report.id}.html`)
  write(page, drillPage(report))
  return page
}

/** Renamed into place: nobody reads half a report. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
