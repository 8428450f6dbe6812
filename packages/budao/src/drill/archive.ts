import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PastDrillReport } from '@budao/model'
import { CliError } from '../cli-error.ts'
import type { DrillReport } from './drill-report.ts'
import type { ReleaseDrillReport } from './release/release-report.ts'
import type { BrokenOff } from './restore.ts'

const listMax = 1_000

/** Reports of drills in one folder: `ID.json` and `ID.html`. */
export class Archive {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  page(id: string): string {
    return join(this.folder, `${id}.html`)
  }

  /** The newest first, at most a thousand. What is no report is passed over. */
  list(): readonly PastDrillReport[] {
    return this.#names()
      .slice(0, listMax)
      .flatMap((name) => {
        const found = this.#read(name)
        if (found === undefined) return []
        const { id, scenario, site } = found
        if ('restoredAt' in found)
          return { id, scenario, site, at: found.startedAt, verdict: 'broken off' as const }
        return { id, scenario, site, at: found.at, verdict: found.verdict }
      })
  }

  /** The newest, or the only one whose id begins so. Throws CliError where there is none, or several. */
  report(id = ''): DrillReport {
    const names = this.#names().filter((name) => name.startsWith(id) && !name.includes('.broken-off'))
    const exact = names.find((name) => name === `${id}.json`)
    const chosen = exact ?? (id === '' || names.length === 1 ? names[0] : undefined)
    const report = chosen === undefined ? undefined : this.#read(chosen)
    if (report?.scenario === 'bad-release' && 'verdict' in report)
      throw new CliError(`${report.id} was a drill of a release: its page is ${this.page(report.id)}`)
    if (report !== undefined && 'verdict' in report) return report as DrillReport
    const several = names.length > 1 ? `${names.length} drills begin so` : 'there is no such drill'
    throw new CliError(`${id === '' ? 'no drill was run yet' : `${id}: ${several}`}: see budao drill list`)
  }

  /** The report of exactly this id as it stands on disk; null where there is none. */
  text(id: string): string | null {
    if (!this.#names().includes(`${id}.json`)) return null
    return readFileSync(join(this.folder, `${id}.json`), 'utf8')
  }

  /** Its page; null where there is none. */
  html(id: string): string | null {
    try {
      return this.text(id) === null ? null : readFileSync(this.page(id), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.folder)
        .filter((name) => /^\d{8}T\d+Z-.*\.json$/.test(name))
        .toSorted()
        .toReversed()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  #read(name: string): DrillReport | ReleaseDrillReport | BrokenOff | undefined {
    try {
      const found = JSON.parse(readFileSync(join(this.folder, name), 'utf8')) as Partial<
        DrillReport & BrokenOff
      >
      const known = found.schema === 1 || found.restoredAt !== undefined
      return known ? (found as DrillReport | BrokenOff) : undefined
    } catch {
      return undefined
    }
  }
}
